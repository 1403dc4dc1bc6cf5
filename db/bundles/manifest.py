"""The manifest of a bundle: what is in it, who wrote it, and a checksum of every table."""

import dataclasses
import datetime as dt
import hashlib
import importlib.metadata
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from db.derived_tables import derived
from db.errors import BundleError
from db.tables import VERSION_TABLE

#: Of the bundle itself: goes up when a reader of the present one could not read what is written.
FORMAT: Final = 1
#: Rows that are in memory at a time.
CHUNK: Final = 5_000
#: Table of a bundle's SQLite form that holds the manifest, in one row.
MANIFEST_TABLE: Final = "frontsweep_bundle"
#: File of a bundle's Parquet form.
MANIFEST_FILE: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class TableSummary:
    """One table of a bundle.

    Attributes:
        rows: How many.
        sha256: Of the rows as ``summary`` reads them, the same for both forms.
    """

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in a bundle.

    Attributes:
        format: Version of the bundle's form.
        schema: Version of the tables.
        program: Who wrote it, e.g. ``frontsweep 0.1.0``.
        created_at: When its rows were read; UTC.
        source: Kind and version of the database that they are from; never where it is.
        sweeps: Names of the sweeps in it.
        whole: Whether it holds all that the database held; otherwise some sweeps and what belongs to them.
        tables: Name → rows and checksum.
    """

    format: int
    schema: str
    program: str
    created_at: dt.datetime
    source: str
    sweeps: tuple[str, ...]
    whole: bool
    tables: Mapping[str, TableSummary]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {**dataclasses.asdict(self), "sweeps": list(self.sweeps), "created_at": self.created_at.isoformat()}


def program() -> str:
    """Return the name and version of this program."""
    return f"frontsweep {importlib.metadata.version('frontsweep')}"


def manifest_from_text(text: str, known_schemas: tuple[str, ...]) -> Manifest:
    """Read a manifest.

    Args:
        text: JSON.
        known_schemas: Those that this program can read.

    Raises:
        BundleError: Damaged, or of a newer release.
    """
    try:
        values = json.loads(text)
        if values["format"] > FORMAT or values["schema"] not in known_schemas:
            raise BundleError(
                f"the bundle was written by {values['program']} in format {values['format']}, schema "
                f"{values['schema']}; {program()} reads up to format {FORMAT}, schema {known_schemas[-1]}",
                "Upgrade frontsweep here.",
            )
        tables = {name: TableSummary(**one) for name, one in values["tables"].items()}
        created_at = dt.datetime.fromisoformat(values["created_at"])
        return Manifest(**{**values, "tables": tables, "created_at": created_at, "sweeps": tuple(values["sweeps"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(f"its manifest cannot be read ({type(error).__name__}: {error})") from error


def damaged(what: str) -> BundleError:
    """Say that a bundle is not as it was written."""
    return BundleError(
        f"the bundle is damaged or was changed: {what}; nothing was imported",
        "Fetch or export it again; a bundle that was used as a database is exported with --db sqlite:///FILE.",
    )


def table_names(connection: sqlite3.Connection) -> set[str]:
    """Return the names of a file's tables of results: without the program's own, and those computed from others."""
    found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {name for name in found if not name.startswith("sqlite_")} - {VERSION_TABLE, MANIFEST_TABLE, *derived.tables}


def column_names(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns of a table in alphabetical order, which no migration changes."""
    return sorted(row[1] for row in connection.execute(f"PRAGMA table_info({quoted(table)})"))


def summary(connection: sqlite3.Connection, table: str) -> TableSummary:
    """Count a table's rows and digest them.

    The digest is SHA-256 over lines of JSON: the column names, then each row's values as SQLite stores them, columns in
    alphabetical order and rows in the order of the primary key.
    """
    columns = column_names(connection, table)
    keys = [(row[5], row[1]) for row in connection.execute(f"PRAGMA table_info({quoted(table)})") if row[5]]
    listed = ", ".join(map(quoted, columns))
    order = ", ".join(quoted(name) for _, name in sorted(keys))
    digest = hashlib.sha256(_line(columns))
    rows = 0
    for row in connection.execute(f"SELECT {listed} FROM {quoted(table)} ORDER BY {order or listed}"):  # noqa: S608  # quoted
        digest.update(_line(row))
        rows += 1
    return TableSummary(rows, digest.hexdigest())


def quoted(name: str) -> str:
    """Return a name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _line(values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=repr).encode() + b"\n"

"""Opening a bundle: its rows in a new database of this program's schema, when they are what its manifest says.

Only rows are taken from a bundle, never its tables' definitions: whatever else is in the file has no effect, and every
constraint holds. The bundle itself is only read.
"""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Boolean, Column, Connection, Double, Integer, func, or_, select
from sqlalchemy.engine import URL

from db import schema, sqlite_engine
from db.bundles import parquet
from db.bundles.manifest import (
    CHUNK,
    MANIFEST_FILE,
    MANIFEST_TABLE,
    Manifest,
    column_names,
    damaged,
    manifest_from_text,
    quoted,
    summary,
    table_names,
)
from db.engine import transaction
from db.errors import BundleError, StoreError
from db.tables import attempts, jobs, metadata

_SQLITE_HEADER: Final = b"SQLite format 3\0"

#: Table and columns → its rows as SQLite stores them, in pieces.
_Reader = Callable[[str, Sequence[str]], Iterator[list[tuple[Any, ...]]]]


@dataclass(frozen=True, slots=True)
class OpenBundle:
    """A bundle that was checked.

    Attributes:
        manifest: As it was written.
        file: Its rows: an SQLite database of this program's schema.
    """

    manifest: Manifest
    file: Path

    @property
    def url(self) -> URL:
        """URL of ``file``."""
        return _url(self.file)


@contextlib.contextmanager
def opened(bundle: Path) -> Iterator[OpenBundle]:
    """Check a bundle of either form, and give its rows for as long as the context lasts.

    Raises:
        BundleError: It is no bundle, damaged, changed since, or of a newer release.
    """
    with tempfile.TemporaryDirectory(prefix="frontsweep-bundle-") as scratch:
        file = Path(scratch) / "rows.sqlite"
        try:
            with _manifest_and_rows(bundle, Path(scratch)) as (manifest, rows_of):
                _rebuild(file, manifest, rows_of)
        except OSError as error:
            reason = error.strerror or str(error)
            raise BundleError(f"cannot read {bundle}: {reason}", "Name what `export` wrote.") from error
        except sqlite3.Error as error:
            if "disk is full" in str(error):
                raise StoreError(f"no space for a copy of {bundle}", "Free some space, or set TMPDIR.") from error
            raise damaged(str(error)) from error
        schema.upgrade(_url(file), on_request=True)
        _check_values(file)
        yield OpenBundle(manifest, file)


def _url(file: Path) -> URL:
    return URL.create("sqlite", database=str(file))


# The two forms -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _manifest_and_rows(bundle: Path, scratch: Path) -> Iterator[tuple[Manifest, _Reader]]:
    if bundle.is_dir():
        yield _manifest_of_directory(bundle), lambda table, columns: parquet.rows_of(bundle, table, columns)
        return
    # Read from a copy on a local disk: SQLite may want to write beside the file, or lock it where locks do not work.
    copied = Path(scratch) / "bundle.sqlite"
    shutil.copyfile(bundle, copied)
    with contextlib.closing(_connected(bundle, copied)) as connection:
        yield _manifest_of_file(bundle, connection), lambda table, columns: _rows_of_file(connection, table, columns)


def _manifest_of_directory(bundle: Path) -> Manifest:
    try:
        text = (bundle / MANIFEST_FILE).read_text("utf-8")
    except FileNotFoundError:
        raise BundleError(f"{bundle} is no bundle: it has no {MANIFEST_FILE}", "Name what `export` wrote.") from None
    except UnicodeDecodeError as error:
        raise damaged(f"{MANIFEST_FILE}: {error}") from error
    return manifest_from_text(text, schema.known_versions())


def _connected(bundle: Path, copied: Path) -> sqlite3.Connection:
    with copied.open("rb") as file:
        if file.read(len(_SQLITE_HEADER)) != _SQLITE_HEADER:
            raise BundleError(
                f"{bundle} is no bundle", "Name what `export` wrote; a CSV file of published results is --published's."
            )
    return sqlite_engine.connect_read_only(copied)


def _manifest_of_file(bundle: Path, connection: sqlite3.Connection) -> Manifest:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (MANIFEST_TABLE,)).fetchone():
        raise BundleError(
            f"{bundle} is a database, but no bundle",
            f"If it is one of ours: orchestrator --db sqlite:///{bundle} export bundle.sqlite",
        )
    row = connection.execute(f"SELECT manifest FROM {quoted(MANIFEST_TABLE)}").fetchone()  # noqa: S608  # a constant
    return manifest_from_text(str(row and row[0]), schema.known_versions())


def _rows_of_file(
    connection: sqlite3.Connection, table: str, columns: Sequence[str]
) -> Iterator[list[tuple[Any, ...]]]:
    named = {row[1] for row in connection.execute(f"PRAGMA table_info({quoted(table)})")}
    if named != set(columns):  # SQLite takes a quoted name that is none for a text
        raise damaged(f"the table {table} is missing or has other columns")
    found = connection.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(table)}")  # noqa: S608  # quoted
    while rows := found.fetchmany(CHUNK):
        yield rows


# Checks ------------------------------------------------------------------------------------------------------------


def _rebuild(file: Path, manifest: Manifest, rows_of: _Reader) -> None:
    """Make a database of a bundle's rows, in the schema in which they were written.

    Raises:
        BundleError: A table is missing, or its rows are not what the manifest says.
    """
    engine = sqlite_engine.migration_engine(file)
    try:
        with engine.begin() as connection:
            schema.create(connection, manifest.schema)
        with engine.begin() as connection:
            bare = _bare(connection)
            if set(manifest.tables) != table_names(bare):
                raise damaged("its manifest does not list the tables of its schema")
            for name in sorted(manifest.tables):
                _fill(bare, name, rows_of)
                if summary(bare, name) != manifest.tables[name]:
                    raise damaged(f"the checksum of {name} differs")
    finally:
        engine.dispose()


def _bare(connection: Connection) -> sqlite3.Connection:
    bare: Any = connection.connection.dbapi_connection
    assert isinstance(bare, sqlite3.Connection)  # noqa: S101  # what the type checker cannot know
    return bare


def _fill(connection: sqlite3.Connection, table: str, rows_of: _Reader) -> None:
    columns = column_names(connection, table)
    listed, marks = ", ".join(map(quoted, columns)), ", ".join("?" for _ in columns)
    for rows in rows_of(table, columns):
        connection.executemany(f"INSERT INTO {quoted(table)} ({listed}) VALUES ({marks})", rows)  # noqa: S608  # quoted


def _check_values(file: Path) -> None:
    """Refuse values that are not of their column's kind, and work in progress: no export writes such.

    SQLite stores anything anywhere, and whoever edits a bundle can also write a new checksum.
    """
    engine = sqlite_engine.read_engine(file)
    with transaction(engine, _url(file)) as connection:
        for table in metadata.sorted_tables:
            strange = or_(*(func.typeof(one).not_in([_kind(one), "null"]) for one in table.columns))
            if connection.execute(select(func.count()).select_from(table).where(strange)).scalar():
                raise damaged(f"{table.name} holds values that are not of their column's kind")
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise damaged("some of its rows point to nothing")
        if connection.execute(select(jobs.c.fingerprint).where(jobs.c.state == "running")).first():
            raise damaged("jobs run in it")
        if connection.execute(select(attempts.c.fingerprint).where(attempts.c.outcome.is_(None))).first():
            raise damaged("attempts have not ended in it")
    engine.dispose()


def _kind(column: Column[Any]) -> str:
    if isinstance(column.type, Integer | Boolean):
        return "integer"
    return "real" if isinstance(column.type, Double) else "text"

"""Writing a bundle: a snapshot of the chosen rows, at rest, sealed with their checksums."""

import contextlib
import datetime as dt
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Table, insert, select, true, update
from sqlalchemy.engine import URL

from db import backup, points, schema
from db.bundles import parquet
from db.bundles.manifest import CHUNK, FORMAT, MANIFEST_TABLE, Manifest, program, quoted, summary, table_names
from db.bundles.selection import rows_of
from db.engine import is_sqlite, open_read_engine, transaction
from db.errors import BundleError, StoreError
from db.pauses import NOT_PAUSED
from db.reader import open_reader
from db.store import utc_now
from db.tables import attempts, drivers, jobs, metadata, sweeps
from db.urls import parse_url, sqlite_path

Form = Literal["sqlite", "parquet"]
FORMS: Final[tuple[Form, ...]] = ("sqlite", "parquet")
#: What a job that was running says in the copy, where nobody runs it.
_WAS_RUNNING: Final = "was running when it was exported"


def export(
    url: str,
    target: Path,
    *,
    form: Form = "sqlite",
    names: Sequence[str] = (),
    published: bool = False,
    clock: Callable[[], dt.datetime] = utc_now,
) -> Manifest:
    """Write a bundle; it has its name only when it is whole, and nothing is ever overwritten.

    A sweep that runs meanwhile goes on. In the copy nobody runs anything: running jobs are queued there.

    Args:
        url: The database.
        target: The bundle to be: a file, or a directory for Parquet.
        form: ``sqlite`` or ``parquet``.
        names: The sweeps that are wanted; all of the database if empty.
        published: With ``names``: published results too.
        clock: Gives the time of the snapshot.

    Raises:
        BundleError: The target exists, or there is no directory for it.
        UnknownNameError: There is no such sweep.
        StoreError: The database cannot be read, or the bundle not be written.
    """
    _require_new(target)
    with contextlib.closing(open_reader(url)) as reader:
        chosen = [reader.sweep(name).name for name in names]
    conditions = rows_of(chosen, published=published) if chosen else {}
    with _scratch() as scratch:
        file = scratch / "bundle.sqlite"
        with _snapshot(parse_url(url), scratch) as source:
            now = clock()
            _copy(source, file, conditions, now)
            kind = f"{source.dialect.name} {'.'.join(map(str, source.dialect.server_version_info or ()))}"
        manifest = _sealed(file, kind, now, whole=not chosen)
        made = parquet.write(file, manifest, scratch / "bundle") if form == "parquet" else file
        _place(made, target)
    return manifest


def _require_new(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise BundleError(f"{target} exists", "Name a new file: nothing is overwritten.")
    if not target.parent.is_dir():
        raise BundleError(f"there is no directory {target.parent}", "Make it first, or name another file.")


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Give a directory on a local disk: SQLite is not safe on every one that a bundle may lie on."""
    try:
        with tempfile.TemporaryDirectory(prefix="frontsweep-bundle-") as directory:
            yield Path(directory)
    except OSError as error:
        raise StoreError(f"cannot write the bundle: {error}", "Free some space, or set TMPDIR.") from error


@contextlib.contextmanager
def _snapshot(url: URL, scratch: Path) -> Iterator[Connection]:
    """Read a database as it is at one moment.

    An SQLite file is copied first: whoever reads it for long keeps its writers waiting.
    """
    if is_sqlite(url):
        copied = scratch / "snapshot.sqlite"
        backup.copy(sqlite_path(url), copied)
        url = URL.create("sqlite", database=str(copied))
    engine = open_read_engine(url)
    if not is_sqlite(url):
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        with transaction(engine, url) as connection:
            yield connection
    finally:
        engine.dispose()


def _copy(source: Connection, file: Path, conditions: Mapping[Table, ColumnElement[bool]], now: dt.datetime) -> None:
    """Make a database of the chosen rows; its foreign keys make sure that what they refer to is chosen too."""
    url = URL.create("sqlite", database=str(file))
    engine = schema.prepare(url)
    with transaction(engine, url) as target:
        for table in metadata.sorted_tables:
            query = select(table).where(conditions.get(table, true())).order_by(*table.primary_key.columns)
            found = source.execution_options(yield_per=CHUNK).execute(query).mappings()
            for rows in found.partitions():
                target.execute(insert(table), [_without_nul(dict(row)) for row in rows])
        _put_at_rest(target, now)
        points.rebuild(target)
    engine.dispose()


def _without_nul(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose text Postgres can hold too: a crash's log may have NUL characters, which it refuses."""
    return {
        name: value.replace("\0", "�") if isinstance(value, str) and "\0" in value else value
        for name, value in row.items()
    }


def _put_at_rest(bundle: Connection, now: dt.datetime) -> None:
    """Let nobody run anything in the copy; as if its drivers had ended, except that no loss is counted.

    It names no artifacts directory either: the files there stay the source's, and ``gc`` must not find them from here.
    """
    lost = {"outcome": "lost", "ended_at": now, "message": _WAS_RUNNING}
    bundle.execute(update(attempts).where(attempts.c.outcome.is_(None)).values(lost))
    queued = {"state": "queued", "reason": _WAS_RUNNING, "driver_id": None, "slot": None}
    bundle.execute(update(jobs).where(jobs.c.state == "running").values(queued))
    going_on = sweeps.c.state.in_(["running", "paused"])
    bundle.execute(update(sweeps).where(going_on).values(state="stopped", **NOT_PAUSED))
    bundle.execute(update(sweeps).values(driver_id=None, artifacts=""))
    bundle.execute(update(drivers).where(drivers.c.ended_at.is_(None)).values(ended_at=now))


def _sealed(file: Path, source: str, now: dt.datetime, *, whole: bool) -> Manifest:
    """Put the manifest into a bundle, and make it one file that can be read where nothing can be written."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        manifest = Manifest(
            format=FORMAT,
            schema=schema.HEAD,
            program=program(),
            created_at=now,
            source=source,
            sweeps=tuple(name for (name,) in connection.execute("SELECT name FROM sweeps ORDER BY sweep_id")),
            whole=whole,
            tables={name: summary(connection, name) for name in sorted(table_names(connection))},
        )
        connection.execute(f"CREATE TABLE {quoted(MANIFEST_TABLE)} (manifest TEXT NOT NULL)")
        connection.execute(f"INSERT INTO {quoted(MANIFEST_TABLE)} VALUES (?)", (json.dumps(manifest.to_json()),))  # noqa: S608  # a constant
        connection.execute("PRAGMA journal_mode=DELETE")
    return manifest


def _place(made: Path, target: Path) -> None:
    """Bring a finished bundle to its place: all of it at once, and never over something else."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as directory:
        moved = Path(directory) / target.name
        if made.is_dir():
            shutil.copytree(made, moved, copy_function=_copy_file)
        else:
            _copy_file(made, moved)
        _reserve(target, is_directory=made.is_dir())
        moved.replace(target)


def _copy_file(source: str | Path, target: str | Path) -> None:
    """Copy a file, with the permissions of a new one, and wait until the disk has it."""
    shutil.copyfile(source, target)
    with Path(target).open("rb") as copied:
        os.fsync(copied.fileno())


def _reserve(target: Path, *, is_directory: bool) -> None:
    """Take the name, with nothing in it, unless somebody else has it; renaming alone would overwrite a file."""
    try:
        target.mkdir() if is_directory else target.touch(exist_ok=False)
    except FileExistsError:
        raise BundleError(f"{target} exists", "Name a new file: nothing is overwritten.") from None

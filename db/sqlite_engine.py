"""Engines on an SQLite file, used as SQLite bears it.

A write transaction takes its lock at the start (``BEGIN IMMEDIATE``): one that reads first and writes later fails with
"database is locked" however long the busy timeout. A reader opens the file read-only for real and creates nothing.

Source:
    https://www.sqlite.org/wal.html, "The WAL-reset bug": before 3.51.3 WAL can corrupt a file that several connections
    write and checkpoint, so older libraries use the rollback journal.
"""

import math
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from db.errors import DatabaseMissingError, DatabaseReplacedError, StoreError

#: "FSwp" in ASCII: says whose file this is.
APPLICATION_ID = 0x46537770
BUSY_TIMEOUT_SECONDS = 30.0
_PRAGMAS = ("foreign_keys=ON", "synchronous=FULL", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0")
#: GROUPS frames (3.28), RETURNING and mathematical functions (3.35).
OLDEST_LIBRARY = (3, 35, 0)
_FIRST_LIBRARY_WITH_SOUND_WAL = (3, 51, 3)


def journal_mode() -> str:
    """Return the journal mode that is safe with the SQLite library in use."""
    return "wal" if sqlite3.sqlite_version_info >= _FIRST_LIBRARY_WITH_SOUND_WAL else "delete"


def set_journal_mode(path: Path) -> None:
    """Bring a file to the journal mode that is safe here; left as it is while others have the file open."""
    connection = _connect(path, "rw")
    try:
        if connection.execute("PRAGMA journal_mode").fetchone() != (journal_mode(),):
            connection.execute(f"PRAGMA journal_mode={journal_mode()}")
    except sqlite3.OperationalError:  # locked: the next opening tries again
        pass
    finally:
        connection.close()


def write_engine(path: Path) -> Engine:
    """Open an existing database file for writing; each transaction holds the write lock from its start.

    The file's identity is remembered: a deleted or replaced file is an error, never a new empty database.
    """
    identity = _identity(path)

    def connect() -> sqlite3.Connection:
        if _identity(path) != identity:
            raise DatabaseReplacedError(f"{path} was replaced since it was opened", "Stop, and start again.")
        return _connect(path, "rw")

    return _engine(connect, begin="BEGIN IMMEDIATE")


def migration_engine(path: Path) -> Engine:
    """Open a database file to change its schema, creating the file if there is none.

    Foreign keys are not enforced while tables are rebuilt; ``db.schema`` checks them before it commits.
    """

    def connect() -> sqlite3.Connection:
        connection = _connect(path, "rwc")
        connection.execute("PRAGMA foreign_keys=OFF")
        return connection

    return _engine(connect, begin="BEGIN IMMEDIATE")


def read_engine(path: Path) -> Engine:
    """Open an existing database file read-only."""

    def connect() -> sqlite3.Connection:
        connection = connect_read_only(path)
        connection.execute("PRAGMA query_only=ON")
        return connection

    return _engine(connect, begin="BEGIN")


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Return a bare connection to a file opened read-only, in autocommit mode.

    What a killed writer left half-written is undone first, as SQLite does for whoever opens the file next: a read-only
    connection can neither do so nor read past it.

    Raises:
        DatabaseMissingError: There is no such file.
    """
    try:
        return _connect(path, "ro")
    except sqlite3.OperationalError:
        if not path.with_name(f"{path.name}-journal").exists():
            raise
    _connect(path, "rw").close()
    return _connect(path, "ro")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < OLDEST_LIBRARY:
        raise StoreError(
            f"SQLite {sqlite3.sqlite_version} is too old: 3.35 is the oldest that works", "Use a newer Python."
        )
    if mode != "rwc" and not path.exists():
        raise missing(path)
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,  # transactions begin where the engine's event says so
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("SELECT count(*) FROM sqlite_master")  # reads the file: now an error is found here
        _provide_square_root(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def missing(path: Path) -> DatabaseMissingError:
    """Say that there is no database at a path, and how to get one."""
    return DatabaseMissingError(
        f"there is no database at {path}",
        "Run `orchestrator launch sweep.yaml` there first, or name another one with --db or ORCHESTRATOR_DB.",
    )


def _provide_square_root(connection: sqlite3.Connection) -> None:
    """Add ``sqrt`` where the library was built without mathematical functions; a view needs it."""
    try:
        connection.execute("SELECT sqrt(4.0)")
    except sqlite3.OperationalError:
        connection.create_function("sqrt", 1, math.sqrt, deterministic=True)
        connection.execute("PRAGMA trusted_schema=ON")  # or no view may call a function of ours


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116  # the pair below is what stat is asked for
    except FileNotFoundError:
        raise missing(path) from None
    return status.st_dev, status.st_ino


def _engine(connect: Callable[[], sqlite3.Connection], begin: str) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine

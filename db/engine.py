"""Engines for a database URL, and the library's exceptions turned into the store's own."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from db import postgres_engine, sqlite_engine
from db.errors import DatabaseBusyError, DatabaseDamagedError, DatabaseUnavailableError
from db.file_systems import refuse_shared_file_system
from db.urls import scrubbed, shown, sqlite_path


def is_sqlite(url: URL) -> bool:
    """Tell an SQLite URL from a Postgres one."""
    return url.get_backend_name() == "sqlite"


def open_write_engine(url: URL) -> Engine:
    """Open an existing database for writing.

    Raises:
        DatabaseMissingError: There is no such SQLite file.
        NetworkFileSystemError: The SQLite file is where SQLite is not safe.
    """
    if not is_sqlite(url):
        return postgres_engine.write_engine(url)
    refuse_shared_file_system(sqlite_path(url))
    return sqlite_engine.write_engine(sqlite_path(url))


def open_read_engine(url: URL) -> Engine:
    """Open an existing database read-only; nothing is created."""
    return sqlite_engine.read_engine(sqlite_path(url)) if is_sqlite(url) else postgres_engine.read_engine(url)


@contextmanager
def transaction(engine: Engine, url: URL) -> Iterator[Connection]:
    """Run one transaction: committed at the end, rolled back by an exception.

    Raises:
        DatabaseUnavailableError: Not reachable, locked for too long, or cut off; trying again may help.
        DatabaseDamagedError: An SQLite file that is not sound.
    """
    with translated(url), engine.begin() as connection:
        yield connection


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn what the drivers raise into errors of the store, without the URL's password."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        known = _translate(error, url)
        if known is None:
            raise
        raise known from None  # the driver's exception may show the password


def _translate(error: DBAPIError | sqlite3.Error, url: URL) -> DatabaseUnavailableError | DatabaseDamagedError | None:
    origin = error.orig if isinstance(error, DBAPIError) else error
    reason = scrubbed(" ".join(str(origin).split()), url)
    where = shown(url)
    if isinstance(origin, sqlite3.DatabaseError):
        return _translate_sqlite(origin, reason, where)
    if isinstance(origin, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled):
        return DatabaseBusyError(f"{where} is busy: {reason}", "Someone else holds a lock there; try again.")
    if isinstance(error, OperationalError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return DatabaseUnavailableError(
            f"cannot use {where}: {reason}", "Check that the server runs, and the host, port, user and database."
        )
    return None


def _translate_sqlite(
    origin: sqlite3.DatabaseError, reason: str, where: str
) -> DatabaseUnavailableError | DatabaseDamagedError | None:
    if "locked" in reason or "busy" in reason:
        return DatabaseBusyError(
            f"{where} is locked by another process since more than {sqlite_engine.BUSY_TIMEOUT_SECONDS:.0f} s",
            "Find it with `fuser` on the file; a stopped process keeps its lock until it goes on or ends.",
        )
    if "malformed" in reason or "not a database" in reason:
        return DatabaseDamagedError(
            f"{where} is damaged: {reason}", "Nothing was changed. Restore a backup, or name another file with --db."
        )
    if not isinstance(origin, sqlite3.OperationalError) or "syntax" in reason or "no such" in reason:
        return None
    if "disk is full" in reason:
        return DatabaseUnavailableError(f"{where}: no space left on its disk", "Free some space; nothing is lost.")
    return DatabaseUnavailableError(
        f"cannot use {where}: {reason}", "Check the owner and mode of the file and its directory."
    )

"""Looking after a database: a copy of it, and a check of its soundness."""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, select

from db import schema, sqlite_engine
from db.engine import is_sqlite, open_read_engine, transaction, translated
from db.errors import StoreError
from db.tables import evaluations, jobs, measurements, trainings
from db.urls import parse_url, shown, sqlite_path


def backup(url: str, target: Path) -> None:
    """Copy an SQLite database while others may use it.

    Raises:
        StoreError: The target exists, cannot be written, or the database is Postgres, which has tools of its own.
    """
    parsed = parse_url(url)
    if not is_sqlite(parsed):
        raise StoreError(f"{shown(parsed)} is a Postgres database", "Use `pg_dump --format=custom`.")
    if target.exists():
        raise StoreError(f"{target} exists", "Name a new file.")
    with translated(parsed):
        source = sqlite_engine.connect_read_only(sqlite_path(parsed))
    try:
        source.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise StoreError(f"cannot write {target}: {error}", "Name a file in a directory with space left.") from error
    finally:
        source.close()


def check(url: str) -> list[str]:
    """Return what is wrong with a database, in words; nothing when it is sound.

    Raises:
        DatabaseMissingError, SchemaVersionError, DatabaseUnavailableError: It cannot be checked.
    """
    parsed = parse_url(url)
    engine = open_read_engine(parsed)
    with transaction(engine, parsed) as connection:
        schema.check_for_reading(connection, parsed)
        found = _jobs_without_result(connection)
        if is_sqlite(parsed):
            found += _file_problems(connection)
    engine.dispose()
    return found


def _file_problems(connection: Connection) -> list[str]:
    answer = [str(line) for line in connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars()]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    pointless = [f"{table}: row {row} points to nothing" for table, row, *_ in orphans]
    return [line for line in answer if line != "ok"] + pointless


def _jobs_without_result(connection: Connection) -> list[str]:
    results = {"train": trainings, "evaluate": evaluations, "measure": measurements}
    found = []
    for stage, table in results.items():
        query = select(jobs.c.fingerprint).where(
            jobs.c.stage == stage, jobs.c.state == "done", jobs.c.fingerprint.not_in(select(table.c.fingerprint))
        )
        found += [f"{stage} job {one} is done but has no result" for one in connection.execute(query).scalars()]
    return found

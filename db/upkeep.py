"""Looking after a database: its upgrade, a copy of it, and a check of its soundness."""

from pathlib import Path

from sqlalchemy import Connection, Engine, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from db import backup as copies
from db import points, schema
from db.engine import is_sqlite, open_read_engine, open_write_engine, transaction, translated
from db.errors import StoreError
from db.tables import evaluations, jobs, measurements, trainings
from db.urls import parse_url, scrubbed, shown, sqlite_path
from db.views import VIEWS


def version(url: str) -> str:
    """Return the schema of a database.

    Raises:
        DatabaseMissingError: Nothing of ours is stored there.
        DatabaseUnavailableError: It cannot be reached.
    """
    parsed = parse_url(url)
    engine = open_read_engine(parsed)
    try:
        with transaction(engine, parsed) as connection:
            return schema.required_version(connection, parsed)
    finally:
        engine.dispose()


def upgrade(url: str) -> schema.Upgrade:
    """Bring a database to this program's schema; none is created.

    Of a current one the derived tables are computed anew, if they are not what the results come to.

    Raises:
        StoreError: One of its kinds; nothing was changed.
    """
    if version(url) == schema.HEAD:
        return schema.Upgrade(schema.HEAD, corrected=_correct_points(parse_url(url)))
    return schema.upgrade(parse_url(url), on_request=True)


def _correct_points(url: URL) -> int:
    engine = open_write_engine(url)
    try:
        with transaction(engine, url) as connection:
            wrong = points.differences(connection)
            if wrong:
                points.rebuild(connection)
            return wrong
    finally:
        engine.dispose()


def copying_by_hand(url: str) -> str | None:
    """Return the command that copies a database which ``backup`` does not copy; None for an SQLite file."""
    parsed = parse_url(url)
    return None if is_sqlite(parsed) else copies.postgres_command(parsed)


def backup(url: str, target: Path) -> None:
    """Copy an SQLite database while others may use it.

    Raises:
        StoreError: The target exists, cannot be written, or the database is Postgres, which has tools of its own.
    """
    parsed = parse_url(url)
    if not is_sqlite(parsed):
        command = copies.postgres_command(parsed)
        raise StoreError(f"{shown(parsed)} is a Postgres database, which has tools of its own", f"Run `{command}`.")
    with translated(parsed):
        copies.copy(sqlite_path(parsed), target)


def check(url: str) -> list[str]:
    """Return what is wrong with a database, in words; nothing when it is sound.

    Raises:
        DatabaseMissingError, SchemaVersionError, DatabaseUnavailableError: It cannot be checked.
    """
    parsed = parse_url(url)
    engine = open_read_engine(parsed)
    try:
        with transaction(engine, parsed) as connection:
            schema.check_for_reading(connection, parsed)
            found = _jobs_without_result(connection) + _wrong_points(connection)
            if is_sqlite(parsed):
                found += _file_problems(connection)
        return found + _views_without_answer(engine, parsed)
    finally:
        engine.dispose()


def _wrong_points(connection: Connection) -> list[str]:
    wrong = points.differences(connection)
    return [f"{wrong} rows of result_points are not what the results come to: run `orchestrator db upgrade`"] * (
        wrong > 0
    )


def _file_problems(connection: Connection) -> list[str]:
    answer = [str(line) for line in connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars()]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    pointless = [f"{table}: row {row} points to nothing" for table, row, *_ in orphans]
    return [line for line in answer if line != "ok"] + pointless


def _views_without_answer(engine: Engine, url: URL) -> list[str]:
    """Read every row of every view, each in a transaction of its own: an error ends one on Postgres."""
    found = []
    for name, view in VIEWS.items():
        try:
            with engine.begin() as connection:
                connection.execute(select(view)).all()
        except DBAPIError as error:
            found.append(f"the view {name} cannot be read: {scrubbed(' '.join(str(error.orig).split()), url)}")
    return found


def _jobs_without_result(connection: Connection) -> list[str]:
    results = {"train": trainings, "evaluate": evaluations, "measure": measurements}
    found = []
    for stage, table in results.items():
        query = select(jobs.c.fingerprint).where(
            jobs.c.stage == stage, jobs.c.state == "done", jobs.c.fingerprint.not_in(select(table.c.fingerprint))
        )
        found += [f"{stage} job {one} is done but has no result" for one in connection.execute(query).scalars()]
    return found

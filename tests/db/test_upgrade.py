"""Databases of earlier releases: what an upgrade keeps, adds and refuses, on both engines."""

import dataclasses
import logging
import re
import shlex
import shutil
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from db import backup, schema, upkeep, views
from db.derived_tables import derived
from db.errors import DatabaseMissingError, SchemaVersionError, StoreError
from db.reader import open_reader
from db.store import open_store
from db.tables import VERSION_TABLE, metadata
from db.urls import parse_url
from orchestrator.cli import run
from tests.db.example_rows import FASHION, Sweep, digest, driver
from tests.db.golden_databases import load

NEW_TABLES = {"measurement_rounds", "sightings", "searches", "search_trials", "search_trial_jobs"}
OLD_TABLES = [name for name in metadata.tables if name not in NEW_TABLES]
NEW_COLUMNS = {
    ("datasets", "validation_images"),
    ("environments", "superseded_at"),
    ("evaluations", "validation_images"),
    ("evaluations", "validation_correct"),
    ("samples", "round"),
    ("samples", "reference_images_per_second"),
    *(("measurements", name) for name in ("complete", "compiled", "iqr", "loading_images_per_second")),
    *(("measurements", f"latency_{percentile}_milliseconds") for percentile in ("p50", "p90", "p99")),
    *(("measurements", f"end_to_end_{name}") for name in ("images_per_second", "low", "high")),
    *(("measurements", name) for name in ("micro_batch", "accumulation", "replicas", "ipus_per_replica")),
    ("measurements", "device_iterations"),
    *(("sweeps", name) for name in ("paused_seconds", "paused_at", "paused_by", "pause_interrupts")),
}


@pytest.fixture(params=["sqlite", "postgres"])
def old_url(request):
    """URL of a database that the first release left: the same test on both engines."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "new_postgres_url")
    load(url, "0001")
    return url


@pytest.fixture
def fresh_url(request, old_url, empty_schema_file):
    """URL of an empty database of this release, on the same engine as the old one."""
    if old_url.startswith("sqlite"):
        return f"sqlite:///{empty_schema_file}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def old_file(sqlite_url):
    """Path of an SQLite file that the first release left."""
    load(sqlite_url, "0001")
    return Path(parse_url(sqlite_url).database)


def query(url, statement):
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        found = connection.execute(text(statement))
        rows = [dict(row) for row in found.mappings()] if found.returns_rows else []
    engine.dispose()
    return rows


def content(url, names, columns=()):
    """Every row of some tables or views, in no order, as text."""
    found = {}
    for name in names:
        rows = query(url, f"SELECT * FROM {name}")  # noqa: S608  # names of ours
        found[name] = sorted(str({key: row[key] for key in sorted(columns or row) if key in row}) for row in rows)
    return found


def without_new(rows_of_tables, url):
    """The same, without the columns that came with the upgrade."""
    return {
        table: sorted(
            str({key: row[key] for key in sorted(row) if (table, key) not in NEW_COLUMNS})
            for row in query(url, f"SELECT * FROM {table}")  # noqa: S608
        )
        for table in rows_of_tables
    }


#: SQLAlchemy reads no index on an expression from SQLite; ``test_plans`` shows that ours is there and used.
_EXPRESSIONS = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")


def described(url):
    """The schema as the engine itself tells it."""
    engine = create_engine(parse_url(url))
    inspector = inspect(engine)
    found = {
        table: {
            "columns": [(one["name"], str(one["type"]), one["nullable"], one["default"]) for one in columns],
            "checks": sorted((one["name"], one["sqltext"]) for one in inspector.get_check_constraints(table)),
            "keys": sorted(map(str, inspector.get_foreign_keys(table))),
            "unique": sorted(map(str, inspector.get_unique_constraints(table))),
            "indexes": sorted(map(told, inspector.get_indexes(table))),
            "primary": str(inspector.get_pk_constraint(table)),
        }
        for table in inspector.get_table_names()
        for columns in [inspector.get_columns(table)]
    }
    found["views"] = {name: inspector.get_view_definition(name) for name in inspector.get_view_names()}
    engine.dispose()
    return found


def told(index):
    """An index as text, its condition's too."""
    return str({**index, "dialect_options": {key: str(one) for key, one in index.get("dialect_options", {}).items()}})


# What an upgrade brings -----------------------------------------------------------------------------------------------


@_EXPRESSIONS
def test_an_upgraded_database_has_the_very_schema_of_a_new_one(old_url, fresh_url):
    assert upkeep.upgrade(old_url).before == "0001"
    new, upgraded = described(fresh_url), described(old_url)
    assert set(upgraded["views"]) == set(views.VIEWS)
    assert upgraded == new


@_EXPRESSIONS
@pytest.mark.usefixtures("store")
def test_every_check_that_the_program_knows_guards_the_database(url):
    """Alembic compares no CHECK constraints."""
    stored = {
        table: {name for name, _ in found["checks"]} for table, found in described(url).items() if table != "views"
    }
    known = {
        name: {str(one.name) for one in table.constraints if str(one.name).startswith("ck_")}
        for name, table in {**metadata.tables, **derived.tables}.items()
    }
    assert {table: names for table, names in stored.items() if table != VERSION_TABLE} == known


def test_an_upgrade_keeps_every_row(old_url):
    before = content(old_url, OLD_TABLES)
    assert all(before[table] for table in ("evaluations", "trainings", "samples", "published_results", "sweep_jobs"))
    upkeep.upgrade(old_url)
    assert without_new(OLD_TABLES, old_url) == before


def test_what_an_earlier_release_measured_is_complete_in_one_round(old_url):
    upkeep.upgrade(old_url)
    measured = query(old_url, "SELECT DISTINCT complete, compiled FROM measurements")
    assert measured == [{"complete": 1, "compiled": 0}]
    rounds = """
        SELECT m.fingerprint FROM measurements AS m
        JOIN measurement_rounds AS r ON r.measurement_id = m.measurement_id
        WHERE r.round = 1 AND r.attempt = m.attempt AND r.verdict = m.verdict AND r.measured_at = m.measured_at
          AND r.images = (SELECT SUM(images) FROM samples AS s WHERE s.measurement_id = m.measurement_id)
    """
    assert len(query(old_url, rounds)) == len(query(old_url, "SELECT 1 FROM measurements")) > 0
    reader = open_reader(old_url)
    for row in query(old_url, "SELECT fingerprint FROM measurements"):
        assert [one.end_to_end for one in reader.measurements_of(row["fingerprint"])[0].record.rounds] == [()]
    reader.close()


def test_where_an_earlier_release_ran_is_where_its_environments_were_seen(old_url):
    upkeep.upgrade(old_url)
    ran = query(old_url, "SELECT DISTINCT environment_key, node FROM attempts WHERE environment_key IS NOT NULL")
    seen = query(old_url, "SELECT environment_key, node FROM sightings")
    assert sorted(map(str, seen)) == sorted(map(str, ran)) != []


def test_the_views_answer_as_before(old_url):
    columns = {name: query(old_url, f"SELECT * FROM {name}")[0].keys() for name in views.VIEWS}  # noqa: S608
    before = {name: content(old_url, [name]) for name in views.VIEWS}
    upkeep.upgrade(old_url)
    assert {name: content(old_url, [name], columns[name]) for name in views.VIEWS} == before
    reader = open_reader(old_url)
    assert {row["validation_images"] for row in reader.view(filter_text="source=measured")} == {0}
    assert {row["validation_top1"] for row in reader.view()} == {None}
    assert {row["validation_ppm"] for row in reader.view("variant_results")} == {None}
    reader.close()


def test_what_an_earlier_release_trained_held_nothing_out_and_is_the_same_data_set_still(old_url):
    upkeep.upgrade(old_url)
    before = query(old_url, "SELECT dataset_id, validation_images FROM datasets")
    assert {row["validation_images"] for row in before} == {0}
    store = open_store(old_url)
    sweep = Sweep(store, name="later", number=2)
    for number, images in enumerate((0, None, 0, 1200)):
        sweep.train(("later", number), dataset=dataclasses.replace(FASHION, validation_images=images))
    store.close()
    used = "SELECT DISTINCT dataset_id FROM trainings WHERE fingerprint = '{}'"
    ids = [
        query(old_url, used.format(digest("job", ("train", ("later", number)))))[0]["dataset_id"] for number in range(4)
    ]
    assert (
        ids[0]
        == ids[2]
        == query(old_url, "SELECT dataset_id FROM datasets WHERE train_images = 12000")[0]["dataset_id"]
    )
    assert len({ids[0], ids[1], ids[3]}) == 3
    assert len(query(old_url, "SELECT 1 FROM datasets")) == len(before) + 2


def test_a_program_that_was_running_may_store_its_results_in_its_own_words(old_url):
    upkeep.upgrade(old_url)
    every = [column.name for column in metadata.tables["evaluations"].columns]
    columns = ", ".join(name for name in every if ("evaluations", name) not in NEW_COLUMNS)
    kept = query(old_url, "SELECT fingerprint FROM evaluations LIMIT 1")[0]["fingerprint"]
    query(old_url, f"CREATE TABLE kept AS SELECT {columns} FROM evaluations WHERE fingerprint = '{kept}'")  # noqa: S608
    query(old_url, f"DELETE FROM evaluations WHERE fingerprint = '{kept}'")  # noqa: S608
    query(old_url, f"INSERT INTO evaluations ({columns}) SELECT {columns} FROM kept")  # noqa: S608
    (row,) = query(old_url, f"SELECT * FROM evaluations WHERE fingerprint = '{kept}'")  # noqa: S608
    assert (row["validation_images"], row["validation_correct"]) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        "evaluations SET validation_images = 5, validation_correct = 6",
        "evaluations SET validation_images = -1, validation_correct = -1",
        "evaluations SET validation_images = NULL",
        "datasets SET validation_images = -1",
    ],
)
def test_counts_that_cannot_be_are_refused(old_url, change):
    upkeep.upgrade(old_url)
    with pytest.raises(IntegrityError):
        query(old_url, f"UPDATE {change}")


def test_a_sweep_that_an_earlier_release_called_paused_is_stopped_since_nobody_would_go_on_with_it(old_url):
    query(old_url, "UPDATE sweeps SET state = 'paused', finished_at = NULL")
    upkeep.upgrade(old_url)
    assert query(old_url, "SELECT DISTINCT state, paused_at, paused_by, paused_seconds FROM sweeps") == [
        {"state": "stopped", "paused_at": None, "paused_by": None, "paused_seconds": 0}
    ]


# How it is done -------------------------------------------------------------------------------------------------------


def test_an_sqlite_file_is_copied_before_it_is_changed(old_file, sqlite_url):
    old_file.chmod(0o640)
    before = content(sqlite_url, [*OLD_TABLES, *views.VIEWS])
    done = upkeep.upgrade(sqlite_url)
    assert (done.before, done.after) == ("0001", schema.HEAD)
    assert done.backup == old_file.with_name("store.db.schema-0001.backup")
    assert content(f"sqlite:///{done.backup}", [*OLD_TABLES, *views.VIEWS]) == before
    assert done.backup.stat().st_mode == old_file.stat().st_mode
    assert sorted(path.name for path in old_file.parent.iterdir()) == ["store.db", "store.db.schema-0001.backup"]
    shutil.copy(done.backup, old_file)
    again = upkeep.upgrade(sqlite_url)
    assert again.backup == old_file.with_name("store.db.schema-0001.backup-2")


@_EXPRESSIONS
def test_a_current_database_is_left_alone(url, store):
    store.close()
    before = described(url)
    assert upkeep.upgrade(url) == schema.Upgrade(schema.HEAD)
    assert described(url) == before


def test_nothing_is_created_by_an_upgrade(sqlite_url, new_postgres_url, tmp_path):
    for nothing in (sqlite_url, new_postgres_url):
        with pytest.raises(DatabaseMissingError):
            upkeep.upgrade(nothing)
    assert list(tmp_path.iterdir()) == []
    assert inspect(create_engine(parse_url(new_postgres_url))).get_table_names() == []


def test_an_upgrade_that_fails_changes_nothing(old_url, monkeypatch):
    before = (described(old_url), content(old_url, [*OLD_TABLES, *views.VIEWS]))

    def broken(_connection):
        raise StoreError("the last step fails")

    monkeypatch.setattr(views, "create_all", broken)
    with pytest.raises(StoreError, match="last step"):
        upkeep.upgrade(old_url)
    assert (described(old_url), content(old_url, [*OLD_TABLES, *views.VIEWS])) == before


def test_without_a_place_for_the_copy_nothing_is_upgraded(old_file, sqlite_url, monkeypatch):
    monkeypatch.setattr(schema, "_unused", lambda path: path.parent / "nowhere" / path.name)
    with pytest.raises(StoreError, match="cannot write"):
        upkeep.upgrade(sqlite_url)
    assert upkeep.version(sqlite_url) == "0001"
    assert list(old_file.parent.iterdir()) == [old_file]


def open_and_register(arguments):
    url, number = arguments
    store = open_store(url)
    store.register_driver(driver(number))
    store.close()


def test_eight_processes_may_open_an_old_file_at_once_and_one_upgrades_it(old_file, sqlite_url):
    with ProcessPoolExecutor(8, mp_context=get_context("fork")) as pool:
        list(pool.map(open_and_register, [(sqlite_url, number) for number in range(10, 18)]))
    assert len(list(old_file.parent.glob("*.backup*"))) == 1
    assert upkeep.version(sqlite_url) == schema.HEAD
    store = open_store(sqlite_url)
    assert len(store.live_drivers()) == 8
    store.close()


def test_opening_an_old_file_for_writing_upgrades_it_and_says_so(old_file, sqlite_url, caplog):
    open_store(sqlite_url).close()
    (said,) = [record for record in caplog.records if record.name == "db.schema"]
    assert said.levelno == logging.WARNING
    assert f"from schema 0001 to {schema.HEAD}" in said.getMessage()
    assert f"{old_file}.schema-0001.backup" in said.getMessage()
    caplog.clear()
    open_store(sqlite_url).close()
    assert caplog.records == []


def test_an_old_postgres_database_is_upgraded_on_request_only(new_postgres_url):
    load(new_postgres_url, "0001")
    with pytest.raises(SchemaVersionError, match=r"has schema 0001.*\nCopy it: `pg_dump .*orchestrator db upgrade"):
        open_store(new_postgres_url)
    assert upkeep.version(new_postgres_url) == "0001"
    assert upkeep.upgrade(new_postgres_url) == schema.Upgrade("0001")
    open_store(new_postgres_url).close()


def test_a_reader_of_an_older_schema_names_the_command_that_upgrades_it(old_url, monkeypatch, capsys):
    with pytest.raises(SchemaVersionError, match=f"has schema 0001, this program reads {schema.HEAD}") as refused:
        open_reader(old_url)
    command = re.findall(r"`(orchestrator .*?)`", refused.value.hint)[-1]
    monkeypatch.setenv("ORCHESTRATOR_DB", old_url)
    assert run(shlex.split(command)[1:]) == 0
    assert f"schema 0001 → {schema.HEAD}" in capsys.readouterr().out
    open_reader(old_url).close()


@pytest.mark.usefixtures("store")
def test_a_database_of_a_newer_release_is_not_upgraded(url):
    query(url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608  # a constant
    with pytest.raises(SchemaVersionError, match="newer than this program"):
        upkeep.upgrade(url)


# Copies ---------------------------------------------------------------------------------------------------------------


def test_a_copy_holds_what_was_committed_and_is_never_half_there(old_file, tmp_path):
    writer = sqlite3.connect(old_file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM samples")
    backup.copy(old_file, tmp_path / "copy.db")
    writer.execute("ROLLBACK")
    writer.close()
    assert query(f"sqlite:///{tmp_path / 'copy.db'}", "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert len(query(f"sqlite:///{tmp_path / 'copy.db'}", "SELECT 1 FROM samples")) > 0
    assert not list(tmp_path.glob("*.partial"))


def test_a_copy_takes_no_files_place(old_file, tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(StoreError, match="exists"):
        backup.copy(old_file, tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


def test_the_command_that_copies_a_postgres_database_holds_no_password():
    told = backup.postgres_command(
        parse_url("postgresql://ann:s3cr%2Ft@host:5433/results?sslmode=require&sslpassword=x")
    )
    assert told == "pg_dump --format=custom --file=results.dump 'postgresql://ann@host:5433/results?sslmode=require'"

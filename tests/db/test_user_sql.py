"""A user's own SQL: everything that reads, nothing that writes."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from db.errors import DatabaseMissingError, UserQueryError
from db.tables import metadata
from db.user_sql import run
from tests.db.example_rows import Sweep

FOREVER = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"


@pytest.fixture(scope="module")
def filled(shared_store, shared_url):
    """URL of a database with three results; whatever is asked of it leaves it as it is."""
    sweep = Sweep(shared_store)
    for seed in range(3):
        sweep.evaluate(sweep.train(seed, seed=seed), correct=8000 + seed)
    return shared_url


def directory_of(url):
    return Path(url.removeprefix("sqlite:///")).parent


def content(url):
    """Everything that the database holds: its bytes, or the rows of every table."""
    if url.startswith("sqlite"):
        return {path.name: path.read_bytes() for path in directory_of(url).iterdir()}
    engine = create_engine(make_url(url))
    with engine.connect() as connection:
        names = connection.execute(text("SELECT count(*) FROM pg_class")).scalar()
        rows = {table.name: str(connection.execute(table.select()).all()) for table in metadata.sorted_tables}
    engine.dispose()
    return names, rows


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT seed, correct FROM results ORDER BY seed", [(0, 8000), (1, 8001), (2, 8002)]),
        ("select seeds from variant_results;", [(3,)]),
        ("-- how many\nSELECT count(*) FROM jobs", [(6,)]),
        ("/* why */ WITH x AS (SELECT 1 AS a) SELECT a FROM x", [(1,)]),
        ("VALUES (1), (2)", [(1,), (2,)]),
        ("SELECT count(*) FROM results WHERE dataset LIKE '%mnist' AND 7 % 2 = 1", [(3,)]),
        ("SELECT ';--' AS \"DROP TABLE\"", [(";--",)]),
        ("SELECT count(*) FROM training_front", [(0,)]),
    ],
)
def test_what_only_reads_is_run(filled, statement, rows):
    result = run(filled, statement)
    assert [tuple(row) for row in result.rows] == rows
    assert not result.truncated


def test_explain_is_run(filled):
    assert run(filled, "EXPLAIN SELECT * FROM results").rows


def test_rows_come_with_the_names_that_the_statement_gives(filled):
    result = run(filled, "SELECT seed AS number, top1 FROM results WHERE seed = 1")
    assert result.as_objects() == [{"number": 1, "top1": 80.01}]


@pytest.mark.parametrize(("limit", "truncated"), [(2, True), (3, False), (4, False)])
def test_more_rows_than_the_limit_are_cut_off_and_said_to_be(filled, limit, truncated):
    result = run(filled, "SELECT * FROM results", row_limit=limit)
    assert (len(result.rows), result.truncated) == (min(limit, 3), truncated)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM jobs",
        "UPDATE jobs SET state = 'queued'",
        "INSERT INTO publications VALUES (1, 'x', 'y', 'z')",
        "DROP TABLE jobs",
        "CREATE TABLE x (y int)",
        "SELECT 1; DELETE FROM jobs",
        "SELECT 1; SELECT 2",
        "SELECT 1; COMMIT; DELETE FROM jobs",
        "WITH x AS (DELETE FROM epochs RETURNING *) SELECT * FROM x",
        "EXPLAIN ANALYZE DELETE FROM epochs",
        "ATTACH DATABASE 'evil.db' AS evil",
        "VACUUM INTO 'evil.db'",
        "PRAGMA writable_schema = 1",
        "PRAGMA query_only = 0",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('evil')",
        "SELECT writefile('evil', 'x')",
        "SELECT nextval('sweeps_sweep_id_seq')",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT 1 INTO evil",
        "SELECT * FROM jobs FOR UPDATE",
        "COPY jobs TO '/tmp/evil'",
        "SET statement_timeout = 0",
        "BEGIN",
        "COMMIT",
        "-- nothing",
        "",
        "SELEC 1",
        "SELECT * FROM no_such_table",
        "SELECT nothing FROM results",
    ],
)
def test_everything_else_is_refused_and_changes_nothing(filled, statement, tmp_path, monkeypatch):
    monkeypatch.chdir(directory_of(filled) if filled.startswith("sqlite") else tmp_path)
    before = content(filled)
    with pytest.raises(UserQueryError) as refused:
        run(filled, statement)
    assert "Traceback" not in str(refused.value)
    assert content(filled) == before


def test_a_statement_that_takes_too_long_is_stopped(filled):
    with pytest.raises(UserQueryError, match=r"longer than 0\.3 s"):
        run(filled, FOREVER, seconds=0.3)


def test_a_database_that_is_not_there_is_not_made(sqlite_url, tmp_path):
    with pytest.raises(DatabaseMissingError):
        run(sqlite_url, "SELECT 1")
    assert list(tmp_path.iterdir()) == []

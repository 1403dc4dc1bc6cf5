"""The hot statements use their index, on both engines, in a database of 100,000 evaluations."""

import contextlib

import pytest
from sqlalchemy import Engine, event

from benchmarks.many_results import fill
from dashboard.words.coverage import NEWEST_FIRST
from db.engine import open_write_engine
from db.front_views import MODES, SCENARIOS
from db.reader import open_reader
from db.store import open_store
from db.urls import parse_url
from tests.db.example_rows import CPU, Sweep, evaluation, job, training

#: Tables too large to be read from end to end for one page or one write.
LARGE = ("jobs", "attempts", "sweep_jobs", "trainings", "evaluations", "measurements")


@pytest.fixture(scope="module")
def large_url(shared_url):
    """URL of a database of 100,000 evaluations."""
    fill(shared_url, 100_000)
    return shared_url


@pytest.fixture
def statements():
    """Every statement with its parameters, as it is executed."""
    seen = []

    def note(_connection, _cursor, statement, parameters, _context, executemany):
        if not executemany:
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def plans(url, statements):
    """The plan of each statement that reads or changes rows, as the engine tells it."""
    explain = "EXPLAIN QUERY PLAN " if url.startswith("sqlite") else "EXPLAIN "
    engine = open_write_engine(parse_url(url))
    found = {}
    with engine.connect() as connection:
        for statement, parameters in statements:
            if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE", "INSERT INTO result_points")):
                rows = connection.exec_driver_sql(explain + statement, parameters).all()
                found[statement] = "\n".join(str(row[-1]) for row in rows)
        connection.rollback()
    engine.dispose()
    return found


def read_whole(plan, table):
    """Whether a plan reads all of a table."""
    lines = [line.strip(" ->") for line in plan.splitlines()]
    return any(
        (line.split(" USING")[0] == f"SCAN {table}" and "USING" not in line)
        or line.startswith((f"Seq Scan on {table} ", f"Parallel Seq Scan on {table} "))
        for line in lines
    )


def require_indexes(url, statements, large=LARGE):
    told = plans(url, statements)
    assert told
    for statement, plan in told.items():
        assert not [table for table in large if read_whole(plan, table)], f"{statement}\n{plan}"
    return told


@pytest.fixture
def large_sweep(large_url):
    store = open_store(large_url)
    sweep = Sweep(store, name="one more", number=9)
    yield sweep
    store.close()


def test_claiming_progress_and_finishing(large_url, large_sweep, statements):
    run, test = job("run"), job("test", "evaluate", depends_on=job("run").fingerprint)
    store = large_sweep.store
    store.requeue([run.fingerprint, test.fingerprint], from_states=["done"])
    large_sweep.ask(run, test)
    statements.clear()
    attempt = large_sweep.claim(run, CPU)
    assert store.record_progress(run.fingerprint, attempt, 0.5, "half")
    assert store.finish_training(run.fingerprint, attempt, training())
    attempt = large_sweep.claim(test, CPU)
    assert store.finish_evaluation(test.fingerprint, attempt, evaluation(run.fingerprint))
    told = require_indexes(large_url, statements)
    (rebuild,) = [plan for statement, plan in told.items() if statement.startswith("INSERT INTO result_points")]
    assert "ix_trainings_variant_id" in rebuild
    (forget,) = [plan for statement, plan in told.items() if statement.startswith("DELETE FROM result_points")]
    assert "ix_result_points_variant_id_dataset_id_train_resolution" in forget


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        (["-finished_at"], "ix_evaluations_finished_at"),
        (list(NEWEST_FIRST), "ix_evaluations_finished_at"),
        (["-top1", "evaluation"], "ix_evaluations_top1"),
    ],
)
def test_the_first_page_of_results(large_url, statements, sort, index):
    with contextlib.closing(open_reader(large_url)) as reader:
        statements.clear()
        assert len(reader.view("results", sort=sort, limit=50)) == 50
    first, looked_up = plans(large_url, statements).values()
    assert not [table for table in LARGE if read_whole(first, table)]
    assert index in first
    assert not read_whole(looked_up, "evaluations")


@pytest.mark.parametrize("mode", MODES)
def test_a_front_reads_the_index_of_what_it_compares(large_url, statements, mode):
    name = "training_front" if mode == "train" else "inference_front"
    with contextlib.closing(open_reader(large_url)) as reader:
        statements.clear()
        assert len(reader.view(name, filter_text="scenario=best")) > 10
    (plan,) = require_indexes(large_url, statements).values()
    assert f"ix_result_points_{mode}" in plan
    assert f"ix_result_points_{mode}_of_sweep" not in plan


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_page_of_a_sweeps_front_reads_the_index_of_its_points(large_url, statements, mode, scenario):
    with contextlib.closing(open_reader(large_url)) as reader:
        statements.clear()
        part = reader.part(mode, scenario, sweep="sweep 3")
        scopes = part.scopes()
        assert len(part.nearest(scopes, 100)) > 100
        assert part.families(scopes)
    told = require_indexes(large_url, statements, (*LARGE, "result_points"))
    places, points, families = told.values()
    assert f"ix_result_points_{mode}_of_sweep" in places
    assert f"ix_result_points_{mode}_of_sweep" in points
    assert "ix_result_points_" in families


def test_a_comparison_within_a_sweep_looks_up_the_seeds_of_the_points_alone(large_url, statements):
    with contextlib.closing(open_reader(large_url)) as reader:
        points = reader.front("train", "best", sweep="sweep 3")
        statements.clear()
        seeds = reader.seed_top1(points, (), "sweep 3")
    assert {len(one) for one in seeds} == {5}
    (plan,) = require_indexes(large_url, statements).values()
    assert "ix_trainings_variant_id" in plan
    assert "ix_evaluations_training" in plan


@pytest.mark.parametrize("sweep", [None, "sweep 3"])
@pytest.mark.parametrize("text", ["width=0.3", "width=0.3 test_resolution=224"])
def test_what_a_filter_of_networks_lets_through_is_counted_from_their_trainings_on(large_url, statements, sweep, text):
    with contextlib.closing(open_reader(large_url)) as reader:
        statements.clear()
        found = reader.count(filter_text=text, sweep=sweep, most=1000)
        assert found == len(reader.view(filter_text=text, sweep=sweep))
    plan = next(iter(plans(large_url, statements).values()))
    assert not read_whole(plan, "evaluations")
    assert not read_whole(plan, "sweep_jobs")


@pytest.mark.parametrize("text", ["", "group_size=16 test_resolution=224"])
def test_the_newest_results_of_a_sweep_are_found_by_its_newest_points(large_url, statements, text):
    with contextlib.closing(open_reader(large_url)) as reader:
        statements.clear()
        rows = reader.view("results", sweep="sweep 3", filter_text=text, sort=list(NEWEST_FIRST), limit=50)
    assert len(rows) == 50
    points, looked_up = plans(large_url, statements).values()
    assert not [table for table in (*LARGE, "result_points") if read_whole(points, table)]
    assert "ix_result_points_sweep_id_finished_at" in points
    assert not read_whole(looked_up, "evaluations")


def test_throughput_is_looked_up_for_the_rows_of_a_page_alone(large_url, statements):
    """Whatever orders them: not one of their measurements is needed for that."""
    with contextlib.closing(open_reader(large_url)) as reader:
        statements.clear()
        found = reader.view("results", sweep="sweep 3", filter_text="seed=1", sort=["top1", "evaluation"], limit=50)
    assert len(found) == 50
    first, looked_up = plans(large_url, statements).values()
    assert "measurements" not in first
    assert "throughput" not in first
    assert not read_whole(looked_up, "evaluations")


@pytest.mark.parametrize("sweep", [None, "sweep 3"])
def test_the_tests_of_a_network_are_found_by_its_trainings_and_networks_by_their_points(large_url, statements, sweep):
    with contextlib.closing(open_reader(large_url)) as reader:
        statements.clear()
        networks = reader.resolutions(sweep).networks()
        one = networks[-1]
        assert len(reader.resolutions(sweep).curves(one["variant_id"], one["dataset_id"])) == 10
    found, curves = plans(large_url, statements).values()
    assert not [table for table in LARGE if read_whole(found, table)]
    assert not [table for table in LARGE if read_whole(curves, table)]
    assert "ix_trainings_variant_id" in curves
    assert "ix_evaluations_training" in curves

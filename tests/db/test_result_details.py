"""What is told of single results, by both engines alike."""

import contextlib
import itertools
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event

from db.engine import open_write_engine
from db.errors import UnknownNameError
from db.reader import open_reader
from db.records import SampleRecord, VariantRecord
from db.urls import parse_url
from tests.db.example_rows import CPU, GPU, Sweep, digest, job, measurement, measurement_round, training


@pytest.fixture
def details(reader):
    return reader.details()


@pytest.mark.parametrize("length", [8, 32])
def test_a_job_is_found_by_the_first_digits_of_its_fingerprint(sweep, details, length):
    fingerprints = [sweep.train(number) for number in range(20)]
    for fingerprint in fingerprints:
        assert details.job(f" {fingerprint[:length].upper()} ").fingerprint == fingerprint


def test_digits_that_no_job_or_several_have_are_told_apart(sweep, details):
    first, second = job("a"), job("b")
    twin = replace(second, fingerprint=first.fingerprint[:10] + "0" * 22)
    sweep.ask(first, twin)
    with pytest.raises(UnknownNameError, match="several results or jobs begin with"):
        details.job(first.fingerprint[:10])
    assert details.job(first.fingerprint).fingerprint == first.fingerprint
    unknown = "f" * 32 if first.fingerprint[0] != "f" else "0" * 31 + "1"
    with pytest.raises(UnknownNameError, match="there is no result and no job"):
        details.job(unknown)


@pytest.mark.parametrize("text", ["", "abc", "g" * 8, "%", "a" * 33, "a_b_c_d_"])
def test_what_is_no_fingerprint_is_told_before_the_store_is_asked(details, text):
    with pytest.raises(UnknownNameError, match="is no fingerprint"):
        details.job(text)


def test_an_evaluation_is_told_with_the_numbers_of_the_view(sweep, reader, details):
    tested = sweep.evaluate(sweep.train(1, seed=7), validation_images=6000, validation_correct=5400)
    (told,) = details.evaluations([tested, "0" * 32]).values()
    (shown,) = reader.view("results")
    for name in set(told) & set(shown) - {"environment_key"}:
        assert told[name] == shown[name], name
    assert (told["top1"], told["validation_top1"], told["seed"]) == (85.0, 90.0, 7)
    assert (told["loss"], told["seconds"], told["fine_tune"]) == (0.4, 8.0, {"layers": "head"})
    assert told["environment_key"] == CPU.environment_key


def test_an_evaluation_that_no_sweep_asks_for_any_more_is_still_told(store, sweep, details):
    tested = sweep.evaluate(sweep.train(1))
    store.put_jobs(sweep.sweep_id, [job("other")])
    assert list(details.evaluations([tested])) == [tested]
    assert details.in_places([tested]) == []
    assert details.sweeps_of(tested) == []


def test_related_are_other_tests_and_seeds_of_one_configuration_and_nothing_else(sweep, details):
    first, second = sweep.train(1, seed=0), sweep.train(2, seed=1)
    other_recipe = sweep.train(3, recipe_digest=digest("other"))
    other_network = sweep.train(4, variant=VariantRecord(model_size="b1", group_size=1, expansion=6, norm="bn"), seed=2)
    other_side = sweep.train(5, train_resolution=24)
    tested = {
        (run, side): sweep.evaluate(run, test_resolution=side)
        for run in (first, second, other_recipe, other_network, other_side)
        for side in (28, 20)
    }
    told = [(row["seed"], row["test_resolution"], row["evaluation"]) for row in details.related(first)]
    expected = [(seed, side, tested[run, side]) for seed, run in enumerate((first, second)) for side in (20, 28)]
    assert told == expected
    assert details.related("0" * 32) == []


def test_a_result_has_a_row_for_each_sweep_and_place(store, sweep, reader, details):
    run = sweep.train(1)
    tested, untouched = sweep.evaluate(run), sweep.evaluate(run, test_resolution=20)
    for environment in (CPU, GPU):
        sweep.measure(environment=environment)
    again = Sweep(store, name="again", number=2)
    again.ask(*sweep.jobs)
    rows = details.in_places([tested])
    assert [row["sweep"] for row in rows] == ["again", "again", "fashion", "fashion"]
    assert {row["device"] for row in rows} == {"Xeon", "H200"}
    everything = [row for row in reader.view("results") if row["evaluation"] == tested]
    assert sorted(map(str, rows)) == sorted(map(str, everything))
    assert {row["evaluation"] for row in details.in_places([tested, untouched])} == {tested, untouched}
    assert details.sweeps_of(tested) == ["again", "fashion"]


def blocks(*rates):
    return tuple(SampleRecord(images=100, seconds=100 / rate) for rate in rates)


def in_rounds(sweep, *rounds, **changes):
    """Store a measurement of some rounds, each a verdict and rates; return its job."""
    made = tuple(
        measurement_round(number, blocks(*rates), verdict=verdict, verdict_reason="" if verdict == "clean" else "busy")
        for number, (verdict, rates) in enumerate(rounds, 1)
    )
    new = job(("rounds", str(rounds)), "measure", environment_key=CPU.environment_key)
    sweep.ask(new)
    for number in range(1, len(made) + 1):
        attempt = sweep.claim(new)
        record = measurement(rounds=made[:number], complete=number == len(made), **changes)
        assert sweep.store.finish_measurement(new.fingerprint, attempt, record)
    return new.fingerprint


def test_a_measurement_is_told_with_every_block_and_which_of_them_count(sweep, details):
    fingerprint = in_rounds(sweep, ("clean", (100.0, 110.0)), ("contended", (50.0,)), ("noisy", (90.0, 95.0, 105.0)))
    (number,) = details.measurements_of(fingerprint)
    one = details.measured([number])[number]
    assert [block["images_per_second"] for block in one.blocks] == pytest.approx([100, 110, 50, 90, 95, 105])
    assert [block["counts"] for block in one.blocks] == [True, True, False, True, True, True]
    assert [(each["round"], each["counts"]) for each in one.rounds] == [(1, True), (2, False), (3, True)]
    assert [len(rates) for rates in one.timed.rates] == [2, 3]
    assert list(itertools.chain(*one.timed.rates)) == pytest.approx([100, 110, 90, 95, 105])
    told = {name: one.row[name] for name in ("device", "threads", "model_size", "verdict", "shown_verdict")}
    assert told == {
        "device": "Xeon",
        "threads": 1,
        "model_size": "b0",
        "verdict": "clean",
        "shown_verdict": "clean",
    }


def test_where_every_round_was_disturbed_all_of_them_count(sweep, details):
    fingerprint = in_rounds(sweep, ("contended", (100.0,)), ("contended", (50.0,)), verdict="contended")
    (number,) = details.measurements_of(fingerprint)
    assert [block["counts"] for block in details.measured([number])[number].blocks] == [True, True]


def test_a_measurement_in_an_environment_of_the_past_is_stale(store, sweep, details):
    fingerprint = sweep.measure()
    store.put_environment(CPU, node="here")
    newer = replace(CPU, environment_key="b" * 32, software={"torch": "2.11"})
    store.put_environment(newer, node="here")
    (number,) = details.measurements_of(fingerprint)
    row = details.measured([number])[number].row
    assert (row["verdict"], row["shown_verdict"]) == ("clean", "stale")
    (place,) = details.environments([CPU.environment_key])
    assert place["superseded_at"] is not None


def test_measurements_of_a_job_are_told_the_newest_first_each_with_its_own_blocks(sweep, details):
    fingerprint = sweep.measure(samples=blocks(10.0))
    assert sweep.measure(samples=blocks(20.0, 30.0)) == fingerprint
    numbers = details.measurements_of(fingerprint)
    assert numbers == sorted(numbers, reverse=True)
    known = details.measured(numbers)
    assert [len(known[number].blocks) for number in numbers] == [2, 1]
    assert details.measured([]) == {}


def test_attempts_are_told_in_the_order_in_which_they_began(store, sweep, details):
    one = job("twice")
    sweep.ask(one)
    attempt = sweep.claim(one)
    store.end_attempt(one.fingerprint, attempt, outcome="crashed", next_state="queued", message="killed")
    attempt = sweep.claim(one)
    assert store.finish_training(one.fingerprint, attempt, training())
    tested = sweep.evaluate(one.fingerprint)
    rows = details.attempts([tested, one.fingerprint])
    assert [(row["stage"], row["attempt"], row["outcome"], row["message"]) for row in rows] == [
        ("train", 1, "crashed", "killed"),
        ("train", 2, "done", ""),
        ("evaluate", 1, "done", ""),
    ]
    assert rows[0]["label"] == one.label


def test_jobs_are_told_by_their_fingerprints(sweep, details):
    first, second = sweep.train(1), sweep.train(2)
    assert set(details.jobs([first, second, "0" * 32])) == {first, second}
    assert details.jobs([first])[first].state == "done"


def test_sqlite_reads_no_large_table_from_end_to_end(sqlite_url, empty_schema_file, tmp_path):
    """It plans without knowing how many rows there are, so an empty database tells."""
    (tmp_path / "store.db").write_bytes(empty_schema_file.read_bytes())
    seen = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT") and "sqlite_master" not in statement:
            seen.append((statement, parameters))

    with contextlib.closing(open_reader(sqlite_url)) as reader:
        event.listen(Engine, "before_cursor_execute", note)
        details = reader.details()
        with pytest.raises(UnknownNameError):
            details.job("abcd1234")
        ids = ["a" * 32, "b" * 32]
        for read in (details.jobs, details.evaluations, details.in_places, details.attempts):
            read(ids)
        for read in (details.related, details.sweeps_of, details.measurements_of):
            read(ids[0])
        details.measured([1, 2])
        event.remove(Engine, "before_cursor_execute", note)
    engine = open_write_engine(parse_url(sqlite_url))
    large = {"jobs", "attempts", "sweep_jobs", "trainings", "evaluations", "measurements", "samples", "this"}
    with engine.connect() as connection:
        for statement, parameters in seen:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            scanned = {str(row[-1]).split()[1] for row in plan if str(row[-1]).startswith("SCAN ")}
            assert not scanned & large, f"{statement}\n{plan}"
    engine.dispose()
    assert len(seen) > 10

"""What somebody who only looks can ask."""

import contextlib
import datetime as dt
import sqlite3

import pytest

from db.errors import DatabaseMissingError, StoreError, UnknownNameError
from db.filters import Condition
from db.store import open_store
from db.upkeep import backup, check
from tests.db.example_rows import CPU, GPU, Sweep, job, measurement, measurement_round, training


def test_jobs_are_counted_per_stage_and_state(sweep, store, reader):
    sweep.evaluate(sweep.train(1))
    waiting, running = job("waiting"), job("running")
    sweep.ask(waiting, running)
    sweep.claim(running)
    assert reader.counts(sweep.sweep_id) == {
        "train": {"done": 1, "queued": 1, "running": 1},
        "evaluate": {"done": 1},
        "measure": {},
    }
    assert [row.fingerprint for row in reader.running_jobs(sweep.sweep_id)] == [running.fingerprint]
    assert reader.running_jobs(sweep.sweep_id + 1) == []
    assert len(reader.running_jobs()) == 1
    assert store.jobs_of(sweep.sweep_id) == reader.jobs_of(sweep.sweep_id)


def test_jobs_that_ended_tell_how_long_they_took(url, reader):
    """Two trainings, one of them at the second attempt, and a measurement of two rounds; one that has one round yet."""
    now = [dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)]
    with contextlib.closing(open_store(url, lambda: now[0])) as store:
        sweep = Sweep(store)

        def attempt(one, seconds):
            number = sweep.claim(one)
            now[0] += dt.timedelta(seconds=seconds)
            return number

        runs = [job(1), job(2), job(3)]
        measures = [job(name, "measure", environment_key=CPU.environment_key) for name in ("whole", "half")]
        sweep.ask(*runs, *measures)
        lost = attempt(runs[1], 500)
        store.end_attempt(runs[1].fingerprint, lost, outcome="crashed", next_state="queued")
        for run, seconds in zip(runs, (10, 20), strict=False):
            assert store.finish_training(run.fingerprint, attempt(run, seconds), training())
        for one, all_seconds in zip(measures, ((60, 30.5), (40,)), strict=True):
            rounds = []
            for number, seconds in enumerate(all_seconds, 1):
                rounds.append(measurement_round(attempt(one, seconds)))
                record = measurement(rounds=rounds, complete=number == 2)
                assert store.finish_measurement(one.fingerprint, rounds[-1].attempt, record)
    told = {(one.stage, one.state): (one.jobs, one.mean_seconds) for one in reader.tallies(sweep.sweep_id)}
    assert told.pop(("train", "done")) == (2, pytest.approx(15, abs=0.001))
    assert told.pop(("measure", "done")) == (1, pytest.approx(90.5, abs=0.001))
    assert told == {("train", "queued"): (1, None), ("measure", "queued"): (1, None)}


def test_the_seeds_of_a_point_are_those_of_its_sweep_that_conditions_let_through(store, sweep, reader):
    other = Sweep(store, name="other", number=2)
    for one, seed, correct in ((sweep, 0, 8000), (sweep, 1, 8100), (other, 2, 8200)):
        one.evaluate(one.train(seed, seed=seed), correct=correct)
        one.measure()
    shared = {None: (80.0, 81.0, 82.0), "fashion": (80.0, 81.0), "other": (82.0,)}
    for name, expected in shared.items():
        points = reader.points("train", "best", sweep=name)
        (found,) = reader.seed_top1(points, (), name)
        assert sorted(found) == list(expected)
        assert [row["seeds"] for row in points] == [len(expected)]
    (found,) = reader.seed_top1(points, (Condition("seed", "=", (1,)),))
    assert found == (81.0,)


def test_failures_that_are_alike_are_shown_together(sweep, store, reader):
    for number, message in enumerate(("out of memory\nat 0x1", "out of memory\nat 0x2", "file missing")):
        one = job(number)
        sweep.ask(one)
        sweep.claim(one)
        store.end_attempt(one.fingerprint, 1, outcome="failed", next_state="failed", failure="error", message=message)
    first, second = reader.failures(sweep.sweep_id)
    assert (first.message, len(first.jobs), first.stage, first.failure) == ("out of memory", 2, "train", "error")
    assert (second.message, len(second.jobs)) == ("file missing", 1)
    assert reader.failures(sweep.sweep_id + 1) == []


@pytest.mark.parametrize("name", ["fashion", "fash", "1"])
def test_a_sweep_may_be_named_shortly(sweep, reader, name):
    assert reader.sweep(name).sweep_id == sweep.sweep_id


@pytest.mark.usefixtures("sweep")
@pytest.mark.parametrize(("name", "hint"), [("fashon", "Did you mean 'fashion'"), ("x", "Known are: fashion")])
def test_an_unknown_sweep_brings_a_suggestion(reader, name, hint):
    with pytest.raises(UnknownNameError, match=hint):
        reader.sweep(name)


def test_a_shortened_name_that_fits_several_is_refused(sweep, store, reader):
    store.take_sweep("fashion-2", "", "", "", sweep.driver_id)
    assert reader.sweep("fashion").sweep_id == sweep.sweep_id
    with pytest.raises(UnknownNameError, match="fashion-2"):
        reader.sweep("fash")


def test_a_job_is_found_by_the_beginning_of_its_fingerprint(sweep, reader):
    one = job(1)
    sweep.ask(one, job(2))
    assert reader.job(one.fingerprint[:6].upper()).fingerprint == one.fingerprint
    for prefix in ("", "%", "zz"):
        with pytest.raises(UnknownNameError):
            reader.job(prefix)


def test_the_data_version_changes_with_the_data_and_only_then(sweep, store, reader):
    seen = [reader.data_version(), reader.data_version()]
    assert seen[0] == seen[1]
    store.beat(sweep.driver_id)
    assert reader.data_version() == seen[0]
    trained = sweep.train(1)
    seen.append(reader.data_version())
    sweep.evaluate(trained)
    seen.append(reader.data_version())
    store.set_sweep_state(sweep.sweep_id, "finished")
    seen.append(reader.data_version())
    store.put_publication("none", "imagenet", [])
    seen.append(reader.data_version())
    assert len(set(seen)) == 5


def test_history_tells_how_long_successful_attempts_took(sweep, store, reader):
    sweep.train(1)
    failed = job("failed")
    sweep.ask(failed)
    sweep.claim(failed)
    store.end_attempt(failed.fingerprint, 1, outcome="failed", next_state="failed")
    (run,) = reader.history()
    assert (run.stage, run.config, run.slot_kind) == ("train", {"n": "('train', 1)"}, "cpu")
    assert 0 <= run.seconds < 60


def test_rows_of_a_view_are_chosen_sorted_and_cut(sweep, reader):
    trained = sweep.train(1)
    for resolution in (24, 28, 32):
        sweep.evaluate(trained, test_resolution=resolution)
    rows = reader.view(columns=["test_resolution", "seed"], sort=["-test_resolution"], limit=2)
    assert rows == [{"test_resolution": 32, "seed": 0}, {"test_resolution": 28, "seed": 0}]
    assert reader.view(sweep="other") == []
    assert len(reader.view(sweep="fashion", filter_text="test_resolution=native")) == 1


@pytest.mark.usefixtures("sweep")
@pytest.mark.parametrize(
    "arguments",
    [{"name": "result"}, {"columns": ["top_1"]}, {"sort": ["-top_1"]}, {"name": "variant_results", "sweep": "x"}],
)
def test_an_unknown_view_or_column_is_refused(reader, arguments):
    with pytest.raises(UnknownNameError):
        reader.view(**arguments)


def test_environments_and_drivers_are_shown(sweep, reader):
    assert sorted(one.device for one in reader.environments()) == [GPU.device, CPU.device]
    assert all(one in reader.environments() for one in (CPU, GPU))
    assert reader.driver(sweep.driver_id) == reader.live_drivers()[0]
    assert reader.driver("0" * 32) is None


# Upkeep ---------------------------------------------------------------------------------------------------------------


def test_a_sound_database_has_no_problems(sweep, url):
    sweep.evaluate(sweep.train(1))
    sweep.measure()
    assert check(url) == []


def test_a_done_job_without_result_is_a_problem(sqlite_url):
    Sweep(open_store(sqlite_url)).measure()
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    connection.execute("DELETE FROM measurements")
    connection.commit()
    connection.close()
    problems = check(sqlite_url)
    assert any("is done but has no result" in one for one in problems)
    assert any("samples" in one and "points to nothing" in one for one in problems)


def test_a_backup_holds_everything_and_overwrites_nothing(sweep, url, tmp_path):
    sweep.train(1)
    target = tmp_path / "backup.db"
    if not url.startswith("sqlite"):
        with pytest.raises(StoreError, match="pg_dump"):
            backup(url, target)
        return
    backup(url, target)
    assert check(f"sqlite:///{target}") == []
    with pytest.raises(StoreError, match="exists"):
        backup(url, target)
    with pytest.raises(StoreError, match="cannot write"):
        backup(url, tmp_path / "nowhere" / "backup.db")
    with pytest.raises(DatabaseMissingError):
        backup(f"sqlite:///{tmp_path}/nothing.db", tmp_path / "other.db")

"""What a sweep is doing now: slots, events, rounds, states."""

import contextlib
import datetime as dt

import pytest

from db import sweep_progress
from db.reader import open_reader
from db.store import open_store
from tests.db.example_rows import CPU, GPU, Sweep, job, measurement, measurement_round, training

START = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def timed(url, clock):
    """A sweep whose times the clock tells."""
    with contextlib.closing(open_store(url, clock)) as store:
        yield Sweep(store)


@pytest.fixture
def looking(url, timed):
    """What reads that sweep."""
    with contextlib.closing(open_reader(url)) as reader:
        yield reader.progress(timed.sweep_id)


def claim(sweep, one, slot, node="here", environment=CPU):
    return sweep.store.claim(
        one.fingerprint,
        driver_id=sweep.driver_id,
        slot=slot,
        node=node,
        environment_key=environment.environment_key,
        directory="runs/{attempt}",
    )


def test_a_slot_tells_what_it_does_or_what_it_did_last(timed, looking, clock):
    runs = [job(number) for number in range(4)]
    timed.ask(*runs)
    claim(timed, runs[0], "cuda/0", "far", GPU)
    clock.advance(5)
    first = claim(timed, runs[1], "cpu/0")
    clock.advance(10)
    assert timed.store.finish_training(runs[1].fingerprint, first, training())
    second = claim(timed, runs[2], "cpu/0")
    clock.advance(10)
    timed.store.end_attempt(runs[2].fingerprint, second, outcome="crashed", next_state="queued", message="gone")
    timed.store.record_progress(runs[0].fingerprint, 1, 0.5, "epoch 2/4")
    busy, cpu = looking.slots(timed.driver_id)
    assert (busy.node, busy.slot, busy.device, busy.threads) == ("far", "cuda/0", "H200", 4)
    assert (busy.fingerprint, busy.ended_at, busy.outcome) == (runs[0].fingerprint, None, None)
    assert (busy.progress, busy.progress_text) == (0.5, "epoch 2/4")
    assert (cpu.node, cpu.slot, cpu.device) == ("here", "cpu/0", "Xeon")
    assert (cpu.fingerprint, cpu.outcome) == (runs[2].fingerprint, "crashed")
    assert cpu.ended_at == START + dt.timedelta(seconds=25)
    assert (cpu.progress, cpu.progress_text) == (0, "")
    assert looking.slots("0" * 32) == []


def test_a_job_that_moved_leaves_its_first_slot_idle(timed, looking, clock):
    one = job(1)
    timed.ask(one)
    first = claim(timed, one, "cpu/0")
    clock.advance(3)
    timed.store.end_attempt(one.fingerprint, first, outcome="lost", next_state="queued")
    clock.advance(3)
    claim(timed, one, "cpu/1")
    left, moved = looking.slots(timed.driver_id)
    assert (left.slot, left.outcome, left.attempt) == ("cpu/0", "lost", 1)
    assert (moved.slot, moved.ended_at, moved.attempt) == ("cpu/1", None, 2)


def test_events_are_the_last_changes_of_jobs_that_were_tried(timed, looking, clock):
    names = ["done", "crashed", "failed", "running", "waiting"]
    runs = {name: job(name) for name in names}
    timed.ask(*runs.values())
    for name in names[:4]:
        attempt = claim(timed, runs[name], "cpu/0")
        clock.advance(1)
        if name == "done":
            assert timed.store.finish_training(runs[name].fingerprint, attempt, training())
        elif name != "running":
            state = "queued" if name == "crashed" else "failed"
            outcome = "crashed" if name == "crashed" else "failed"
            timed.store.end_attempt(
                runs[name].fingerprint, attempt, outcome=outcome, next_state=state, message=f"{name} so"
            )
    told = [(one.label, one.state, one.outcome, one.message, one.slot) for one in looking.events(10)]
    assert told == [
        ("job failed", "failed", "failed", "failed so", "cpu/0"),
        ("job crashed", "queued", "crashed", "crashed so", "cpu/0"),
        ("job done", "done", "done", "", "cpu/0"),
    ]
    assert [one.label for one in looking.events(1)] == ["job failed"]
    assert looking.events(3)[0].at == START + dt.timedelta(seconds=3)


def test_events_of_a_sweep_are_found_behind_those_of_another(timed, looking, url, clock, monkeypatch):
    monkeypatch.setattr(sweep_progress, "_RECENT", 2)
    timed.train(1)
    clock.advance(60)
    with contextlib.closing(open_store(url, clock)) as store:
        other = Sweep(store, name="other", number=2)
        for number in range(10, 14):
            other.train(number)
    assert [one.stage for one in looking.events(5)] == ["train"]


def test_rounds_of_unfinished_measurements_are_counted_with_what_they_took(timed, looking, clock):
    assert looking.rounds() == sweep_progress.Rounds(wanted=1, done=0, mean_seconds=None, deviation_seconds=None)
    measures = [job(name, "measure", environment_key=CPU.environment_key) for name in ("complete", "half", "not begun")]
    for one in measures:
        one.config["rounds"] = 2
    timed.ask(*measures)
    for one, all_seconds in zip(measures, ((60, 30), (40, 20)), strict=False):
        rounds = []
        for number, seconds in enumerate(all_seconds, 1):
            attempt = claim(timed, one, "cpu/0")
            clock.advance(seconds)
            rounds.append(measurement_round(attempt))
            complete = one is measures[0] and number == 2
            assert timed.store.finish_measurement(
                one.fingerprint, attempt, measurement(rounds=rounds, complete=complete)
            )
    found = looking.rounds()
    assert (found.wanted, found.done) == (2, 2)
    assert found.mean_seconds == pytest.approx(30, abs=0.01)
    assert found.deviation_seconds == pytest.approx(10, abs=0.01)


def test_states_and_the_best_accuracy_are_those_of_the_sweep(timed, looking, url):
    assert looking.states() == {}
    assert looking.best_top1() is None
    for seed, correct in ((0, 8000), (1, 9000)):
        timed.evaluate(timed.train(seed, seed=seed, recipe_digest=f"{seed:032x}"), correct=correct)
    timed.ask(job("waiting"))
    with contextlib.closing(open_store(url)) as store:
        other = Sweep(store, name="other", number=2)
        other.evaluate(other.train("better", recipe_digest="f" * 32), correct=9900)
    assert looking.states() == {"done": 4, "queued": 1}
    assert looking.best_top1() == pytest.approx(90.0)


def test_how_long_jobs_took_comes_with_by_how_much_they_differ(timed, url, clock):
    runs = [job(number) for number in range(2)]
    timed.ask(*runs)
    for run, seconds in zip(runs, (10, 20), strict=True):
        attempt = claim(timed, run, "cpu/0")
        clock.advance(seconds)
        assert timed.store.finish_training(run.fingerprint, attempt, training(seed=seconds))
    with contextlib.closing(open_reader(url)) as reader:
        (told,) = reader.tallies(timed.sweep_id)
    assert told.mean_seconds == pytest.approx(15, abs=0.01)
    assert told.deviation_seconds == pytest.approx(5, abs=0.01)

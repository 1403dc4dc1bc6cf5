"""Pauses of sweeps: who may ask for one, what is kept of it, and what ends it."""

import contextlib
import datetime as dt

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from db.bundles.exporting import export
from db.bundles.merging import bring_in
from db.errors import SweepHeldError
from db.reader import open_reader
from db.records import Pause
from db.store import open_store
from db.urls import parse_url
from tests.db.example_rows import Sweep, driver

BEGAN = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.timezone.utc)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = BEGAN

    def __call__(self):
        return self.now

    def move(self, **by):
        self.now += dt.timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(url, clock):
    with contextlib.closing(open_store(url, clock=clock)) as one:
        yield one


@pytest.fixture
def sweep(store):
    """A sweep that a driver runs."""
    return Sweep(store)


def test_a_pause_says_since_when_and_by_whom_and_resuming_ends_it(sweep, store, clock):
    clock.move(minutes=1)
    assert store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)
    row = store.sweep(sweep.sweep_id)
    assert (row.state, row.pause, row.driver_id) == ("paused", Pause(clock.now, "ann@lab", False), sweep.driver_id)
    assert store.resume_sweep(sweep.sweep_id)
    row = store.sweep(sweep.sweep_id)
    assert (row.state, row.pause) == ("running", None)


def test_a_second_pause_changes_nothing_unless_it_is_the_first_that_interrupts(sweep, store, clock):
    store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)
    since = clock.now
    clock.move(minutes=5)
    assert not store.pause_sweep(sweep.sweep_id, "bob@desk", interrupts=False)
    assert store.sweep(sweep.sweep_id).pause == Pause(since, "ann@lab", False)
    assert store.pause_sweep(sweep.sweep_id, "bob@desk", interrupts=True)
    assert store.sweep(sweep.sweep_id).pause == Pause(since, "ann@lab", True)
    assert not store.pause_sweep(sweep.sweep_id, "bob@desk", interrupts=True)


@pytest.mark.parametrize("state", ["finished", "failed", "stopped"])
def test_what_nobody_runs_can_be_neither_paused_nor_resumed(sweep, store, state):
    store.set_sweep_state(sweep.sweep_id, state)
    store.end_driver(sweep.driver_id)
    assert not store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=True)
    assert not store.resume_sweep(sweep.sweep_id)
    assert store.sweep(sweep.sweep_id).state == state


def test_a_sweep_that_its_driver_let_go_cannot_be_paused(sweep, store):
    store.release_sweep(sweep.sweep_id, sweep.driver_id)
    assert not store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)


def test_a_sweep_that_runs_cannot_be_resumed(sweep, store):
    assert not store.resume_sweep(sweep.sweep_id)
    assert not store.resume_sweep(99)


def test_the_seconds_of_a_launch_s_pauses_add_up_and_the_next_launch_begins_at_none(sweep, store, clock):
    for minutes in (10, 20):
        store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)
        clock.move(minutes=minutes)
        store.resume_sweep(sweep.sweep_id)
        clock.move(minutes=1)
    assert store.sweep(sweep.sweep_id).seconds_paused(clock.now) == 30 * 60
    store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)
    clock.move(seconds=7)
    assert store.sweep(sweep.sweep_id).seconds_paused(clock.now) == 30 * 60 + 7
    store.reap_driver(sweep.driver_id)
    store.register_driver(driver(2))
    store.take_sweep("fashion", "name: fashion", "d", "runs", driver(2).driver_id)
    assert store.sweep(sweep.sweep_id).seconds_paused(clock.now) == 0


@pytest.mark.parametrize("ending", ["end_driver", "reap_driver"])
def test_a_pause_ends_with_its_driver(sweep, store, ending):
    store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)
    getattr(store, ending)(sweep.driver_id)
    row = store.sweep(sweep.sweep_id)
    assert (row.state, row.pause, row.driver_id) == ("stopped", None, None)


@pytest.mark.parametrize("state", ["stopped", "finished", "running"])
def test_a_paused_sweep_that_is_cancelled_or_ends_is_not_paused_any_more(sweep, store, state):
    store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)
    store.set_sweep_state(sweep.sweep_id, state)
    assert (store.sweep(sweep.sweep_id).state, store.sweep(sweep.sweep_id).pause) == (state, None)


def test_who_launches_a_paused_sweep_again_is_told_who_paused_it_and_how_it_goes_on(sweep, store):
    store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)
    store.register_driver(driver(2))
    with pytest.raises(SweepHeldError) as refused:
        store.take_sweep("fashion", "name: fashion", "d", "runs", driver(2).driver_id)
    assert "paused by ann@lab: `orchestrator resume fashion` lets it go on" in refused.value.hint


def test_a_pause_does_not_travel(url, sweep, store, tmp_path):
    store.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)
    export(url, tmp_path / "bundle")
    there = f"sqlite:///{tmp_path / 'there.db'}"
    bring_in(there, tmp_path / "bundle")
    with contextlib.closing(open_reader(there)) as reader:
        assert [(one.state, one.pause) for one in reader.sweeps()] == [("stopped", None)]


@pytest.mark.parametrize(
    "change",
    [
        "state = 'paused'",
        "paused_by = 'ann@lab'",
        "state = 'paused', paused_at = updated_at, paused_by = 'ann@lab'",
        "paused_seconds = -1",
    ],
)
@pytest.mark.usefixtures("sweep")
def test_half_a_pause_is_refused(url, change):
    engine = create_engine(parse_url(url))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(f"UPDATE sweeps SET {change}"))  # noqa: S608  # ours
    engine.dispose()

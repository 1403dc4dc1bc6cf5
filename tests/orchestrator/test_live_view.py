"""What a person sees of a pause while a sweep runs."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from rich.console import Console

from db.records import Pause
from orchestrator.live_view import LiveView
from workers.protocol.jobs import DataSet, TrainJob
from workers.protocol.orders import Environment
from workers.protocol.recipe import Recipe
from workers.protocol.variant import Variant

SINCE = dt.datetime(2026, 3, 1, 12, 5, tzinfo=dt.timezone.utc)
HERE = Environment(slot_kind="cpu", device="Xeon", threads=1)
JOBS = {
    job.fingerprint: job
    for job in (TrainJob(Variant("b0", 1, 6, "gn"), DataSet("shapes", 8, 1, 48), 48, seed, Recipe()) for seed in (0, 1))
}
FIRST, SECOND = JOBS


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def view(console):
    """One training is done, one runs."""
    states = dict.fromkeys(JOBS, "queued")
    with LiveView(console, "fashion", JOBS, states, {}) as one:
        one.slot("cpu-0", HERE)
        one.started("cpu-0", FIRST)
        one.ended(FIRST, "done", "")
        one.started("cpu-0", SECOND)
        yield one


def screen(view, console):
    console.print(view._screen())
    return console.file.getvalue().splitlines()


def head(view, console):
    return next(line for line in reversed(screen(view, console)) if line.startswith("fashion"))


def test_a_paused_sweep_says_so_where_the_time_left_was(view, console):
    assert head(view, console).startswith("fashion  1 of 2 jobs, about ")
    view.paused(Pause(SINCE, "ann@lab", interrupts=False))
    assert head(view, console).rstrip() == "fashion  1 of 2 jobs, paused since 2026-03-01 12:05 UTC by ann@lab"
    view.paused(None)
    assert head(view, console).startswith("fashion  1 of 2 jobs, about ")


@pytest.mark.parametrize(
    ("interrupts", "words"),
    [(False, "1 running job(s) go on to their end, "), (True, "1 running job(s) are interrupted, ")],
)
def test_a_pause_is_a_line_that_says_what_becomes_of_running_jobs(view, console, interrupts, words):
    view.paused(Pause(SINCE, "ann@lab", interrupts))
    expected = f"paused by ann@lab: {words}nothing new starts before `orchestrator resume fashion`"
    assert expected in console.file.getvalue()


def test_a_pause_while_nothing_runs_names_no_jobs(view, console):
    view.ended(SECOND, "done", "")
    view.paused(Pause(SINCE, "ann@lab", interrupts=True))
    assert "paused by ann@lab: nothing new starts before" in console.file.getvalue()
    view.paused(None)
    assert "going on after the pause" in console.file.getvalue()

"""``pause`` and ``resume``: what a person is told, and what programs read of it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import getpass
import json
import re
import socket
import subprocess
import sys

import pytest

from db.reader import open_reader
from db.store import open_store
from orchestrator.cli import run
from orchestrator.driver_identity import this_driver
from tests.db.example_rows import Sweep, job

URL = "sqlite:///orchestrator.db"
HERE = f"{getpass.getuser()}@{socket.gethostname()}"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRATOR_DB", URL)
    with contextlib.closing(open_store(URL)) as one:
        yield one


@pytest.fixture
def sweep(store):
    """A sweep that a driver on another machine runs: one job runs, one waits."""
    one = Sweep(store)
    one.ask(job("runs"), job("waits"))
    one.claim(job("runs"))
    return one


def stored():
    with contextlib.closing(open_reader(URL)) as reader:
        return reader.sweep("fashion")


def told(capsys, *arguments, expect=0):
    assert run(list(arguments)) == expect
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.usefixtures("sweep")
def test_a_paused_sweep_is_stored_as_such_with_who_asked_for_it(capsys):
    words = told(capsys, "pause", "fash")
    assert "fashion is paused: nothing new starts, 1 running job(s) are left to go on to their end" in words
    assert "orchestrator resume fashion" in words
    assert (stored().state, stored().pause.by, stored().pause.interrupts) == ("paused", HERE, False)
    assert "fashion goes on" in told(capsys, "resume", "fashion")
    assert (stored().state, stored().pause) == ("running", None)


@pytest.mark.usefixtures("sweep")
def test_pausing_again_says_since_when_and_may_interrupt(capsys):
    told(capsys, "pause", "fashion")
    before = stored().pause
    words = told(capsys, "pause", "fashion")
    assert f"fashion is already paused since {before.since:%Y-%m-%d %H:%M} UTC by {HERE}" in words
    assert "1 running job(s) are interrupted" in told(capsys, "pause", "fashion", "--now")
    assert stored().pause == dataclasses.replace(before, interrupts=True)


@pytest.mark.usefixtures("sweep")
def test_resuming_what_is_not_paused_changes_nothing(capsys):
    assert "fashion is not paused: it is running" in told(capsys, "resume", "fashion")
    assert stored().state == "running"


@pytest.mark.parametrize("command", ["pause", "resume"])
@pytest.mark.parametrize("state", ["finished", "failed", "stopped"])
def test_what_nobody_runs_is_refused_with_what_to_do(store, sweep, capsys, command, state):
    store.set_sweep_state(sweep.sweep_id, state)
    store.end_driver(sweep.driver_id)
    words = told(capsys, command, "fashion", expect=2)
    assert f"fashion is {state}: nobody runs it" in words
    assert "launching its file" in words
    assert stored().state == state


@pytest.mark.parametrize("command", ["pause", "resume"])
@pytest.mark.usefixtures("sweep")
def test_an_unknown_sweep_is_refused(capsys, command):
    assert "there is no one sweep 'fahsion'" in told(capsys, command, "fahsion", expect=2)


def test_a_driver_of_this_machine_that_is_gone_is_said_to_be(store, capsys):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone = dataclasses.replace(this_driver(), pid=process.pid)
    store.register_driver(gone)
    store.take_sweep("fashion", "name: x", "d", "runs", gone.driver_id)
    words = told(capsys, "pause", "fashion", expect=2)
    assert f"the process that ran it ({process.pid} on {socket.gethostname()}) is gone" in words
    assert stored().state == "running"


@pytest.mark.usefixtures("sweep")
def test_status_tells_people_and_programs_of_the_pause(capsys):
    counts = {"train": {"queued": 1, "running": 1}, "evaluate": {}, "measure": {}}
    assert json.loads(told(capsys, "status", "--json")) == counts
    told(capsys, "pause", "fashion")
    since = stored().pause.since
    words = told(capsys, "status")
    assert f"fashion: paused since {since:%Y-%m-%d %H:%M} UTC by {HERE}, driven by process 1 on here" in words
    assert "orchestrator resume fashion" in words
    found = json.loads(told(capsys, "status", "--json"))
    assert found == {**counts, "paused": {"since": since.isoformat(), "by": HERE, "interrupts": False}}
    assert dt.datetime.fromisoformat(found["paused"]["since"]).utcoffset() == dt.timedelta(0)


def test_a_waiting_job_is_explained_by_the_pause_unless_another_sweep_runs_it(store, sweep, capsys):
    waiting = job("waits").fingerprint
    told(capsys, "pause", "fashion")
    words = re.sub(r"\s+", " ", told(capsys, "explain", waiting))
    assert f"its sweep fashion is paused since {stored().pause.since:%Y-%m-%d %H:%M} UTC by {HERE}" in words
    other = Sweep(store, name="flowers", number=2)
    other.ask(job("waits"))
    assert "waits for a free slot" in told(capsys, "explain", waiting)
    store.end_driver(sweep.driver_id)
    assert "waits for a free slot" in told(capsys, "explain", waiting)


def test_a_cancelled_sweep_is_not_paused_any_more(sweep, capsys):
    told(capsys, "pause", "fashion")
    told(capsys, "cancel", "fashion")
    assert (stored().state, stored().driver_id) == ("stopped", sweep.driver_id)


def test_a_budget_of_hours_is_not_used_up_by_pauses(store, capsys):
    began = dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=3)
    with contextlib.closing(open_store(URL, clock=lambda: began)) as earlier:
        sweep = Sweep(earlier)
        budget = {"hours": 10.0}
        settings = {"axes": [], "objectives": ["top1"], "floors": {}, "mode": None, "budget": budget}
        earlier.search(sweep.sweep_id).put(settings)
    with contextlib.closing(open_store(URL, clock=lambda: began + dt.timedelta(hours=1))) as later:
        later.pause_sweep(sweep.sweep_id, "ann@lab", interrupts=False)
    from orchestrator.search.report import read_report

    with contextlib.closing(open_reader(URL)) as reader:
        paused = read_report(reader, "fashion")
    assert paused.hours == pytest.approx(1.0, abs=0.1)
    words = told(capsys, "search", "fashion", "--report")
    assert f"fashion: paused since {began + dt.timedelta(hours=1):%Y-%m-%d %H:%M} UTC by ann@lab" in words
    assert json.loads(told(capsys, "search", "fashion", "--report", "--json"))["paused"]["by"] == "ann@lab"
    store.resume_sweep(sweep.sweep_id)
    with contextlib.closing(open_reader(URL)) as reader:
        assert read_report(reader, "fashion").hours == pytest.approx(1.0, abs=0.1)
        assert read_report(reader, "fashion").pause is None

"""The page of a sweep: what it shows, in which words, and that it leaves the reader's place alone."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
import zoneinfo

import pytest
from playwright.sync_api import expect

from dashboard.data import sweep_reading
from dashboard.figures.palette import DARK, LIGHT
from dashboard.figures.progress_bar import progress_bar
from dashboard.views import sweep as view
from dashboard.words.remaining import remaining as left
from dashboard.words.sweep_words import Part, event_row, finishing, parts_of, paused, slot_row, stage_sentence
from db.reader import open_reader
from db.records import Pause
from db.remaining import Remaining
from db.store import open_store
from db.sweep_progress import EventRow, Rounds, SlotRow
from tests.dashboard.seeded import DRIVER, seed
from tests.dashboard.test_words import NOW, running, tally


def said(app):
    """Return all words of a page."""
    elements = [*app.header, *app.markdown, *app.caption, *app.error, *app.info, *app.warning]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def table(app, column):
    """Return the table that has a column."""
    return next(one.value for one in app.dataframe if column in one.value)


@pytest.fixture
def running_url(tmp_path):
    """URL of a database with one sweep that runs."""
    url = f"sqlite:///{tmp_path}/running.db"
    seed(url, finished=False, published=False)
    return url


# The page -------------------------------------------------------------------------------------------------------------


def test_busy_and_idle_slots_stand_side_by_side(open_page, running_url):
    app = open_page("sweep", running_url)
    slots = table(app, "does")
    assert list(slots["slot"]) == ["cpu-0", "cpu-1"]
    assert list(slots["does"]) == ["train", "train"]
    assert list(slots["progress"]) == [30, 70]
    assert list(slots["says"]) == ["epoch 2/4 loss 0.80", "epoch 3/4 loss 0.81"]
    assert "Slots: 2 busy, 0 idle" in said(app)
    store = open_store(running_url)
    job = next(job for job in store.jobs_of(1) if job.slot == "cpu-1")
    store.end_attempt(job.fingerprint, job.attempt, outcome="timeout", next_state="failed", message="600 s are over")
    store.close()
    app.run()
    slots = table(app, "does")
    assert list(slots["does"]) == ["train", "idle"]
    assert list(slots["says"])[1] == "last: train, took too long"
    assert "Slots: 1 busy, 1 idle" in said(app)
    events = table(app, "more")
    assert (events["what happened"][0], events["says"][0], events["slot"][0]) == ("failed", "600 s are over", "cpu-1")
    assert events["more"][0] == f"result?result={job.fingerprint}"


def test_a_selected_slot_tells_its_job_and_stays_selected_when_the_page_is_shown_anew(open_page, running_url):
    app = open_page("sweep", running_url)
    key = view._key("slots", ["lab-1 cpu-0", "lab-1 cpu-1"])
    app.session_state[key] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app.run()
    store = open_store(running_url)
    job = next(job for job in store.jobs_of(1) if job.slot == "cpu-1")
    assert f"job `{job.fingerprint[:8]}`" in said(app)
    store.record_progress(job.fingerprint, job.attempt, 0.9, "epoch 4/4")
    store.close()
    app.run()
    assert list(table(app, "does")["says"])[1] == "epoch 4/4"
    assert f"job `{job.fingerprint[:8]}`" in said(app)


def test_the_page_says_when_the_sweep_will_be_finished_and_what_that_leaves_out(open_page, running_url):
    app = open_page("sweep", running_url)
    assert "Finished about " in said(app)
    assert "does not count the jobs to measure throughput" in said(app)


def test_all_sweeps_are_offered_when_there_are_several(open_page, seeded_url, running_url):
    assert not open_page("sweep", running_url, sweeps="true").expander
    app = open_page("sweep", seeded_url, sweeps="true")
    every = table(app, "best")
    assert list(every["sweep"]) == ["fashion-more-norms", "fashion-families"]
    assert list(every["state"]) == ["running", "finished"]
    assert list(every["finished"]) == [20, 100]  # percent: 10 of 48
    assert list(every["failed"]) == [2, 0]
    assert every["best"].iloc[1] > 92
    key = view._key("all-sweeps", list(every["sweep"]))
    app.session_state[key] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app.session_state["watch"] = "fashion-families"
    app.run()
    assert app.title[0].value == "fashion\\-families"


def test_sweeps_are_counted_only_when_somebody_looks(open_page, seeded_url, monkeypatch):
    monkeypatch.setattr(sweep_reading, "summary", lambda *_: pytest.fail("counted"))
    assert open_page("sweep", seeded_url).title


def test_a_page_that_nothing_changed_for_reads_nothing_anew(seeded_url, monkeypatch):
    reader = open_reader(seeded_url)
    source = sweep_reading.Source(seeded_url, reader.data_version())
    sweep = reader.sweep("fashion-more-norms")
    first = sweep_reading.now(source, sweep.sweep_id, sweep.driver_id)
    monkeypatch.setattr(type(reader), "tallies", lambda *_: pytest.fail("read"))
    assert sweep_reading.now(source, sweep.sweep_id, sweep.driver_id) == first
    reader.close()


def test_a_driver_that_is_silent_is_told(open_page, running_url):
    assert "was last heard of" not in said(open_page("sweep", running_url))
    with sqlite3.connect(running_url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE drivers SET heartbeat_at = '2026-01-31T12:00:00.000000Z'")
    connection.close()
    assert "was last heard of" in said(open_page("sweep", running_url))


def test_a_paused_sweep_says_since_when_by_whom_and_how_it_goes_on_and_promises_no_time(open_page, running_url):
    with contextlib.closing(open_store(running_url)) as store:
        store.pause_sweep(1, "ann_b@lab", interrupts=False)
    app = open_page("sweep", running_url)
    assert "by ann_b@lab. Running jobs go on to their end, nothing new starts." in said(app)
    assert "`orchestrator resume fashion-more-norms` lets it go on" in said(app)
    assert "Finished about " not in said(app)
    assert [one.value for one in app.metric if one.label == "State"] == ["paused"]
    with contextlib.closing(open_store(running_url)) as store:
        store.resume_sweep(1)
    app.run()
    assert "Paused" not in said(app)


def test_a_sweep_that_nobody_runs_shows_no_slots_and_promises_no_time(open_page, running_url):
    store = open_store(running_url)
    store.end_driver(DRIVER)
    store.close()
    app = open_page("sweep", running_url)
    assert "Slots" not in said(app)
    assert "Finished about" not in said(app)


def test_what_is_shown_changes_with_the_store_and_while_it_runs_with_time(monkeypatch):
    assert view._shown("1/2", "finished") == view._shown("1/2", "finished")
    assert view._shown("1/2", "finished") != view._shown("1/3", "finished")
    shown = view._shown("1/2", "running")
    monkeypatch.setattr(view.time, "monotonic", lambda: 1e9)
    assert view._shown("1/2", "running") != shown
    assert view._shown("1/2", "finished").split()[1] == "0"


@pytest.mark.browser
def test_a_refresh_leaves_the_readers_place_and_selection(visit, serve, running_url):
    seen = visit(viewport={"width": 1280, "height": 500}).go(serve(running_url), "fashion-more-norms")
    page = seen.page
    seen.row(1)
    detail = page.get_by_text("cpu-1 on lab-1", exact=False)
    detail.wait_for()
    seen.settle()
    before = page.locator("[data-testid=stMain]").evaluate("main => main.scrollTop")
    assert before > 0
    store = open_store(running_url)
    job = next(job for job in store.jobs_of(1) if job.slot == "cpu-0")
    assert store.end_attempt(job.fingerprint, job.attempt, outcome="failed", next_state="failed", message="gone")
    store.close()
    page.get_by_text("Slots: 1 busy, 1 idle").wait_for()
    expect(detail).to_be_visible()
    page.wait_for_function("before => document.querySelector('[data-testid=stMain]').scrollTop === before", arg=before)
    assert seen.complaints == []


# Words ----------------------------------------------------------------------------------------------------------------


def slot(**changes):
    values = {
        "node": "lab-1",
        "slot": "cpu-0",
        "device": "Xeon",
        "threads": 2,
        "fingerprint": "a" * 32,
        "stage": "train",
        "label": "b0",
        "attempt": 1,
        "started_at": NOW - dt.timedelta(seconds=90),
        "ended_at": None,
        "outcome": None,
        "progress": 0.25,
        "progress_text": "epoch 1/4",
    }
    return SlotRow(**{**values, **changes})


def test_a_busy_slot_tells_its_progress_and_an_idle_one_since_when():
    busy = slot_row(slot(), NOW)
    assert (busy["does"], busy["for"], busy["progress"], busy["says"]) == ("train", "2 min", 25, "epoch 1/4")
    assert busy["device"] == "Xeon, 2 threads"
    idle = slot_row(slot(ended_at=NOW - dt.timedelta(seconds=30), outcome="out_of_memory"), NOW)
    assert (idle["does"], idle["for"], idle["progress"]) == ("idle", "30 s", None)
    assert idle["says"] == "last: train, out of memory"
    assert slot_row(slot(device=None), NOW)["device"] is None


@pytest.mark.parametrize(
    ("state", "outcome", "words"),
    [
        ("done", "done", "done"),
        ("quarantined", "crashed", "quarantined"),
        ("queued", "done", "a round done, more to come"),
        ("queued", "lost", "lost with its driver, to be tried again"),
        ("queued", "crashed", "crashed, to be tried again"),
    ],
)
def test_events_say_what_happened_and_what_comes_of_it(state, outcome, words):
    event = EventRow(
        at=NOW,
        fingerprint="a" * 32,
        stage="measure",
        label="b0",
        state=state,
        attempt=2,
        node="lab-1",
        slot="cpu-0",
        outcome=outcome,
        message="first line\nsecond",
    )
    row = event_row(event)
    assert (row["what happened"], row["says"]) == (words, "first line")


ROUNDS = Rounds(wanted=3, done=4, mean_seconds=10, deviation_seconds=1)


def test_every_state_is_a_part_of_the_bar_with_its_number_and_failed_ones_look_like_nothing_else():
    states = {"blocked": 7, "cancelled": 6, "diverged": 5, "done": 4, "failed": 3, "quarantined": 2, "queued": 1}
    parts = parts_of({**states, "running": 1_200}, None)
    assert [(part.kind, part.words) for part in parts] == [
        ("done", "4 done"),
        ("running", "1,200 running"),
        ("failed", "3 failed"),
        ("failed", "2 quarantined"),
        ("without", "5 diverged"),
        ("without", "6 cancelled"),
        ("without", "7 blocked"),
        ("waiting", "1 queued"),
    ]
    assert [part.jobs for part in parts] == [4, 1_200, 3, 2, 5, 6, 7, 1]
    assert [part.words for part in parts_of({"done": 1, "failed": 0}, None)] == ["1 done"]


def test_rounds_of_unfinished_measurements_are_a_part_of_the_bar_and_its_length_stays_that_of_all_jobs():
    parts = parts_of({"done": 2, "queued": 5, "running": 1}, ROUNDS)
    assert [part.words for part in parts] == ["2 done", "4 rounds of unfinished ones", "1 running", "5 queued"]
    assert [part.jobs for part in parts] == pytest.approx([2, 4 / 3, 1, 5 - 4 / 3])
    last = parts_of({"queued": 1, "running": 1}, ROUNDS)
    assert [part.jobs for part in last] == pytest.approx([4 / 3, 2 / 3, 0])
    stopped = parts_of({"failed": 2}, ROUNDS)
    assert [part.words for part in stopped] == ["2 failed"]


def test_rounds_are_counted_beside_the_jobs():
    words = stage_sentence("measure", {"done": 2, "queued": 5, "running": 1}, ROUNDS)
    assert words == "**Measure throughput**: 2 of 8 jobs finished, 10 of 24 rounds"
    assert "rounds" not in stage_sentence("train", {"done": 2}, None)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_a_bar_tells_its_parts_apart_by_pattern_and_says_them_in_words_alone(palette):
    parts = [Part(kind, 2, f"2 <{kind}>") for kind in ("done", "begun", "running", "failed", "without", "waiting")]
    html = progress_bar(parts, palette)
    bar, words = html.split("<ul")
    assert bar.startswith('<div aria-hidden="true"')
    assert re.findall(r"&lt;(\w+)&gt;", words) == [part.kind for part in parts]
    fills = re.findall(r"background:([^\"]*)", bar)
    assert len({re.sub("#[0-9A-Fa-f]{6}", "", one) for one in fills}) == len(parts) - 1
    assert (fills[0], fills[4]) == (palette.families[0], palette.quiet)  # those two are plain: of one is colour enough
    assert f"{palette.failed} 0 7px" in bar
    assert "flex:2 1 0" in bar


def test_measurements_that_failed_want_no_rounds():
    words = stage_sentence(
        "measure", {"done": 1, "failed": 1}, Rounds(wanted=3, done=0, mean_seconds=None, deviation_seconds=None)
    )
    assert words.endswith("3 of 3 rounds")


def test_the_time_of_finishing_is_the_readers_with_the_date_of_another_day():
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    words = finishing(Remaining(3600, 1800, 12 * 3600, ()), NOW, zone)
    assert words == (
        "Finished about 14:00, likely between 13:30 and 2026-02-01 01:00 (Europe/Berlin), by how long its jobs took so "
        "far."
    )
    assert finishing(Remaining(60, None, None, ()), NOW, zone).startswith("Finished about 13:01 (Europe/Berlin)")


def test_the_time_of_a_pause_is_the_readers_with_the_date_of_another_day():
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    words = paused("a-sweep", Pause(NOW - dt.timedelta(hours=1), "ann@lab", False), NOW, zone)
    assert words.startswith("Paused since 12:00 (Europe/Berlin) by ann@lab. Running jobs go on to their end")
    words = paused("a-sweep", Pause(NOW - dt.timedelta(days=1), "ann@lab", True), NOW, zone)
    assert words.startswith("Paused since 2026-01-30 13:00 (Europe/Berlin) by ann@lab. Running jobs were interrupted")


def test_rounds_tell_the_time_left_before_a_measurement_is_complete():
    rounds = Rounds(wanted=3, done=4, mean_seconds=10, deviation_seconds=2)
    rest = left([tally("measure", "queued", 4)], [], NOW, rounds=rounds)
    assert rest.seconds == pytest.approx((4 * 3 - 4) * 10)
    assert rest.unknown == ()
    assert rest.low < rest.seconds < rest.high
    done = [tally("measure", "done", 2, 30), tally("measure", "queued", 4)]
    assert left(done, [], NOW, rounds=rounds).seconds == pytest.approx((4 - 4 / 3) * 30)


def test_idle_slots_count_in_the_time_left():
    tallies = [tally("train", "done", seconds=20), tally("train", "running", 1), tally("train", "queued", 3)]
    jobs = [running("train", "cpu-0", 0)]
    assert left(tallies, jobs, NOW).seconds == pytest.approx(80)
    assert left(tallies, jobs, NOW, slots=4).seconds == pytest.approx(20)

"""A running sweep that is paused from elsewhere: it starts nothing, lets the machine go, and goes on."""

from __future__ import annotations

from tests.acceptance.place import SWEEP, until, workers_of
from tests.acceptance.test_faults import jobs, under_way

#: One training, so long that it is interrupted in its middle on every machine.
ENDLESS = (
    SWEEP.replace("epochs: 2", "epochs: 5000")
    .replace("group_size: [1, 16]", "group_size: 1")
    .replace("count: 2", "count: 1")
)
SEARCH = """\
name: look
dataset: {name: fashion-mnist, train_images: 600, test_images: 400, validation_images: 200}
model: {size: b0, width: 0.25, small_images: true}
grid: {group_size: 1, norm: gn}
recipe: {epochs: 3, batch_size: 50}
fine_tune: none
measure: none
slots: {cpu: {threads: 1, count: 1}}
search:
  axes: {train_resolution: {low: 8, high: 16, step: 4}, test_resolution: {low: +0, high: +0, step: 4}}
  objectives: top1
  budget: {trials: 3}
"""


def rests(place):
    """Whether nothing runs, and no worker process holds memory."""
    return not jobs(place, "state = 'running'") and not workers_of(place)


def test_a_pause_that_interrupts_lets_the_machine_go_until_the_sweep_is_resumed(place, start):
    place.write(ENDLESS)
    start("launch", "sweep.yaml")
    until(lambda: under_way(place))
    assert "1 running job(s) are interrupted" in place.ask("pause", "tiny", "--now")
    until(lambda: rests(place))
    interrupted = jobs(place)
    assert place.json("status")["paused"]["interrupts"]
    assert "orchestrator resume tiny" in place.run("launch", "sweep.yaml", expect=3)
    assert jobs(place) == interrupted, "nothing starts in a pause"
    assert "tiny goes on" in place.ask("resume", "tiny")
    ((_, _, attempt),) = until(lambda: under_way(place)).values()
    assert attempt == 2
    assert place.sql("SELECT attempt, outcome FROM attempts ORDER BY 1") == [
        {"attempt": 1, "outcome": "stopped"},
        {"attempt": 2, "outcome": None},
    ]
    assert place.sql("SELECT max(crashes) + max(losses) AS n FROM jobs") == [{"n": 0}]


def test_a_paused_search_finishes_what_runs_proposes_nothing_and_finishes_when_it_is_resumed(place, start):
    place.write(SEARCH, "search.yaml")
    process = start("search", "search.yaml")
    until(lambda: jobs(place, "state = 'running'"))
    assert "go on to their end" in place.ask("pause", "look")
    until(lambda: rests(place))
    before = place.json("search", "look", "--report")
    assert (before["state"], before["paused"]["interrupts"], before["seconds_left"]) == ("paused", False, None)
    assert place.sql("SELECT DISTINCT outcome FROM attempts") == [{"outcome": "done"}]
    done = jobs(place)
    assert "look goes on" in place.ask("resume", "look")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert "paused by" in output
    assert "going on after the pause" in output
    after = place.json("search", "look", "--report")
    assert (after["state"], after["paused"], after["trials"]) == ("finished", None, {"complete": 3})
    assert all(jobs(place)[key] == value for key, value in done.items() if value[1] == "done"), "nothing runs twice"
    assert place.sql("SELECT state, paused_by FROM sweeps") == [{"state": "finished", "paused_by": None}]

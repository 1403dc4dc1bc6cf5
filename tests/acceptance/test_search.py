"""Searches as a person runs them: real trainings, killed in the middle, gone on with, reported and exported."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.place import SWEEP, Place, until, workers_of

SEARCH = """\
name: look
dataset: {name: fashion-mnist, train_images: 300, test_images: 100, validation_images: 100}
model: {size: b0, width: 0.25, small_images: true}
grid: {group_size: [1, 16], norm: gn, seed: [0, 1]}
recipe: {epochs: 2, batch_size: 50}
fine_tune: none
measure: {batch_size: 16, memory_format: channels_last, rounds: 1, blocks: 2, block_seconds: 0.05, warmup_seconds: 0.05}
slots: {cpu: {threads: 1, count: 1}}
search:
  axes: {train_resolution: {low: 8, high: 16, step: 4}, test_resolution: {low: +0, high: +4, step: 4}}
  objectives: top1
  budget: {trials: 4}
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory, data_directory):
    """A place where a search has run to its end, undisturbed."""
    place = Place(tmp_path_factory.mktemp("searched"), data_directory)
    place.write(SEARCH, "search.yaml")
    place.run("search", "search.yaml")
    return place


def trials(place, name="look"):
    report = place.json("search", name, "--report", "--trials")
    kept = ("trial", "group_size", "train_resolution", "test_offset", "top1", "origin", "state")
    return [{key: trial.get(key) for key in kept} for trial in report["every_trial"]]


def test_a_search_trains_what_was_proposed_and_tests_it_elsewhere_too(searched):
    found = trials(searched)
    assert {trial["state"] for trial in found} == {"complete"}
    assert sum(trial["origin"] == "sampler" for trial in found) == 4
    trainings = {(trial["group_size"], trial["train_resolution"]) for trial in found}
    assert len(found) == 2 * len(trainings), "each training at both test resolutions"
    counts = searched.json("status", "look")
    assert counts["train"] == {"done": 2 * len(trainings)}, "two seeds"
    assert counts["measure"] == {}, "nothing asks for throughput"


def test_its_values_are_those_of_the_stored_results(searched):
    rows = searched.json("results", "look")
    for trial in trials(searched):
        mine = [
            row
            for row in rows
            if (row["group_size"], row["train_resolution"]) == (trial["group_size"], trial["train_resolution"])
            and row["test_resolution"] == trial["train_resolution"] + trial["test_offset"]
        ]
        assert len(mine) == 2
        right = sum(row["validation_correct"] for row in mine)
        assert trial["top1"] == pytest.approx(100 * right / sum(row["validation_images"] for row in mine))


def test_the_same_command_again_has_nothing_to_do(searched):
    before = trials(searched)
    assert "everything" not in searched.run("search", "search.yaml")
    assert trials(searched) == before


def test_killed_in_the_middle_it_goes_on_and_proposes_what_it_would_have(searched, place):
    place.write(SEARCH, "search.yaml")
    process = place.start("search", "search.yaml")
    try:
        until(lambda: _over(place) >= 2)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert _over(place) < len(trials(searched))
    until(lambda: not workers_of(place))
    place.run("search", "search.yaml")
    assert trials(place) == trials(searched)


def _over(place):
    """Trials that are complete, straight from the file."""
    path = place.directory / "orchestrator.db"
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'search_trials'").fetchone():
            return 0
        return connection.execute("SELECT COUNT(*) FROM search_trials WHERE state = 'complete'").fetchone()[0]


def test_another_search_reuses_what_is_there_and_becomes_a_study_of_optuna(searched):
    objectives = "search.objectives=[top1, inference_images_per_second]"
    output = searched.run(
        "search", "search.yaml", "--set", "name=two", "--set", objectives, "--set", "search.budget.trials=2"
    )
    assert "trials that no other one beats" in output
    report = searched.json("search", "two", "--report")
    assert report["jobs_reused"] > 0
    assert report["hypervolume"][-1]["share"] == 1
    study = f"sqlite:///{searched.directory / 'study.db'}"
    searched.ask("export", "--optuna", study, "two")
    assert "has a study 'two' already" in searched.ask("export", "--optuna", study, "two", expect=2)
    tool = Path(sys.executable).with_name("optuna")
    listed = subprocess.run(
        [tool, "trials", "--storage", study, "--study-name", "two", "-f", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(json.loads(listed.stdout)) == sum(report["trials"].values())


def test_trainings_that_lag_are_stopped_and_stay_for_whoever_asks_for_them(searched):
    changes = ("name=pruned", "search.pruner=asha", "search.budget.trials=8", "recipe.epochs=9", "grid.seed=0")
    images = ("dataset.train_images=600", "dataset.validation_images=200")
    # One test of each training, so that each trial is another one: among eight, some lag on any machine.
    axes = "search.axes={train_resolution: {low: 8, high: 16, step: 2}, test_resolution: {low: +0, high: +0, step: 4}}"
    searched.run("search", "search.yaml", *(f"--set={change}" for change in (*changes, *images, axes)))
    report = searched.json("search", "pruned", "--report", "--trials")
    assert report["origins"] == {"sampler": 8}, "it goes on after a training was stopped"
    assert report["trials"]["pruned"] > 0
    stopped = next(trial for trial in report["every_trial"] if trial["state"] == "pruned")
    assert "behind the others" in stopped["reason"]
    curves = searched.sql(
        "SELECT t.state, t.curve FROM search_trials AS t JOIN sweeps AS s ON s.sweep_id = t.sweep_id"
        " WHERE s.name = 'pruned' AND t.origin = 'sampler'"
    )
    lengths = {row["state"]: len(json.loads(row["curve"])) for row in curves}
    assert lengths["pruned"] < lengths["complete"] == 8
    left = searched.sql(
        "SELECT stage, state FROM jobs WHERE fingerprint NOT IN (SELECT fingerprint FROM sweep_jobs) ORDER BY stage"
    )
    assert len(left) == 2 * report["trials"]["pruned"], "its training and its test"
    assert {row["state"] for row in left if row["stage"] == "evaluate"} == {"queued"}
    assert {row["state"] for row in left} <= {"queued", "done"}, "done, where a training was quicker than its stop"


def test_a_search_file_is_for_search_and_a_sweep_file_for_launch(place):
    place.write(SEARCH, "search.yaml")
    place.write(SWEEP)
    assert "search.yaml:9: search: the file describes a search" in place.ask("launch", "search.yaml", expect=2)
    assert "search: missing: the objectives" in place.ask("search", "sweep.yaml", expect=2)
    baseline = ("--set", "search.objectives=speedup", "--set", "search.speedup={baseline: norm=gn}")
    assert "no stored result" in place.ask("search", "search.yaml", *baseline, expect=2)
    assert not list(place.directory.glob("*.db")), "nothing was written"


def test_what_a_search_could_choose_is_told_before_anything_runs(place):
    place.write(SEARCH, "search.yaml")
    output = place.ask("search", "search.yaml", "--dry-run")
    assert "12 points, 0 of them stored; 12 trainings in all" in output
    assert "train_resolution: 8, 12, 16" in output
    assert not list(place.directory.glob("*.db"))


def test_a_search_with_other_axes_needs_another_name(searched):
    axes = "search.axes.train_resolution.high=24"
    message = searched.ask("search", "search.yaml", "--set", axes, expect=2)
    assert "look was begun with other axes" in message
    assert "Give it another name" in message

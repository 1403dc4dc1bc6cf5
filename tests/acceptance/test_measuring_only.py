"""A sweep that trains nothing, really launched, and what it makes of published accuracies."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter

import pytest

from tests.acceptance.place import Place

SWEEP = """\
name: throughput
dataset: {channels: 3, classes: 1000}
model: {size: b0}
grid: {group_size: [1, 16], norm: gn, train_resolution: [32, 96]}
test_resolution: 32
recipe: none
measure: {batch_size: 8, memory_format: channels_last, rounds: 1, blocks: 3, block_seconds: 0.05, warmup_seconds: 0.05}
slots: {cpu: {threads: 1, count: 1}}
"""

# The two resolutions are so far apart that the larger one is slower, whatever else the machine does meanwhile.
PUBLISHED = """\
series,model_size,group_size,expansion,norm,train_resolution,test_resolution,fine_tuned,top1,hardware
plain,b0,1,6,gn,32,32,0,60.0,somewhere
plain,b0,1,6,gn,96,96,0,70.0,somewhere
grouped,b0,16,4,gn,32,32,0,61.0,somewhere
grouped,b0,16,4,gn,96,96,0,71.0,somewhere
grouped,b5,16,4,gn,456,456,0,80.0,somewhere
"""
SPEEDUP = ("speedup", "--accuracy", "published", "--throughput", "measured")
SIDES = ("--baseline", "series=plain", "--candidate", "series=grouped")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A directory without any images, in which the sweep is done and the publication imported."""
    directory = tmp_path_factory.mktemp("measured")
    place = Place(directory, directory / "no-images")
    place.write(SWEEP)
    place.write(PUBLISHED, "published.csv")
    output = place.run("launch", "sweep.yaml")
    assert "to run: 6 measure; reused: 0" in output
    assert "train:" not in output.splitlines()[-1]
    with contextlib.closing(sqlite3.connect(directory / "orchestrator.db")) as connection, connection:
        connection.execute("UPDATE measurements SET verdict = 'clean'")  # whatever else this machine does
        # Without a reference, ratios are those of the stored throughputs.
        connection.execute("UPDATE samples SET reference_images_per_second = NULL")
    place.ask("import", "--published", "published.csv")
    return place


@pytest.fixture(scope="module")
def in_rounds(measured):
    """The same place, where another sweep of two measurements is done in two rounds, for images of a named data set."""
    named = ("name=named", "dataset={name: fashion-mnist}", "measure.modes=inference", "measure.rounds=2")
    output = measured.run("launch", "sweep.yaml", *(f"--set={change}" for change in named))
    assert "to run: 2 measure; reused: 0" in output
    return measured


@pytest.mark.slow
def test_only_measurements_are_done_and_nothing_is_fetched(measured):
    assert measured.json("status") == {"train": {}, "evaluate": {}, "measure": {"done": 6}}
    assert not measured.data.exists()
    rows = measured.sql("SELECT mode, resolution, optimizer, channels, classes FROM measurements")
    assert sorted((row["mode"], row["resolution"], row["optimizer"]) for row in rows) == sorted(
        [("train", 32, "rmsprop"), ("train", 96, "rmsprop"), ("inference", 32, None)] * 2
    )
    assert {(row["channels"], row["classes"]) for row in rows} == {(3, 1000)}


@pytest.mark.slow
def test_what_was_measured_is_not_measured_again(measured):
    again = measured.json("plan", "sweep.yaml")["measure"]
    assert (again["to_run"], again["reused"]) == (0, 6)
    plan = measured.ask("plan", "sweep.yaml", "--set", "test_resolution=[32, 96]")
    assert "measure" in plan
    assert "evaluate" not in plan


@pytest.mark.slow
def test_its_results_and_its_front_say_that_it_only_measures(measured):
    assert measured.json("results", "throughput") == []
    for command in (("results", "throughput"), ("front", "throughput", "--mode", "train")):
        assert "nothing was trained, only measured (throughput): " in measured.ask(*command)


@pytest.mark.slow
def test_published_accuracies_get_the_throughput_of_this_machine(measured):
    rates = {
        (row["group_size"], row["resolution"]): row["images_per_second"]
        for row in measured.sql(
            "SELECT v.group_size, m.resolution, m.images_per_second FROM measurements AS m "
            "JOIN variants AS v ON v.variant_id = m.variant_id WHERE m.mode = 'train'"
        )
    }
    found = measured.json(*SPEEDUP, *SIDES, "--mode", "train")
    assert found["throughput"]["places"][0]["unpaired"] == [
        {"series": "grouped", "model_size": "b5", "train_resolution": 456, "test_resolution": 456}
    ]
    at_70 = {point["top1"]: point for point in found["points"]}[70.0]
    grouped = rates[16, 32] ** 0.1 * rates[16, 96] ** 0.9  # a tenth of the way back from 71 to 61 %
    assert at_70["speedup"] == pytest.approx(grouped / rates[1, 96])
    assert at_70["low"] <= at_70["speedup"] <= at_70["high"]


@pytest.mark.slow
def test_not_even_a_named_data_set_is_fetched(in_rounds):
    assert not in_rounds.data.exists()
    assert in_rounds.sql("SELECT DISTINCT channels, classes FROM measurements WHERE classes <> 1000") == [
        {"channels": 1, "classes": 10}
    ]


@pytest.mark.slow
def test_measurements_took_turns_round_by_round(in_rounds):
    rounds = in_rounds.sql(
        "SELECT r.measurement_id, r.round, r.verdict, a.attempt, a.outcome FROM measurement_rounds AS r "
        "JOIN measurements AS m USING (measurement_id) "
        "JOIN attempts AS a ON a.fingerprint = m.fingerprint AND a.attempt = r.attempt "
        "WHERE m.classes = 10 ORDER BY r.measured_at"
    )
    numbers = [row["round"] for row in rounds]
    assert numbers == sorted(numbers), "all have had a round before any has the next"
    done = Counter(row["measurement_id"] for row in rounds)
    undisturbed = Counter(row["measurement_id"] for row in rounds if row["verdict"] != "contended")
    assert len(done) == 2
    assert all(max(undisturbed[one], done[one] - undisturbed[one]) == 2 for one in done)
    assert {row["outcome"] for row in rounds} == {"done"}

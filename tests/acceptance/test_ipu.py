"""Whole sweeps on IPU slots, through ``launch``: the strict stand-in of PopTorch takes the place of the real one.

An enable script puts it on the path of the slots' workers, and of nothing else, as the Poplar SDK's scripts do.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.acceptance.place import Place

STANDIN = Path(__file__).parents[1] / "ipu" / "standin"

#: Nothing in it that an IPU draws by itself, so that processors come to the same weights but for rounding.
SWEEP = """\
name: tiny
dataset: {name: fashion-mnist, train_images: 480, test_images: 400, validation_images: 200}
model: {size: b0, width: 0.25, small_images: true}
grid:
  group_size: [1, 16]
  norm: gn
  train_resolution: 12
test_resolution: [12, 16]
recipe: {epochs: 2, batch_size: 48, dropout: 0}
fine_tune: {layers: head, epochs: 1, batch_size: 48}
measure: {batch_size: 96, rounds: 1, blocks: 2, block_seconds: 0.02, warmup_seconds: 0.02}
"""
#: One network of it.
ONE = ["--set", "grid.group_size=16"]
#: One training and one test of that.
SHORT = [*ONE, "--set", "measure=false", "--set", "test_resolution=12"]
ON_A_CPU = "slots: {cpu: {threads: 1, count: 1}}\n"


def on_ipus(**settings):
    given = {"python": sys.executable, "enable": "sdk/enable.sh", "micro_batch": 48, **settings}
    return f"slots: {{ipu: {json.dumps(given)}}}\n"


def enable(place, **variables):
    """Write the script that makes the stand-in be there, behaving as the variables say."""
    variables = {"ANY_TORCH": 1, "IPUS": 2, "DEVICES": place.directory / "devices", **variables}
    lines = [f"export POPTORCH_STANDIN_{name}='{value}'" for name, value in variables.items()]
    (place.directory / "devices").mkdir(exist_ok=True)
    script = place.directory / "sdk" / "enable.sh"
    script.parent.mkdir(exist_ok=True)
    script.write_text("\n".join(["echo enabled", f"export PYTHONPATH='{STANDIN}'", *lines, ""]), encoding="utf-8")


@pytest.fixture(autouse=True)
def _without_kernels(monkeypatch):
    monkeypatch.setenv("FRONTSWEEP_KERNELS", "off")


@pytest.fixture
def place(tmp_path, data_directory):
    one = Place(tmp_path, data_directory)
    one.write(SWEEP + on_ipus(inference={"micro_batch": 96, "device_iterations": 2}))
    enable(one)
    return one


def accuracies(place):
    keys = ("group_size", "test_resolution", "top1", "top1_before_fine_tune")
    return sorted(tuple(row[key] for key in keys) for row in place.json("results"))


def attempts(place):
    query = (
        "SELECT outcome, failure FROM attempts JOIN jobs USING (fingerprint) WHERE jobs.stage = 'train' "
        "ORDER BY attempts.started_at"
    )
    return [(row["outcome"], row["failure"] or None) for row in place.sql(query)]


def test_a_sweep_on_ipus_comes_to_the_results_of_processors(place, tmp_path_factory, data_directory):
    output = place.run("launch", "sweep.yaml", *ONE)
    assert "train: 1 done; evaluate: 2 done; measure: 3 done" in output
    other = Place(tmp_path_factory.mktemp("cpu"), data_directory)
    other.write(SWEEP + ON_A_CPU)
    other.run("launch", "sweep.yaml", *ONE, "--set", "measure=false")
    # Another processor may round otherwise; 2 % of the images are 8.
    assert accuracies(place) == [pytest.approx(row, abs=2.0) for row in accuracies(other)]
    assert len(accuracies(place)) == 2

    (environment,) = place.sql("SELECT * FROM environments")
    assert (environment["slot_kind"], environment["device"]) == ("ipu", "Graphcore IPU Mk2 (1 IPU)")
    assert "3.4" in json.loads(environment["software"])["poptorch"]
    query = (
        "SELECT DISTINCT mode, batch_size, micro_batch, accumulation, replicas, ipus_per_replica, device_iterations "
        "FROM measurements ORDER BY 1"
    )
    measured = [tuple(row.values()) for row in place.sql(query)]
    assert measured == [("inference", 96, 96, 1, 1, 1, 2), ("train", 96, 48, 2, 1, 1, 1)]
    assert {row["slot"] for row in place.sql("SELECT DISTINCT slot FROM attempts")} == {"ipu-0", "ipu-1"}
    planned = place.json("plan", "sweep.yaml", *ONE).values()
    assert (sum(stage["to_run"] for stage in planned), sum(stage["reused"] for stage in planned)) == (0, 6)
    assert list((place.directory / "orchestrator-runs" / "poplar-cache").iterdir())


def test_the_slots_are_seen_before_anything_runs(place):
    (row,) = place.json("slots", "sweep.yaml")
    assert (row["kind"], row["slots"]) == ("ipu", 2)
    found = {one["what"]: one for one in json.loads(place.run("doctor", "sweep.yaml", "--json"))}
    assert {one["state"] for one in found.values()} == {"ok"}, found
    assert "one program can have 2 IPUs here" in found["ipu slots"]["found"]
    four = ["--set", "slots.ipu.replicas=4", "--set", "recipe.batch_size=192", "--set", "measure.batch_size=192"]
    four += ["--set", "slots.ipu.inference={device_iterations: 2}"]
    refused = place.ask("plan", "sweep.yaml", *four, expect=3)
    assert "ipu: the slot takes 4 IPUs, and a program here can have 2" in refused.replace("enabled\n", "")


def test_what_keeps_ipus_from_being_slots_is_said_beside_the_slots_that_are_there(place):
    enable(place, NO_SDK=1)
    both = ["--set", "slots.cpu={threads: 1}"]
    output = place.ask("plan", "sweep.yaml", *both)
    assert "note: no ipu slots here: " in output
    assert "the Poplar SDK is not enabled: name the SDK's" in output
    enable(place, IPUS=0)
    assert "finds no IPU" in place.ask("launch", "sweep.yaml", expect=3)


def test_ipus_that_ask_for_a_reset_get_a_fresh_process_and_the_job_again(place):
    enable(place, IPUS=1, RECOVERABLE="15:IPU_RESET", ONCE=place.directory / "once")
    output = place.run("launch", "sweep.yaml", *SHORT)
    assert "train: 1 done; evaluate: 1 done" in output
    assert attempts(place) == [("crashed", "device_reset"), ("done", None)]
    assert "trying again (1 of 3 crashes)" in output


def test_a_broken_slot_is_retired_and_its_job_done_on_another_one(place):
    enable(place, UNRECOVERABLE="15", ONCE=place.directory / "once")
    output = place.run("launch", "sweep.yaml", *SHORT)
    assert "train: 1 done; evaluate: 1 done" in output
    assert output.count("is not used any more in this run, its device is broken: ") == 1
    assert attempts(place) == [("lost", "device_broken"), ("done", None)]
    slots = [row["slot"] for row in place.sql("SELECT slot FROM attempts ORDER BY started_at")]
    assert slots[0] not in slots[1:]


def test_a_network_that_does_not_fit_is_not_tried_again(place):
    enable(place, IPUS=1, OOM_ABOVE=12)
    short = [*SHORT, "--set", "recipe.epochs=1"]
    output = place.run("launch", "sweep.yaml", *short, expect=1)
    assert attempts(place) == [("failed", "device_memory")]
    assert "take a smaller micro_batch" in output
    assert "evaluate: 1 cancelled" in output
    smaller = ["--set", "slots.ipu.micro_batch=12", "--set", "slots.ipu.inference={micro_batch: 12}"]
    place.ask("retry", "tiny")
    assert "train: 1 done" in place.run("launch", "sweep.yaml", *short, *smaller)


def test_a_search_on_ipus_measures_a_trial_in_the_layout_of_the_slot(place):
    enable(place, IPUS=1)
    goal = "{objectives: top1, at_least: {train_images_per_second: 0.1}, budget: {trials: 1}, companions: 0}"
    place.write(f"{SWEEP}{on_ipus()}search: {goal}\n", "search.yaml")
    place.run("search", "search.yaml", "--set", "measure.modes=train", "--set", "recipe.epochs=1")
    (trial,) = place.json("search", "tiny", "--report", "--trials")["every_trial"]
    assert (trial["state"], trial["origin"]) == ("complete", "sampler")
    (network,) = place.sql("SELECT variants.group_size FROM trainings JOIN variants USING (variant_id)")
    assert network["group_size"] == trial["group_size"]
    layouts = "SELECT mode, batch_size, micro_batch, accumulation, replicas FROM measurements"
    assert [tuple(row.values()) for row in place.sql(layouts)] == [("train", 96, 48, 2, 1)]
    assert place.sql("SELECT slot_kind FROM environments") == [{"slot_kind": "ipu"}]

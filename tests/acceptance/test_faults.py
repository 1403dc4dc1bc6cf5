"""Whatever dies in the middle, the same command goes on: nothing reported is lost, nothing finished runs twice."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3

import pytest

from tests.acceptance.place import SWEEP, until, workers_of

#: Long enough to be killed in the middle, in several places.
LONGER = SWEEP.replace("epochs: 2", "epochs: 6")
#: One training of it, on one slot, with its two tests.
ONE_TRAINING = ("--set", "grid.group_size=16", "--set", "measure=none", "--set", "slots.cpu.count=1")


def jobs(place, condition="1 = 1"):
    """Fingerprint → (stage, state, attempt), straight from the file: a command each time would slow down the sweep."""
    path = place.directory / "orchestrator.db"
    if not path.exists():
        return {}
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchone():
            return {}
        found = connection.execute(f"SELECT fingerprint, stage, state, attempt FROM jobs WHERE {condition}")  # noqa: S608  # ours
        return {fingerprint: (stage, state, attempt) for fingerprint, stage, state, attempt in found}


def under_way(place):
    """The trainings of which progress was told."""
    return jobs(place, "stage = 'train' AND state = 'running' AND progress > 0")


@pytest.fixture
def launch(place, start):
    """Launch the longer sweep; whatever happens, the launch is gone at the end."""

    def longer(*options):
        place.write(LONGER)
        return start("launch", "sweep.yaml", *options)

    return longer


def test_a_killed_driver_s_sweep_goes_on_and_finished_jobs_do_not_run_again(place, launch):
    process = launch("--set", "measure=none")
    until(lambda: jobs(place, "stage = 'train' AND state = 'done'"))
    process.kill()
    process.wait()
    done = {key: value for key, value in jobs(place).items() if value[1] == "done"}
    assert 0 < len(done) < 6
    until(lambda: not workers_of(place))
    output = place.run("launch", "sweep.yaml", "--set", "measure=none")
    after = jobs(place)
    assert int(re.search(r"reused: (\d+)", output)[1]) >= len(done), "more, if a worker outlived the driver a moment"
    assert {value[1] for value in after.values()} == {"done"}
    assert {key: after[key] for key in done} == done, "a finished job keeps its attempt"
    assert len(place.json("results")) == 4


def test_a_killed_worker_s_job_is_tried_again(place, launch):
    process = launch(*ONE_TRAINING)
    until(lambda: under_way(place))
    (victim,) = workers_of(place)
    os.kill(victim.pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    attempts = place.sql("SELECT outcome, message FROM attempts WHERE outcome = 'crashed'")
    assert len(attempts) == 1
    assert "SIGKILL" in attempts[0]["message"]
    assert len(place.json("results")) == 2


def test_ctrl_c_once_finishes_what_runs_and_the_same_command_would_go_on(place, launch):
    process = launch("--set", "slots.cpu.count=1")
    until(lambda: under_way(place))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 130, output
    assert "To go on: orchestrator launch sweep.yaml" in output
    states = [value[1] for value in jobs(place).values()]
    assert set(states) == {"done", "queued"}
    assert place.sql("SELECT count(*) AS n FROM attempts WHERE outcome <> 'done'") == [{"n": 0}]
    assert not workers_of(place)
    planned = place.json("plan", "sweep.yaml").values()
    assert sum(stage["reused"] for stage in planned) == states.count("done")
    assert sum(stage["to_run"] for stage in planned) == states.count("queued")


def test_a_second_launch_says_who_runs_the_sweep_and_ctrl_c_twice_stops_that_at_once_at_no_cost(place, launch):
    process = launch(*ONE_TRAINING, "--set", "recipe.epochs=5000")
    until(lambda: under_way(place))
    assert str(process.pid) in place.run("launch", "sweep.yaml", expect=3)
    process.send_signal(signal.SIGINT)
    # Two signals at once would be one: the second follows when the first was heard.
    for line in process.stdout:
        if "Ctrl-C again stops them now" in line:
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 130, output
    assert not workers_of(place)
    outcomes = place.sql("SELECT outcome, count(*) AS n FROM attempts GROUP BY outcome")
    assert outcomes == [{"outcome": "stopped", "n": 1}], "the training did not come to its end"
    assert place.sql("SELECT max(crashes) AS n FROM jobs") == [{"n": 0}]


def test_damaged_images_fail_the_sweep_with_one_grouped_reason(place):
    root = place.directory / "images"
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            (root / split / name).mkdir(parents=True)
            for number in range(4):
                (root / split / name / f"{number}.jpg").write_bytes(b"this is no picture")
    clothes = "{name: fashion-mnist, train_images: 600, test_images: 400, validation_images: 200}"
    assert clothes in SWEEP
    sweep = SWEEP.replace(clothes, "{name: image-folder, root: images}")
    place.write(sweep.replace("small_images: true", "small_images: false").replace("batch_size: 50", "batch_size: 4"))
    place.run("launch", "sweep.yaml", "--set", "measure=none", "--set", "slots.cpu.count=1", expect=1)
    groups = place.json("failures")
    assert {(group["stage"], group["state"], group["class"]) for group in groups} == {("train", "failed", "data")}
    assert place.json("status")["evaluate"] == {"cancelled": 4}


def test_a_loss_that_becomes_nan_is_an_answer(place):
    place.write(SWEEP.replace("batch_size: 50}\nfine", "batch_size: 50, learning_rate: 1.0e+30}\nfine"))
    place.run("launch", "sweep.yaml", *ONE_TRAINING)
    assert place.json("status") == {"train": {"diverged": 1}, "evaluate": {"cancelled": 2}, "measure": {}}
    planned = place.json("plan", "sweep.yaml", *ONE_TRAINING)["train"]
    assert (planned["to_run"], planned["diverged"]) == (0, 1)

"""Whatever dies in the middle, the same command goes on: nothing reported is lost, nothing finished runs twice."""

from __future__ import annotations

import os
import re
import signal
import time

import psutil
import pytest

from tests.acceptance.place import SWEEP, until

#: Long enough to be killed in the middle, in several places.
LONGER = SWEEP.replace("epochs: 2", "epochs: 6")


def workers_of(place):
    """The worker processes that run jobs of this place."""
    home = str(place.directory / "orchestrator-runs")
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if "workers" in (process.info["cmdline"] or []) and str(process.info["cwd"] or "").startswith(home)
    ]


def jobs(place):
    """Fingerprint → (stage, state, attempt), straight from the store."""
    if not (place.directory / "orchestrator.db").exists():
        return {}
    rows = place.sql("SELECT fingerprint, stage, state, attempt FROM jobs")
    return {row["fingerprint"]: (row["stage"], row["state"], row["attempt"]) for row in rows}


def in_state(place, stage, state):
    return [key for key, value in jobs(place).items() if value[:2] == (stage, state)]


@pytest.fixture
def launched(place):
    """A running launch that is gone at the end, whatever happens."""
    place.write(LONGER)
    process = place.start("launch", "sweep.yaml")
    yield place, process
    process.kill()
    process.wait()
    for worker in workers_of(place):
        worker.kill()


def test_a_killed_driver_s_sweep_goes_on_and_finished_jobs_do_not_run_again(launched):
    place, process = launched
    until(lambda: in_state(place, "train", "done"))
    process.kill()
    process.wait()
    done = {key: value for key, value in jobs(place).items() if value[1] == "done"}
    assert 0 < len(done) < 12
    until(lambda: not workers_of(place), 30)
    output = place.run("launch", "sweep.yaml")
    after = jobs(place)
    assert int(re.search(r"reused: (\d+)", output)[1]) >= len(done), "more, if a worker outlived the driver a moment"
    assert {value[1] for value in after.values()} == {"done"}
    assert {key: after[key] for key in done} == done, "a finished job keeps its attempt"
    assert len(place.json("results")) == 4


def test_a_killed_worker_s_job_is_tried_again(launched):
    place, process = launched
    until(lambda: in_state(place, "train", "running"))
    victim = until(lambda: workers_of(place))[0]
    time.sleep(1)
    os.kill(victim.pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=250)
    assert process.returncode == 0, output
    attempts = place.sql("SELECT outcome, message FROM attempts WHERE outcome = 'crashed'")
    assert len(attempts) == 1
    assert "SIGKILL" in attempts[0]["message"]
    assert len(place.json("results")) == 4


def test_ctrl_c_once_finishes_what_runs_and_the_same_command_goes_on(launched):
    place, process = launched
    until(lambda: in_state(place, "train", "running"))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 130, output
    assert "To go on: orchestrator launch sweep.yaml" in output
    states = {value[1] for value in jobs(place).values()}
    assert states == {"done", "queued"}
    assert place.sql("SELECT count(*) AS n FROM attempts WHERE outcome <> 'done'") == [{"n": 0}]
    assert not workers_of(place)
    place.run("launch", "sweep.yaml")
    assert len(place.json("results")) == 4


def test_ctrl_c_twice_stops_at_once_and_costs_no_attempt(launched):
    place, process = launched
    until(lambda: in_state(place, "train", "running"))
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert time.monotonic() - began < 30
    assert not workers_of(place)
    assert place.sql("SELECT DISTINCT outcome FROM attempts WHERE outcome <> 'done'") == [{"outcome": "stopped"}]
    assert place.sql("SELECT max(crashes) AS n FROM jobs") == [{"n": 0}]


def test_a_second_launch_of_a_running_sweep_says_who_has_it(launched):
    place, process = launched
    until(lambda: in_state(place, "train", "running"))
    assert str(process.pid) in place.run("launch", "sweep.yaml", expect=3)


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
    place.run("launch", "sweep.yaml", "--set", "measure=none", expect=1)
    groups = place.json("failures")
    assert {(group["stage"], group["state"], group["class"]) for group in groups} == {("train", "failed", "data")}
    assert place.json("status")["evaluate"] == {"cancelled": 4}


def test_a_loss_that_becomes_nan_is_an_answer(place):
    place.write(SWEEP.replace("batch_size: 50}\nfine", "batch_size: 50, learning_rate: 1.0e+30}\nfine"))
    place.run("launch", "sweep.yaml", "--set", "measure=none")
    assert place.json("status") == {"train": {"diverged": 2}, "evaluate": {"cancelled": 4}, "measure": {}}
    assert "to run: 0 train" in place.run("launch", "sweep.yaml", "--set", "measure=none")

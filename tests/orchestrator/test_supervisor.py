"""A slot's supervisor with a real worker process behind it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from orchestrator.errors import ImpossibleHereError
from orchestrator.slots.request import SlotRequest, probe
from orchestrator.slots.supervisor import Supervisor, WorkerDied
from orchestrator.slots.worker_process import WorkerProcess, WorkerSettings
from workers.protocol.jobs import DataSet, MeasureJob, TrainJob
from workers.protocol.orders import Failed, Finished, Order, Progress
from workers.protocol.recipe import Recipe
from workers.protocol.variant import Variant

VARIANT = Variant("b0", 1, 6, "gn", 0.125, small_images=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def slot(home):
    """A supervisor, its environment and its home; tests leave it ready for the next order."""
    supervisor = Supervisor(WorkerSettings(slot_kind="cpu", threads=1, home=str(home)), "cpu-0", home)
    environment = supervisor.start()
    yield supervisor, environment, home
    supervisor.close()
    assert not workers_below(home)


def workers_below(home):
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if "workers" in (process.info["cmdline"] or []) and str(process.info["cwd"]).startswith(str(home)):
            found.append(process)  # noqa: PERF401
    return found


def measure_job(environment, **changes):
    short = {
        "batch_size": 4,
        "memory_format": "contiguous",
        "blocks": 2,
        "block_seconds": 0.02,
        "warmup_seconds": 0.0,
    }
    return MeasureJob(VARIANT, 1, 10, "inference", 16, environment.key, **{**short, **changes})


def order(job, home, name, attempt=1, **fields):
    return Order(job=job, attempt=attempt, directory=str(home / name), data_directory=str(home), **fields)


def last_news(supervisor, seconds=300.0):
    """Collect news up to the end of the attempt."""
    give_up = time.monotonic() + seconds
    found = []
    while time.monotonic() < give_up:
        found += supervisor.news(0.2)
        if found and isinstance(found[-1], (Finished, Failed, WorkerDied)):
            return found[-1]
    raise AssertionError(f"no end: {found}")


def until_it_trains(supervisor, seconds=300.0):
    """Wait for news of a training's progress."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if any(isinstance(one, Progress) for one in supervisor.news(0.2)):
            return
    raise AssertionError("no progress")


def long_job():
    """Hours of training on the drawn set."""
    return TrainJob(VARIANT, DataSet("shapes", 8, 1, 48), 48, 0, Recipe(epochs=500))


def test_an_order_is_carried_out_and_the_process_is_kept_for_the_next(slot):
    supervisor, environment, home = slot
    (before,) = workers_below(home)
    for name in ("first", "second"):
        job = measure_job(environment, blocks=2 if name == "first" else 3)
        supervisor.submit(order(job, home, name))
        report = last_news(supervisor)
        assert isinstance(report, Finished)
        assert report.job == job.fingerprint
        assert (home / name / "report.json").exists()
    assert [one.pid for one in workers_below(home)] == [before.pid]


def test_each_round_of_measurements_has_a_process_of_its_own(slot):
    supervisor, environment, home = slot
    job = measure_job(environment, rounds=2, block_seconds=0.03)
    processes, so_far = [], None
    for name in ("one", "other"):  # two measurements in the first round share its process
        supervisor.submit(order(job, home, f"round-1-{name}"))
        so_far = last_news(supervisor).result
        processes.append([one.pid for one in workers_below(home)])
    assert not so_far.complete
    supervisor.submit(order(job, home, "round-2", so_far=so_far))
    whole = last_news(supervisor).result
    processes.append([one.pid for one in workers_below(home)])
    assert processes[0] == processes[1] != processes[2]
    assert whole.rounds[0] == so_far.rounds[0]
    assert (whole.batch_size, whole.memory_format) == (so_far.batch_size, so_far.memory_format)


def test_a_worker_that_dies_is_news_with_its_log_and_the_next_order_gets_a_fresh_one(slot):
    supervisor, environment, home = slot
    supervisor.submit(order(long_job(), home, "killed"))
    until_it_trains(supervisor)
    (victim,) = workers_below(home)
    os.kill(victim.pid, signal.SIGSEGV)
    died = last_news(supervisor)
    assert isinstance(died, WorkerDied)
    assert "SIGSEGV" in died.message
    assert "Segmentation fault" in died.log, "the Python stack at the crash"
    supervisor.submit(order(measure_job(environment), home, "after"))
    assert isinstance(last_news(supervisor), Finished)


def test_a_stopped_attempt_ends_with_its_process_and_says_nothing_more(slot):
    supervisor, environment, home = slot
    stopped = order(long_job(), home, "stopped")
    supervisor.submit(stopped)
    until_it_trains(supervisor)
    supervisor.stop_attempt(stopped.job.fingerprint, stopped.attempt)
    give_up = time.monotonic() + 120
    while workers_below(home) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert not workers_below(home)
    supervisor.news(0.2)
    supervisor.submit(order(measure_job(environment), home, "after-stop"))
    assert last_news(supervisor).job == measure_job(environment).fingerprint


def test_an_order_that_follows_a_stop_at_once_is_carried_out_and_the_stopped_one_is_not(slot):
    supervisor, environment, home = slot
    stopped, after = order(long_job(), home, "stopped-at-once", 2), measure_job(environment)
    supervisor.submit(stopped)
    until_it_trains(supervisor)
    supervisor.stop_attempt(stopped.job.fingerprint, stopped.attempt)
    supervisor.submit(order(after, home, "at-once"))
    assert last_news(supervisor).job == after.fingerprint


def test_an_order_that_is_stopped_before_its_turn_is_never_begun(slot):
    supervisor, environment, home = slot
    first = order(long_job(), home, "first-of-two", 3)
    second = order(measure_job(environment), home, "second-of-two", 4)
    after = measure_job(environment, blocks=3)
    supervisor.submit(first)
    until_it_trains(supervisor)
    supervisor.submit(second)
    for one in (second, first):
        supervisor.stop_attempt(one.job.fingerprint, one.attempt)
    supervisor.submit(order(after, home, "third"))
    assert last_news(supervisor).job == after.fingerprint
    assert not (home / "second-of-two").exists()


def test_a_slot_that_rests_holds_no_process_after_what_runs_until_its_next_order(slot):
    supervisor, environment, home = slot
    job = measure_job(environment)
    supervisor.submit(order(job, home, "before-rest"))
    supervisor.rest()
    report = last_news(supervisor)
    assert isinstance(report, Finished), "what runs goes on to its end"
    give_up = time.monotonic() + 120
    while workers_below(home) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert not workers_below(home)
    supervisor.submit(order(job, home, "after-rest"))
    assert isinstance(last_news(supervisor), Finished)


def test_a_measurement_for_another_environment_is_refused_and_the_process_replaced(slot):
    supervisor, environment, home = slot
    import dataclasses

    job = dataclasses.replace(measure_job(environment), environment_key="0" * 32)
    supervisor.submit(order(job, home, "elsewhere"))
    report = last_news(supervisor)
    assert isinstance(report, Failed)
    assert report.failure == "device"


def test_a_worker_sees_none_of_the_driver_s_secrets(home, monkeypatch):
    monkeypatch.setenv("ORCHESTRATOR_DB", "postgresql://a:pass-word@b/c")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "pass-word")
    process = WorkerProcess(WorkerSettings(slot_kind="cpu", threads=1, home=str(home)), "secret")
    try:
        process.wait_until_ready()
        variables = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"pass-word" not in variables
        assert b"OMP_NUM_THREADS=1\0" in variables
    finally:
        process.stop()


def test_the_probe_finds_the_environment_that_the_slot_has(slot):
    _, environment, home = slot
    request = SlotRequest(kind="cpu", settings=WorkerSettings(slot_kind="cpu", threads=1, home=str(home)))
    assert probe([request]).environments["cpu"][0].key == environment.key


def test_a_slot_kind_that_is_not_here_is_said_in_words(home):
    request = SlotRequest(kind="cuda", settings=WorkerSettings(slot_kind="cuda", threads=1, home=str(home)))
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(ImpossibleHereError, match="cuda"):
        probe([request]).require_one()

"""The machine-wide lock, between real processes."""

from __future__ import annotations

import multiprocessing
import signal
import time
from types import SimpleNamespace

import pytest

from orchestrator.slots.node_lock import NodeLock

#: How long something may take that must happen.
SECONDS = 120.0
SPAWN = multiprocessing.get_context("spawn")


def hold(directory, exclusive, waits, held, let_go):
    with NodeLock(directory) as lock:
        lock.acquire(exclusive=exclusive, give_up=lambda: False, waiting=waits.set)
        held.set()
        let_go.wait(SECONDS)


@pytest.fixture
def holder(tmp_path):
    """Start processes that hold the lock; they are gone at the end."""
    processes = []

    def start(*, exclusive):
        waits, held, let_go = SPAWN.Event(), SPAWN.Event(), SPAWN.Event()
        process = SPAWN.Process(target=hold, args=(tmp_path, exclusive, waits, held, let_go))
        process.start()
        processes.append(process)
        return SimpleNamespace(process=process, waits=waits, held=held, let_go=let_go)

    yield start
    for process in processes:
        process.kill()
        process.join()


def acquire(directory, *, exclusive, seconds):
    """Try for a while; the lock if it was had, else None."""
    lock = NodeLock(directory)
    until = time.monotonic() + seconds
    told = []
    got = lock.acquire(exclusive=exclusive, give_up=lambda: time.monotonic() > until, waiting=lambda: told.append(1))
    if got:
        return lock
    assert told == [1], "waiting is said once"
    lock.close()
    return None


def test_trainings_share_the_machine(holder, tmp_path):
    assert holder(exclusive=False).held.wait(SECONDS)
    with acquire(tmp_path, exclusive=False, seconds=SECONDS) as lock:
        assert lock


def test_a_measurement_waits_for_trainings_and_they_for_it(holder, tmp_path):
    training = holder(exclusive=False)
    assert training.held.wait(SECONDS)
    assert acquire(tmp_path, exclusive=True, seconds=0.5) is None
    training.let_go.set()
    lock = acquire(tmp_path, exclusive=True, seconds=SECONDS)
    assert lock
    another = holder(exclusive=False)
    assert another.waits.wait(SECONDS)
    assert not another.held.wait(0.5)
    lock.release()
    assert another.held.wait(SECONDS)
    lock.close()


def test_a_waiting_measurement_keeps_new_trainings_out(holder, tmp_path):
    training = holder(exclusive=False)
    assert training.held.wait(SECONDS)
    measurement = holder(exclusive=True)
    assert measurement.waits.wait(SECONDS)
    assert acquire(tmp_path, exclusive=False, seconds=0.5) is None
    assert not measurement.held.is_set()
    training.let_go.set()
    assert measurement.held.wait(SECONDS)


def test_a_killed_holder_frees_the_machine(holder, tmp_path):
    killed = holder(exclusive=True)
    assert killed.held.wait(SECONDS)
    killed.process.kill()
    killed.process.join()
    assert killed.process.exitcode == -signal.SIGKILL
    with acquire(tmp_path, exclusive=True, seconds=SECONDS) as lock:
        assert lock

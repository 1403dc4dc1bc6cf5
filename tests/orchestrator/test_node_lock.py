"""The machine-wide lock, between real processes."""

from __future__ import annotations

import multiprocessing
import signal
import time

import pytest

from orchestrator.slots.node_lock import NodeLock

SPAWN = multiprocessing.get_context("spawn")


def hold(directory, exclusive, held, let_go):
    with NodeLock(directory) as lock:
        lock.acquire(exclusive=exclusive, give_up=lambda: False, waiting=lambda: None)
        held.set()
        let_go.wait(30)


@pytest.fixture
def holder(tmp_path):
    """Start processes that hold the lock; they are gone at the end."""
    processes = []

    def start(*, exclusive):
        held, let_go = SPAWN.Event(), SPAWN.Event()
        process = SPAWN.Process(target=hold, args=(tmp_path, exclusive, held, let_go))
        process.start()
        processes.append(process)
        return process, held, let_go

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
    _, held, _ = holder(exclusive=False)
    assert held.wait(20)
    with acquire(tmp_path, exclusive=False, seconds=1) as lock:
        assert lock


def test_a_measurement_waits_for_trainings_and_they_for_it(holder, tmp_path):
    _, held, let_go = holder(exclusive=False)
    assert held.wait(20)
    assert acquire(tmp_path, exclusive=True, seconds=0.5) is None
    let_go.set()
    lock = acquire(tmp_path, exclusive=True, seconds=5)
    assert lock
    _, second_held, _ = holder(exclusive=False)
    assert not second_held.wait(2)
    lock.release()
    assert second_held.wait(20)
    lock.close()


def test_a_waiting_measurement_keeps_new_trainings_out(holder, tmp_path):
    _, held, first_let_go = holder(exclusive=False)
    assert held.wait(20)
    _, measuring, _ = holder(exclusive=True)
    time.sleep(2)  # until it waits at the gate
    assert not measuring.is_set()
    assert acquire(tmp_path, exclusive=False, seconds=0.5) is None
    first_let_go.set()
    assert measuring.wait(10)


def test_a_killed_holder_frees_the_machine(holder, tmp_path):
    process, held, _ = holder(exclusive=True)
    assert held.wait(20)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with acquire(tmp_path, exclusive=True, seconds=5) as lock:
        assert lock

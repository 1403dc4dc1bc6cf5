"""The supervisor of one slot: keeps a worker process, hands it orders, passes on its reports.

Runs inside the slot's Ray actor, but knows nothing of Ray. It takes one order at a time; its thread is not the training
process's, so it answers while that one holds its interpreter for minutes.
"""

from __future__ import annotations

import enum
import queue
import threading
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.slots.node_lock import NodeLock
from orchestrator.slots.worker_process import Exited, WorkerProcess, WorkerSettings, tail_of
from workers.protocol.orders import FINAL_REPORTS, LOG_FILE, Environment, Failed, Order, Progress, Report

#: How long one look at the worker lasts, seconds; a stop is noticed as quickly.
LOOK_SECONDS = 0.2
#: Classes of failure after which the next attempt gets a fresh process: memory and devices may be left in a bad state.
_SPOILS_THE_PROCESS = frozenset({"out_of_memory", "device", "device_memory", "device_reset", "device_broken"})


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """The worker process ended, or could not be started, in the middle of an attempt.

    Attributes:
        fingerprint: The job.
        attempt: Its attempt.
        message: Why, one line for a person.
        log: Last lines of the process's log.
    """

    fingerprint: str
    attempt: int
    message: str
    log: str


News = Report | WorkerDied


class _Word(enum.Enum):
    """What the slot's thread is told besides orders, in turn with them."""

    REST = "end the process; the next order gets a fresh one"
    END = "end the thread"


class Supervisor:
    """One slot.

    Args:
        settings: How its worker is started.
        name: The slot's name.
        lock_directory: Where the machine-wide lock lies; None is the system's place.
    """

    def __init__(self, settings: WorkerSettings, name: str, lock_directory: Path | None = None) -> None:
        self._settings = settings
        self._name = name
        self._lock = NodeLock(lock_directory)
        self._orders: queue.SimpleQueue[Order | _Word] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._stopped: set[tuple[str, int]] = set()
        self._closing = threading.Event()
        self._process: WorkerProcess | None = None
        self._use: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"slot {name}", daemon=True)

    def start(self) -> Environment:
        """Start the worker and return the environment it found.

        Raises:
            ImpossibleHereError: It did not come up.
        """
        environment = self._fresh_process()[1]
        self._thread.start()
        return environment

    def submit(self, order: Order) -> None:
        """Take the next order; the one before must have ended, or been stopped."""
        self._orders.put(order)

    def stop_attempt(self, fingerprint: str, attempt: int) -> None:
        """End an attempt with its process; nothing more is said about it.

        It is named, so that the next order, which may be here already, is neither taken for it nor lets it live.
        """
        self._stopped.add((fingerprint, attempt))

    def rest(self) -> None:
        """End the worker process after what runs, so that its memory and its device are free until the next order."""
        self._orders.put(_Word.REST)

    def news(self, timeout: float) -> list[News]:
        """Return what happened, waiting up to ``timeout`` seconds for the first."""
        try:
            found = [self._news.get(timeout=timeout)]
        except queue.Empty:
            return []
        while not self._news.empty():
            found.append(self._news.get())
        return found

    def close(self) -> None:
        """End the worker process and the thread."""
        self._closing.set()
        self._orders.put(_Word.END)
        if self._thread.is_alive():
            self._thread.join()
        self._end_process()
        self._lock.close()

    # ---- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (order := self._orders.get()) is not _Word.END:
            if order is _Word.REST:
                self._end_process()
                continue
            try:
                if not self._is_over(order) and self._acquire(order):
                    self._attempt(order)
            finally:
                self._lock.release()

    def _is_over(self, order: Order) -> bool:
        """Whether nobody wants the attempt any more."""
        return self._closing.is_set() or (order.job.fingerprint, order.attempt) in self._stopped

    def _acquire(self, order: Order) -> bool:
        text = "waiting: another sweep is using this machine"
        return self._lock.acquire(
            exclusive=order.job.stage == "measure",
            give_up=lambda: self._is_over(order),
            waiting=lambda: self._news.put(Progress(order.job.fingerprint, order.attempt, 0.0, text)),
        )

    def _attempt(self, order: Order) -> None:
        try:
            process = self._process_for(order)
            process.send(order)
        except (OrchestratorError, OSError) as error:
            self._news.put(WorkerDied(order.job.fingerprint, order.attempt, str(error), ""))
            return
        while not self._is_over(order):
            item = process.next_news(LOOK_SECONDS)
            if isinstance(item, Exited):
                log = tail_of(Path(order.directory) / LOG_FILE) or item.tail
                self._news.put(WorkerDied(order.job.fingerprint, order.attempt, item.message, log))
                return
            if item is not None:
                self._news.put(item)
            if isinstance(item, FINAL_REPORTS):
                if isinstance(item, Failed) and item.failure in _SPOILS_THE_PROCESS:
                    process.stop()
                return
        process.stop()

    def _process_for(self, order: Order) -> WorkerProcess:
        """Return a process that has done nothing, or what the order asks for.

        Each round of the measurements has a process of its own: where a process's memory comes to lie makes it a
        little faster or slower than the next one, for as long as it lives.
        """
        use = _use_of(order)
        process = self._process
        if process is None or not process.alive or self._use not in {None, use}:
            if process is not None:
                process.stop()
            process = self._fresh_process()[0]
        self._use = use
        return process

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _fresh_process(self) -> tuple[WorkerProcess, Environment]:
        self._process, self._use = WorkerProcess(self._settings, self._name), None
        return self._process, self._process.wait_until_ready()


def _use_of(order: Order) -> str:
    if order.job.stage != "measure":
        return "training"
    return f"round {1 if order.so_far is None else len(order.so_far.rounds) + 1}"

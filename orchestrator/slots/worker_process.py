"""One worker process of a slot: started with the slot's interpreter and environment, spoken to in JSON lines.

A crash, a hang or an out-of-memory kill ends this process and not its supervisor; ending the process frees the device.
Knows nothing of Ray.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from orchestrator.errors import ImpossibleHereError
from orchestrator.slots.enabling import enabled_command
from orchestrator.slots.worker_files import copy_of_workers
from workers.protocol.ipu import IpuSettings, settings_to_dict
from workers.protocol.orders import PROTOCOL_VERSION, Environment, Order, Ready, order_to_json, report_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.protocol.orders import Report

#: Longest wait for a new process to say that it is ready, seconds: importing torch from a cold disk takes a while.
READY_SECONDS = 300.0
#: Time a process gets to end by itself after being asked to, seconds.
GRACE_SECONDS = 5.0
#: Lines of the process's log that go with the news of its death: more than a crash's longest Python stack (100 frames).
TAIL_LINES = 150
#: Variables that a worker must not see: secrets of the driver, and settings of Ray's own workers.
_WITHHELD = ("RAY_", "ORCHESTRATOR_", "OMPI_COMM_WORLD_", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")
#: And one on IPUs: where programs are kept is a setting of the slot.
_WITHHELD_ON_IPUS = ("POPTORCH_CACHE_DIR",)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a slot's worker is started.

    Attributes:
        slot_kind: ``cpu``, ``cuda`` or ``ipu``.
        threads: Threads to compute with.
        home: Directory of the sweep's files on this machine; logs go to ``logs`` below it.
        python: Interpreter, which imports ``workers`` from a copy and nothing else of ours; None is the orchestrator's
            own.
        enable: Scripts to source before, absolute paths.
        variables: Further environment variables.
        ipu: Settings of an IPU slot.
    """

    slot_kind: str
    threads: int
    home: str
    python: str | None = None
    enable: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    ipu: IpuSettings | None = None


@dataclass(frozen=True, slots=True)
class Exited:
    """The process is gone.

    Attributes:
        exit_code: As in ``subprocess``: negative is the signal that ended it.
        tail: Last lines of its log.
    """

    exit_code: int
    tail: str

    @property
    def message(self) -> str:
        """Why, for a person."""
        if self.exit_code >= 0:
            return f"the worker process ended with exit code {self.exit_code}"
        name = signal.Signals(-self.exit_code).name
        hint = " (the system may have run out of memory)" if self.exit_code == -signal.SIGKILL else ""
        return f"the worker process was ended by {name}{hint}"


class WorkerProcess:
    """A running worker.

    Args:
        settings: How to start it.
        name: Names its log file.
    """

    def __init__(self, settings: WorkerSettings, name: str) -> None:
        logs = Path(settings.home) / "logs"
        empty = Path(settings.home) / "empty"  # a current directory that holds nothing to import by mistake
        for directory in (logs, empty):
            directory.mkdir(parents=True, exist_ok=True)
        self._log = logs / f"{name}.log"
        self._news: queue.SimpleQueue[Report | Exited] = queue.SimpleQueue()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                worker_command(settings, "--serve"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=empty,
                env=worker_environment(settings),
                start_new_session=True,
            )
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def wait_until_ready(self) -> Environment:
        """Return the environment that the process found itself in.

        Raises:
            ImpossibleHereError: It ended or stayed silent instead.
        """
        try:
            first = self._news.get(timeout=READY_SECONDS)
        except queue.Empty:
            self.stop()
            message = f"the worker was not ready after {READY_SECONDS:.0f} s"
            raise ImpossibleHereError(message, hint=f"its log is {self._log}") from None
        if isinstance(first, Exited):
            raise ImpossibleHereError(f"{first.message} before it was ready:\n{first.tail}", hint=f"log: {self._log}")
        if not isinstance(first, Ready) or first.protocol != PROTOCOL_VERSION:
            self.stop()
            raise ImpossibleHereError(
                "the worker speaks another version of the protocol",
                hint="install the same version of frontsweep for the slot's interpreter",
            )
        return first.environment

    def send(self, order: Order) -> None:
        """Give the process its next order.

        Raises:
            BrokenPipeError: The process is gone; ``next_news`` tells how it ended.
        """
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101  # it was opened as a pipe
        stdin.write(order_to_json(order).encode() + b"\n")
        stdin.flush()

    def next_news(self, timeout: float) -> Report | Exited | None:
        """Return the next report, or the end of the process, or None if there is none in ``timeout`` seconds."""
        try:
            return self._news.get(timeout=timeout)
        except queue.Empty:
            return None

    def stop(self) -> None:
        """End the process and all it started: asked first, then forced."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _listen(self, lines: IO[bytes]) -> None:
        for line in lines:
            try:
                self._news.put(report_from_json(line.decode()))
            except ValueError as error:
                with self._log.open("a", encoding="utf-8") as log:
                    log.write(f"supervisor: ignored a line that is no report: {error}\n")
        self._news.put(Exited(self._process.wait(), tail_of(self._log)))


def tail_of(log: Path) -> str:
    """Return the last lines of a log; empty where there is none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def worker_command(settings: WorkerSettings, *arguments: str) -> list[str]:
    """Return the command line that starts a worker program."""
    python = settings.python or sys.executable
    of_slot = ["--slot-kind", settings.slot_kind, "--threads", str(settings.threads)]
    if settings.ipu is not None:
        of_slot += ["--ipu", json.dumps(settings_to_dict(settings.ipu))]
    command = [python, "-m", "workers", *arguments, *of_slot]
    return command if settings.python is None else enabled_command(command, settings.enable, copy_of_workers())


def worker_environment(settings: WorkerSettings) -> dict[str, str]:
    """Return the environment variables for a worker program.

    Thread counts and visible devices are set here, before torch is imported.
    """
    on_ipus = settings.slot_kind == "ipu"
    withheld = (*_WITHHELD, *_WITHHELD_ON_IPUS) if on_ipus else _WITHHELD
    kept = {key: value for key, value in os.environ.items() if not key.startswith(withheld)}
    threads = str(settings.threads)
    kept |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
    if settings.slot_kind == "cpu":
        kept["CUDA_VISIBLE_DEVICES"] = ""
    if on_ipus:
        kept["FRONTSWEEP_KERNELS"] = "off"  # PopTorch compiles torch's operations, not our kernels
        if settings.ipu is not None and settings.ipu.wait:
            kept["POPTORCH_WAIT_FOR_IPU"] = "1"
    return {**kept, **settings.variables}

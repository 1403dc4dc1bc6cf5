"""Which slots a sweep asks for, and what the ones of this machine turn out to be."""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import ImpossibleHereError
from orchestrator.slot_sections import IpuSlots
from orchestrator.slots.worker_process import READY_SECONDS, WorkerSettings, worker_command, worker_environment
from workers.protocol.orders import Environment, Ready, report_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.slot_sections import SlotsSection


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRequest:
    """Slots of one kind.

    Attributes:
        kind: ``cpu``, ``cuda`` or ``ipu``.
        settings: How a slot's worker is started.
        count: Slots per machine at most; None is as many as fit.
        cpus: Processors that a slot takes.
        gpus: CUDA devices that a slot takes.
        custom_resources: Ray resources besides.
    """

    kind: str
    settings: WorkerSettings
    count: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    custom_resources: Mapping[str, float] = field(default_factory=dict)

    def count_on(self, resources: Mapping[str, float]) -> int:
        """Return how many slots a machine with these Ray resources gives."""
        needs = {"CPU": self.cpus, "GPU": self.gpus, **self.custom_resources}
        fits = min((int(resources.get(name, 0.0) // amount) for name, amount in needs.items() if amount > 0), default=0)
        return fits if self.count is None else min(fits, self.count)


def slot_requests(slots: SlotsSection | None, kinds: frozenset[str], home: Path) -> list[SlotRequest]:
    """Return what a sweep file asks for, in terms of what the machines have.

    Args:
        slots: The file's section; None takes the accelerators if there are any, else the processors.
        kinds: Kinds of slot that the machines could give.
        home: Directory of the runs' files.

    IPUs are only used by a file that names them: nothing tells by itself which interpreter has PopTorch.
    """
    if slots is None:
        wanted = sorted(kinds - {"cpu", "ipu"}) or ["cpu"]
        return [_request(kind, threads=1, count=None, home=home) for kind in wanted]
    requests = []
    for kind in slots.kinds:
        section = getattr(slots, kind)
        if isinstance(section, IpuSlots):
            requests.append(_ipu_request(section, home))
        else:
            requests.append(_request(kind, threads=section.threads, count=section.count, home=home))
    return requests


def _ipu_request(section: IpuSlots, home: Path) -> SlotRequest:
    ipu = section.settings
    if ipu.executable_cache is None:
        ipu = dataclasses.replace(ipu, executable_cache=str(home / "poplar-cache"))
    settings = WorkerSettings(
        slot_kind="ipu",
        threads=section.threads,
        home=str(home),
        python=section.python,
        enable=section.enable,
        variables=section.variables,
        ipu=ipu,
    )
    return SlotRequest(
        kind="ipu",
        settings=settings,
        count=section.count,
        cpus=float(section.threads),
        custom_resources={"IPU": float(ipu.slot_ipus())},
    )


def _request(kind: str, *, threads: int, count: int | None, home: Path) -> SlotRequest:
    settings = WorkerSettings(slot_kind=kind, threads=threads, home=str(home))
    return SlotRequest(
        kind=kind, settings=settings, count=count, cpus=float(threads), gpus=1.0 if kind == "cuda" else 0.0
    )


def kinds_here() -> frozenset[str]:
    """Return the kinds of slot that this machine could give, by its device files."""
    cuda = any(Path("/dev").glob("nvidia[0-9]*"))
    return frozenset({"cpu", "cuda"} if cuda else {"cpu"})


@dataclass(frozen=True, slots=True)
class Probed:
    """What the machine has of what was asked for.

    Attributes:
        environments: Kind → its environments.
        problems: Kind that is not here → why.
    """

    environments: Mapping[str, list[Environment]]
    problems: Mapping[str, str]

    def require_one(self) -> None:
        """Make sure that there is any slot.

        Raises:
            ImpossibleHereError: None of them is here.
        """
        if not self.environments:
            reasons = "\n".join(f"{kind}: {reason}" for kind, reason in self.problems.items())
            raise ImpossibleHereError(f"no slot can run here:\n{reasons}", hint="see `slots` in the sweep file")


def probe(requests: Sequence[SlotRequest]) -> Probed:
    """Ask a worker program of each kind what it finds on this machine, without Ray."""
    found: dict[str, list[Environment]] = {}
    problems: dict[str, str] = {}
    for request in requests:
        try:
            found[request.kind] = [probe_one(request.settings)]
        except ImpossibleHereError as error:
            problems[request.kind] = error.message
    return Probed(found, problems)


def probe_one(settings: WorkerSettings) -> Environment:
    """Ask one worker program what it finds on this machine.

    Raises:
        ImpossibleHereError: It does not come up; the message is its own.
    """
    try:
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run(
                worker_command(settings, "--probe"),
                capture_output=True,
                text=True,
                timeout=READY_SECONDS,
                cwd=empty,
                env=worker_environment(settings),
                check=False,
            )
        report = report_from_json(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ImpossibleHereError(f"the worker program does not start: {error}") from error
    if not isinstance(report, Ready):
        raise ImpossibleHereError(done.stderr.strip() or f"the worker program ended with {done.returncode}")
    return report.environment

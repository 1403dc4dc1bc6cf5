"""What there is to run on: the slots of this machine, or of a Ray cluster."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import ImpossibleHereError
from orchestrator.slots.ray_pool import RayPool, SlotArrived, SlotDied
from orchestrator.slots.request import kinds_here, probe, slot_requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.slot_sections import SlotsSection
    from orchestrator.slots.request import SlotRequest
    from workers.protocol.orders import Environment

#: How long a round of waiting for a cluster's slots lasts, seconds.
WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """Slots, looked at before anything runs.

    Attributes:
        requests: What to make of each machine.
        environments: Kind → the different environments among the slots.
        slots: Kind → number of slots.
        pool: The slots if they are up already, as on a cluster; None until they are needed.
        arrived: Those that are up.
        resources: What a Ray of our own is told that this machine has, besides processors and GPUs.
        problems: Kind that was asked for and is not there → why.
    """

    requests: Sequence[SlotRequest]
    environments: Mapping[str, Sequence[Environment]]
    slots: Mapping[str, int]
    pool: RayPool | None = None
    arrived: Sequence[SlotArrived] = ()
    resources: Mapping[str, float] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment_keys(self) -> dict[str, list[str]]:
        """Kind → keys of its environments."""
        return {kind: [one.key for one in found] for kind, found in self.environments.items()}

    @property
    def notes(self) -> list[str]:
        """What was asked for and is not there, a line each."""
        return [f"no {kind} slots here: {reason}" for kind, reason in self.problems.items()]

    def close(self) -> None:
        """Let the slots go."""
        if self.pool is not None:
            self.pool.close()


def find_capacity(address: str | None, slots: SlotsSection | None, home: Path) -> Capacity:
    """Look at what there is to run on.

    Args:
        address: Of a Ray cluster; None is this machine.
        slots: The sweep file's section.
        home: Directory of the runs' files.

    Raises:
        ImpossibleHereError: No slot that was asked for is there.
    """
    return _of_this_machine(slots, home) if address is None else _of_cluster(address, slots, home)


def _of_this_machine(slots: SlotsSection | None, home: Path) -> Capacity:
    """Ask a worker program of each kind; Ray is not started, so that a plan or a finished sweep stays quick."""
    requests = slot_requests(slots, kinds_here(), home)
    probed = probe(requests)
    probed.require_one()
    environments, problems = probed.environments, dict(probed.problems)
    resources = resources_here(environments)
    counts = {request.kind: request.count_on(resources) for request in requests if request.kind in environments}
    for request in requests:
        if counts.get(request.kind) == 0:
            problems[request.kind] = f"no slot of {needs_of(request)} fits into {_has(resources)}"
    present = {kind: count for kind, count in counts.items() if count > 0}
    if not present:
        reasons = "\n".join(f"{kind}: {reason}" for kind, reason in problems.items())
        raise ImpossibleHereError(f"no slot fits on this machine:\n{reasons}", hint="see `slots` in the sweep file")
    own = {name: amount for name, amount in resources.items() if name not in {"CPU", "GPU"}}
    found = {kind: environments[kind] for kind in present}
    return Capacity(requests, found, present, resources=own, problems=problems)


def resources_here(environments: Mapping[str, Sequence[Environment]]) -> dict[str, float]:
    """Return what this machine has, in Ray's words; IPUs as the worker program found them."""
    resources = {"CPU": len(os.sched_getaffinity(0)), "GPU": len(list(Path("/dev").glob("nvidia[0-9]*")))}
    ipus = [int(one.details.get("ipus", 0)) for one in environments.get("ipu", ())]
    return {name: float(amount) for name, amount in {**resources, **({"IPU": max(ipus)} if ipus else {})}.items()}


def needs_of(request: SlotRequest) -> str:
    """Return what one slot takes, in words."""
    return _has({"CPU": request.cpus, "GPU": request.gpus, **request.custom_resources})


def _has(resources: Mapping[str, float]) -> str:
    words = {"CPU": "core(s)", "GPU": "GPU(s)", "IPU": "IPU(s)"}
    return ", ".join(f"{amount:.0f} {words[name]}" for name, amount in resources.items() if amount) or "nothing"


def _of_cluster(address: str, slots: SlotsSection | None, home: Path) -> Capacity:
    pool = RayPool(address)
    try:
        requests = slot_requests(slots, pool.kinds(), home)
        pool.start(requests)
        arrived, failed = _arrivals(pool)
    except BaseException:
        pool.close()
        raise
    environments: dict[str, dict[str, Environment]] = {}
    for one in arrived:
        environments.setdefault(one.slot.kind, {})[one.environment.key] = one.environment
    counts = Counter(one.slot.kind for one in arrived)
    found = {kind: list(by_key.values()) for kind, by_key in environments.items()}
    problems = {kind: text for kind, text in failed.items() if kind not in found}
    return Capacity(requests, found, counts, pool, arrived, problems=problems)


def _arrivals(pool: RayPool) -> tuple[list[SlotArrived], dict[str, str]]:
    """Wait for the cluster's slots; return those that came up, and kind → why one did not."""
    arrived: list[SlotArrived] = []
    problems: dict[str, str] = {}
    while pool.starting:
        events = pool.events(WAIT_SECONDS)
        arrived += [event for event in events if isinstance(event, SlotArrived)]
        problems |= {_kind_of(event.slot_id): event.message for event in events if isinstance(event, SlotDied)}
    if not arrived:
        hint = "\n".join(problems.values()) or "see `slots`"
        raise ImpossibleHereError("no slot came up on the cluster", hint=hint)
    return arrived, problems


def _kind_of(slot_id: str) -> str:
    return slot_id.partition("-")[0]

"""What there is to run on: the slots of this machine, or of a Ray cluster."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import ImpossibleHereError
from orchestrator.slots.ray_pool import RayPool, SlotArrived, SlotDied
from orchestrator.slots.request import kinds_here, probe, slot_requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.slots.request import SlotRequest
    from orchestrator.sweep_spec import SlotsSection
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
    """

    requests: Sequence[SlotRequest]
    environments: Mapping[str, Sequence[Environment]]
    slots: Mapping[str, int]
    pool: RayPool | None = None
    arrived: Sequence[SlotArrived] = ()

    @property
    def environment_keys(self) -> dict[str, list[str]]:
        """Kind → keys of its environments."""
        return {kind: [one.key for one in found] for kind, found in self.environments.items()}

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
    environments = probe(requests)
    resources = {"CPU": len(os.sched_getaffinity(0)), "GPU": len(list(Path("/dev").glob("nvidia[0-9]*")))}
    counts = {request.kind: request.count_on(resources) for request in requests}
    present = {kind: count for kind, count in counts.items() if kind in environments and count > 0}
    if not present:
        wanted = ", ".join(f"{request.kind} with {request.cpus:.0f} core(s)" for request in requests)
        raise ImpossibleHereError(
            f"no slot fits on this machine ({resources['CPU']} core(s)): {wanted}", hint="see `slots` in the sweep file"
        )
    return Capacity(requests, {kind: environments[kind] for kind in present}, present)


def _of_cluster(address: str, slots: SlotsSection | None, home: Path) -> Capacity:
    pool = RayPool(address)
    try:
        requests = slot_requests(slots, pool.kinds(), home)
        pool.start(requests)
        arrived = _arrivals(pool)
    except BaseException:
        pool.close()
        raise
    environments: dict[str, dict[str, Environment]] = {}
    for one in arrived:
        environments.setdefault(one.slot.kind, {})[one.environment.key] = one.environment
    counts = Counter(one.slot.kind for one in arrived)
    found = {kind: list(by_key.values()) for kind, by_key in environments.items()}
    return Capacity(requests, found, counts, pool, arrived)


def _arrivals(pool: RayPool) -> list[SlotArrived]:
    arrived: list[SlotArrived] = []
    problems: list[str] = []
    while pool.starting:
        events = pool.events(WAIT_SECONDS)
        arrived += [event for event in events if isinstance(event, SlotArrived)]
        problems += [event.message for event in events if isinstance(event, SlotDied)]
    if not arrived:
        raise ImpossibleHereError("no slot came up on the cluster", hint="\n".join(problems) or "see `slots`")
    return arrived

"""Which slots a sweep asks for, in terms of what a machine has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.slots.worker_process import WorkerSettings


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
        fits = min(
            (int(resources.get(name, 0.0) // amount) for name, amount in needs.items() if amount > 0), default=0
        )
        return fits if self.count is None else min(fits, self.count)

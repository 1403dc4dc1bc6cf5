"""What else happened on the machine while something was timed."""

import os
from typing import Any, Dict, NamedTuple

from workers.device import available_memory_bytes
from workers.measuring.bench import Bench
from workers.measuring.graphics import other_gpu_processes
from workers.measuring.processors import ProcessorUse, conditions, processor_times, use_between
from workers.measuring.verdict import disturbance


class Observed(NamedTuple):
    """What was seen.

    Attributes:
        disturbance: What else used the device, in words; empty if nothing did.
        conditions: For the record: ``before`` and ``after``, and the processors' use in between.
    """

    disturbance: str
    conditions: Dict[str, Any]


class Surroundings:
    """Watches the machine from now on.

    Args:
        bench: Where something is measured.
        with_helpers: Whether what processes that this one started use of the processors is ours, too.
    """

    def __init__(self, bench: Bench, *, with_helpers: bool = False) -> None:
        self._bench = bench
        self._with_helpers = with_helpers
        self._before = _conditions(bench)
        self._times = processor_times(with_helpers=with_helpers)

    def until_now(self, *, waiting_counts: bool = True) -> Observed:
        """Return what happened since.

        Args:
            waiting_counts: See ``disturbance``.
        """
        use = use_between(self._times, processor_times(with_helpers=self._with_helpers))
        others = other_gpu_processes() if self._bench.device.type == "cuda" else None
        said = disturbance(use, os.cpu_count() or 1, others, waiting_counts=waiting_counts)
        return Observed(said, {"before": self._before, "after": _conditions(self._bench), **_by_name(use)})


def _conditions(bench: Bench) -> Dict[str, Any]:
    return dict(conditions(), available_memory_bytes=available_memory_bytes(bench.device), **bench.conditions())


def _by_name(use: ProcessorUse) -> Dict[str, Any]:
    return {f"{name}_processors": None if value is None else round(value, 3) for name, value in use._asdict().items()}

"""What else happened on the machine while something was timed."""

import os
from typing import Any, Dict, NamedTuple

import torch

from workers.device import available_memory_bytes
from workers.measuring.graphics import gpu_conditions, other_gpu_processes
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
        device: That is measured.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = _conditions(device)
        self._times = processor_times()

    def until_now(self, *, waiting_counts: bool = True) -> Observed:
        """Return what happened since.

        Args:
            waiting_counts: See ``disturbance``.
        """
        use = use_between(self._times, processor_times())
        others = other_gpu_processes() if self._device.type == "cuda" else None
        said = disturbance(use, os.cpu_count() or 1, others, waiting_counts=waiting_counts)
        return Observed(said, {"before": self._before, "after": _conditions(self._device), **_by_name(use)})


def _conditions(device: torch.device) -> Dict[str, Any]:
    on_gpu = gpu_conditions() if device.type == "cuda" else {}
    return dict(conditions(), available_memory_bytes=available_memory_bytes(device), **on_gpu)


def _by_name(use: ProcessorUse) -> Dict[str, Any]:
    return {f"{name}_processors": None if value is None else round(value, 3) for name, value in use._asdict().items()}

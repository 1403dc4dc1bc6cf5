"""Choosing the way of running a network and the batch size that give the best throughput."""

from typing import Callable, List, NamedTuple, Optional, Sequence

import torch

from workers.device import (
    available_memory_bytes,
    is_out_of_memory,
    peak_memory_bytes,
    reset_peak_memory,
)
from workers.measuring.timing import Step, time_block, warm_up
from workers.measuring.workload import Way, forget_compiled

SMALLEST_BATCH, LARGEST_BATCH = 16, 4096
#: Gain below which doubling the batch is no longer worth its memory, a fraction.
WORTHWHILE_GAIN = 0.02
#: Share of the free memory that the next batch size may be expected to take.
_MEMORY_SHARE = 0.8
#: A candidate's throughput is the best of so many blocks of so many seconds.
PROBE_SECONDS = 0.3
PROBES = 2
#: Sizes in a row without a worthwhile gain that end the search.
PATIENCE = 2

#: From batch size and way to the function that does one step.
Build = Callable[[int, Way], Step]


class Probe(NamedTuple):
    """A candidate with its throughput, images per second; the best of a few short blocks."""

    batch_size: int
    layout: str
    compiled: bool
    images_per_second: float

    @property
    def way(self) -> Way:
        """How it was run."""
        return Way(self.layout, self.compiled)


def fastest_way(build: Build, device: torch.device, batch_size: int, ways: Sequence[Way]) -> List[Probe]:
    """Time ways in turn, and again in reverse order, so that drift favours none; the fastest comes first."""
    timers = {way: _timer(build, device, batch_size, way) for way in ways}
    rates = dict.fromkeys(ways, 0.0)
    for way in [*ways, *reversed(ways)]:
        rates[way] = max(rates[way], timers[way]())
    return _fastest_first([Probe(batch_size, *way, rate) for way, rate in rates.items()])


def best_batch_size(build: Build, device: torch.device, way: Way) -> List[Probe]:
    """Try powers of two until doubling gains next to nothing or memory would not bear it; the best comes first.

    One size that gains nothing may have been disturbed; the search ends after the second in a row.

    Raises:
        RuntimeError: Not even the smallest batch fits into memory.
    """
    probes: List[Probe] = []
    best, without_gain = 0.0, 0
    batch_size = SMALLEST_BATCH
    while batch_size <= LARGEST_BATCH and without_gain < PATIENCE:
        before = peak_memory_bytes(device) if reset_peak_memory(device) else None
        probe = _probe(build, device, batch_size, way, may_fail=bool(probes))
        if probe is None:
            break
        probes.append(probe)
        without_gain = 0 if probe.images_per_second > best * (1.0 + WORTHWHILE_GAIN) else without_gain + 1
        best = max(best, probe.images_per_second)
        if _next_is_too_big(device, before):
            break
        batch_size *= 2
    return _fastest_first(probes)


def _probe(build: Build, device: torch.device, batch_size: int, way: Way, *, may_fail: bool) -> Optional[Probe]:
    if way.compiled:
        forget_compiled()
    try:
        timer = _timer(build, device, batch_size, way)
        rate = max(timer() for _ in range(PROBES))
    except (RuntimeError, MemoryError) as error:
        if may_fail and is_out_of_memory(error):
            return None
        raise
    return Probe(batch_size, *way, rate)


def _timer(build: Build, device: torch.device, batch_size: int, way: Way) -> Callable[[], float]:
    """Warm a candidate up; return a function that times a short block of it, in images per second."""
    step = build(batch_size, way)
    pace = warm_up(step, device, 0.0)

    def rate() -> float:
        sample = time_block(step, device, PROBE_SECONDS, pace, batch_size)
        return sample.images / sample.seconds

    return rate


def _fastest_first(probes: Sequence[Probe]) -> List[Probe]:
    return sorted(probes, key=lambda probe: -probe.images_per_second)


def _next_is_too_big(device: torch.device, before: Optional[int]) -> bool:
    """Whether twice what this batch took is more than there is; a CPU's process would be killed for trying."""
    peak, available = peak_memory_bytes(device), available_memory_bytes(device)
    if before is None or peak is None or available is None:
        return False
    return 2 * (peak - before) > _MEMORY_SHARE * available

"""Timing steps in blocks, with the device idle at both ends of a block only."""

import math
import time
from typing import Callable, List, NamedTuple, Optional

import torch

from workers.device import synchronize
from workers.protocol.orders import Sample

#: Least steps before anything is timed: the first allocate, choose kernels and fill caches.
WARMUP_STEPS = 3

#: Does one step; the device may still be at it when the call returns.
Step = Callable[[], object]


class Pace(NamedTuple):
    """How fast steps go, roughly.

    Attributes:
        seconds_per_step: After the first steps.
        steps: Done so far.
    """

    seconds_per_step: float
    steps: int


def warm_up(step: Step, device: torch.device, seconds: float) -> Pace:
    """Run steps untimed, at least ``WARMUP_STEPS`` and at least for some seconds.

    How long is fixed beforehand. Warming up until times stop falling would be no safer: some programs never settle, and
    stopping at a lucky moment flatters them. Whether the blocks that follow are steady is tested afterwards.

    Source:
        Barrett et al., "Virtual Machine Warmup Blows Hot and Cold", arXiv 1602.00602.
    """
    started = time.perf_counter()
    pace = Pace(math.inf, 0)
    while pace.steps < WARMUP_STEPS or time.perf_counter() - started < seconds:
        before = time.perf_counter()
        step()
        synchronize(device)
        pace = Pace(min(pace.seconds_per_step, time.perf_counter() - before), pace.steps + 1)
    return pace


def time_block(step: Step, device: torch.device, seconds: float, pace: Pace, batch_size: int) -> Sample:
    """Time one block of at least some seconds.

    The number of steps is set by the pace beforehand, so that the device's queue is never drained in between; where
    the pace was too optimistic, the same block goes on.
    """
    steps = 0
    wanted = max(1, math.ceil(seconds / pace.seconds_per_step))
    synchronize(device)
    started = time.perf_counter()
    elapsed = 0.0
    while elapsed < seconds:
        for _ in range(wanted):
            step()
        steps += wanted
        synchronize(device)
        elapsed = time.perf_counter() - started
        wanted = max(1, math.ceil((seconds - elapsed) / elapsed * steps))
    return Sample(images=steps * batch_size, seconds=elapsed)


def time_blocks(
    step: Step,
    device: torch.device,
    *,
    blocks: int,
    seconds: float,
    pace: Pace,
    batch_size: int,
    progress: Optional[Callable[[int], None]] = None,
) -> List[Sample]:
    """Time several blocks in a row.

    Args:
        step: One step.
        device: That it runs on.
        blocks: How many.
        seconds: Least duration of each.
        pace: From ``warm_up``.
        batch_size: Images per step.
        progress: Told the number of blocks done, after each.
    """
    samples: List[Sample] = []
    for number in range(1, blocks + 1):
        samples.append(time_block(step, device, seconds, pace, batch_size))
        if progress is not None:
            progress(number)
    return samples


def time_each(step: Step, device: torch.device, seconds: float, *, least: int, most: int) -> List[float]:
    """Time steps one by one, the device being idle before and after each, for some seconds.

    Args:
        step: One step.
        device: That it runs on.
        seconds: How long to go on.
        least: Steps at least, however long that takes.
        most: Steps at most.

    Returns:
        The duration of each, seconds.
    """
    durations: List[float] = []
    synchronize(device)
    ends = time.perf_counter() + seconds
    while len(durations) < most and (len(durations) < least or time.perf_counter() < ends):
        started = time.perf_counter()
        step()
        synchronize(device)
        durations.append(time.perf_counter() - started)
    return durations

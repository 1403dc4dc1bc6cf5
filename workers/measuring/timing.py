"""Timing steps in blocks, with the device idle at both ends of a block only."""

import math
import time
from typing import Callable, List, NamedTuple

import torch

from workers.device import synchronize
from workers.protocol.orders import Sample

#: Least steps before anything is timed: the first allocate, choose kernels and fill caches.
WARMUP_STEPS = 3


class Pace(NamedTuple):
    """How fast steps go, roughly.

    Attributes:
        seconds_per_step: After the first steps.
        steps: Done so far.
    """

    seconds_per_step: float
    steps: int


def warm_up(step: Callable[[], object], device: torch.device, seconds: float) -> Pace:
    """Run steps untimed, at least ``WARMUP_STEPS`` and at least for some seconds."""
    started = time.perf_counter()
    pace = Pace(math.inf, 0)
    while pace.steps < WARMUP_STEPS or time.perf_counter() - started < seconds:
        before = time.perf_counter()
        step()
        synchronize(device)
        pace = Pace(min(pace.seconds_per_step, time.perf_counter() - before), pace.steps + 1)
    return pace


def time_block(step: Callable[[], object], device: torch.device, seconds: float, pace: Pace, batch_size: int) -> Sample:
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
    step: Callable[[], object],
    device: torch.device,
    *,
    blocks: int,
    seconds: float,
    pace: Pace,
    batch_size: int,
    progress: Callable[[int], None],
) -> List[Sample]:
    """Time several blocks in a row.

    Args:
        step: One step.
        device: That it runs on.
        blocks: How many.
        seconds: Least duration of each.
        pace: From ``warm_up``.
        batch_size: Images per step.
        progress: Told the number of blocks done.
    """
    samples: List[Sample] = []
    for number in range(1, blocks + 1):
        samples.append(time_block(step, device, seconds, pace, batch_size))
        progress(number)
    return samples

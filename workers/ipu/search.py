"""Choosing the micro-batch that gives the best throughput of inference."""

import contextlib
from typing import Callable, List, NamedTuple, Optional

import torch

from workers.device import available_memory_bytes
from workers.errors import DeviceMemoryError
from workers.ipu.workload import Workload
from workers.measuring.search import LARGEST_BATCH, PATIENCE, PROBE_SECONDS, PROBES, WORTHWHILE_GAIN
from workers.measuring.timing import time_block, warm_up
from workers.training.observer import Observer

#: Share of the host's free memory that the images of one call may take.
_HOST_SHARE = 0.25
_HOST = torch.device("cpu")


class MicroBatchProbe(NamedTuple):
    """A candidate with its throughput, the best of a few short blocks.

    Attributes:
        micro_batch: Images that a replica computes at a time.
        batch_size: Images per pass through all replicas.
        images_per_call: Images per call of the device.
        images_per_second: None where it does not fit.
        compile_seconds: Likewise; the first call included.
        refused: Why it does not fit; empty where it does.
    """

    micro_batch: int
    batch_size: int
    images_per_call: int
    images_per_second: Optional[float]
    compile_seconds: Optional[float]
    refused: str


def best_micro_batch(build: Callable[[int], Workload], observer: Observer) -> List[MicroBatchProbe]:
    """Try powers of two until doubling gains next to nothing twice, or the network does not fit; the best comes first.

    Each is compiled anew, which takes far longer than timing it.

    Args:
        build: From a micro-batch to the network in its layout.
        observer: Hears of progress.

    Raises:
        DeviceMemoryError: Not even one image at a time fits.
    """
    probes: List[MicroBatchProbe] = []
    best, without_gain = 0.0, 0
    micro_batch = 1
    while micro_batch <= LARGEST_BATCH and without_gain < PATIENCE:
        observer.progress(0.1, f"compiling for a micro-batch of {micro_batch}")
        with contextlib.closing(build(micro_batch)) as workload:
            if probes and _too_much_for_the_host(workload):
                break
            probe = _probe(workload, micro_batch, may_be_refused=bool(probes))
        probes.append(probe)
        if probe.images_per_second is None:
            break
        without_gain = 0 if probe.images_per_second > best * (1.0 + WORTHWHILE_GAIN) else without_gain + 1
        best = max(best, probe.images_per_second)
        micro_batch *= 2
    return sorted(probes, key=lambda one: -(one.images_per_second or 0.0))


def _probe(workload: Workload, micro_batch: int, *, may_be_refused: bool) -> MicroBatchProbe:
    images = workload.images_per_step
    batch_size = workload.layout.batch_size()
    try:
        compiled = workload.compile()
    except DeviceMemoryError as error:
        if not may_be_refused:
            raise
        return MicroBatchProbe(micro_batch, batch_size, images, None, None, str(error))
    pace = warm_up(workload.step, _HOST, 0.0)
    samples = [time_block(workload.step, _HOST, PROBE_SECONDS, pace, images) for _ in range(PROBES)]
    rate = max(one.images / one.seconds for one in samples)
    return MicroBatchProbe(micro_batch, batch_size, images, rate, compiled["compile_seconds"], "")


def _too_much_for_the_host(workload: Workload) -> bool:
    available = available_memory_bytes(_HOST)
    return available is not None and workload.host_bytes > _HOST_SHARE * available

"""Measuring the throughput of one architecture."""

import gc
import os
from typing import Callable, Dict, List, NamedTuple

import torch

from workers.device import peak_memory_bytes, reset_peak_memory
from workers.measuring.graphics import gpu_conditions, other_gpu_processes
from workers.measuring.processors import ProcessorUse, conditions, processor_times, use_between
from workers.measuring.search import Probe, best_batch_size, faster_layout
from workers.measuring.statistics import summarise
from workers.measuring.timing import time_blocks, warm_up
from workers.measuring.verdict import judge
from workers.measuring.workload import build_workload
from workers.protocol.architecture import architecture, macs, parameter_count
from workers.protocol.jobs import MEMORY_FORMATS, MeasureJob
from workers.protocol.orders import MeasureResult
from workers.training.observer import Observer

#: Batch at which layouts are compared where the job leaves the batch size open.
_LAYOUT_BATCH = 64


class Setting(NamedTuple):
    """How the blocks are run.

    Attributes:
        batch_size: Images per step.
        layout: Memory format.
        probes: What was tried on the way, best first per question.
    """

    batch_size: int
    layout: str
    probes: List[Probe]


def measure(job: MeasureJob, device: torch.device, observer: Observer) -> MeasureResult:
    """Measure images per second in the steady state, with everything needed to judge the number.

    Args:
        job: What to measure and how long.
        device: Where.
        observer: Hears of progress.

    Raises:
        ImpossibleVariantError: The network cannot be built.
        DeviceError: The device cannot do the precision.
    """

    def build(batch_size: int, layout: str) -> Callable[[], object]:
        gc.collect()  # the network before this one must not count as this one's memory
        return build_workload(job, device, batch_size, layout)

    setting = _choose(job, build, device, observer)
    reset = reset_peak_memory(device)
    step = build(setting.batch_size, setting.layout)
    observer.progress(0.4, "warming up")
    pace = warm_up(step, device, job.warmup_seconds)
    conditions_before, times_before = _conditions(device), processor_times()
    samples = time_blocks(
        step,
        device,
        blocks=job.blocks,
        seconds=job.block_seconds,
        pace=pace,
        batch_size=setting.batch_size,
        progress=lambda done: observer.progress(0.5 + 0.5 * done / job.blocks, f"block {done}/{job.blocks}"),
    )
    use = use_between(times_before, processor_times())
    summary = summarise(samples, seed=int(job.fingerprint, 16) % 2**32)
    others = other_gpu_processes() if device.type == "cuda" else None
    verdict = judge(summary.cv, use, os.cpu_count() or 1, others)
    network = architecture(job.variant, job.channels, job.classes)
    return MeasureResult(
        samples=samples,
        **summary._asdict(),
        batch_size=setting.batch_size,
        memory_format=setting.layout,
        warmup_steps=pace.steps,
        macs=macs(network, job.resolution),
        params=parameter_count(network),
        peak_memory_bytes=peak_memory_bytes(device) if reset else None,
        verdict=verdict.verdict,
        verdict_reason=verdict.reason,
        conditions={
            "before": conditions_before,
            "after": _conditions(device),
            "tried": [probe._asdict() for probe in setting.probes],
            **_use(use),
        },
    )


def _choose(
    job: MeasureJob, build: Callable[[int, str], Callable[[], object]], device: torch.device, observer: Observer
) -> Setting:
    """Settle what the job leaves open: first the layout, then the batch size in that layout."""
    probes: List[Probe] = []
    layout, batch_size = job.memory_format, job.batch_size
    if layout is None:
        observer.progress(0.0, "comparing memory formats")
        probes += faster_layout(build, device, batch_size or _LAYOUT_BATCH, MEMORY_FORMATS)
        layout = probes[0].layout
    if batch_size is None:
        observer.progress(0.1, "searching the batch size")
        found = best_batch_size(build, device, layout)
        probes += found
        batch_size = found[0].batch_size
    return Setting(batch_size, layout, probes)


def _conditions(device: torch.device) -> Dict[str, object]:
    return dict(conditions(), **(gpu_conditions() if device.type == "cuda" else {}))


def _use(use: ProcessorUse) -> Dict[str, object]:
    """The processors' use by its names in the stored conditions, in processors."""
    return {f"{name}_processors": None if value is None else round(value, 3) for name, value in use._asdict().items()}

"""Measuring the throughput of one architecture, round by round."""

import gc
import time
from typing import Any, Dict, List, NamedTuple, Optional

import torch

from workers.data.loading import load_data_set
from workers.device import peak_memory_bytes, reset_peak_memory, synchronize
from workers.measuring.end_to_end import LoadedBlocks, time_with_loading
from workers.measuring.pooling import pool
from workers.measuring.reference import ReferenceNetwork
from workers.measuring.setting import Setting, choose_setting, setting_of
from workers.measuring.surroundings import Observed, Surroundings
from workers.measuring.timing import Pace, Step, time_blocks, time_each, warm_up
from workers.measuring.verdict import Reference, judge_round
from workers.measuring.workload import Workload, forget_compiled
from workers.protocol.jobs import MeasureJob
from workers.protocol.orders import MeasureResult, Round, Sample
from workers.training.observer import Observer

#: Of a block's duration: how long single images are passed one after the other.
_LATENCY_SHARE = 0.3
_LEAST_PASSES, _MOST_PASSES = 20, 500


class _Warm(NamedTuple):
    """A network that has been warmed up."""

    workload: Workload
    step: Step
    pace: Pace
    peak_memory_bytes: Optional[int]
    conditions: Dict[str, Any]


class _Blocks(NamedTuple):
    """What was timed without loading, and what was seen meanwhile."""

    samples: List[Sample]
    latencies: List[float]
    reference: Reference
    observed: Observed


def measure(
    job: MeasureJob,
    device: torch.device,
    observer: Observer,
    *,
    attempt: int = 1,
    so_far: Optional[MeasureResult] = None,
    data_directory: str = "data",
) -> MeasureResult:
    """Measure one more round, and return the result over all rounds.

    Args:
        job: What to measure and how long.
        device: Where.
        observer: Hears of progress.
        attempt: Number of the attempt that makes this round.
        so_far: The rounds made before; their batch size, memory format and compilation are kept. None for the first.
        data_directory: Where named data sets lie, for a job that measures with images loaded.

    Raises:
        ImpossibleVariantError: The network cannot be built.
        DeviceError: The device cannot do the precision.
        DataError: Images are missing or damaged.
    """
    setting = choose_setting(job, device, observer) if so_far is None else setting_of(so_far)
    reference = ReferenceNetwork(device)
    observer.progress(0.3, "warming up")
    warm = _warm_up(job, device, setting)
    blocks = _time(job, device, setting, warm, reference, observer)
    loaded = _time_with_loading(job, device, setting, warm, observer, data_directory)
    verdict = judge_round(blocks.samples, blocks.reference, blocks.observed.disturbance or loaded.disturbance)
    made = Round(
        attempt=attempt,
        samples=blocks.samples,
        verdict=verdict.verdict,
        verdict_reason=verdict.reason,
        reference_images_per_second=blocks.reference.mean,
        end_to_end=loaded.end_to_end,
        loading=loaded.loading,
        latencies=blocks.latencies,
        conditions={**warm.conditions, **blocks.observed.conditions, **loaded.conditions},
    )
    earlier = [] if so_far is None else so_far.rounds
    peaks = [warm.peak_memory_bytes, None if so_far is None else so_far.peak_memory_bytes]
    return pool(
        job,
        [*earlier, made],
        setting,
        warmup_steps=warm.pace.steps if so_far is None else so_far.warmup_steps,
        peak_memory_bytes=max((peak for peak in peaks if peak is not None), default=None),
    )


def _warm_up(job: MeasureJob, device: torch.device, setting: Setting) -> _Warm:
    """Build the network and run it in; what it compiles is compiled here, apart from the seconds of the warm-up."""
    # What was searched with and what was loaded before must not count as this network's memory.
    load_data_set.cache_clear()
    gc.collect()
    if setting.way.compiled:
        forget_compiled()  # nor what was compiled help to compile it
    workload = Workload(job, device, setting.way)
    step = workload.on_resident_batch(setting.batch_size)
    conditions = {"compile_seconds": round(_seconds(step, device), 3)} if setting.way.compiled else {}
    reset = reset_peak_memory(device)
    pace = warm_up(step, device, job.warmup_seconds)
    return _Warm(workload, step, pace, peak_memory_bytes(device) if reset else None, conditions)


def _time(
    job: MeasureJob,
    device: torch.device,
    setting: Setting,
    warm: _Warm,
    reference: ReferenceNetwork,
    observer: Observer,
) -> _Blocks:
    """Time the blocks with the reference before and after them, then single images."""
    surroundings = Surroundings(device)
    before = reference.images_per_second()
    warm.step()  # brings the network back into the caches
    samples = time_blocks(
        warm.step,
        device,
        blocks=job.blocks,
        seconds=job.block_seconds,
        pace=warm.pace,
        batch_size=setting.batch_size,
        progress=lambda done: observer.progress(0.3 + 0.3 * done / job.blocks, f"block {done}/{job.blocks}"),
    )
    moved = Reference(before, reference.images_per_second())
    latencies = _latencies(job, device, warm.workload) if job.mode == "inference" else []
    return _Blocks(samples, latencies, moved, surroundings.until_now())


def _time_with_loading(
    job: MeasureJob,
    device: torch.device,
    setting: Setting,
    warm: _Warm,
    observer: Observer,
    data_directory: str,
) -> LoadedBlocks:
    if job.loading is None:
        return LoadedBlocks([], [], {}, "")
    observer.progress(0.6, "loading images")
    return time_with_loading(
        job,
        job.loading,
        warm.workload,
        device,
        batch_size=setting.batch_size,
        data_directory=data_directory,
        progress=lambda done: observer.progress(0.6 + 0.3 * done / job.blocks, f"with loading {done}/{job.blocks}"),
    )


def _latencies(job: MeasureJob, device: torch.device, workload: Workload) -> List[float]:
    """Pass single images; return milliseconds, to the microsecond."""
    single = workload.on_resident_batch(1)
    warm_up(single, device, 0.0)
    seconds = time_each(single, device, _LATENCY_SHARE * job.block_seconds, least=_LEAST_PASSES, most=_MOST_PASSES)
    return [round(1e3 * one, 3) for one in seconds]


def _seconds(step: Step, device: torch.device) -> float:
    started = time.perf_counter()
    step()
    synchronize(device)
    return time.perf_counter() - started

"""Measuring the throughput of one architecture, round by round."""

import dataclasses
import gc
import statistics
from typing import Any, Dict, List, NamedTuple, Optional, Union

import torch

from workers.data.loading import load_data_set
from workers.measuring.bench import Bench, Latencies, Network
from workers.measuring.end_to_end import LoadedBlocks, time_with_loading
from workers.measuring.pooling import pool
from workers.measuring.reference import ReferenceNetwork
from workers.measuring.surroundings import Observed, Surroundings
from workers.measuring.timing import Pace, time_block, warm_up
from workers.measuring.torch_bench import TorchBench
from workers.measuring.verdict import judge_round
from workers.protocol.jobs import MeasureJob
from workers.protocol.orders import MeasureResult, Round, Sample
from workers.training.observer import Observer

#: Of a block's duration: how long single images are passed one after the other.
_LATENCY_SHARE = 0.3


class _Warm(NamedTuple):
    """What is known of a network once it has been warmed up."""

    pace: Pace
    peak_memory_bytes: Optional[int]
    conditions: Dict[str, Any]


class _Blocks(NamedTuple):
    """What was timed without loading, and what was seen meanwhile.

    Attributes:
        samples: The blocks.
        reference: Readings of the reference network before, between and after them, images per second.
        latencies: Of single images.
        observed: All the time.
    """

    samples: List[Sample]
    reference: List[float]
    latencies: Latencies
    observed: Observed


def measure(
    job: MeasureJob,
    bench: Union[Bench, torch.device],
    observer: Observer,
    *,
    attempt: int = 1,
    so_far: Optional[MeasureResult] = None,
    data_directory: str = "data",
) -> MeasureResult:
    """Measure one more round, and return the result over all rounds.

    Args:
        job: What to measure and how long.
        bench: Where; a device is one to be measured with torch alone.
        observer: Hears of progress.
        attempt: Number of the attempt that makes this round.
        so_far: The rounds made before; their batch size, memory format and compilation are kept. None for the first.
        data_directory: Where named data sets lie, for a job that measures with images loaded.

    Raises:
        ImpossibleVariantError: The network cannot be built.
        DeviceError: The device cannot do the precision.
        DataError: Images are missing or damaged.
    """
    if isinstance(bench, torch.device):
        bench = TorchBench(bench)
    setting = bench.choose_setting(job, observer) if so_far is None else bench.setting_of(job, so_far)
    reference = ReferenceNetwork(bench.device)
    observer.progress(0.3, "warming up")
    # What was searched with and what was loaded before must not count as this network's memory.
    load_data_set.cache_clear()
    gc.collect()
    with bench.network(job, setting) as network:
        warm = _warm_up(job, bench, network)
        blocks = _time(job, bench, network, warm, reference, observer)
        loaded = _time_with_loading(job, bench, network, observer, data_directory)
    verdict = judge_round(blocks.samples, blocks.reference, blocks.observed.disturbance or loaded.disturbance)
    made = Round(
        attempt=attempt,
        samples=blocks.samples,
        verdict=verdict.verdict,
        verdict_reason=verdict.reason,
        reference_images_per_second=statistics.mean(blocks.reference),
        end_to_end=loaded.end_to_end,
        loading=loaded.loading,
        latencies=blocks.latencies.milliseconds,
        conditions={
            **warm.conditions,
            **blocks.observed.conditions,
            **blocks.latencies.conditions,
            **loaded.conditions,
        },
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


def _warm_up(job: MeasureJob, bench: Bench, network: Network) -> _Warm:
    """Run a network in; what it compiles is compiled before, apart from the seconds of the warm-up."""
    conditions = network.start()
    reset = bench.reset_peak_memory()
    pace = warm_up(network.step, bench.device, job.warmup_seconds)
    return _Warm(pace, bench.peak_memory_bytes() if reset else None, conditions)


def _time(
    job: MeasureJob,
    bench: Bench,
    network: Network,
    warm: _Warm,
    reference: ReferenceNetwork,
    observer: Observer,
) -> _Blocks:
    """Time the blocks with the reference before, between and after them, then single images."""
    surroundings = Surroundings(bench)
    samples: List[Sample] = []
    readings = [reference.images_per_second()]
    for number in range(1, job.blocks + 1):
        sample = time_block(network.step, bench.device, job.block_seconds, warm.pace, network.images_per_step)
        readings.append(reference.images_per_second())
        around = statistics.mean(readings[-2:]) if bench.referenced else None
        samples.append(dataclasses.replace(sample, reference_images_per_second=around))
        observer.progress(0.3 + 0.3 * number / job.blocks, f"block {number}/{job.blocks}")
    single = network.latencies(_LATENCY_SHARE * job.block_seconds) if job.mode == "inference" else Latencies([], {})
    return _Blocks(samples, readings, single, surroundings.until_now())


def _time_with_loading(
    job: MeasureJob, bench: Bench, network: Network, observer: Observer, data_directory: str
) -> LoadedBlocks:
    if job.loading is None:
        return LoadedBlocks([], [], {}, "")
    if not network.takes_images:
        return LoadedBlocks([], [], {"while_loading": "not measured: the device makes its images up"}, "")
    observer.progress(0.6, "loading images")
    return time_with_loading(
        job,
        job.loading,
        network,
        bench,
        data_directory=data_directory,
        progress=lambda done: observer.progress(0.6 + 0.3 * done / job.blocks, f"with loading {done}/{job.blocks}"),
    )

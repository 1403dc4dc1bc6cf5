"""How a network is run while it is measured: batch size, memory format, compiled or not."""

import gc
from typing import Any, Dict, List, NamedTuple, Tuple

import torch

from workers.measuring.search import Build, Probe, best_batch_size, fastest_way
from workers.measuring.timing import Step
from workers.measuring.workload import Way, Workload
from workers.protocol.jobs import MEMORY_FORMATS, MeasureJob
from workers.protocol.orders import MeasureResult
from workers.training.observer import Observer

#: Batch at which memory formats are compared where the job leaves the batch size open.
_COMPARED_BATCH = 64


class Setting(NamedTuple):
    """How the blocks are run.

    Attributes:
        batch_size: Images per step.
        way: Memory format, and whether compiled.
        conditions: What was tried on the way, best first per question, and why compiling failed where it did.
    """

    batch_size: int
    way: Way
    conditions: Dict[str, Any]


def setting_of(earlier: MeasureResult) -> Setting:
    """Return the setting of earlier rounds."""
    return Setting(earlier.batch_size, Way(earlier.memory_format, earlier.compiled), earlier.conditions)


def choose_setting(job: MeasureJob, device: torch.device, observer: Observer) -> Setting:
    """Settle what the job leaves open, so that no network is held back by a setting that suits another one.

    First the memory format, then the batch size in that format. Whether to compile comes last, in both formats, at that
    batch size: compiling takes long, and would have to be done for each size that is tried.
    """

    def build(batch_size: int, way: Way) -> Step:
        gc.collect()  # the network before this one must not count as this one's memory
        return Workload(job, device, way).on_resident_batch(batch_size)

    probes: List[Probe] = []
    formats = MEMORY_FORMATS if job.memory_format is None else (job.memory_format,)
    compiled = job.compile is True
    way, batch_size = Way(formats[0], compiled), job.batch_size
    if len(formats) > 1:
        observer.progress(0.0, "comparing memory formats")
        ways = [Way(layout, compiled) for layout in formats]
        probes += fastest_way(build, device, batch_size or _COMPARED_BATCH, ways)
        way = probes[0].way
    if batch_size is None:
        observer.progress(0.1, "searching the batch size")
        found = best_batch_size(build, device, way)
        probes += found
        batch_size = found[0].batch_size
    conditions: Dict[str, Any] = {}
    if job.compile is None:
        observer.progress(0.2, "compiling")
        compared, conditions = _compare_compiled(build, device, batch_size, way, formats)
        probes += compared
        way = compared[0].way
    return Setting(batch_size, way, dict(conditions, tried=[probe._asdict() for probe in probes]))


def _compare_compiled(
    build: Build, device: torch.device, batch_size: int, eager: Way, formats: Tuple[str, ...]
) -> Tuple[List[Probe], Dict[str, Any]]:
    """Time the network as it is beside the compiled one; where it does not compile, note why and do without."""
    ways = [eager, *(Way(layout, compiled=True) for layout in formats)]
    try:
        return fastest_way(build, device, batch_size, ways), {}
    except Exception as error:  # noqa: BLE001  # a compiler fails in ways of its own, and is optional here
        message = f"{type(error).__name__}: {error}".splitlines()[0]
    return fastest_way(build, device, batch_size, [eager]), {"compile_failed": message}

"""Measuring on IPUs.

A step is one call of the device: a whole weight update, or a whole batch of classified images with all its iterations.
Its images lie in the host's memory, in the number format that the IPUs take. They travel to the IPUs in every step, and
losses or logits back; when a call returns, nothing is left at work.
"""

import contextlib
import itertools
from typing import Any, Dict, Iterator, List, Optional

from workers.engine import EpochBatches, Work
from workers.errors import DeviceError, JobError
from workers.ipu.engine import PoptorchEngine
from workers.ipu.search import MicroBatchProbe, best_micro_batch
from workers.ipu.tools import ipu_conditions
from workers.ipu.workload import Workload
from workers.measuring.bench import Batch, Network
from workers.measuring.setting import Setting
from workers.measuring.workload import Way
from workers.protocol.ipu import ImpossibleLayoutError, IpuLayout, inference_layout, measured_training_layout
from workers.protocol.jobs import MeasureJob
from workers.protocol.orders import MeasureResult
from workers.protocol.recipe import Recipe
from workers.training.observer import Observer

#: How networks are run here, as far as it is a question elsewhere.
_WAY = Way("contiguous", compiled=False)


class IpuBench:
    """See ``Bench``.

    Args:
        engine: Of the slot.
    """

    referenced = False

    def __init__(self, engine: PoptorchEngine) -> None:
        self.device = engine.device
        self._engine = engine

    def choose_setting(self, job: MeasureJob, observer: Observer) -> Setting:
        """Lay the network out, and search the micro-batch where the layout leaves it open.

        Raises:
            DeviceError: The layout is not one for this slot; or not even a micro-batch of one image fits.
            JobError: The batch cannot be cut up.
        """
        layout = self.layout(job)
        probes: List[MicroBatchProbe] = []
        if layout.micro_batch is None:
            probes = best_micro_batch(lambda micro: self._workload(job, layout.with_micro_batch(micro)), observer)
            layout = layout.with_micro_batch(probes[0].micro_batch)
        return _setting(layout, {"ipu": _arithmetic(layout), "tried": [probe._asdict() for probe in probes]})

    def setting_of(self, job: MeasureJob, earlier: MeasureResult) -> Setting:
        """Return the layout of a job's earlier rounds."""
        layout = self.layout(job)
        return _setting(layout.with_micro_batch(layout.micro_batch_of(earlier.batch_size)), earlier.conditions)

    @contextlib.contextmanager
    def network(self, job: MeasureJob, setting: Setting) -> Iterator[Network]:
        """See ``Bench``."""
        layout = self.layout(job)
        micro_batch = layout.micro_batch_of(setting.batch_size)
        with contextlib.closing(self._workload(job, layout.with_micro_batch(micro_batch))) as workload:
            yield workload

    @contextlib.contextmanager
    def batches(self, source: EpochBatches, job: MeasureJob) -> Iterator[Iterator[Batch]]:
        """See ``Bench``; another process loads them."""
        epochs = self._engine.epochs(source, 1, Work(job.variant, job.precision))
        with contextlib.closing(epochs):
            yield itertools.chain.from_iterable(epochs)

    def reset_peak_memory(self) -> bool:
        """Return False: what memory a program takes is settled when it is compiled, and not told."""
        return False

    def peak_memory_bytes(self) -> Optional[int]:
        """Return None."""
        return None

    def conditions(self) -> Dict[str, Any]:
        """See ``Bench``."""
        return dict(ipu_conditions())

    def layout(self, job: MeasureJob) -> IpuLayout:
        """Return the job's layout, or for one that has none that of the slot's settings.

        Raises:
            DeviceError: It is for a slot with another number of IPUs.
            JobError: The batch cannot be cut up.
        """
        ipus = self._engine.settings.slot_ipus()
        layout = self._laid_out(job) if job.ipu is None else job.ipu
        if layout.ipus != ipus:
            raise DeviceError(f"the measurement is laid out on {layout.ipus} IPUs, and this slot has {ipus}")
        return layout

    def _laid_out(self, job: MeasureJob) -> IpuLayout:
        settings, size = self._engine.settings, job.variant.size
        try:
            if job.mode != "train":
                return inference_layout(settings, size, precision=job.precision, batch_size=job.batch_size)
            batch_size = job.batch_size or Recipe().batch_size
            norm = job.variant.norm
            return measured_training_layout(settings, size, batch_size, precision=job.precision, norm=norm)
        except ImpossibleLayoutError as error:
            raise JobError(f"slots.ipu.{error.key}: {error}") from error

    def _workload(self, job: MeasureJob, layout: IpuLayout) -> Workload:
        return Workload(job, layout, self._engine.settings, self._engine.attachment)


def _setting(layout: IpuLayout, conditions: Dict[str, Any]) -> Setting:
    return Setting(layout.batch_size(), _WAY, conditions)


def _arithmetic(layout: IpuLayout) -> Dict[str, Any]:
    """Return what a batch is made of, for the record."""
    return {
        "micro_batch": layout.micro_batch,
        "device_iterations": layout.device_iterations,
        "accumulation": layout.accumulation,
        "replicas": layout.replicas,
        "ipus_per_replica": layout.ipus_per_replica,
        "images_per_call": layout.images_per_call(),
        "data": layout.data,
    }

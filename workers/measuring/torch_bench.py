"""Measuring on a CPU or a GPU, with torch alone."""

import contextlib
import time
from typing import Any, ContextManager, Dict, Iterator, Optional

import torch
from torch import Tensor

from workers.device import peak_memory_bytes, reset_peak_memory, synchronize
from workers.engine import EpochBatches
from workers.measuring.bench import Batch, Latencies, Network
from workers.measuring.graphics import gpu_conditions
from workers.measuring.setting import Setting, choose_setting, setting_of
from workers.measuring.timing import time_each, warm_up
from workers.measuring.workload import Workload, forget_compiled
from workers.protocol.jobs import MeasureJob
from workers.protocol.orders import MeasureResult
from workers.training.observer import Observer

_LEAST_PASSES, _MOST_PASSES = 20, 500


class TorchBench:
    """See ``Bench``.

    Args:
        device: Of the slot.
    """

    referenced = True

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def choose_setting(self, job: MeasureJob, observer: Observer) -> Setting:
        """See ``Bench``."""
        return choose_setting(job, self.device, observer)

    def setting_of(self, job: MeasureJob, earlier: MeasureResult) -> Setting:
        """See ``Bench``."""
        del job
        return setting_of(earlier)

    def network(self, job: MeasureJob, setting: Setting) -> ContextManager[Network]:
        """See ``Bench``."""
        if setting.way.compiled:
            forget_compiled()  # what was compiled before must not help to compile this one
        return contextlib.nullcontext(_TorchNetwork(job, self.device, setting))

    def batches(self, source: EpochBatches, job: MeasureJob) -> ContextManager[Iterator[Batch]]:
        """See ``Bench``."""
        del job
        return contextlib.nullcontext(batch for number in range(1, source.epochs + 1) for batch in source.epoch(number))

    def reset_peak_memory(self) -> bool:
        """See ``Bench``."""
        return reset_peak_memory(self.device)

    def peak_memory_bytes(self) -> Optional[int]:
        """See ``Bench``."""
        return peak_memory_bytes(self.device)

    def conditions(self) -> Dict[str, Any]:
        """See ``Bench``."""
        return dict(gpu_conditions()) if self.device.type == "cuda" else {}


class _TorchNetwork:
    """See ``Network``."""

    takes_images = True

    def __init__(self, job: MeasureJob, device: torch.device, setting: Setting) -> None:
        self.images_per_step = setting.batch_size
        self._device = device
        self._compiled = setting.way.compiled
        self._workload = Workload(job, device, setting.way)
        self._step = self._workload.on_resident_batch(setting.batch_size)

    def start(self) -> Dict[str, Any]:
        """Have the network compiled, if it is to be."""
        if not self._compiled:
            return {}
        started = time.perf_counter()
        self._step()
        synchronize(self._device)
        return {"compile_seconds": round(time.perf_counter() - started, 3)}

    def step(self) -> object:
        """See ``Network``."""
        return self._step()

    def use(self, images: Tensor, targets: Tensor) -> Tensor:
        """See ``Network``."""
        return self._workload.step(images, targets)

    def latencies(self, seconds: float) -> Latencies:
        """See ``Network``."""
        single = self._workload.on_resident_batch(1)
        warm_up(single, self._device, 0.0)
        durations = time_each(single, self._device, seconds, least=_LEAST_PASSES, most=_MOST_PASSES)
        return Latencies([round(1e3 * one, 3) for one in durations], {})

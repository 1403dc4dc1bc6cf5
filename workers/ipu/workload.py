"""What is timed on IPUs: the weight update that trains, or the call that classifies, of one network in one layout."""

import dataclasses
import itertools
import time
from typing import Any, Callable, Dict, List, Optional, Union

import torch
from torch import Tensor
from torch.nn import functional

from workers.engine import OptimizerSettings, Updates
from workers.ipu.attachment import Attachment
from workers.ipu.classifier import PoptorchClassifier
from workers.ipu.precision import activation_type, check_precision
from workers.ipu.trainer import PoptorchTrainer
from workers.measuring.bench import Latencies
from workers.measuring.workload import LABEL_SMOOTHING, LEARNING_RATE, SEED
from workers.models.efficientnet import build
from workers.protocol.ipu import IpuLayout, IpuSettings
from workers.protocol.jobs import MODES, MeasureJob

_LEAST_PASSES, _MOST_PASSES = 20, 500


class Workload:
    """A network with random weights in one layout; see ``workers.measuring.bench.Network``.

    The learning rate changes at every update, as in training: telling the IPUs is part of the step.

    Args:
        job: What to measure.
        layout: Its micro-batch is settled.
        settings: Of the slot.
        attachment: Of the slot.

    Attributes:
        layout: See above.
        images_per_step: Images of one call.
        takes_images: Whether the device computes on the host's images rather than making some up.

    Raises:
        ImpossibleVariantError: The network cannot be built.
        ValueError: The mode is unknown.
        DeviceError: The precision is none of an IPU's.
        JobError: The network cannot be cut into the stages.
    """

    def __init__(self, job: MeasureJob, layout: IpuLayout, settings: IpuSettings, attachment: Attachment) -> None:
        if job.mode not in MODES:
            raise ValueError("unknown mode {!r}: expected {}".format(job.mode, " or ".join(MODES)))
        check_precision(job.precision)
        self.layout = layout
        self.images_per_step = layout.images_per_call()
        self.takes_images = layout.data != "synthetic"
        self._job = job
        self._settings = settings
        self._attachment = attachment
        torch.manual_seed(SEED)
        self._network = build(job.variant, job.channels, job.classes).train(job.mode == "train")
        self._run: Union[PoptorchTrainer, PoptorchClassifier]
        self._run = self._trainer() if job.mode == "train" else self._classifier(layout)
        self._learning_rates = itertools.cycle((LEARNING_RATE, 2.0 * LEARNING_RATE))
        self._single: Optional[PoptorchClassifier] = None
        self._images: Optional[Tensor] = None
        self._targets = self._random_targets()

    @property
    def host_bytes(self) -> int:
        """Memory that the images of one call take on the host."""
        element = torch.empty(0, dtype=activation_type(self._job.precision)).element_size()
        return self.images_per_step * self._job.channels * self._job.resolution**2 * element

    def start(self) -> Dict[str, Any]:
        """Compile everything that is going to be timed; return how long that took.

        Raises:
            DeviceMemoryError: The network does not fit on the IPUs.
            DeviceError: They are in use or broke.
        """
        conditions = self.compile()
        if self._job.mode == "inference" and self.takes_images:
            single = self._single = self._classifier(single_image_layout(self.layout))
            images = self._random_images(single.images_per_call)
            conditions["latency_compile_seconds"] = _seconds(lambda: single(images))
        return conditions

    def compile(self) -> Dict[str, Any]:
        """Compile, and run the first step; return how long that took.

        Raises:
            DeviceMemoryError: The network does not fit on the IPUs.
            DeviceError: They are in use or broke.
        """
        self._images = self._random_images(self.images_per_step)
        return {"compile_seconds": _seconds(self.step)}

    def step(self) -> object:
        """Train on, or classify, random images."""
        if self._images is None:
            raise RuntimeError("compile comes first")
        return self.use(self._images, self._targets)

    def use(self, images: Tensor, targets: Tensor) -> Tensor:
        """Train on a batch, or classify it."""
        if isinstance(self._run, PoptorchTrainer):
            return self._run.step(images, targets, next(self._learning_rates))
        return self._run(images)

    def latencies(self, seconds: float) -> Latencies:
        """Pass single images through one replica, in a program compiled for that.

        What counts is PopTorch's own reading of the round trip: from the first input being asked for until the last
        output is back. Without images from the host there is none.
        """
        if self._single is None:
            return Latencies([], {"latency": "not measured: the device makes its images up"})
        images = self._random_images(self._single.images_per_call)
        found: List[float] = []
        ends = time.perf_counter() + seconds
        while len(found) < _MOST_PASSES and (len(found) < _LEAST_PASSES or time.perf_counter() < ends):
            self._single(images)
            _, _, average = self._single.executor.getLatency()
            found.append(round(1e3 * average, 3))
        return Latencies(found, {}) if any(found) else Latencies([], {"latency": "not told by PopTorch"})

    def close(self) -> None:
        """Free the IPUs."""
        self._run.close()
        if self._single is not None:
            self._single.close()

    def _random_images(self, count: int) -> Tensor:
        side = self._job.resolution
        images = torch.randn(count, self._job.channels, side, side)
        return images.to(activation_type(self._job.precision))

    def _random_targets(self) -> Tensor:
        """Return classes; or class masses, where loaded images come with those, since compiled shapes are fixed."""
        labels = torch.randint(self._job.classes, (self.images_per_step,))
        loading = self._job.loading
        if loading is None or (loading.mixup == 0.0 and loading.cutmix == 0.0):
            return labels
        return functional.one_hot(labels, self._job.classes).to(torch.float32)

    def _trainer(self) -> PoptorchTrainer:
        return PoptorchTrainer(
            self._network,
            _optimizer(self._job.optimizer or "rmsprop"),
            layout=self.layout,
            precision=self._job.precision,
            updates=Updates(self.layout.batch_size(), LABEL_SMOOTHING, SEED),
            settings=self._settings,
            attachment=self._attachment,
        )

    def _classifier(self, layout: IpuLayout) -> PoptorchClassifier:
        return PoptorchClassifier(
            self._network,
            layout=layout,
            precision=self._job.precision,
            settings=self._settings,
            attachment=self._attachment,
        )


def single_image_layout(layout: IpuLayout) -> IpuLayout:
    """Return the layout in which single images pass, through one replica.

    A pipeline of several IPUs needs as many iterations as it has stages; each image's round trip is read by itself.
    """
    return dataclasses.replace(layout, replicas=1, micro_batch=1, device_iterations=layout.ipus_per_replica)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return round(time.perf_counter() - started, 3)


def _optimizer(name: str) -> OptimizerSettings:
    """Return the optimiser whose step is timed; sgd trains on IPUs without momentum only."""
    return OptimizerSettings(name, momentum=0.0) if name == "sgd" else OptimizerSettings(name)

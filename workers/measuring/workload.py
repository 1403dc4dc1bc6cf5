"""What is timed: the training step or the forward pass of one network."""

from typing import Dict, NamedTuple

import torch
from torch import Tensor, nn

from workers.device import autocast
from workers.measuring.timing import Step
from workers.models.efficientnet import build
from workers.models.proxy_norm import hold_constant
from workers.protocol.jobs import MeasureJob
from workers.training.optimizers import build_optimizer, set_learning_rate
from workers.training.step import TrainingStep

#: Name of a layout in jobs → torch's.
LAYOUTS: Dict[str, torch.memory_format] = {
    "channels_last": torch.channels_last,
    "contiguous": torch.contiguous_format,
}
SEED = 0
#: Small enough that weights trained on noise stay finite for any number of steps, and no work is saved by it.
LEARNING_RATE = 1e-6
LABEL_SMOOTHING = 0.1


class Way(NamedTuple):
    """A way of running a network that changes its speed and nothing else.

    Attributes:
        layout: Memory format.
        compiled: Whether ``torch.compile`` has compiled it.
    """

    layout: str
    compiled: bool


class Workload:
    """A network with random weights, and the step that is timed.

    Mode ``train`` is the step that training uses (forward pass, loss, backward pass, update) with the recipe's
    optimiser; mode ``inference`` the forward pass in evaluation mode, with the statistics of proxies as constants.

    Args:
        job: What to measure.
        device: Where.
        way: In which way.

    Raises:
        ImpossibleVariantError: The network cannot be built.
        ValueError: The mode is unknown.
        DeviceError: The device cannot do the precision.
    """

    def __init__(self, job: MeasureJob, device: torch.device, way: Way) -> None:
        if job.mode not in {"train", "inference"}:
            raise ValueError(f"unknown mode {job.mode!r}: expected train or inference")
        self.job = job
        self._device = device
        self._memory_format = LAYOUTS[way.layout]
        torch.manual_seed(SEED)
        network = build(job.variant, job.channels, job.classes)
        network.to(device, memory_format=self._memory_format)  # type: ignore[call-overload]
        network.train(job.mode == "train")
        if job.mode == "inference":
            hold_constant(network)
        # Each batch size is compiled for itself, as it would be by someone who uses no other.
        self._model: nn.Module = torch.compile(network, dynamic=False) if way.compiled else network  # type: ignore[assignment]
        self._train = self._training_step(network) if job.mode == "train" else None

    def step(self, images: Tensor, targets: Tensor) -> Tensor:
        """Train on a batch, or classify it.

        Args:
            images: Batch × channels × height × width.
            targets: Classes, or the mass of each class; without influence on inference.

        Returns:
            The loss, or the logits.
        """
        return self._classify(images) if self._train is None else self._train(images, targets)

    def on_resident_batch(self, batch_size: int) -> Step:
        """Return the step on random, normalised images that already lie on the device, in the network's layout."""
        side = self.job.resolution
        images = torch.randn(batch_size, self.job.channels, side, side).to(self._device)
        images = images.contiguous(memory_format=self._memory_format)
        labels = torch.randint(self.job.classes, (batch_size,)).to(self._device)
        return lambda: self.step(images, labels)

    def _training_step(self, network: nn.Module) -> TrainingStep:
        optimizer = build_optimizer(network, self.job.optimizer or "rmsprop")
        set_learning_rate(optimizer, LEARNING_RATE)
        return TrainingStep(
            self._model,
            optimizer,
            device=self._device,
            precision=self.job.precision,
            label_smoothing=LABEL_SMOOTHING,
            memory_format=self._memory_format,
        )

    @torch.inference_mode()
    def _classify(self, images: Tensor) -> Tensor:
        with autocast(self._device, self.job.precision):
            logits: Tensor = self._model(images.contiguous(memory_format=self._memory_format))
        return logits


def forget_compiled() -> None:
    """Have torch forget what it compiled: it compiles only so many sizes of one network before it gives up."""
    torch._dynamo.reset()  # noqa: SLF001  # torch.compiler.reset only since torch 2.1

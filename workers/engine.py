"""What computes on a slot: networks are trained and run through these interfaces, whichever library does it.

    Engine ── trainer(network, optimizer, work) ──▶ Trainer      one weight update per step
           ── classifier(network, work) ──────────▶ Classifier   forward passes
           ── epochs(batches, first) ─────────────▶ Epochs       batches of training, loaded ahead where that helps

``workers.torch_engine`` computes with torch on a CPU or a GPU, ``workers.ipu.engine`` with PopTorch on IPUs. What a
result depends on (the order of the images, their preparation, initial weights, learning rates, averages of weights) is
the same code above both.
"""

from typing import Any, ContextManager, Dict, Iterator, NamedTuple, Optional, Protocol, Tuple

import torch
from torch import Tensor, nn

from workers.protocol.variant import Variant

#: A trainer's or a run's state: tensors and plain data, as ``torch.save`` takes them.
State = Dict[str, Any]


class OptimizerSettings(NamedTuple):
    """Which optimiser, with the recipe's values; see ``workers.training.optimizers.build_optimizer``.

    Attributes:
        optimizer: One of ``workers.protocol.recipe.OPTIMIZERS``.
        momentum: Of rmsprop and sgd.
        weight_decay: None takes the optimiser's usual value.
        rms_decay: Of rmsprop's mean of squared gradients, per update.
    """

    optimizer: str
    momentum: float = 0.9
    weight_decay: Optional[float] = None
    rms_decay: float = 0.9


class Work(NamedTuple):
    """What a network, or a part of it, is run for.

    Attributes:
        variant: The network.
        precision: One of ``workers.protocol.jobs.PRECISIONS``.
        part: ``network``, or where fine-tuning has cut it in two: ``frozen`` or ``tuned``.
    """

    variant: Variant
    precision: str
    part: str = "network"


class Updates(NamedTuple):
    """How weights are updated, besides the optimiser.

    Attributes:
        batch_size: Images per update of the weights.
        label_smoothing: Mass moved from the true class to all classes.
        seed: Of what the engine draws itself (dropout, stochastic depth), where torch's generator does not reach.
    """

    batch_size: int
    label_smoothing: float
    seed: int = 0


class Trainer(Protocol):
    """Updates the weights of a network."""

    def step(self, images: Tensor, targets: Tensor, learning_rate: float) -> Tensor:
        """Update the weights once.

        Args:
            images: Batch × channels × height × width.
            targets: Classes (batch, int64), or the mass of each class (batch × classes).
            learning_rate: Of this update.

        Returns:
            The mean loss of the batch before the update, a scalar on the engine's device.

        Raises:
            DeviceError: The device refuses or broke.
        """

    def fetch_weights(self) -> None:
        """Bring the network's own tensors up to date; before it they may be those of an earlier step."""

    def state(self) -> State:
        """Return what the next steps depend on besides the weights and the numbers that are drawn from torch."""

    def restore(self, state: State) -> None:
        """Go on from ``state``, and from the weights that the network's own tensors now hold."""

    def close(self) -> None:
        """Free the device; what was not fetched is lost."""


class Classifier(Protocol):
    """Runs a network, or a part of it, forwards, in evaluation mode and without gradients."""

    @property
    def exclusive(self) -> bool:
        """Whether nothing else is on the device while it runs, so that it should run long at a time."""

    @property
    def images_per_call(self) -> int:
        """Batch that wastes nothing; any number of images may be given."""

    def __call__(self, images: Tensor) -> Tensor:
        """Return logits or features, on the engine's device.

        Args:
            images: Batch × channels × height × width, or features of another part.
        """

    def load(self, weights: Dict[str, Tensor]) -> None:
        """Take other weights, by the names of the network's state."""

    def close(self) -> None:
        """Free the device."""


class EpochBatches(Protocol):
    """Where the batches of a training run come from; see ``workers.training.batches.TrainingBatches``."""

    @property
    def epochs(self) -> int:
        """Number of epochs."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in each of them."""

    def epoch(self, number: int) -> Iterator[Tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch, counted from 1; always the same ones."""


class Epochs(Protocol):
    """The batches of the epochs that remain, in order."""

    def __iter__(self) -> Iterator[Iterator[Tuple[Tensor, Tensor]]]:
        """Yield each epoch's batches; a batch is valid until the next one is taken."""

    def close(self) -> None:
        """End what loads ahead."""


class Engine(Protocol):
    """Computes on one slot."""

    @property
    def name(self) -> str:
        """``torch`` or ``poptorch``; a run is resumed by the engine that began it."""

    @property
    def device(self) -> torch.device:
        """Where images are prepared and answers arrive."""

    @property
    def memory_format(self) -> torch.memory_format:
        """In which networks are built and images enter them."""

    def trainer(self, network: nn.Module, optimizer: OptimizerSettings, work: Work, updates: Updates) -> Trainer:
        """Prepare to train a network.

        Args:
            network: On ``device``, in training mode; it must not be changed but through the trainer.
            optimizer: Over its parameters.
            work: What it is.
            updates: Their batch and their loss.

        Raises:
            JobError: It cannot be trained so on this engine.
            DeviceError: The device cannot do the precision; the first step may say so.
        """

    def classifier(self, network: nn.Module, work: Work) -> Classifier:
        """Prepare to run a network forwards.

        Args:
            network: On ``device``, in evaluation mode. Weights that it gets later may or may not count: ``load`` them.
            work: What it is.

        Raises:
            JobError: It cannot be run so on this engine.
            DeviceError: The device cannot do the precision; the first call may say so.
        """

    def epochs(self, batches: EpochBatches, first: int, work: Work) -> Epochs:
        """Return the batches from an epoch on, counted from 1, for a trainer of the same work."""

    def autocast(self, precision: str) -> "ContextManager[object]":
        """Return the context in which torch computes on ``device`` what is not done by a trainer or a classifier.

        Raises:
            DeviceError: The device cannot do the precision.
        """

    def synchronize(self) -> None:
        """Wait until the device has done all it was given."""

    def close(self) -> None:
        """Free the device of what a job left on it."""

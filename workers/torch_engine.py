"""The engine of CPUs and GPUs: torch itself."""

from typing import ContextManager, Dict, Iterator, Tuple, Union

import torch
from torch import Tensor, nn

from workers.device import autocast, synchronize
from workers.engine import Engine, EpochBatches, OptimizerSettings, State, Updates, Work
from workers.training.optimizers import build_optimizer, set_learning_rate
from workers.training.step import TrainingStep

#: Images per forward pass where no weights change; more would only take memory.
FORWARD_BATCH = 250


class TorchEngine:
    """Computes with torch.

    Args:
        device: Where.
        memory_format: In which networks are built and images enter them.
    """

    name = "torch"

    def __init__(self, device: torch.device, memory_format: torch.memory_format = torch.channels_last) -> None:
        self.device = device
        self.memory_format = memory_format

    def trainer(self, network: nn.Module, optimizer: OptimizerSettings, work: Work, updates: Updates) -> "TorchTrainer":
        """Prepare to train a network; a precision that the device lacks is refused at the first step."""
        built = build_optimizer(network, **optimizer._asdict())
        return TorchTrainer(
            TrainingStep(
                network,
                built,
                device=self.device,
                precision=work.precision,
                label_smoothing=updates.label_smoothing,
                memory_format=self.memory_format,
            )
        )

    def classifier(self, network: nn.Module, work: Work) -> "TorchClassifier":
        """Prepare to run a network forwards; a precision that the device lacks is refused at the first call."""
        return TorchClassifier(network, self, work.precision)

    def epochs(self, batches: EpochBatches, first: int, work: Work) -> "TorchEpochs":
        """Return the batches from an epoch on; each is prepared when it is asked for."""
        del work
        return TorchEpochs(batches, first)

    def autocast(self, precision: str) -> "ContextManager[object]":
        """Return the context in which torch computes in a precision.

        Raises:
            DeviceError: The device cannot do it.
        """
        return autocast(self.device, precision)

    def synchronize(self) -> None:
        """Wait until the device has done all it was given."""
        synchronize(self.device)

    def close(self) -> None:
        """Do nothing: torch frees what nobody refers to."""


class TorchTrainer:
    """Updates the weights of a network where they are.

    Args:
        step: Over network and optimiser.
    """

    def __init__(self, step: TrainingStep) -> None:
        self._step = step

    def step(self, images: Tensor, targets: Tensor, learning_rate: float) -> Tensor:
        """Update the weights once; return the mean loss of the batch before it."""
        set_learning_rate(self._step.optimizer, learning_rate)
        return self._step(images, targets)

    def fetch_weights(self) -> None:
        """Do nothing: the weights are the network's own."""

    def state(self) -> State:
        """Return the states of optimiser and loss scaler."""
        scaler = self._step.scaler
        return {
            "optimizer": self._step.optimizer.state_dict(),
            "scaler": None if scaler is None else scaler.state_dict(),
        }

    def restore(self, state: State) -> None:
        """Go on from ``state``."""
        self._step.optimizer.load_state_dict(state["optimizer"])
        if self._step.scaler is not None:
            self._step.scaler.load_state_dict(state["scaler"])

    def close(self) -> None:
        """Do nothing."""


class TorchClassifier:
    """Runs a network forwards where it is: weights that it gets later count at once.

    Args:
        network: In evaluation mode.
        engine: Whose device it is on.
        precision: Of the forward pass.
    """

    exclusive = False
    images_per_call = FORWARD_BATCH

    def __init__(self, network: nn.Module, engine: TorchEngine, precision: str) -> None:
        self._network = network
        self._engine = engine
        self._precision = precision

    def __call__(self, images: Tensor) -> Tensor:
        """Return what the network makes of images."""
        with torch.no_grad(), self._engine.autocast(self._precision):
            outputs: Tensor = self._network(images.contiguous(memory_format=self._engine.memory_format))
        return outputs

    def load(self, weights: Dict[str, Tensor]) -> None:
        """Take other weights."""
        self._network.load_state_dict(weights)

    def close(self) -> None:
        """Do nothing."""


class TorchEpochs:
    """Batches that are prepared by this process, each when it is asked for.

    Args:
        batches: Of the run.
        first: Epoch to begin with, counted from 1.
    """

    def __init__(self, batches: EpochBatches, first: int) -> None:
        self._batches = batches
        self._first = first

    def __iter__(self) -> Iterator[Iterator[Tuple[Tensor, Tensor]]]:
        """Yield each epoch's batches."""
        for number in range(self._first, self._batches.epochs + 1):
            yield self._batches.epoch(number)

    def close(self) -> None:
        """Do nothing."""


def engine_of(device: Union[torch.device, Engine]) -> Engine:
    """Return an engine as it is, and torch's for a device of torch's."""
    return TorchEngine(device) if isinstance(device, torch.device) else device

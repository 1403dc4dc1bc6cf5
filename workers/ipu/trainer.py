"""Training on IPUs: one call of the device is one weight update."""

import copy
from typing import Any, Dict, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.engine import OptimizerSettings, State, Updates
from workers.ipu.attachment import Attachment
from workers.ipu.errors import translated
from workers.ipu.optimizers import build_ipu_optimizer
from workers.ipu.options import make_options
from workers.ipu.pipeline import begin_stages
from workers.ipu.precision import activation_type, for_training
from workers.protocol.ipu import IpuLayout, IpuSettings
from workers.training.optimizers import set_learning_rate


class PoptorchTrainer:
    """Updates a copy of a network on the IPUs; the network itself gets the weights when they are fetched.

    PopTorch changes the class of a module that it trains, and half-precision weights are no checkpoint's: both stay
    with the copy. Everything is compiled at the first step, for the shapes of its images.

    Args:
        network: On the host, in training mode, single precision.
        optimizer: Over its parameters.
        layout: How it is laid out; one device iteration, since the learning rate may change at every update.
        precision: One of ``IPU_PRECISIONS``.
        updates: Batch, loss and seed.
        settings: Of the slot.
        attachment: Of the slot.

    Raises:
        JobError: PopTorch has no such optimiser, or the network cannot be cut into the stages.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: OptimizerSettings,
        *,
        layout: IpuLayout,
        precision: str,
        updates: Updates,
        settings: IpuSettings,
        attachment: Attachment,
    ) -> None:
        import poptorch

        self._network = network
        self._attachment = attachment
        self._type = activation_type(precision)
        self._losses = layout.device_iterations * layout.accumulation
        own = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
        begin_stages(own, layout.ipus_per_replica, layout.split)
        for_training(own, precision)
        self._own = WithLoss(own.train(), updates.label_smoothing)
        self._optimizer = build_ipu_optimizer(own, optimizer, layout.loss_scaling)
        self._learning_rate: Optional[float] = None
        self._random_state: Optional[Any] = None
        options = make_options(layout, training=True, settings=settings, seed=updates.seed)
        self.executor = poptorch.trainingModel(self._own, options=options, optimizer=self._optimizer)

    def step(self, images: Tensor, targets: Tensor, learning_rate: float) -> Tensor:
        """Update the weights once; return the mean loss of the batch before it, single precision, on the host.

        Raises:
            DeviceError: The network does not fit on the IPUs, or they are in use or broke.
        """
        self._attachment.take(self.executor)
        images = images.to(self._type).contiguous()
        with translated():
            if self._random_state is not None:
                self._go_on_drawing(images, targets)
            if learning_rate != self._learning_rate:
                set_learning_rate(self._optimizer, learning_rate)
                self.executor.setOptimizer(self._optimizer)
                self._learning_rate = learning_rate
            sums: Tensor = self.executor(images, targets)
        # One sum per replica over its micro-batches' mean losses.
        return sums.float().mean() / self._losses

    def compile(self, images: Tensor, targets: Tensor) -> None:
        """Compile for batches like this one; the first step does it where nobody did before.

        Raises:
            DeviceError: The network does not fit on the IPUs, or they are in use or broke.
        """
        self._attachment.take(self.executor)
        with translated():
            self.executor.compile(images.to(self._type).contiguous(), targets)

    def fetch_weights(self) -> None:
        """Copy the weights from the IPUs into the network, as single precision."""
        if not self.executor.isCompiled():
            return
        if self.executor.isAttachedToDevice():
            with translated():
                self.executor.copyWeightsToHost()
        _copy_state(self._own.network, self._network)

    def state(self) -> State:
        """Return the optimiser's state and that of the device's random numbers."""
        compiled = self.executor.isCompiled()
        with translated():
            return {
                "optimizer": self._optimizer.state_dict(),
                "random": list(self.executor.rng_state) if compiled else None,
            }

    def restore(self, state: State) -> None:
        """Go on from ``state``, and from the network's weights; only before the first step."""
        _copy_state(self._network, self._own.network)
        self._optimizer.load_state_dict(state["optimizer"])
        self._random_state = state["random"]
        with translated():
            self.executor.setOptimizer(self._optimizer)

    def close(self) -> None:
        """Free the IPUs."""
        self._attachment.destroy(self.executor)

    def _go_on_drawing(self, images: Tensor, targets: Tensor) -> None:
        if not self.executor.isCompiled():
            self.executor.compile(images, targets)
        self.executor.rng_state, self._random_state = self._random_state, None


class WithLoss(nn.Module):
    """A network with its loss, as PopTorch wants it: the one output of the forward pass, marked as the loss.

    The loss is ``torch.nn.functional.cross_entropy``'s, of classes or of class masses, written out: PopTorch compiles
    that function without label smoothing.

    Args:
        network: From images to logits.
        label_smoothing: Mass moved from the true class to all classes.
    """

    def __init__(self, network: nn.Module, label_smoothing: float) -> None:
        super().__init__()
        self.network = network
        self._label_smoothing = label_smoothing

    def forward(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a micro-batch, single precision."""
        import poptorch

        loss = smoothed_cross_entropy(self.network(images).float(), targets, self._label_smoothing)
        return poptorch.identity_loss(loss, reduction="none")  # type: ignore[no-any-return]


def smoothed_cross_entropy(logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """Return the mean cross-entropy of a batch.

    Args:
        logits: Batch × classes, single precision.
        targets: Classes (batch), or the mass of each class (batch × classes).
        label_smoothing: Mass moved from the true class to all classes.
    """
    images, classes = logits.shape
    logarithms = functional.log_softmax(logits, 1)
    if targets.dim() == 2:
        masses = targets * (1.0 - label_smoothing) + label_smoothing / classes if label_smoothing else targets
        return -(logarithms * masses).sum() / images
    loss = functional.nll_loss(logarithms, targets)
    if label_smoothing:
        loss = (1.0 - label_smoothing) * loss - logarithms.sum(1).mean() * (label_smoothing / classes)
    return loss


@torch.no_grad()
def _copy_state(source: nn.Module, target: nn.Module) -> None:
    values: Dict[str, Tensor] = dict(source.state_dict())
    for name, value in target.state_dict().items():
        value.copy_(values[name])

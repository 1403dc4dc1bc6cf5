"""The weight update: the one that trains, that fine-tunes, and whose throughput is measured."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from workers.device import autocast


class TrainingStep:
    """Forward pass, loss, backward pass and update.

    Args:
        model: In training mode, on the device, in the memory format.
        optimizer: Over its parameters.
        device: Where both are.
        precision: Of the forward pass; weights, loss and update stay fp32, and fp16 has its loss scaled.
        label_smoothing: Mass moved from the true class to all classes. The paper's code moves it to the others only,
            which is smoothing by ``classes / (classes - 1)`` as much: with 1,000 classes its 0.1 is 0.1001 here.
        memory_format: In which images enter the model.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        device: torch.device,
        precision: str,
        label_smoothing: float,
        memory_format: torch.memory_format = torch.channels_last,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.scaler = _loss_scaler() if precision == "fp16" else None
        self._device = device
        self._precision = precision
        self._label_smoothing = label_smoothing
        self._memory_format = memory_format

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Update the weights once.

        Args:
            images: Batch × channels × height × width.
            targets: Classes (batch, int64), or the mass of each class (batch × classes).

        Returns:
            The mean loss of the batch before the update, a scalar on the device; reading it waits for the device.
        """
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self._device, self._precision):
            logits = self.model(images.contiguous(memory_format=self._memory_format))
        loss = functional.cross_entropy(logits.float(), targets, label_smoothing=self._label_smoothing)
        if self.scaler is None:
            torch.autograd.backward(loss)
            self.optimizer.step()
        else:
            torch.autograd.backward(self.scaler.scale(loss))
            self.scaler.step(self.optimizer)
            self.scaler.update()
        return loss.detach()


def _loss_scaler() -> Any:
    """Keep small gradients of fp16 from vanishing; torch 2.0 has the class under its older name only."""
    return torch.amp.GradScaler("cuda") if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler()

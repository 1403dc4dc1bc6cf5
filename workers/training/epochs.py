"""One epoch: the order of the images, the batches, and the watch over the loss."""

import math
from typing import Dict, List

import numpy as np
import torch
from torch import Tensor

from workers.data.arrays import Int64Array
from workers.errors import DivergedError

#: Steps between two looks at the loss on devices where looking means waiting.
_STEPS_PER_LOOK = 20


def shuffled_batches(random: np.random.Generator, images: int, batch_size: int) -> List[Int64Array]:
    """Return the numbers of the images of each batch; a last smaller batch is left out."""
    order = random.permutation(images)
    return [order[start : start + batch_size] for start in range(0, images - batch_size + 1, batch_size)]


def ordered_batches(images: int, batch_size: int) -> List[Int64Array]:
    """Return the numbers of all images in order, the last batch possibly smaller."""
    return [np.arange(start, min(start + batch_size, images)) for start in range(0, images, batch_size)]


class LossWatch:
    """Mean of an epoch's losses, watched for divergence.

    A CPU is looked at every step. Elsewhere the losses are summed on the device and looked at now and then: once
    infinite or NaN, a sum stays so, and no look that would stall the device is needed at every step.

    Args:
        device: That computes the losses.
        where: For the message, e.g. ``epoch 3``.
    """

    def __init__(self, device: torch.device, where: str) -> None:
        self._sum = torch.zeros((), dtype=torch.float64, device=device)
        self._steps = 0
        self._look_every = 1 if device.type == "cpu" else _STEPS_PER_LOOK
        self._where = where
        self._mean = math.nan

    def add(self, loss: Tensor) -> None:
        """Take in one step's loss.

        Raises:
            DivergedError: A loss was NaN or infinite.
        """
        self._sum += loss
        self._steps += 1
        if self._steps % self._look_every == 0:
            self.mean()

    def mean(self) -> float:
        """Return the mean loss so far.

        Raises:
            DivergedError: A loss was NaN or infinite.
        """
        self._mean = float(self._sum) / self._steps
        if not math.isfinite(self._mean):
            raise DivergedError(f"the loss became {self._mean} in {self._where}, by step {self._steps}")
        return self._mean

    @property
    def words(self) -> str:
        """The mean at the last look for a person, e.g. `` loss 0.812``; empty before the first."""
        return "" if math.isnan(self._mean) else f" loss {self._mean:.3f}"


def check_finite(weights: Dict[str, Tensor], where: str) -> None:
    """Refuse weights that the last update spoilt.

    Raises:
        DivergedError: One is NaN or infinite.
    """
    for name, value in weights.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise DivergedError(f"the weights {name} became NaN or infinite in {where}")

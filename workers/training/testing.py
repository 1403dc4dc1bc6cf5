"""Testing a network: how many images it classifies right."""

from typing import Iterable, NamedTuple, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.device import autocast
from workers.training.epochs import ordered_batches
from workers.training.features import FORWARD_BATCH, Features


class Score(NamedTuple):
    """Outcome of a test.

    Attributes:
        images: Tested.
        correct: Of these classified right.
        loss: Mean cross-entropy.
    """

    images: int
    correct: int
    loss: float


class Tally:
    """Counts over the images tested so far, kept on the device so that no batch waits for the one before.

    Args:
        device: That classifies.
    """

    def __init__(self, device: torch.device) -> None:
        self._images = 0
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self._loss = torch.zeros((), dtype=torch.float64, device=device)

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count a batch.

        Args:
            logits: Batch × classes.
            labels: The true classes, int64.
        """
        logits = logits.float()
        self._images += len(labels)
        self._correct += (logits.argmax(1) == labels).sum()
        self._loss += functional.cross_entropy(logits, labels, reduction="sum")

    def score(self) -> Score:
        """Return the outcome so far; waits for the device."""
        return Score(self._images, int(self._correct), float(self._loss) / self._images)


def test(tuned: nn.Module, features: Features, device: torch.device, precision: str) -> Score:
    """Classify a split; the network is in evaluation mode."""
    return test_batches(tuned, features.batches(ordered_batches(features.count, FORWARD_BATCH)), device, precision)


def test_batches(
    model: nn.Module, batches: Iterable[Tuple[Tensor, Tensor]], device: torch.device, precision: str
) -> Score:
    """Classify batches of images and labels; the network is in evaluation mode."""
    tally = Tally(device)
    for images, labels in batches:
        with torch.no_grad(), autocast(device, precision):
            logits = model(images.contiguous(memory_format=torch.channels_last))
        tally.add(logits, labels)
    return tally.score()

"""Testing a network: how many images it classifies right."""

from typing import Iterable, NamedTuple, Tuple

import torch
from torch import Tensor
from torch.nn import functional

from workers.engine import Classifier
from workers.training.epochs import ordered_batches
from workers.training.features import Features


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


def test(tuned: Classifier, features: Features, device: torch.device) -> Score:
    """Classify a split.

    Args:
        tuned: From features to logits.
        features: Of the split.
        device: Where both are.
    """
    order = ordered_batches(features.count, tuned.images_per_call)
    return test_batches(tuned, features.batches(order), device)


def test_batches(classifier: Classifier, batches: Iterable[Tuple[Tensor, Tensor]], device: torch.device) -> Score:
    """Classify batches of images, or of features, and their labels."""
    tally = Tally(device)
    for images, labels in batches:
        tally.add(classifier(images), labels)
    return tally.score()

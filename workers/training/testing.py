"""Testing a network: how many images it classifies right."""

from typing import NamedTuple

import torch
from torch import nn
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


def test(tuned: nn.Module, features: Features, device: torch.device, precision: str) -> Score:
    """Classify a split; the network is in evaluation mode."""
    correct = torch.zeros((), dtype=torch.int64, device=device)
    loss = torch.zeros((), dtype=torch.float64, device=device)
    for images, labels in features.batches(ordered_batches(features.count, FORWARD_BATCH)):
        with torch.no_grad(), autocast(device, precision):
            logits = tuned(images.contiguous(memory_format=torch.channels_last)).float()
        correct += (logits.argmax(1) == labels).sum()
        loss += functional.cross_entropy(logits, labels, reduction="sum")
    return Score(features.count, int(correct), float(loss) / features.count)

"""Testing a training run on its held-out images between two epochs, without a trace in it."""

import copy
from typing import Dict, Iterator, Tuple

import numpy as np
import torch
from torch import Tensor

from workers.data.images import Images
from workers.models.efficientnet import EfficientNet
from workers.protocol.jobs import TrainJob
from workers.training.epochs import ordered_batches
from workers.training.features import FORWARD_BATCH
from workers.training.observer import Observer
from workers.training.testing import Score, test_batches


class Validation:
    """Tests the weights that a training run would keep if it ended now, at its train resolution.

    It has a network of its own and draws no random number: the training ends with the very weights that it would have
    had without being tested.

    Args:
        job: What is trained.
        model: The network that is trained; copied.
        images: The held-out images. At most one batch of them is prepared at a time where they are read from files,
            so that the memory is there for the training.
        device: Where both are.
    """

    def __init__(self, job: TrainJob, model: EfficientNet, images: Images, device: torch.device) -> None:
        self._model = copy.deepcopy(model).eval()
        self._images = images.for_testing(job.resolution)
        self._count = images.count
        self._epochs = job.recipe.epochs
        self._device = device
        self._precision = job.precision

    def test(self, epoch: int, weights: Dict[str, Tensor], observer: Observer) -> Score:
        """Classify the held-out images.

        Args:
            epoch: After which the training is tested.
            weights: By the names of the network's state.
            observer: Hears of progress.

        Raises:
            DataError: An image cannot be read.
        """
        self._model.load_state_dict(weights)
        return test_batches(self._model, self._batches(epoch, observer), self._device, self._precision)

    def _batches(self, epoch: int, observer: Observer) -> Iterator[Tuple[Tensor, Tensor]]:
        unused = np.random.default_rng(0)  # nothing is random in images prepared for testing
        text = f"epoch {epoch}/{self._epochs}, testing validation images"
        for batch in self._images.batches(ordered_batches(self._count, FORWARD_BATCH), unused):
            observer.progress(epoch / self._epochs, text)
            yield batch

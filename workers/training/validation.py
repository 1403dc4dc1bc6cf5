"""Testing a training run on its held-out images between two epochs, without a trace in it."""

import copy
from typing import Dict, Iterator, Tuple, Union

import numpy as np
import torch
from torch import Tensor

from workers.data.images import Images
from workers.engine import Engine, Work
from workers.models.efficientnet import EfficientNet
from workers.protocol.jobs import TrainJob
from workers.torch_engine import engine_of
from workers.training.epochs import ordered_batches
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
        device: What computes.
    """

    def __init__(self, job: TrainJob, model: EfficientNet, images: Images, device: Union[torch.device, Engine]) -> None:
        engine = engine_of(device)
        work = Work(job.variant, job.precision)
        self._classifier = engine.classifier(copy.deepcopy(model).eval(), work)
        self._images = images.for_testing(job.resolution)
        self._count = images.count
        self._epochs = job.recipe.epochs
        self._device = engine.device

    def test(self, epoch: int, weights: Dict[str, Tensor], observer: Observer) -> Score:
        """Classify the held-out images.

        Args:
            epoch: After which the training is tested.
            weights: By the names of the network's state.
            observer: Hears of progress.

        Raises:
            DataError: An image cannot be read.
        """
        self._classifier.load(weights)
        return test_batches(self._classifier, self._batches(epoch, observer), self._device)

    def close(self) -> None:
        """Free the device."""
        self._classifier.close()

    def _batches(self, epoch: int, observer: Observer) -> Iterator[Tuple[Tensor, Tensor]]:
        unused = np.random.default_rng(0)  # nothing is random in images prepared for testing
        text = f"epoch {epoch}/{self._epochs}, testing validation images"
        for batch in self._images.batches(ordered_batches(self._count, self._classifier.images_per_call), unused):
            observer.progress(epoch / self._epochs, text)
            yield batch

"""What the part of a network that stays as it is makes of images, computed once.

    images ─▶ frozen part ─▶ features ─▶ tuned part ─▶ logits

Nothing before the tuned part changes and no image is augmented, so the features serve every epoch of fine-tuning and
the tests before and after it.
"""

from typing import Iterable, Iterator, List, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from workers.data.arrays import Int64Array
from workers.data.images import Images
from workers.device import available_memory_bytes
from workers.engine import Classifier
from workers.training.epochs import ordered_batches

#: Images that are prepared together where no network has a say.
_IMAGES_AT_ONCE = 250
#: Share of the free memory that a split's features may take.
_FEATURE_SHARE = 0.25


class Features:
    """What the frozen part makes of a split at one resolution; kept in memory where it fits.

    Args:
        frozen: From images to features; None where the features are the images themselves.
        images: The split.
        resolution: In pixels.
        device: Where images and features are.

    Attributes:
        count: Number of images.
        device: Where they are.
    """

    def __init__(self, frozen: Optional[Classifier], images: Images, resolution: int, device: torch.device) -> None:
        self.count = images.count
        self._frozen = frozen
        self._images = images.for_testing(resolution)
        self.device = device
        self._kept: Optional[Tuple[Tensor, Tensor]] = None
        self._keep = True
        self._images_ahead = 0

    def batches(self, numbers: List[Int64Array]) -> Iterator[Tuple[Tensor, Tensor]]:
        """Yield features and labels for each array of image numbers."""
        if self._keep and self._kept is None:
            self._compute()
        if self._kept is None:
            yield from self._ahead(numbers)
            return
        features, labels = self._kept
        for batch in numbers:
            chosen = torch.from_numpy(batch).to(self.device)
            yield features[chosen], labels[chosen]

    def _compute(self) -> None:
        """Keep all features, unless the first batch shows that they would take too much memory."""
        features: List[Tensor] = []
        labels: List[Tensor] = []
        at_once = _IMAGES_AT_ONCE if self._frozen is None else self._frozen.images_per_call
        for some_features, some_labels in self._forward(ordered_batches(self.count, at_once)):
            if not features and not self._fits(some_features):
                self._keep = False
                return
            features.append(some_features)
            labels.append(some_labels)
        self._kept = torch.cat(features), torch.cat(labels)

    def _fits(self, some: Tensor) -> bool:
        available = available_memory_bytes(self.device) or 0
        # Twice: the pieces and their concatenation exist together for a moment.
        self._images_ahead = int(_FEATURE_SHARE * available / (2 * some.element_size() * some[0].numel()))
        return self.count <= self._images_ahead

    def _ahead(self, numbers: List[Int64Array]) -> Iterator[Tuple[Tensor, Tensor]]:
        """Compute batch by batch; or as many ahead as fit, where the tuned part has to leave the device for it."""
        if self._frozen is None or not self._frozen.exclusive:
            yield from self._forward(numbers)
            return
        at_once = max(1, self._images_ahead // len(numbers[0]))
        for start in range(0, len(numbers), at_once):
            yield from list(self._forward(numbers[start : start + at_once]))

    def _forward(self, numbers: Iterable[Int64Array]) -> Iterator[Tuple[Tensor, Tensor]]:
        unused = np.random.default_rng(0)  # nothing is random in images prepared for testing
        for images, labels in self._images.batches(numbers, unused):
            yield images if self._frozen is None else self._frozen(images), labels

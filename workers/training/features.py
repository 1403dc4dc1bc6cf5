"""What the part of a network that stays as it is makes of images, computed once.

    images ─▶ frozen part ─▶ features ─▶ tuned part ─▶ logits

Nothing before the tuned part changes and no image is augmented, so the features serve every epoch of fine-tuning and
the tests before and after it.
"""

from typing import Iterable, Iterator, List, Optional, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from workers.data.arrays import Int64Array
from workers.data.images import Images
from workers.device import autocast, available_memory_bytes
from workers.training.epochs import ordered_batches

#: Images per forward pass where no weights change; more would only take memory.
FORWARD_BATCH = 250
#: Share of the free memory that a split's features may take.
_FEATURE_SHARE = 0.25


class Features:
    """What the frozen part makes of a split at one resolution; kept in memory where it fits.

    Args:
        frozen: In evaluation mode, on the device.
        images: The split.
        resolution: In pixels.
        device: Where.
        precision: Of the forward pass.
    """

    def __init__(
        self, frozen: nn.Module, images: Images, resolution: int, device: torch.device, precision: str
    ) -> None:
        self.count = images.count
        self._frozen = frozen
        self._images = images.for_testing(resolution)
        self._device = device
        self._precision = precision
        self._kept: Optional[Tuple[Tensor, Tensor]] = None
        self._keep = True

    def batches(self, numbers: List[Int64Array]) -> Iterator[Tuple[Tensor, Tensor]]:
        """Yield features and labels for each array of image numbers."""
        if self._keep and self._kept is None:
            self._compute()
        if self._kept is None:
            yield from self._forward(numbers)
            return
        features, labels = self._kept
        for batch in numbers:
            chosen = torch.from_numpy(batch).to(self._device)
            yield features[chosen], labels[chosen]

    def _compute(self) -> None:
        """Keep all features, unless the first batch shows that they would take too much memory."""
        features: List[Tensor] = []
        labels: List[Tensor] = []
        for some_features, some_labels in self._forward(ordered_batches(self.count, FORWARD_BATCH)):
            if not features and not self._fits(some_features):
                self._keep = False
                return
            features.append(some_features)
            labels.append(some_labels)
        self._kept = torch.cat(features), torch.cat(labels)

    def _fits(self, some: Tensor) -> bool:
        total = some.element_size() * some[0].numel() * self.count
        available = available_memory_bytes(self._device)
        # Twice: the pieces and their concatenation exist together for a moment.
        return available is not None and 2 * total <= _FEATURE_SHARE * available

    def _forward(self, numbers: Iterable[Int64Array]) -> Iterator[Tuple[Tensor, Tensor]]:
        unused = np.random.default_rng(0)  # nothing is random in images prepared for testing
        for images, labels in self._images.batches(numbers, unused):
            with torch.no_grad(), autocast(self._device, self._precision):
                features = self._frozen(images.contiguous(memory_format=torch.channels_last))
            yield features, labels

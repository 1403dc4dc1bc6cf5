"""What training and testing see of a data set: batches of prepared images and their labels."""

from dataclasses import dataclass
from typing import Iterable, Iterator, Optional, Protocol, Tuple

import numpy as np
import torch
from torch import Tensor

from workers.data.arrays import ImageArrays, Int64Array
from workers.data.augmentation import random_boxes
from workers.data.normalisation import Normalisation
from workers.data.policies import Policy, augmentation_policy, stream_beside
from workers.data.resampling import crop_and_resize, resize_set, to_bytes
from workers.data.transfer import send

#: Least share of a small image that a random crop keeps: a smaller part of 28 pixels is a few blots.
SMALLEST_AREA = 0.25
#: Where AutoAugment's sub-policies for small images come from.
_SEARCHED_ON = "cifar10"


class PreparedImages(Protocol):
    """A split at one resolution, prepared in one way."""

    def batches(self, numbers: Iterable[Int64Array], random: np.random.Generator) -> Iterator[Tuple[Tensor, Tensor]]:
        """Yield one batch per array of image numbers, on the device.

        Args:
            numbers: For each batch the images in it.
            random: Source of crops, flips and policies; not touched where there are none.

        Yields:
            Images, batch × channels × resolution × resolution, float32, normalised; labels, int64.

        Raises:
            DataError: An image cannot be read.
        """


class Images(Protocol):
    """One split of a data set."""

    @property
    def count(self) -> int:
        """Number of images."""

    def for_training(self, resolution: int, augmentation: str, policy: str = "none") -> PreparedImages:
        """Return the split for training.

        Args:
            resolution: In pixels.
            augmentation: One of ``workers.protocol.recipe.AUGMENTATIONS``.
            policy: One of ``workers.protocol.recipe.AUGMENTATION_POLICIES``; applied after crop and flip. It changes
                none of their draws.

        Raises:
            DataError: The policy needs a library that this interpreter lacks.
        """

    def for_testing(self, resolution: int) -> PreparedImages:
        """Return the split without any randomness."""


@dataclass(frozen=True)
class ResidentImages:
    """A split whose images have one size and lie on the device as bytes.

    Attributes:
        pixels: Images × channels × side × side, uint8.
        labels: Class of each image, int64, on the same device.
        normalisation: Of the data set.
    """

    pixels: Tensor
    labels: Tensor
    normalisation: Normalisation

    @staticmethod
    def of(arrays: ImageArrays, normalisation: Normalisation, device: torch.device) -> "ResidentImages":
        """Copy a split to the device."""
        # Copies: arrays over a file's bytes are read-only, which torch does not bear.
        pixels = torch.from_numpy(np.array(arrays.images)).to(device)
        return ResidentImages(pixels, torch.from_numpy(np.array(arrays.labels)).to(device), normalisation)

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.labels)

    def for_training(self, resolution: int, augmentation: str, policy: str = "none") -> PreparedImages:
        """Return the split for training; resized once here, unless each image is cropped anew."""
        crop = augmentation == "crop-flip"
        pixels = self.pixels if crop else resize_set(self.pixels, resolution)
        flip = augmentation in {"flip", "crop-flip"}
        changes = augmentation_policy(policy, resolution, _SEARCHED_ON)
        return _ResidentBatches(pixels, self.labels, self.normalisation, resolution, crop, flip, changes)

    def for_testing(self, resolution: int) -> PreparedImages:
        """Return the split resized to the resolution."""
        return self.for_training(resolution, "none")


@dataclass(frozen=True)
class _ResidentBatches:
    pixels: Tensor
    labels: Tensor
    normalisation: Normalisation
    resolution: int
    crop: bool
    flip: bool
    policy: Optional[Policy]

    def batches(self, numbers: Iterable[Int64Array], random: np.random.Generator) -> Iterator[Tuple[Tensor, Tensor]]:
        policy_random = stream_beside(random)
        for batch in numbers:
            chosen = self._to_device(torch.from_numpy(batch))
            yield self._prepared(self.pixels[chosen], random, policy_random), self.labels[chosen]

    def _prepared(self, pixels: Tensor, random: np.random.Generator, policy_random: np.random.Generator) -> Tensor:
        if self.policy is None:
            return self._moved(self.normalisation.apply(pixels), random)
        # A policy's operations are defined on bytes, which is what an image library's crop gives, too.
        moved = to_bytes(self._moved(pixels.to(torch.float32), random))
        draws = self.policy.draw(policy_random, len(moved))
        return self.normalisation.apply(self.policy.apply_to_batch(moved, draws))

    def _moved(self, images: Tensor, random: np.random.Generator) -> Tensor:
        """Crop and flip floating-point images."""
        if not self.flip:
            return images
        count, side = images.shape[0], images.shape[-1]
        mirrored = self._to_device(torch.from_numpy(random.random(count) < 0.5))
        if not self.crop:
            return torch.where(mirrored[:, None, None, None], images.flip(3), images)
        sides = np.full(count, side, np.int64)
        boxes = torch.from_numpy(random_boxes(random, sides, sides, SMALLEST_AREA))
        return crop_and_resize(images, self._to_device(boxes), self.resolution, mirrored)

    def _to_device(self, small: Tensor) -> Tensor:
        return send(small, self.pixels.device)

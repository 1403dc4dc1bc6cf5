"""Random draws of the training pipeline: crops, flips and mixup, one draw per image, vectorised."""

from typing import Tuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workers.data.arrays import Int64Array

#: Tries to find a box inside the image, before the whole image is taken (torchvision's number).
_TRIES = 10
_ASPECT = (3.0 / 4.0, 4.0 / 3.0)


def random_boxes(
    random: np.random.Generator, heights: Int64Array, widths: Int64Array, smallest_area: float
) -> Int64Array:
    """Draw one box inside each image, as random resized cropping does.

    Area uniform between ``smallest_area`` and 1 of the image, aspect ratio log-uniform between 3/4 and 4/3, place
    uniform.

    Args:
        random: Where the numbers come from.
        heights: Of each image, pixels.
        widths: Of each image, pixels.
        smallest_area: Fraction of the image.

    Returns:
        Images × 4: top, left, height, width, in pixels.

    Source:
        Szegedy et al., arXiv 1409.4842; arXiv 2106.03640 trains with areas from 0.05 on ImageNet.
    """
    count = len(heights)
    area = random.uniform(smallest_area, 1.0, (_TRIES, count)) * heights * widths
    aspect = np.exp(random.uniform(np.log(_ASPECT[0]), np.log(_ASPECT[1]), (_TRIES, count)))
    place = random.random((2, count))
    tried_widths = np.rint(np.sqrt(area * aspect)).astype(np.int64)
    tried_heights = np.rint(np.sqrt(area / aspect)).astype(np.int64)
    fits = (tried_widths >= 1) & (tried_widths <= widths) & (tried_heights >= 1) & (tried_heights <= heights)
    first = fits.argmax(0), np.arange(count)
    height = np.where(fits.any(0), tried_heights[first], heights)
    width = np.where(fits.any(0), tried_widths[first], widths)
    top = np.floor(place[0] * (heights - height + 1)).astype(np.int64)
    left = np.floor(place[1] * (widths - width + 1)).astype(np.int64)
    return np.stack([top, left, height, width], axis=1)


def mixup(images: Tensor, labels: Tensor, classes: int, shares: Tensor) -> Tuple[Tensor, Tensor]:
    """Blend each image with the one before it in the batch, and their labels likewise.

    Args:
        images: Batch × channels × height × width.
        labels: Class of each image.
        classes: Number of classes.
        shares: Batch; share of the image itself, see ``mixup_shares``.

    Returns:
        The blended images, and batch × classes with the mass of each class (rows sum to 1).

    Source:
        Zhang et al., arXiv 1710.09412; the partner is the batch rolled by one (arXiv 2106.03640).
    """
    pixels = shares[:, None, None, None].to(images.dtype)
    targets = functional.one_hot(labels, classes).to(torch.float32)
    share = shares[:, None].to(targets.dtype)
    blended = images * pixels + images.roll(1, 0) * (1.0 - pixels)
    return blended, targets * share + targets.roll(1, 0) * (1.0 - share)


def mixup_shares(random: np.random.Generator, alpha: float, count: int) -> Tensor:
    """Draw the share of each image in its blend: Beta(alpha, alpha), mirrored to lie between one half and 1."""
    draws = random.beta(alpha, alpha, count)
    return torch.from_numpy(np.maximum(draws, 1.0 - draws))

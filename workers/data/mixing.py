"""Training images made of several: mixup, then CutMix, each image with its own random draw.

Source:
    Zhang et al., "mixup", arXiv 1710.09412; Yun et al., "CutMix", arXiv 1905.04899; the order, the partners and the
    distributions are those of the code published with arXiv 2106.03640 (its CutMix "version 1").
"""

from typing import Tuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workers.data.arrays import Int64Array
from workers.data.transfer import send

#: The share that an image keeps under CutMix is 1 + ln(u) / 4, with u uniform from the value that makes it 0 up to 1.
_STEEPNESS = 4.0


def blend(
    images: Tensor,
    labels: Tensor,
    classes: int,
    *,
    mixup_alpha: float,
    cutmix_probability: float,
    mixup_random: np.random.Generator,
    cutmix_random: np.random.Generator,
) -> Tuple[Tensor, Tensor]:
    """Mix the images of a batch with each other, and their labels likewise.

    Mixup comes first, so that under both an image has up to four labels. Each has a random stream of its own: turning
    one on or off leaves the draws of the other as they were.

    Args:
        images: Batch × channels × height × width, floating point.
        labels: Class of each image, int64.
        classes: Number of classes.
        mixup_alpha: Of the Beta distribution; 0 is off, and leaves its stream untouched.
        cutmix_probability: That an image gets a part of another one; 0 is off, and leaves its stream untouched.
        mixup_random: Source of mixup's shares.
        cutmix_random: Source of CutMix's boxes.

    Returns:
        The images, and the mass of each class, batch × classes, float32, rows summing to 1. With both off, what was
        given.
    """
    if mixup_alpha == 0.0 and cutmix_probability == 0.0:
        return images, labels
    masses = functional.one_hot(labels, classes).to(torch.float32)
    if mixup_alpha > 0.0:
        shares = mixup_shares(mixup_random, mixup_alpha, len(labels))
        images, masses = mixup(images, masses, send(shares, images.device))
    if cutmix_probability > 0.0:
        height, width = images.shape[-2:]
        boxes = cutmix_boxes(cutmix_random, cutmix_probability, len(labels), height, width)
        images, masses = cutmix(images, masses, send(torch.from_numpy(boxes), images.device))
    return images, masses


def mixup(images: Tensor, masses: Tensor, shares: Tensor) -> Tuple[Tensor, Tensor]:
    """Blend each image with the one before it in the batch, and their labels likewise.

    Args:
        images: Batch × channels × height × width.
        masses: Batch × classes; the mass of each class.
        shares: Batch; share of the image itself, see ``mixup_shares``.

    Returns:
        The blended images and masses.
    """
    pixels = shares[:, None, None, None].to(images.dtype)
    blended = images * pixels + images.roll(1, 0) * (1.0 - pixels)
    return blended, _weighted(masses, masses.roll(1, 0), shares)


def mixup_shares(random: np.random.Generator, alpha: float, count: int) -> Tensor:
    """Draw the share of each image in its blend: Beta(alpha, alpha), mirrored to lie between one half and 1."""
    draws = random.beta(alpha, alpha, count)
    return torch.from_numpy(np.maximum(draws, 1.0 - draws))


def cutmix(images: Tensor, masses: Tensor, boxes: Tensor) -> Tuple[Tensor, Tensor]:
    """Put a part of another image into each, at the place where it was there, and weigh the labels by pixels.

    The other image is the second before it in the batch: after mixup, the one before is in it already. In a batch of
    two it is the one before.

    Args:
        images: Batch × channels × height × width.
        masses: Batch × classes; the mass of each class.
        boxes: Batch × 4, int64: top, left, bottom, right; the last two are the first row and column outside.

    Returns:
        The composed images and their masses, in proportion to the pixels of each part.
    """
    places = 2 if len(images) > 2 else 1
    height, width = images.shape[-2:]
    top, left, bottom, right = boxes[:, :, None].unbind(1)
    row = torch.arange(height, device=images.device)
    column = torch.arange(width, device=images.device)
    in_rows, in_columns = (row >= top) & (row < bottom), (column >= left) & (column < right)
    inside = (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
    kept = 1.0 - ((bottom - top) * (right - left))[:, 0].to(torch.float64) / (height * width)
    return torch.where(inside, images.roll(places, 0), images), _weighted(masses, masses.roll(places, 0), kept)


def cutmix_boxes(random: np.random.Generator, probability: float, count: int, height: int, width: int) -> Int64Array:
    """Draw for each image the box that another one fills.

    With the probability there is a box: it covers the share ``-ln(u) / 4`` of the image, u uniform between exp(-4) and
    1, has the image's aspect ratio to within the rounding to whole pixels, and lies inside: its centre is uniform over
    the image and then moved inwards as far as needed. The published code draws one box for all images of a
    micro-batch; here each image has its own.

    Args:
        random: Where the numbers come from.
        probability: That an image has a box.
        count: Number of images.
        height: Of the images, pixels.
        width: Of the images, pixels.

    Returns:
        Images × 4: top, left, bottom, right, in pixels; empty boxes for images that stay alone.
    """
    chance, uniform, down, across = random.random((4, count))
    covered = -np.log(np.exp(-_STEEPNESS) + uniform * (1.0 - np.exp(-_STEEPNESS))) / _STEEPNESS
    scale = np.where(chance < probability, np.sqrt(np.maximum(covered, 0.0)), 0.0)
    edges = []
    for side, place in ((height, down), (width, across)):
        half = side * scale / 2.0
        center = np.clip(place * side, half, side - half)
        edges.append((np.rint(center - half), np.rint(center + half)))
    (top, bottom), (left, right) = edges
    return np.stack([top, left, bottom, right], axis=1).astype(np.int64)


def _weighted(own: Tensor, other: Tensor, shares: Tensor) -> Tensor:
    share = shares[:, None].to(own.dtype)
    return own * share + other * (1.0 - share)

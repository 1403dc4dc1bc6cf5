"""Resizing and cropping of whole batches, each image with its own crop, exactly as one would do it image by image."""

from typing import Optional

import torch
from torch import Tensor
from torch.nn import functional

#: Images resized at a time where a whole set is resized.
_CHUNK = 4096


def resize_set(images: Tensor, resolution: int) -> Tensor:
    """Return the images of a set at another resolution, bilinear, antialiased where they shrink.

    Values are rounded back to bytes, as image libraries do, so that the resized set takes little memory.

    Args:
        images: Images × channels × side × side, uint8.
        resolution: The new side in pixels.
    """
    if images.shape[-1] == resolution:
        return images
    pieces = [_resize(piece, resolution) for piece in torch.split(images, _CHUNK)]
    return torch.cat(pieces)


def _resize(images: Tensor, resolution: int) -> Tensor:
    size = (resolution, resolution)
    resized = functional.interpolate(images.float(), size, mode="bilinear", align_corners=False, antialias=True)
    return to_bytes(resized)


def to_bytes(images: Tensor) -> Tensor:
    """Round pixel values of 0 to 255 to bytes; the values given are overwritten."""
    return images.round_().clamp_(0.0, 255.0).to(torch.uint8)


def crop_and_resize(images: Tensor, boxes: Tensor, resolution: int, mirrored: Optional[Tensor] = None) -> Tensor:
    """Cut one box out of each image and resize it, bilinear, antialiased where it shrinks.

    Separable resampling is a product with one matrix per axis and image, so the batch is two matrix products.

    Args:
        images: Batch × channels × height × width, floating point.
        boxes: Batch × 4: top, left, height, width in whole pixels.
        resolution: Side of the result in pixels.
        mirrored: Batch, bool: which results to mirror left to right.

    Returns:
        Batch × channels × resolution × resolution.
    """
    top, left, height, width = boxes.to(images.dtype).unbind(1)
    vertical = _weights(top, height, images.shape[-2], resolution)
    horizontal = _weights(left, width, images.shape[-1], resolution)
    if mirrored is not None:
        horizontal = torch.where(mirrored[:, None, None], horizontal.flip(1), horizontal)
    narrow = torch.matmul(images, horizontal.transpose(1, 2)[:, None])
    return torch.matmul(vertical[:, None], narrow)


def _weights(start: Tensor, length: Tensor, side: int, resolution: int) -> Tensor:
    """Return the resampling matrices of one axis, batch × resolution × side; each row sums to 1.

    The triangle filter, widened by the factor of shrinking: what torch's antialiased bilinear interpolation of the
    cut-out box computes.
    """
    start, length = start[:, None, None], length[:, None, None]
    scale = length / resolution
    support = scale.clamp(min=1.0)
    line = torch.arange(max(side, resolution), device=start.device, dtype=start.dtype)
    target = line[None, :resolution, None]
    source = line[None, None, :side]
    center = start + (target + 0.5) * scale
    weights = (1.0 - (source + 0.5 - center).abs() / support).clamp(min=0.0)
    inside = (source >= start) & (source < start + length)
    weights = weights * inside
    return weights / weights.sum(2, keepdim=True)

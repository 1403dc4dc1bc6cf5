"""The norms: batch norm, group norm (4 groups) and layer norm (1 group), each followed by SiLU.

The layers that a convolution may be followed by share one interface: called, they return the activation; their
``delayed`` returns it with a scale per channel that the caller still has to apply, or None if there is none. Only
proxy norm (``workers.models.proxy_norm``) has such a scale.

Source:
    "Making EfficientNet More Efficient", arXiv 2106.03640, and the configurations published with it: epsilon 1e-3,
    4 groups. Layer norm there is group norm with one group: over channels, height and width of one image.
"""

from typing import Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Added to the variance by every norm.
EPSILON = 1e-3
#: Weight of a batch in batch norm's running statistics: PyTorch's and timm's usual value. TensorFlow's EfficientNet has
#: 0.01, whose running statistics still hold 30 % of their initial value after 120 batches: a short training would be
#: tested with them and lose most of its accuracy.
BATCH_NORM_MOMENTUM = 0.1


def group_norm(x: Tensor, groups: int, weight: Tensor, bias: Tensor) -> Tensor:
    """Normalise each image over groups of channels, in the number format of ``x``.

    CUDA's autocast would widen the result to fp32 and so double the memory traffic that follows; the kernels
    themselves compute the statistics in fp32 for every format, so there is nothing to gain by that.

    Args:
        x: Shape (images, channels, height, width).
        groups: Number of groups; 1 is layer norm over channels, height and width.
        weight: Scale, shape (channels,).
        bias: Shift, shape (channels,).
    """
    if x.dtype != weight.dtype and torch.is_autocast_enabled():
        with torch.autocast("cuda", enabled=False):
            return functional.group_norm(x, groups, weight.to(x.dtype), bias.to(x.dtype), EPSILON)
    return functional.group_norm(x, groups, weight, bias, EPSILON)


class GroupNorm(nn.Module):
    """Group norm with a trained scale and, unless told otherwise, a trained shift.

    Without the trained shift there is still a constant one of zeros, because PopTorch compiles affine norms only.

    Args:
        groups: Number of groups; 1 is layer norm over channels, height and width.
        channels: Channels of the input.
        shift: Whether the shift is trained.
    """

    def __init__(self, groups: int, channels: int, *, shift: bool = True) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias: Tensor
        if shift:
            self.bias = nn.Parameter(torch.zeros(channels))
        else:
            self.register_buffer("bias", torch.zeros(channels), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x``, shape (images, channels, height, width)."""
        return group_norm(x, self.groups, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Describe the layer in ``print(model)``."""
        return f"{self.groups}, {self.weight.numel()}, shift={isinstance(self.bias, nn.Parameter)}"


class GroupNormSiLU(GroupNorm):
    """Group norm followed by SiLU."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise and activate ``x``, shape (images, channels, height, width)."""
        return functional.silu(super().forward(x))

    def delayed(self, x: Tensor) -> Tuple[Tensor, Optional[Tensor]]:
        """Return the activation and None, as nothing remains to be scaled."""
        return self(x), None


class BatchNorm(nn.BatchNorm2d):
    """Batch norm with the epsilon of the other norms."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=EPSILON, momentum=BATCH_NORM_MOMENTUM)


class BatchNormSiLU(BatchNorm):
    """Batch norm followed by SiLU."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise and activate ``x``, shape (images, channels, height, width)."""
        return functional.silu(super().forward(x))

    def delayed(self, x: Tensor) -> Tuple[Tensor, Optional[Tensor]]:
        """Return the activation and None, as nothing remains to be scaled."""
        return self(x), None

"""The norms: batch norm, group norm (4 groups) and layer norm (1 group), each followed by SiLU.

The layers that a convolution may be followed by share one interface: called, they return the activation; ``delayed``
returns it without the scale per channel that may come last, for a caller who can apply it at no cost; ``pooled``
returns that one's means over the pixels alone. ``spent`` says that nobody needs the input any more: where nothing has a
gradient the result may take its place, which saves a sixth of the time of B0's inference.

On a CPU in fp32 each layer is one fused kernel (``workers.models.fused``); elsewhere it is made of torch's operations,
which compute the same.

Source:
    "Making EfficientNet More Efficient", arXiv 2106.03640, and the configurations published with it: epsilon 1e-3,
    4 groups. Layer norm there is group norm with one group: over channels, height and width of one image.
"""

from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.models import fused

#: Added to the variance by every norm.
EPSILON = 1e-3
#: Weight of a batch in batch norm's running statistics: PyTorch's and timm's usual value. TensorFlow's EfficientNet has
#: 0.01, whose running statistics still hold 30 % of their initial value after 120 batches: a short training would be
#: tested with them and lose most of its accuracy.
BATCH_NORM_MOMENTUM = 0.1


class Delayed(NamedTuple):
    """An activation whose last scale has not been applied.

    Attributes:
        values: Shape (images, channels, height, width).
        means: Their means over the pixels, shape (images, channels).
        scale: What remains to be applied to each channel, shape (channels,); None if nothing does.
    """

    values: Tensor
    means: Tensor
    scale: Optional[Tensor]


def pixel_means(x: Tensor) -> Tensor:
    """Return the means over the pixels of ``x``, shape (images, channels, height, width)."""
    return functional.adaptive_avg_pool2d(x, 1).flatten(1)


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


def silu(x: Tensor) -> Tensor:
    """Activate ``x``, in its place where nothing has a gradient."""
    return functional.silu(x, inplace=not torch.is_grad_enabled())


def _group_normalised(
    x: Tensor, parameters: Tuple[Tensor, Tensor], settings: fused.NormSettings, *, spent: bool = False
) -> fused.Normalised:
    if torch.is_grad_enabled():
        return fused.norm(x, parameters, settings)
    return fused.norm_of_constants(x, parameters, settings, spent=spent)


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

    def forward(self, x: Tensor, *, spent: bool = False) -> Tensor:
        """Normalise ``x``, shape (images, channels, height, width)."""
        weight, bias = self.weight, self.bias
        if fused.usable(x, weight):
            return _group_normalised(
                x, (weight, bias), fused.NormSettings(self.groups, EPSILON, activate=False), spent=spent
            ).values
        return group_norm(x, self.groups, weight, bias)

    def extra_repr(self) -> str:
        """Describe the layer in ``print(model)``."""
        return f"{self.groups}, {self.weight.numel()}, shift={isinstance(self.bias, nn.Parameter)}"


class GroupNormSiLU(GroupNorm):
    """Group norm followed by SiLU."""

    def forward(self, x: Tensor, *, spent: bool = False) -> Tensor:
        """Normalise and activate ``x``, shape (images, channels, height, width)."""
        weight, bias = self.weight, self.bias
        if fused.usable(x, weight):
            return _group_normalised(
                x, (weight, bias), fused.NormSettings(self.groups, EPSILON, activate=True), spent=spent
            ).values
        return silu(group_norm(x, self.groups, weight, bias))

    def delayed(self, x: Tensor, *, spent: bool = False) -> Delayed:
        """Return the activation, of which nothing is delayed, and its means."""
        weight, bias = self.weight, self.bias
        if fused.usable(x, weight):
            settings = fused.NormSettings(self.groups, EPSILON, activate=True, means=True)
            result = _group_normalised(x, (weight, bias), settings, spent=spent)
            return Delayed(result.values, result.means, None)
        activated = silu(group_norm(x, self.groups, weight, bias))
        return Delayed(activated, pixel_means(activated), None)

    def pooled(self, x: Tensor) -> Tensor:
        """Return the activation's means over the pixels, shape (images, channels)."""
        weight, bias = self.weight, self.bias
        if fused.usable(x, weight):
            settings = fused.NormSettings(self.groups, EPSILON, activate=True, values=False, means=True)
            return _group_normalised(x, (weight, bias), settings).means
        return pixel_means(silu(group_norm(x, self.groups, weight, bias)))


class BatchNorm(nn.BatchNorm2d):
    """Batch norm with the epsilon of the other norms."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=EPSILON, momentum=BATCH_NORM_MOMENTUM)

    def forward(self, x: Tensor, *, spent: bool = False) -> Tensor:
        """Normalise ``x``, shape (images, channels, height, width)."""
        result = self._fused(x, activate=False, spent=spent)
        return super().forward(x) if result is None else result.values

    def _fused(
        self, x: Tensor, *, activate: bool, values: bool = True, means: bool = False, spent: bool = False
    ) -> Optional[fused.Normalised]:
        """Return what the kernel does, or None where it does nothing: with known statistics it has no gradient."""
        weight, bias = self.weight, self.bias
        # A single value has no variance: torch says so.
        impossible = x.numel() <= x.shape[1] if self.training else torch.is_grad_enabled()
        if impossible or not fused.usable(x, weight):
            return None
        settings = fused.NormSettings(0, self.eps, activate=activate, values=values, means=means)
        running = fused.RunningStatistics(_known(self.running_mean), _known(self.running_var), self._factor())
        if self.training:
            return fused.norm(x, (weight, bias), settings, running=running)
        return fused.norm_of_constants(x, (weight, bias), settings, running=running, spent=spent)

    def _factor(self) -> float:
        """Count a batch and return its weight; without momentum running statistics are means over all batches."""
        if not self.training:
            return 0.0
        batches = _known(self.num_batches_tracked).add_(1)
        return 1.0 / float(batches) if self.momentum is None else self.momentum


class BatchNormSiLU(BatchNorm):
    """Batch norm followed by SiLU."""

    def forward(self, x: Tensor, *, spent: bool = False) -> Tensor:
        """Normalise and activate ``x``, shape (images, channels, height, width)."""
        result = self._fused(x, activate=True, spent=spent)
        return self._composed(x) if result is None else result.values

    def delayed(self, x: Tensor, *, spent: bool = False) -> Delayed:
        """Return the activation, of which nothing is delayed, and its means."""
        result = self._fused(x, activate=True, means=True, spent=spent)
        if result is not None:
            return Delayed(result.values, result.means, None)
        activated = self._composed(x)
        return Delayed(activated, pixel_means(activated), None)

    def pooled(self, x: Tensor) -> Tensor:
        """Return the activation's means over the pixels, shape (images, channels)."""
        result = self._fused(x, activate=True, values=False, means=True)
        return pixel_means(self._composed(x)) if result is None else result.means

    def _composed(self, x: Tensor) -> Tensor:
        return silu(nn.BatchNorm2d.forward(self, x))


def _known(tensor: Optional[Tensor]) -> Tensor:
    """Return a tensor that may be missing by its type and never is."""
    if tensor is None:
        raise ValueError("batch norm keeps its statistics here")
    return tensor

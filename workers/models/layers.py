"""The parts of a block: convolutions with their norms, squeeze-excite, stochastic depth."""

import math
from typing import Union

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.models import fused
from workers.models.normalisation import BatchNorm, BatchNormSiLU, Delayed, GroupNorm, GroupNormSiLU
from workers.models.proxy_norm import ProxyNormSiLU
from workers.protocol.architecture import Convolution, has_proxy_norm, norm_groups


class DepthwiseConv2d(nn.Conv2d):
    """A convolution of each channel by itself, trained as fast as its few multiply-accumulates allow.

    oneDNN has a fast gradient of the weights for 3×3 kernels only; ours is taken for the others.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``x``, shape (images, channels, height, width)."""
        if self.kernel_size[0] > 3 and torch.is_grad_enabled() and fused.usable_depthwise(x, self.weight):
            return fused.depthwise(x, self.weight, self.stride[0], int(self.padding[0]))
        return super().forward(x)


def convolution(layer: Convolution) -> nn.Conv2d:
    """Build a convolution, padded alike on both sides and initialised as in the paper.

    The published code pads as TensorFlow does: where the stride is 2 and the side even, one pixel less at the top
    and left. Here both sides get ``(kernel - 1) / 2``, as in torchvision and timm, so that weights and costs compare
    with theirs; outputs have the same size either way.

    Weights are normal with variance ``2 / fan-out``, counting the outputs of one group, so that the scale of the
    output does not depend on the group size. Biases are 0.

    Source:
        arXiv 1905.11946 and 2106.03640, the code published with them.
    """
    kind = DepthwiseConv2d if layer.groups == layer.in_channels == layer.out_channels else nn.Conv2d
    built = kind(
        layer.in_channels,
        layer.out_channels,
        layer.kernel,
        stride=layer.stride,
        padding=(layer.kernel - 1) // 2,
        groups=layer.groups,
        bias=layer.bias,
    )
    fan_out = layer.kernel**2 * layer.out_channels // layer.groups
    nn.init.normal_(built.weight, std=math.sqrt(2.0 / fan_out))
    if built.bias is not None:
        nn.init.zeros_(built.bias)
    return built


def activated_norm(norm: str, channels: int) -> Union[BatchNormSiLU, GroupNormSiLU, ProxyNormSiLU]:
    """Build the norm and activation that follow a convolution."""
    if norm == "bn":
        return BatchNormSiLU(channels)
    kind = ProxyNormSiLU if has_proxy_norm(norm) else GroupNormSiLU
    return kind(norm_groups(norm), channels)


def projection_norm(norm: str, channels: int) -> Union[BatchNorm, GroupNorm]:
    """Build the norm at the end of a block, which no activation follows.

    Where activations are proxy-normalised it keeps its scale and has no shift.
    """
    if norm == "bn":
        return BatchNorm(channels)
    return GroupNorm(norm_groups(norm), channels, shift=not has_proxy_norm(norm))


class ConvNormSiLU(nn.Module):
    """A convolution, its norm and its activation.

    Args:
        layer: Shape of the convolution.
        norm: One of ``workers.protocol.variant.NORMS``.
    """

    def __init__(self, layer: Convolution, norm: str) -> None:
        super().__init__()
        self.conv = convolution(layer)
        self.norm = activated_norm(norm, layer.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x``, shape (images, channels, height, width)."""
        activated: Tensor = self.norm(self.conv(x), spent=True)
        return activated

    def delayed(self, x: Tensor) -> Delayed:
        """Map ``x`` without the scale per channel that may come last, and return means and that scale, too."""
        return self.norm.delayed(self.conv(x), spent=True)

    def pooled(self, x: Tensor) -> Tensor:
        """Map ``x`` likewise and return the means over the pixels alone, shape (images, channels)."""
        return self.norm.pooled(self.conv(x))


class ConvNorm(nn.Module):
    """The convolution at the end of a block and its norm.

    Args:
        layer: Shape of the convolution.
        norm: One of ``workers.protocol.variant.NORMS``.
    """

    def __init__(self, layer: Convolution, norm: str) -> None:
        super().__init__()
        self.conv = convolution(layer)
        self.norm = projection_norm(norm, layer.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x``, shape (images, channels, height, width)."""
        normalised: Tensor = self.norm(self.conv(x), spent=True)
        return normalised


class SqueezeExcite(nn.Module):
    """Scale each channel of an image by a gate computed from the means of all channels.

    Args:
        squeeze: Shape of the first 1×1 convolution.
        excite: Shape of the second one.

    Source:
        Hu et al., "Squeeze-and-Excitation Networks", arXiv 1709.01507.
    """

    def __init__(self, squeeze: Convolution, excite: Convolution) -> None:
        super().__init__()
        self.squeeze = convolution(squeeze)
        self.excite = convolution(excite)

    def forward(self, x: Delayed) -> Tensor:
        """Gate ``x``; a scale that remains of the norm before joins the gate, where it costs nothing.

        The means are those of the unscaled values, as in the paper's code. Where nothing has a gradient the gated
        values take the place of the values.
        """
        gate = torch.sigmoid(_pointwise(self.excite, functional.silu(_pointwise(self.squeeze, x.means))))
        if x.scale is not None:
            gate = gate * x.scale.to(gate.dtype)
        if not torch.is_grad_enabled():
            return x.values.mul_(gate[:, :, None, None])
        return fused.gated(x.values, gate) if fused.usable(x.values, gate) else x.values * gate[:, :, None, None]


def _pointwise(layer: nn.Conv2d, means: Tensor) -> Tensor:
    """Apply a 1×1 convolution to images of one pixel, shape (images, channels), as the matrix product that it is."""
    return functional.linear(means, layer.weight.flatten(1), layer.bias)


class StochasticDepth(nn.Module):
    """While training, drop the whole residual branch of some images and scale up that of the others.

    Args:
        rate: Probability that an image's branch is dropped, a fraction below 1.

    Source:
        Huang et al., "Deep Networks with Stochastic Depth", arXiv 1603.09382.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Drop images of ``x``, shape (images, channels, height, width)."""
        if not self.training or self.rate == 0.0:
            return x
        kept = torch.full((x.shape[0], 1, 1, 1), 1.0 - self.rate, dtype=torch.float32, device=x.device)
        return x * (torch.bernoulli(kept) / (1.0 - self.rate)).to(x.dtype)

    def extra_repr(self) -> str:
        """Describe the layer in ``print(model)``."""
        return f"rate={self.rate:g}"

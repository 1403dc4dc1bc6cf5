"""The parts of a block: convolutions with their norms, squeeze-excite, stochastic depth."""

import math
from typing import Optional, Tuple, Union

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.models.normalisation import BatchNorm, BatchNormSiLU, GroupNorm, GroupNormSiLU
from workers.models.proxy_norm import ProxyNormSiLU
from workers.protocol.architecture import Convolution, has_proxy_norm, norm_groups


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
    built = nn.Conv2d(
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
        activated: Tensor = self.norm(self.conv(x))
        return activated

    def delayed(self, x: Tensor) -> Tuple[Tensor, Optional[Tensor]]:
        """Map ``x`` without the scale per channel that may come last, and return that scale, too."""
        return self.norm.delayed(self.conv(x))


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
        normalised: Tensor = self.norm(self.conv(x))
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

    def forward(self, x: Tensor, scale: Optional[Tensor] = None) -> Tensor:
        """Gate ``x``.

        Args:
            x: Shape (images, channels, height, width).
            scale: What remains of the norm before, shape (channels, 1, 1). It joins the gate, where it costs nothing;
                the means are those of the unscaled ``x``, as in the paper's code.
        """
        means = functional.adaptive_avg_pool2d(x, 1)
        gate = torch.sigmoid(self.excite(functional.silu(self.squeeze(means))))
        return x * (gate if scale is None else gate * scale)


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

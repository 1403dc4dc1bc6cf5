"""Proxy-normalised activations: what gives layer norm and group norm the accuracy of batch norm.

Layer norm and group norm leave each channel's mean and variance over the data free to drift, most of all behind
the activation. Proxy norm imagines a Gaussian *proxy* of the normalised input of a channel, sends it through the same
scale, shift and activation, and normalises the real activation by the proxy's mean and variance. These are functions
of the parameters alone, so an image's output never depends on the rest of its batch.

    y   = norm(x)                                        without scale and shift of its own
    z   = silu(gamma · y + beta)
    Y   ~ N(proxy_mean, (1 + proxy_scale)²)              the proxy
    out = (z - E[silu(gamma · Y + beta)]) / sqrt(Var[silu(gamma · Y + beta)] + 0.03)

Source:
    Labatie et al., "Proxy-Normalizing Activations to Match Batch Normalization while Removing Batch Dependence",
    arXiv 2106.03743; as used by arXiv 2106.03640 and the code published with it.
"""

import operator
from statistics import NormalDist
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.models import fused
from workers.models.normalisation import EPSILON, Delayed, GroupNorm, group_norm, pixel_means, silu

#: Added to the proxy's variance.
PROXY_EPSILON = 0.03
#: Points that stand for the proxy's distribution.
QUANTILES = 200


#: Counts a tensor's changes in place; it has no public name.
_VERSION = operator.attrgetter("_version")


class _Kept(NamedTuple):
    """Statistics with the parameters they were computed from, in the version these had then."""

    parameters: Tuple[Tensor, ...]
    versions: Tuple[int, ...]
    statistics: fused.ProxyStatistics

    def holds(self, parameters: Tuple[Tensor, ...]) -> bool:
        """Tell whether these are the parameters, unchanged."""
        return all(map(operator.is_, parameters, self.parameters)) and self.versions == tuple(map(_VERSION, parameters))


def hold_constant(network: nn.Module) -> None:
    """Take the statistics of all proxy norms of a network in evaluation mode for constants; see ``ProxyNormSiLU``."""
    for module in network.modules():
        if isinstance(module, ProxyNormSiLU):
            module.hold_constant()


def gaussian_quantiles(count: int) -> List[float]:
    """Return the midpoints of ``count`` equally probable slices of the standard normal distribution, ascending."""
    normal = NormalDist()
    return [normal.inv_cdf((index + 0.5) / count) for index in range(count)]


class ProxyNormSiLU(GroupNorm):
    """Group norm, SiLU and proxy normalisation.

    ``weight`` and ``bias`` are gamma and beta; gradients reach all four parameters through the statistics, too. In
    evaluation mode and without gradients the statistics are constants: they are computed once and kept until a
    parameter is replaced or changed in place, as optimisers and ``load_state_dict`` do. PyTorch doesn't track changes
    through ``parameter.data``; call ``train()`` or ``eval()`` after such. What a graph compiler made computes them
    anew each time, unless ``hold_constant`` was called before. The fused kernel computes them itself while training,
    together with their derivatives.

    Args:
        groups: Groups of the norm; 1 is layer norm over channels, height and width.
        channels: Channels of the input.

    Attributes:
        proxy_mean: Mean of the proxy, shape (channels,); initially 0.
        proxy_scale: Standard deviation of the proxy minus 1, shape (channels,); initially 0.
    """

    def __init__(self, groups: int, channels: int) -> None:
        super().__init__(groups, channels)
        self.proxy_mean = nn.Parameter(torch.zeros(channels))
        self.proxy_scale = nn.Parameter(torch.zeros(channels))
        self.quantiles: Tensor
        self.register_buffer("quantiles", torch.tensor(gaussian_quantiles(QUANTILES)), persistent=False)
        self._kept: Optional[_Kept] = None
        self._held = False

    def forward(self, x: Tensor, *, spent: bool = False) -> Tensor:
        """Return the proxy-normalised activation of ``x``, shape (images, channels, height, width)."""
        if fused.usable(x, self.weight):
            return self._fused(x, fused.NormSettings(self.groups, EPSILON, activate=True), spent=spent).values
        activated = self._activated(x)
        mean, inverse_deviation = self.statistics()
        # z·s - m·s is (z - m)·s with one pass over the image less in the backward pass.
        scaled = activated * _per_channel(inverse_deviation, activated)
        return scaled.sub_(_per_channel(mean * inverse_deviation, activated))

    def delayed(self, x: Tensor, *, spent: bool = False) -> Delayed:
        """Return the activation minus the proxy's mean, its means, and the scale that remains to be applied.

        Where nothing has a gradient the fused kernel applies the scale to the values at once: it costs nothing there.

        Args:
            x: Shape (images, channels, height, width).
            spent: Nobody needs ``x`` any more.
        """
        if fused.usable(x, self.weight):
            scaled = fused.SCALED_NOTHING if self._in_training() else fused.SCALED_VALUES
            settings = fused.NormSettings(self.groups, EPSILON, activate=True, means=True, scaled=scaled)
            result = self._fused(x, settings, spent=spent)
            return Delayed(result.values, result.means, result.scale)
        activated = self._activated(x)
        mean, inverse_deviation = self.statistics()
        centred = activated.sub_(_per_channel(mean, activated))
        return Delayed(centred, pixel_means(centred), inverse_deviation)

    def pooled(self, x: Tensor) -> Tensor:
        """Return the means over the pixels of the activation minus the proxy's mean, shape (images, channels)."""
        if fused.usable(x, self.weight):
            settings = fused.NormSettings(
                self.groups, EPSILON, activate=True, values=False, means=True, scaled=fused.SCALED_NOTHING
            )
            return self._fused(x, settings).means
        means = pixel_means(self._activated(x))
        mean, _ = self.statistics()
        return means - mean.to(means.dtype)

    def _fused(self, x: Tensor, settings: fused.NormSettings, *, spent: bool = False) -> fused.Normalised:
        parameters = self.weight, self.bias
        if self._in_training():
            proxy = fused.Proxy(self.proxy_mean, self.proxy_scale, self.quantiles, PROXY_EPSILON)
            return fused.norm(x, parameters, settings, proxy=proxy)
        return fused.norm_of_constants(x, parameters, settings, proxy=self.statistics(), spent=spent)

    def _in_training(self) -> bool:
        return self.training or torch.is_grad_enabled()

    def _activated(self, x: Tensor) -> Tensor:
        return silu(group_norm(x, self.groups, self.weight, self.bias))

    def statistics(self) -> fused.ProxyStatistics:
        """Return the activated proxy's mean and inverse standard deviation, at least fp32, shape (channels,) each."""
        if self._in_training():
            return self._compute_statistics()
        kept = self._kept
        if kept is not None and self._held:
            return kept.statistics
        if not self._can_keep():
            return self._compute_statistics()
        own = cast("Dict[str, Tensor]", self._parameters)  # attributes are slow to look up, and a single image notices
        parameters = own["weight"], own["bias"], own["proxy_mean"], own["proxy_scale"]
        if kept is None or not kept.holds(parameters):
            kept = _Kept(parameters, tuple(map(_VERSION, parameters)), self._compute_statistics())
            self._kept = kept
        return kept.statistics

    def hold_constant(self) -> None:
        """Compute the statistics once and for all; ``train()``, ``eval()`` or a move to elsewhere end that.

        For networks that are only run from now on: nobody looks any more whether a parameter has changed, and a graph
        compiler takes the statistics for constants. Without effect while training.
        """
        with torch.no_grad():
            self.statistics()
        self._held = self._kept is not None

    def train(self, mode: bool = True) -> "ProxyNormSiLU":
        """Switch between training and evaluation, and forget kept statistics."""
        self._forget()
        return super().train(mode)

    def _apply(self, *args: Any, **kwargs: Any) -> "ProxyNormSiLU":
        # Moving to another device or number format changes parameters without a new version.
        self._forget()
        super()._apply(*args, **kwargs)  # type: ignore[no-untyped-call]
        return self

    def _forget(self) -> None:
        self._kept, self._held = None, False

    def _can_keep(self) -> bool:
        """Tell whether versions are tracked: neither for a graph compiler's tensors nor for inference tensors."""
        return (
            not fused.is_compiling() and self.weight.device.type in {"cpu", "cuda"} and not self.weight.is_inference()
        )

    def _compute_statistics(self) -> fused.ProxyStatistics:
        dtype = torch.float64 if self.weight.dtype is torch.float64 else torch.float32
        weight, bias = self.weight.to(dtype), self.bias.to(dtype)
        scale = weight * (1.0 + self.proxy_scale.to(dtype))
        shift = weight * self.proxy_mean.to(dtype) + bias
        proxy = functional.silu(self.quantiles.to(dtype).unsqueeze(1) * scale + shift)
        variance, mean = torch.var_mean(proxy, dim=0, unbiased=False)
        return fused.ProxyStatistics(mean, torch.rsqrt(variance + PROXY_EPSILON))


def _per_channel(values: Tensor, image: Tensor) -> Tensor:
    """Shape one value per channel so that it applies to images, in their number format."""
    return values.to(image.dtype).view(-1, 1, 1)

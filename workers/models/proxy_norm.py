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

import contextlib
import operator
from statistics import NormalDist
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.models import fused
from workers.models.normalisation import EPSILON, Delayed, GroupNorm, group_norm, pixel_means, silu

#: Added to the proxy's variance.
PROXY_EPSILON = 0.03
#: Points that stand for the proxy's distribution.
QUANTILES = 200

#: Those of a layer, in the order in which its statistics take them.
_PARAMETERS = ("weight", "bias", "proxy_mean", "proxy_scale")
#: Kinds of device where it takes longer to launch a small operation than to do it.
_LAUNCHING = ("cuda",)

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


@contextlib.contextmanager
def statistics_together(network: nn.Module) -> Iterator[None]:
    """Compute the statistics of all proxy norms of a network at once, for a forward pass that is made inside.

    Made of torch's operations, those of one layer are a small graph, which a GPU takes longer to launch than to
    compute. Each layer has its part of the result until the end, so that no update of the weights finds an old one. One
    pass at a time.
    """
    layers = [module for module in network.modules() if isinstance(module, ProxyNormSiLU)]
    parameters = (torch.cat([getattr(layer, name) for layer in layers]) for name in _PARAMETERS)
    mean, inverse_deviation = _statistics(*parameters, quantiles=layers[0].quantiles)
    sizes = [layer.weight.numel() for layer in layers]
    parts = map(fused.ProxyStatistics, torch.split(mean, sizes), torch.split(inverse_deviation, sizes))
    try:
        for layer, own in zip(layers, parts):
            layer.given = own
        yield
    finally:
        for layer in layers:
            layer.given = None


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
        given: Statistics with gradients that were computed elsewhere and are taken instead of computing them; see
            ``statistics_together``.
    """

    def __init__(self, groups: int, channels: int) -> None:
        super().__init__(groups, channels)
        self.proxy_mean = nn.Parameter(torch.zeros(channels))
        self.proxy_scale = nn.Parameter(torch.zeros(channels))
        self.quantiles: Tensor
        self.register_buffer("quantiles", torch.tensor(gaussian_quantiles(QUANTILES)), persistent=False)
        self.given: Optional[fused.ProxyStatistics] = None
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
        return _lowered(scaled, mean * inverse_deviation)

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
        centred = _lowered(activated, mean)
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
            return self._compute_statistics() if self.given is None else self.given
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

    def launches_statistics(self) -> bool:
        """Tell whether a pass has gradients and launches the statistics' operations one by one, with no compiler."""
        return torch.is_grad_enabled() and self.weight.device.type in _LAUNCHING and not fused.is_compiling()

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
        return _statistics(self.weight, self.bias, self.proxy_mean, self.proxy_scale, quantiles=self.quantiles)


def _statistics(
    weight: Tensor, bias: Tensor, proxy_mean: Tensor, proxy_scale: Tensor, *, quantiles: Tensor
) -> fused.ProxyStatistics:
    dtype = torch.float64 if weight.dtype is torch.float64 else torch.float32
    weight, bias = weight.to(dtype), bias.to(dtype)
    scale = weight * (1.0 + proxy_scale.to(dtype))
    shift = weight * proxy_mean.to(dtype) + bias
    proxy = functional.silu(quantiles.to(dtype).unsqueeze(1) * scale + shift)
    variance, mean = torch.var_mean(proxy, dim=0, unbiased=False)
    return fused.ProxyStatistics(mean, torch.rsqrt(variance + PROXY_EPSILON))


def _per_channel(values: Tensor, image: Tensor) -> Tensor:
    """Shape one value per channel so that it applies to images, in their number format."""
    return values.to(image.dtype).view(-1, 1, 1)


def _lowered(image: Tensor, values: Tensor) -> Tensor:
    """Subtract one value per channel from images, in their place."""
    if torch.is_grad_enabled():
        # The backward pass of a subtraction negates the gradient of the whole image, that of a sum has nothing to do.
        return image.add_(_per_channel(-values, image))
    return image.sub_(_per_channel(values, image))

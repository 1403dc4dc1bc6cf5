"""What lies between a network's matrix products, as fused kernels that PyTorch can differentiate.

    norm        norm, activation and proxy in one pass, and the means over the pixels that squeeze-excite asks for
    gated       one gate per image and channel
    depthwise   a depthwise convolution with a fast gradient of its weights

Layers ask ``usable`` first. Where it says no (on a GPU, in bf16, for a graph compiler, without a C++ compiler) they
compute the same with torch's own operations.
"""

from typing import Any, Callable, NamedTuple, Optional, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from workers.models.kernel_library import kernels

#: fp64 is there for tests.
_SUFFIXES = {torch.float32: "_float", torch.float64: "_double"}
#: Contiguous images of fewer pixels fill too few of a vector's lanes.
_FEWEST_PIXELS = 64
#: What a proxy's scale is applied to, as the kernels know it.
SCALED_ALL, SCALED_NOTHING, SCALED_VALUES = 0, 1, 2


class NormSettings(NamedTuple):
    """What a norm is, apart from its parameters.

    Attributes:
        groups: Of a group norm; 0 is batch norm.
        epsilon: Added to the variance.
        activate: Whether SiLU follows.
        values: Whether the values are wanted.
        means: Whether their means over the pixels are.
        scaled: What the proxy's scale is applied to: ``SCALED_ALL``, ``SCALED_NOTHING`` (it is left to the caller) or
            ``SCALED_VALUES`` (the means remain without; only where nothing has a gradient).
    """

    groups: int
    epsilon: float
    activate: bool
    values: bool = True
    means: bool = False
    scaled: int = SCALED_ALL


class Proxy(NamedTuple):
    """Parameters of proxy norm's proxy, and what its statistics are computed with.

    Attributes:
        mean: Shape (channels,).
        scale: Standard deviation minus 1, shape (channels,).
        quantiles: Points that stand for the standard normal distribution, shape (count,).
        epsilon: Added to the variance.
    """

    mean: Tensor
    scale: Tensor
    quantiles: Tensor
    epsilon: float


class ProxyStatistics(NamedTuple):
    """The activated proxy's mean and inverse standard deviation, shape (channels,) each."""

    mean: Tensor
    inverse_deviation: Tensor


class RunningStatistics(NamedTuple):
    """What batch norm keeps for evaluation; updated in place while training.

    Attributes:
        mean: Shape (channels,).
        variance: Unbiased, shape (channels,).
        factor: Weight of a new batch.
    """

    mean: Tensor
    variance: Tensor
    factor: float = 0.0


class Normalised(NamedTuple):
    """What a norm returns; what was not asked for is undefined.

    Attributes:
        values: Shape (images, channels, height, width).
        means: Their means over the pixels, shape (images, channels).
        scale: The proxy's, shape (channels,), where it was left out.
    """

    values: Tensor
    means: Tensor
    scale: Optional[Tensor] = None


def usable(x: Tensor, parameter: Tensor) -> bool:
    """Tell whether the kernels can take images and a layer's parameters: fp32 on a CPU, dense in either memory format.

    Contiguous images are shared out to threads whole, so there must be one for each.
    """
    if not _plain(x, parameter) or x.numel() == 0:
        return False
    if x.is_contiguous(memory_format=torch.channels_last):
        return True
    images, _, height, width = x.shape
    return x.is_contiguous() and images >= torch.get_num_threads() and height * width >= _FEWEST_PIXELS


def usable_depthwise(x: Tensor, weight: Tensor) -> bool:
    """Tell whether the gradient of a depthwise convolution's weights can be the kernel's: channels last, that is."""
    return _plain(x, weight) and x.is_contiguous(memory_format=torch.channels_last)


def norm(
    x: Tensor,
    parameters: Tuple[Tensor, Tensor],
    settings: NormSettings,
    *,
    proxy: Optional[Proxy] = None,
    running: Optional[RunningStatistics] = None,
) -> Normalised:
    """Normalise, activate, subtract the proxy's mean and multiply by its scale.

    Args:
        x: Shape (images, channels, height, width).
        parameters: Scale and shift, shape (channels,) each.
        settings: What the norm is.
        proxy: Of proxy norm.
        running: Batch norm's, to be moved towards the batch's.
    """
    proxy_parameters = (None, None) if proxy is None else proxy[:2]
    return Normalised(*_Norm.apply(x, *parameters, *proxy_parameters, settings, proxy, running))


def norm_of_constants(
    x: Tensor,
    parameters: Tuple[Tensor, Tensor],
    settings: NormSettings,
    *,
    proxy: Optional[ProxyStatistics] = None,
    running: Optional[RunningStatistics] = None,
    spent: bool = False,
) -> Normalised:
    """Do the same where nothing has a gradient and statistics are known.

    Args:
        x: Shape (images, channels, height, width).
        parameters: Scale and shift, shape (channels,) each.
        settings: What the norm is.
        proxy: The proxy's statistics, of proxy norm.
        running: Batch norm's, taken instead of the batch's.
        spent: Nobody needs ``x`` any more: the values take its place, and caches need not hold a second one.
    """
    out, means = _results(x, settings._replace(values=settings.values and not spent))
    if settings.values and spent:
        out = x
    _forward(
        x,
        parameters,
        settings,
        proxy_statistics=(None,) * 3 if proxy is None else (*map(_pointer, proxy), None),
        statistics=None if running is not None else _statistics(x, settings),
        running=running,
        results=(out, means),
    )
    left = None if proxy is None or settings.scaled != SCALED_NOTHING else proxy.inverse_deviation
    return Normalised(out, means, left)


def gated(z: Tensor, gate: Tensor) -> Tensor:
    """Return ``z × gate``.

    Args:
        z: Shape (images, channels, height, width).
        gate: Shape (images, channels).
    """
    product: Tensor = _Gated.apply(z, gate)
    return product


def depthwise(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Convolve each channel with its own kernel.

    Args:
        x: Shape (images, channels, height, width), channels last.
        weight: Shape (channels, 1, kernel, kernel).
        stride: In pixels, along both axes.
        padding: In pixels, on all sides.
    """
    out: Tensor = _Depthwise.apply(x, weight, stride, padding)
    return out


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917  # autograd passes by position
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        proxy_mean: Optional[Tensor],
        proxy_scale: Optional[Tensor],
        settings: NormSettings,
        proxy: Optional[Proxy],
        running: Optional[RunningStatistics],
    ) -> Any:
        statistics, proxied = _statistics(x, settings), None if proxy is None else x.new_empty(6, x.shape[1])
        out, means = _results(x, settings)
        _forward(
            x,
            (weight, bias),
            settings,
            proxy=proxy,
            proxy_statistics=(None,) * 3 if proxied is None else _rows(proxied)[:3],
            statistics=statistics,
            running=running,
            results=(out, means),
        )
        ctx.settings = settings
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, weight, bias, proxy_mean, proxy_scale, statistics, proxied, means)
        return out, means, proxied[1] if proxied is not None and settings.scaled == SCALED_NOTHING else None

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Optional[Tensor], grad_means: Optional[Tensor], grad_scale: Optional[Tensor]) -> Any:
        x, weight, bias, proxy_mean, proxy_scale, statistics, proxied, means = ctx.saved_tensors
        settings: NormSettings = ctx.settings
        grad = None if grad is None else grad.contiguous(memory_format=_format(x))
        grad_means = None if grad_means is None else grad_means.contiguous()
        grad_x, grads = torch.empty_like(x), x.new_empty(2 if proxied is None else 4, x.shape[1])
        to = _rows(grads)
        _call("norm_backward", x.dtype)(
            *_shape(x),
            settings.groups,
            settings.activate,
            settings.scaled,
            x.data_ptr(),
            *map(_pointer, (grad, grad_means, grad_scale, means, weight, bias, proxy_mean, proxy_scale)),
            *((None,) * 3 if proxied is None else _rows(proxied)[:3]),
            *_rows(statistics),
            grad_x.data_ptr(),
            *(to if len(to) == 4 else (*to, None, None)),
        )
        return (grad_x, *grads.unbind(), *((None,) * (7 - len(to))))


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, gate: Tensor) -> Tensor:
        ctx.save_for_backward(z, gate)
        return z * gate[:, :, None, None]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        z, gate = ctx.saved_tensors
        grad = grad.contiguous(memory_format=_format(z))
        gate = gate.contiguous()
        grad_z, grad_gate = torch.empty_like(z), torch.empty_like(gate)
        _call("gate_backward", z.dtype)(*_shape(z), *map(_pointer, (grad, z, gate, grad_z, grad_gate)))
        return grad_z, grad_gate


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return torch.conv2d(x, weight, None, stride, padding, 1, x.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        return _image_gradient(ctx, grad, x, weight), _weight_gradient(ctx, grad, x, weight), None, None


def _image_gradient(ctx: Any, grad: Tensor, x: Tensor, weight: Tensor) -> Optional[Tensor]:
    if not ctx.needs_input_grad[0]:
        return None
    geometry = [ctx.stride] * 2, [ctx.padding] * 2, [1, 1], False, [0, 0], x.shape[1]
    wanted = [True, False, False]
    gradient: Tensor = torch.ops.aten.convolution_backward(grad, x, weight, None, *geometry, wanted)[0]
    return gradient


def _weight_gradient(ctx: Any, grad: Tensor, x: Tensor, weight: Tensor) -> Optional[Tensor]:
    if not ctx.needs_input_grad[1]:
        return None
    gradient = torch.empty(weight.shape, dtype=weight.dtype)
    _call("depthwise_weights", x.dtype)(
        *x.shape,
        *grad.shape[2:],
        weight.shape[2],
        ctx.stride,
        ctx.padding,
        torch.get_num_threads(),
        *map(_pointer, (x, grad, gradient)),
    )
    return gradient


_Pointer = Optional[int]


def _forward(
    x: Tensor,
    parameters: Tuple[Tensor, Tensor],
    settings: NormSettings,
    *,
    proxy: Optional[Proxy] = None,
    proxy_statistics: Tuple[_Pointer, ...],
    statistics: Optional[Tensor],
    running: Optional[RunningStatistics],
    results: Tuple[Optional[Tensor], Optional[Tensor]],
) -> None:
    """Run the kernel; without room for statistics it takes the running ones."""
    _call("norm_forward", x.dtype)(
        *_shape(x),
        settings.groups,
        settings.activate,
        settings.scaled,
        statistics is None,
        settings.epsilon,
        x.data_ptr(),
        *map(_pointer, parameters),
        *((None, None, None, 0, 0.0) if proxy is None else _proxy_arguments(proxy)),
        *proxy_statistics,
        *((None, None) if statistics is None else _rows(statistics)),
        *((None, None, 0.0) if running is None else (running[0].data_ptr(), running[1].data_ptr(), running[2])),
        *map(_pointer, results),
    )


def _proxy_arguments(proxy: Proxy) -> Tuple[Any, ...]:
    return (*map(_pointer, proxy[:3]), len(proxy.quantiles), proxy.epsilon)


def _statistics(x: Tensor, settings: NormSettings) -> Tensor:
    """Return room for mean and scale: per image and group, or per channel."""
    images, channels = x.shape[:2]
    return x.new_empty(2, images * settings.groups or channels)


def _results(x: Tensor, settings: NormSettings) -> Tuple[Any, Any]:
    """Return room for what is wanted of values and means."""
    means = x.new_empty(x.shape[:2]) if settings.means else None
    return torch.empty_like(x) if settings.values else None, means


def _call(name: str, dtype: torch.dtype) -> Callable[..., None]:
    function: Callable[..., None] = getattr(kernels().library, name + _SUFFIXES[dtype])
    return function


def _shape(x: Tensor) -> Tuple[int, int, int, int, bool]:
    """Return the numbers of images, channels, pixels and threads, and whether channels are last."""
    images, channels, height, width = x.shape
    return images, channels, height * width, torch.get_num_threads(), _format(x) is torch.channels_last


def _pointer(tensor: Optional[Tensor]) -> _Pointer:
    return None if tensor is None else tensor.data_ptr()


def _rows(matrix: Tensor) -> Tuple[int, ...]:
    """Return where the rows of a matrix start."""
    start, step = matrix.data_ptr(), matrix.shape[1] * matrix.element_size()
    return tuple(range(start, start + len(matrix) * step, step))


def _format(x: Tensor) -> torch.memory_format:
    return torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format


def _plain(x: Tensor, parameter: Tensor) -> bool:
    """Tell whether these are tensors in memory that nobody traces, of a format that the kernels have."""
    return (
        type(x) is Tensor
        and x.dtype in _SUFFIXES
        and x.device.type == "cpu"
        and parameter.dtype is x.dtype
        and parameter.device.type == "cpu"
        and not torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
        and not is_compiling()
        and not torch.is_autocast_enabled()
        and kernels().library is not None
    )


def _no_compiler() -> bool:
    return False


#: Tells whether a graph compiler is looking: it fuses torch's own operations itself. Torch 2.0's is not asked for here.
is_compiling: Callable[[], bool] = getattr(getattr(torch, "compiler", None), "is_compiling", _no_compiler)

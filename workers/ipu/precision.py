"""Number formats on IPUs: ``fp32``, ``16.16`` and ``16.32``.

16.16: weights and activations are half precision. 16.32: weights are kept and updated in single precision, and cast to
half where they meet activations; PopTorch would otherwise widen the activations. Losses, logits' softmax and a proxy
norm's statistics are single precision always, and so is every checkpoint.
"""

from typing import Any

import torch
from torch import nn

from workers.errors import DeviceError
from workers.models.proxy_norm import ProxyNormSiLU
from workers.protocol.ipu import IPU_PRECISIONS

#: Names of what meets activations: in a parameter, or in the buffer of a shift that is not trained.
_CAST = ("weight", "bias")


def check_precision(precision: str) -> None:
    """Refuse a number format that IPUs do not have.

    Raises:
        DeviceError: It is one of another kind of slot.
    """
    if precision not in IPU_PRECISIONS:
        raise DeviceError(f"IPUs do not compute in {precision}: take {', '.join(IPU_PRECISIONS)}")


def activation_type(precision: str) -> torch.dtype:
    """Return the type of images and features."""
    return torch.float32 if precision == "fp32" else torch.float16


def for_training(network: nn.Module, precision: str) -> None:
    """Change a network, whose pipeline's stages are marked, so that it trains in a precision.

    Args:
        network: Its parameters stay those that an optimiser updates.
        precision: One of ``IPU_PRECISIONS``.
    """
    if precision == "16.32":
        for module in list(network.modules()):
            if next(module.parameters(recurse=False), None) is not None:
                _cast_when_used(module)
    else:
        for_inference(network, precision)


def for_inference(network: nn.Module, precision: str) -> None:
    """Change a network so that it classifies in a precision; weights that do not change are cast once.

    Args:
        network: Its parameters are replaced by half-precision ones, unless the precision is fp32.
        precision: One of ``IPU_PRECISIONS``.
    """
    if precision == "fp32":
        return
    proxy_norms = [module for module in network.modules() if isinstance(module, ProxyNormSiLU)]
    quantiles = [module.quantiles for module in proxy_norms]
    network.half()
    for module, constants in zip(proxy_norms, quantiles):
        module.quantiles = constants  # of a computation in single precision


class _CastWhenUsed(nn.Module):
    """What a module with parameters becomes: they are half precision to whoever computes with them.

    The cast is part of the forward pass, where the parameter is used: in a pipeline the stage that needs it does it,
    and gradients reach the parameter itself, which optimisers and checkpoints go on seeing.
    """

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        return value.half() if name in _CAST and value is not None else value


def _cast_when_used(module: nn.Module) -> None:
    kind = type(module)
    module.__class__ = type(kind.__name__, (_CastWhenUsed, kind), {})

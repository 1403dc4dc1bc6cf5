"""RMSprop as TensorFlow defines it, which EfficientNet's recipes are tuned for.

It differs from ``torch.optim.RMSprop`` in three ways that matter for a few epochs: epsilon stands inside the root,
the mean square starts at one instead of zero, and the learning rate is part of what the momentum accumulates.
"""
# ruff: noqa: SLF001  # torch names its operations on lists of tensors as if private; its own optimisers use them

from typing import Any, Dict, Iterable, Iterator, List, Union, cast

import torch
from torch import Tensor

#: Values updated together on a CPU: few enough to stay in its cache from one operation to the next.
_CACHED_VALUES = 1 << 17


class RMSpropTF(torch.optim.Optimizer):
    """RMSprop with momentum; weight decay is added to the gradient.

    Args:
        params: Parameters or groups of them.
        lr: Learning rate.
        decay: Of the mean square, per step.
        momentum: Decay of the accumulated updates, per step.
        eps: Added to the mean square before the root.
        weight_decay: Coefficient.

    Source:
        ``tf.compat.v1.train.RMSPropOptimizer``; used by arXiv 1905.11946 and 2106.03640.
    """

    def __init__(
        self,
        params: Iterable[Union[Tensor, Dict[str, Any]]],
        *,
        lr: float,
        decay: float = 0.9,
        momentum: float = 0.9,
        eps: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "decay": decay, "momentum": momentum, "eps": eps, "weight_decay": weight_decay}
        super().__init__(cast("Any", params), defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; ``closure`` is there for the base class and not called."""
        del closure
        for group in self.param_groups:
            for parameters in _pieces([one for one in group["params"] if one.grad is not None]):
                self._update(parameters, group)

    def _update(self, parameters: List[Tensor], group: Dict[str, Any]) -> None:
        for one in parameters:
            if not self.state[one]:
                self.state[one].update(mean_square=torch.ones_like(one), update=torch.zeros_like(one))
        squares = [self.state[one]["mean_square"] for one in parameters]
        updates = [self.state[one]["update"] for one in parameters]
        gradients = [cast("Tensor", one.grad) for one in parameters]
        if group["weight_decay"]:
            gradients = list(torch._foreach_add(gradients, parameters, alpha=group["weight_decay"]))
        torch._foreach_mul_(squares, group["decay"])
        torch._foreach_addcmul_(squares, gradients, gradients, value=1.0 - group["decay"])
        roots = torch._foreach_add(squares, group["eps"])
        torch._foreach_sqrt_(roots)
        torch._foreach_mul_(updates, group["momentum"])
        torch._foreach_addcdiv_(updates, gradients, roots, value=group["lr"])
        torch._foreach_sub_(parameters, updates)


def _pieces(parameters: List[Tensor]) -> Iterator[List[Tensor]]:
    """Yield the parameters in lists that are updated together; on an accelerator that is one list."""
    piece: List[Tensor] = []
    values = 0
    for one in parameters:
        if piece and one.device.type == "cpu" and values + one.numel() > _CACHED_VALUES:
            yield piece
            piece, values = [], 0
        piece.append(one)
        values += one.numel()
    if piece:
        yield piece

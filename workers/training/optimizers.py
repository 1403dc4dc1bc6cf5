"""From a recipe to an optimiser."""

from typing import Dict, NamedTuple, Optional

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from workers.models.efficientnet import parameter_groups
from workers.training.rmsprop import RMSpropTF


class Usual(NamedTuple):
    """What an optimiser takes where the recipe says nothing.

    Attributes:
        learning_rate: Peak at a batch of 256 images; grows in proportion to the batch.
        weight_decay: Coefficient.
    """

    learning_rate: float
    weight_decay: float


USUAL: Dict[str, Usual] = {
    "rmsprop": Usual(learning_rate=256 * 2.0**-14, weight_decay=1e-5),  # arXiv 2106.03640
    "adamw": Usual(learning_rate=0.004, weight_decay=0.05),
    "sgd": Usual(learning_rate=0.2, weight_decay=5e-5),
}
_USUAL_BATCH = 256


def peak_learning_rate(optimizer: str, batch_size: int, given: Optional[float]) -> float:
    """Return the recipe's learning rate, or the optimiser's usual one in proportion to the batch."""
    if given is not None:
        return given
    return USUAL[optimizer].learning_rate * batch_size / _USUAL_BATCH


def build_optimizer(
    model: nn.Module,
    optimizer: str,
    *,
    momentum: float = 0.9,
    weight_decay: Optional[float] = None,
    rms_decay: float = 0.9,
) -> Optimizer:
    """Return an optimiser over a model's parameters; its learning rate is set before every step.

    Args:
        model: Whose parameters are trained.
        optimizer: One of ``workers.protocol.recipe.OPTIMIZERS``.
        momentum: Of rmsprop and sgd.
        weight_decay: None takes the optimiser's usual value.
        rms_decay: Of rmsprop's mean of squared gradients, per update; see ``workers.protocol.recipe.rms_decay``.

    Raises:
        ValueError: The optimiser is unknown.
    """
    if optimizer not in USUAL:
        raise ValueError("unknown optimizer {!r}: expected one of {}".format(optimizer, ", ".join(USUAL)))
    decay = USUAL[optimizer].weight_decay if weight_decay is None else weight_decay
    groups = parameter_groups(model, decay)
    if optimizer == "rmsprop":
        return RMSpropTF(groups, lr=0.0, decay=rms_decay, momentum=momentum)
    if optimizer == "adamw":
        return AdamW(groups, lr=0.0)
    return SGD(groups, lr=0.0, momentum=momentum, nesterov=momentum > 0.0)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate

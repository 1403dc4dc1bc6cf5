"""From a recipe to PopTorch's optimisers.

Their Python only carries numbers; the update is compiled. Numbers that are not passed to the constructor are compiled
in, so that the learning rate is passed always.
"""

from typing import Any

from torch import nn

from workers.engine import OptimizerSettings
from workers.errors import JobError
from workers.models.efficientnet import parameter_groups
from workers.training.optimizers import USUAL

#: Of torch's AdamW and of ``workers.training.rmsprop``.
_BETAS, _ADAM_EPSILON = (0.9, 0.999), 1e-8
_RMS_EPSILON = 1e-3


def build_ipu_optimizer(network: nn.Module, settings: OptimizerSettings, loss_scaling: float) -> Any:
    """Return the ``poptorch.optim`` optimiser that updates as ``workers.training.optimizers.build_optimizer``'s does.

    Args:
        network: Whose parameters are trained.
        settings: Of the recipe.
        loss_scaling: Factor on the loss, which the update takes out again.

    Raises:
        JobError: PopTorch has no such optimiser.
    """
    import poptorch

    decay = USUAL[settings.optimizer].weight_decay if settings.weight_decay is None else settings.weight_decay
    groups = [group for group in parameter_groups(network, decay) if group["params"]]
    if settings.optimizer == "rmsprop":
        return poptorch.optim.RMSprop(
            groups,
            lr=0.0,
            alpha=settings.rms_decay,
            eps=_RMS_EPSILON,
            momentum=settings.momentum,
            centered=False,
            loss_scaling=loss_scaling,
            use_tf_variant=True,
        )
    if settings.optimizer == "adamw":
        return poptorch.optim.AdamW(groups, lr=0.0, betas=_BETAS, eps=_ADAM_EPSILON, loss_scaling=loss_scaling)
    if settings.momentum > 0.0:
        raise JobError(
            "sgd with momentum is Nesterov's, which PopTorch does not have: take rmsprop or adamw, or a momentum of 0"
        )
    return poptorch.optim.SGD(groups, lr=0.0, momentum=0.0, loss_scaling=loss_scaling)

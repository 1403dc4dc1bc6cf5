"""The averaged weights that are tested and kept."""

from typing import Dict

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential average of a network's weights, taken once per epoch.

    The paper averages 350 epochs with a decay of 0.97. In a run of few epochs that decay would keep mostly the
    first epochs' poor weights, so the t-th update (from 0) decays by min(decay, t / (9 + t)): the first takes the
    weights whole, and a long run reaches the decay given. Batch norm's statistics and the proxy norm's parameters
    are averaged like weights.

    Args:
        decay: Per epoch, 0 to 1; 0 always takes the newest weights.

    Source:
        arXiv 2106.03640 (average of checkpoints, one per epoch); the growing decay is TensorFlow's
        ``ExponentialMovingAverage(num_updates=…)``, whose (1 + t) / (10 + t) counts the first weights as t = 0.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._updates = 0
        self._weights: Dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in a network's weights at the end of an epoch."""
        decay = min(self._decay, self._updates / (9.0 + self._updates))
        self._updates += 1
        for name, value in model.state_dict().items():
            if decay == 0.0 or not value.is_floating_point():
                self._weights[name] = value.detach().clone()
            else:
                self._weights[name].lerp_(value, 1.0 - decay)

    @property
    def weights(self) -> Dict[str, Tensor]:
        """The averaged weights, by the names of the network's state."""
        return self._weights

    def state_dict(self) -> Dict[str, object]:
        """Return all that ``load_state_dict`` needs to go on."""
        return {"updates": self._updates, "weights": self._weights}

    def load_state_dict(self, updates: int, weights: Dict[str, Tensor], device: torch.device) -> None:
        """Go on where another average was, on a device."""
        self._updates = updates
        self._weights = {name: value.to(device) for name, value in weights.items()}

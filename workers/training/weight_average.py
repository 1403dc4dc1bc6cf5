"""The averaged weights that are tested and kept."""

from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential average of a network's weights: one update per epoch, or one per update of the weights.

    The first update takes the weights whole, every later one computes ``decay · average + (1 - decay) · weights``. In a
    run of few epochs a decay of 0.97 per epoch would keep mostly the first epochs' poor weights; with the warm-up the
    t-th update (from 0) therefore decays by min(decay, t / (9 + t)), and a long run reaches the decay given. Batch
    norm's statistics and the proxy norm's parameters are averaged like weights, counters are copied.

    Args:
        model: Whose weights are averaged; its tensors are read at every update, so it must not move to another device.
        decay: Per update, 0 to 1; 0 always takes the newest weights.
        warmup: Whether the decay grows over the first updates.

    Source:
        arXiv 2106.03640 (average of checkpoints, one per epoch, without warm-up); the growing decay is TensorFlow's
        ``ExponentialMovingAverage(num_updates=…)``, whose (1 + t) / (10 + t) counts the first weights as t = 0.
    """

    def __init__(self, model: nn.Module, decay: float, *, warmup: bool) -> None:
        self._decay = decay
        self._warmup = warmup
        self._updates = 0
        newest = model.state_dict()  # shares memory with the network
        self._weights = {name: value.clone() for name, value in newest.items()}
        self._pairs = [(self._weights[name], value) for name, value in newest.items()]
        self._counters = [pair for pair in self._pairs if not pair[0].is_floating_point()]
        averaged = [pair for pair in self._pairs if pair[0].is_floating_point()]
        self._averages = [average for average, _ in averaged]
        self._newest = [value for _, value in averaged]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's weights as they are now."""
        decay = self._next_decay()
        self._updates += 1
        if decay == 0.0:
            _copy(self._pairs)
            return
        _copy(self._counters)
        # One operation for all tensors: as the average of every update this is part of each training step.
        torch._foreach_lerp_(self._averages, self._newest, 1.0 - decay)

    @property
    def weights(self) -> Dict[str, Tensor]:
        """The averaged weights, by the names of the network's state."""
        return self._weights

    def state_dict(self) -> Dict[str, object]:
        """Return all that ``load_state_dict`` needs to go on."""
        return {"updates": self._updates, "weights": self._weights}

    def load_state_dict(self, updates: int, weights: Dict[str, Tensor]) -> None:
        """Go on where another average of the same network was."""
        self._updates = updates
        _copy([(self._weights[name], value) for name, value in weights.items()])

    def _next_decay(self) -> float:
        if self._updates == 0:
            return 0.0
        return min(self._decay, self._updates / (9.0 + self._updates)) if self._warmup else self._decay


def _copy(pairs: List[Tuple[Tensor, Tensor]]) -> None:
    for target, source in pairs:
        target.copy_(source)

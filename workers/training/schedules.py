"""The learning rate of every step."""

import math
from dataclasses import dataclass

#: The paper's: 0.97 in 146 equal drops over the run (arXiv 2106.03640).
_DROP, _DROPS = 0.97, 146


@dataclass(frozen=True)
class Schedule:
    """Learning rate over a run.

    Attributes:
        kind: One of ``workers.protocol.recipe.SCHEDULES``.
        peak: Highest learning rate.
        steps: Of the whole run.
        warmup_steps: Over which the rate grows linearly from zero, while the schedule already runs; may be a
            fraction. The first step is the first one above zero.
    """

    kind: str
    peak: float
    steps: int
    warmup_steps: float = 0.0

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        warmup = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps > 0 else 1.0
        return self.peak * warmup * self._decayed(step / self.steps)

    def _decayed(self, done: float) -> float:
        if self.kind == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * done))
        if self.kind == "exponential":
            return float(_DROP ** math.floor(_DROPS * done))
        if self.kind == "constant":
            return 1.0
        raise ValueError(f"unknown schedule {self.kind!r}: expected cosine, exponential or constant")

"""How long a sweep has still to go, from how long its attempts took so far. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: Of a normal distribution, 95 % lies within so many standard deviations.
_DEVIATIONS: Final = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLeft:
    """What is left of one stage.

    Attributes:
        stage: Its name.
        attempts: Still to be done: one for each job, for a measurement one for each round. A fraction where some run.
        examples: Attempts that are done.
        mean_seconds: How long those took; None without an example.
        deviation_seconds: Their standard deviation; None where it is not known.
        slots: How many run at a time.
    """

    stage: str
    attempts: float
    examples: int
    mean_seconds: float | None
    deviation_seconds: float | None = None
    slots: int = 1


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of a sweep.

    Attributes:
        seconds: Wall time of the open attempts whose stage has an example.
        low: Lower end of its 95 % range, seconds; None where a stage has fewer than two examples. ``high`` the upper.
        high: Seconds.
        unknown: Stages with open attempts of which none is done yet.
    """

    seconds: float
    low: float | None
    high: float | None
    unknown: tuple[str, ...]


def remaining(stages: Iterable[StageLeft]) -> Remaining:
    """Predict the wall time: stages one after the other, the attempts of each shared by its slots.

    The range covers how much single attempts differ, and how little a mean of few of them tells. It takes what is left
    to be like what is done, which is not so where the largest networks come last.
    """
    seconds, variance, unknown = 0.0, 0.0, []
    for one in stages:
        if one.attempts <= 0:
            continue
        if one.mean_seconds is None:
            unknown.append(one.stage)
            continue
        seconds += one.attempts * one.mean_seconds / one.slots
        variance += _variance(one)
    if not math.isfinite(variance):
        return Remaining(seconds, None, None, tuple(unknown))
    spread = _DEVIATIONS * math.sqrt(variance)
    return Remaining(seconds, max(0.0, seconds - spread), seconds + spread, tuple(unknown))


def _variance(one: StageLeft) -> float:
    """Return the variance of the time that a stage will take, seconds squared; infinite where it is not known."""
    if one.deviation_seconds is None or one.examples < 2:
        return math.inf
    draws, mean = one.attempts, one.attempts**2 / one.examples
    return (draws + mean) * (one.deviation_seconds / one.slots) ** 2

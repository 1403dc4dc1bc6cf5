"""How the speed-up of one front over another comes about, front by front between them. Pure.

peak    at the one accuracy that every front reaches and where all together bring the most
common  geometric means over every accuracy of any front that all of them reach
own     of each step, over every accuracy of its own two fronts that both reach

At the same accuracies, the speed-ups of the steps multiply exactly to that of all together; at different ones not.
"""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from db.bootstrap import Point, intervals
from db.pace import at_one_pace
from db.speedup import Curve, speedup

Choice = Literal["peak", "common", "own"]

_RESAMPLES: Final = 1000
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Ratio:
    """A speed-up, with a 95 % interval where it can be told."""

    speedup: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """One front over another one.

    Attributes:
        ratio: Geometric mean of the speed-up over some accuracies; None without any.
        top1: The accuracies, percent, ascending.
        reason: Why there are none; empty when there are some.
    """

    ratio: Ratio | None
    top1: tuple[float, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A speed-up taken apart.

    Attributes:
        steps: Each front over the one before.
        together: The last front over the first.
    """

    steps: tuple[Part, ...]
    together: Part


def choices(fronts: Sequence[Sequence[Point]]) -> tuple[Choice, ...]:
    """Return over which accuracies a chain of fronts can be taken apart; ``own`` alone if all reach none in common."""
    if not _reached_by_all(_curves(fronts)):
        return ("own",)
    return ("peak", "own") if len(fronts) == 2 else ("peak", "common", "own")


def breakdown(fronts: Sequence[Sequence[Point]], choice: Choice, *, resamples: int = _RESAMPLES) -> Breakdown:
    """Take the speed-up of the last front over the first apart.

    Args:
        fronts: At least two, from the first to the last; dominated points are left out.
        choice: One of ``choices``.
        resamples: Of the bootstrap.
    """
    fronts, _, widening = at_one_pace(fronts)
    curves = _curves(fronts)
    accuracies = None if choice == "own" else _reached_by_all(curves)
    if accuracies and choice == "peak":
        accuracies = [max(accuracies, key=lambda top1: _ratio(curves[0], curves[-1], top1))]
    return Breakdown(
        steps=tuple(_part(*pair, accuracies, resamples, widening) for pair in itertools.pairwise(fronts)),
        together=_part(fronts[0], fronts[-1], accuracies, resamples, widening),
    )


def _part(
    baseline: Sequence[Point],
    candidate: Sequence[Point],
    accuracies: Sequence[float] | None,
    resamples: int,
    widening: float,
) -> Part:
    """Compare two fronts over some accuracies that both reach, or over all of their own."""
    base, other = _curves([baseline, candidate])
    found = {top1: _ratio(base, other, top1) for top1 in (accuracies or _reached_by_all([base, other]))}
    if not found:
        return Part(None, (), speedup(baseline, candidate, resamples=resamples).reason)
    interval = intervals(baseline, candidate, found, resamples=resamples, seed=_SEED, widening=widening)[1]
    return Part(Ratio(statistics.geometric_mean(found.values()), *interval), tuple(found), "")


def _curves(fronts: Sequence[Sequence[Point]]) -> list[Curve]:
    return [Curve([(point.top1, point.images_per_second) for point in front]) for front in fronts]


def _reached_by_all(curves: Sequence[Curve]) -> list[float]:
    """Return the accuracies of points of any front that all fronts cover, ascending."""
    every = {top1 for curve in curves for top1 in curve.top1}
    return sorted(top1 for top1 in every if all(curve.covers(top1) for curve in curves))


def _ratio(base: Curve, other: Curve, top1: float) -> float:
    return math.exp(other.log_rate_at(top1) - base.log_rate_at(top1))

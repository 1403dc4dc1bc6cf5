"""The speed-up of one front over another at equal accuracy. Pure: points in, numbers out.

At an accuracy inside the ranges of both fronts, each front's logarithm of throughput is interpolated linearly in
accuracy between its neighbouring points; the speed-up is the ratio. It is reported at every point of either front
inside the overlap. Nothing is ever extrapolated: without an overlap there is no speed-up to report.

Source:
    The headline ratios of arXiv 2106.03640 ("7×" and "3×") are such horizontal distances between its curves.
"""

import bisect
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.bootstrap import Point, intervals
from db.pace import at_one_pace


@dataclass(frozen=True, slots=True)
class SpeedupPoint:
    """Speed-up at one accuracy (percent), with a 95 % interval where it can be told."""

    top1: float
    speedup: float
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """Return JSON types."""
        return {"top1": self.top1, "speedup": self.speedup, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Speedup:
    """Speed-up of a candidate front over a baseline front.

    Attributes:
        points: One per accuracy of either front inside the overlap, ascending; empty without an overlap.
        maximum: The largest of them. Its interval is that of its own accuracy, not of a maximum.
        geometric_mean: Over the points.
        geometric_mean_low: Lower end of its 95 % interval; ``geometric_mean_high`` the upper.
        baseline_range: Lowest and highest top-1 of the baseline's front, percent; None without points.
        candidate_range: Likewise.
        interval_covers: What the intervals are drawn from: ``throughput`` (timed blocks), ``accuracy`` (seeds, only
            if every point has several).
        reference_share: How much of the reference network's changes was taken out of the throughputs, 0 to 1 (see
            ``db.pace``); None where nothing was.
    """

    points: tuple[SpeedupPoint, ...]
    maximum: SpeedupPoint | None
    geometric_mean: float | None
    geometric_mean_low: float | None
    geometric_mean_high: float | None
    baseline_range: tuple[float, float] | None
    candidate_range: tuple[float, float] | None
    interval_covers: tuple[str, ...] = ()
    reference_share: float | None = None

    @property
    def reason(self) -> str:
        """Why there are no points; empty when there are some."""
        if self.points:
            return ""
        for side, found in (("baseline", self.baseline_range), ("candidate", self.candidate_range)):
            if found is None:
                return f"the {side} has no measured results"
        baseline, candidate = _range("baseline", self.baseline_range), _range("candidate", self.candidate_range)
        return f"no accuracy in common: {baseline}, {candidate}"

    @property
    def pace(self) -> str:
        """At which pace of the machine throughputs are compared, in words; empty where nothing tells."""
        if self.reference_share is None or not self.points:
            return ""
        return (
            f"throughputs are compared at one pace of the machine: {self.reference_share:.0%} of what the reference "
            "network gained and lost between blocks is taken out"
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "points": [point.to_json() for point in self.points],
            "maximum": None if self.maximum is None else self.maximum.to_json(),
            "geometric_mean": self.geometric_mean,
            "geometric_mean_low": self.geometric_mean_low,
            "geometric_mean_high": self.geometric_mean_high,
            "baseline_range": self.baseline_range,
            "candidate_range": self.candidate_range,
            "interval_covers": list(self.interval_covers),
            "reference_share": self.reference_share,
            "reason": self.reason,
        }


class Curve:
    """A front as a function: logarithm of throughput over accuracy, between its lowest and highest accuracy."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        front = non_dominated(points)
        self.top1 = [top1 for top1, _ in front]
        self.log_rate = [math.log(rate) for _, rate in front]

    def covers(self, top1: float) -> bool:
        """Tell whether an accuracy lies in the front's range."""
        return bool(self.top1) and self.top1[0] <= top1 <= self.top1[-1]

    def log_rate_at(self, top1: float) -> float:
        """Return the logarithm of images per second at an accuracy that the front covers."""
        right = bisect.bisect_left(self.top1, top1)
        if self.top1[right] == top1:
            return self.log_rate[right]
        left = right - 1
        share = (top1 - self.top1[left]) / (self.top1[right] - self.top1[left])
        return self.log_rate[left] + share * (self.log_rate[right] - self.log_rate[left])


def non_dominated(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the (top-1, images per second) that no other point beats, by ascending accuracy, equal ones once."""
    kept: list[tuple[float, float]] = []
    for top1, rate in sorted(set(points), reverse=True):
        if not kept or rate > kept[-1][1]:
            kept.append((top1, rate))
    return kept[::-1]


def speedup(baseline: Sequence[Point], candidate: Sequence[Point], *, resamples: int = 1000, seed: int = 0) -> Speedup:
    """Compare two fronts at equal accuracy, and at one pace of the machine.

    Args:
        baseline: Its points; dominated ones are left out.
        candidate: Likewise.
        resamples: Of the bootstrap over rounds, blocks and seeds; used where a point has at least two of any.
        seed: Of the bootstrap's random numbers.
    """
    (baseline, candidate), share, widening = at_one_pace([baseline, candidate])
    base, other = _curve(baseline), _curve(candidate)
    accuracies = _common_accuracies(base, other)
    ratios = [_ratio(base, other, top1) for top1 in accuracies]
    found = dict(zip(accuracies, ratios, strict=True))
    of_each, of_mean = intervals(baseline, candidate, found, resamples=resamples, seed=seed, widening=widening)
    points = tuple(SpeedupPoint(top1, ratio, *ends) for (top1, ratio), ends in zip(found.items(), of_each, strict=True))
    return Speedup(
        points=points,
        maximum=max(points, key=lambda point: point.speedup, default=None),
        geometric_mean=statistics.geometric_mean(ratios) if ratios else None,
        geometric_mean_low=of_mean[0],
        geometric_mean_high=of_mean[1],
        baseline_range=_covered(base),
        candidate_range=_covered(other),
        interval_covers=_varying((*baseline, *candidate)),
        reference_share=share,
    )


def _varying(points: Sequence[Point]) -> tuple[str, ...]:
    """Name what is repeated at every point, so that its noise is in the intervals."""
    repeated = {
        "throughput": all(point.measured_repeatedly for point in points),
        "accuracy": all(point.trained_repeatedly for point in points),
    }
    return tuple(name for name, everywhere in repeated.items() if everywhere and points)


def _curve(points: Sequence[Point]) -> Curve:
    return Curve([(point.top1, point.images_per_second) for point in points])


def _common_accuracies(base: Curve, other: Curve) -> list[float]:
    return sorted({top1 for top1 in base.top1 + other.top1 if base.covers(top1) and other.covers(top1)})


def _ratio(base: Curve, other: Curve, top1: float) -> float:
    return math.exp(other.log_rate_at(top1) - base.log_rate_at(top1))


def _covered(curve: Curve) -> tuple[float, float] | None:
    return (curve.top1[0], curve.top1[-1]) if curve.top1 else None


def _range(side: str, found: tuple[float, float] | None) -> str:
    low, high = found or (math.nan, math.nan)
    return f"the {side} spans {low:.2f} to {high:.2f} %"

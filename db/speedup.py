"""The speed-up of one front over another at equal accuracy. Pure: points in, numbers out.

At an accuracy inside the ranges of both fronts, each front's logarithm of throughput is interpolated linearly in
accuracy between its neighbouring points; the speed-up is the ratio. It is reported at every point of either front
inside the overlap. Nothing is ever extrapolated: without an overlap there is no speed-up to report.

Its interval is the bootstrap's standard error of the logarithm times Student's t. Rounds of measurements are drawn
anew, the same of all points that have as many: they took turns, so a machine that was slow for a while was slow in one
round of all of them, and that stays out of their ratio. (Of rounds that have nothing to do with each other drawing
the same changes nothing.) With the percentiles of the resamples instead, three rounds that differ would give an
interval that holds the true value three times in four.

Source:
    The headline ratios of arXiv 2106.03640 ("7×" and "3×") are such horizontal distances between its curves.
    Hesterberg, "What Teachers Should Know about the Bootstrap", arXiv 1411.5279, 4.5, on few observations.
"""

import bisect
import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Student's t for a two-sided 95 % interval, by degrees of freedom from 1 on.
_STUDENT: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
#: An accuracy that fewer resamples than this reach has no interval: it lies at the very end of the overlap.
_REACHED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration.

    Attributes:
        top1: Percent, mean over seeds.
        images_per_second: Median over the blocks of a measurement.
        block_rates: Images per second of each block, round by round; may be empty.
        seed_top1: Percent per seed; may be empty.
    """

    top1: float
    images_per_second: float
    block_rates: tuple[tuple[float, ...], ...] = ()
    seed_top1: tuple[float, ...] = ()


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
    """

    points: tuple[SpeedupPoint, ...]
    maximum: SpeedupPoint | None
    geometric_mean: float | None
    geometric_mean_low: float | None
    geometric_mean_high: float | None
    baseline_range: tuple[float, float] | None
    candidate_range: tuple[float, float] | None
    interval_covers: tuple[str, ...] = ()

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
    """Compare two fronts at equal accuracy.

    Args:
        baseline: Its points; dominated ones are left out.
        candidate: Likewise.
        resamples: Of the bootstrap over rounds, blocks and seeds; used where a point has at least two of any.
        seed: Of the bootstrap's random numbers.
    """
    base, other = _curve(baseline), _curve(candidate)
    accuracies = _common_accuracies(base, other)
    ratios = [_ratio(base, other, top1) for top1 in accuracies]
    intervals, mean_interval = _intervals(
        baseline, candidate, dict(zip(accuracies, ratios, strict=True)), resamples, seed
    )
    points = tuple(
        SpeedupPoint(top1, ratio, *interval)
        for top1, ratio, interval in zip(accuracies, ratios, intervals, strict=True)
    )
    return Speedup(
        points=points,
        maximum=max(points, key=lambda point: point.speedup, default=None),
        geometric_mean=statistics.geometric_mean(ratios) if ratios else None,
        geometric_mean_low=mean_interval[0],
        geometric_mean_high=mean_interval[1],
        baseline_range=_covered(base),
        candidate_range=_covered(other),
        interval_covers=_varying((*baseline, *candidate)),
    )


def _varying(points: Sequence[Point]) -> tuple[str, ...]:
    """Name what is repeated at every point, so that its noise is in the intervals."""
    repeated = {
        "throughput": all(_measured_repeatedly(point) for point in points),
        "accuracy": all(len(point.seed_top1) > 1 for point in points),
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


Interval = tuple[float | None, float | None]


def _intervals(
    baseline: Sequence[Point], candidate: Sequence[Point], found: dict[float, float], resamples: int, seed: int
) -> tuple[list[Interval], Interval]:
    """Return the interval of the ratio found at each accuracy, and that of their geometric mean."""
    accuracies = list(found)
    nothing: Interval = (None, None)
    if not accuracies or not any(_varies(point) for point in (*baseline, *candidate)):
        return [nothing] * len(accuracies), nothing
    source = random.Random(seed)  # noqa: S311  # a bootstrap, not a secret
    ratios: list[list[float]] = [[] for _ in accuracies]
    means: list[float] = []
    for _ in range(resamples):
        rounds = _Draw(source)
        base = Curve([_resample(point, source, rounds) for point in baseline])
        other = Curve([_resample(point, source, rounds) for point in candidate])
        reached = [index for index, top1 in enumerate(accuracies) if base.covers(top1) and other.covers(top1)]
        for index in reached:
            ratios[index].append(_ratio(base, other, accuracies[index]))
        if reached:
            means.append(statistics.geometric_mean(ratios[index][-1] for index in reached))
    factor = _factor((*baseline, *candidate))
    intervals = [_interval(*pair, resamples, factor) for pair in zip(found.values(), ratios, strict=True)]
    return intervals, _interval(statistics.geometric_mean(found.values()), means, resamples, factor)


def _varies(point: Point) -> bool:
    return _measured_repeatedly(point) or len(point.seed_top1) > 1


def _measured_repeatedly(point: Point) -> bool:
    return sum(len(rates) for rates in point.block_rates) > 1


class _Draw:
    """The rounds of one resample: the same of every point that has as many."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._drawn: dict[int, list[int]] = {}

    def of(self, count: int) -> list[int]:
        """Return as many numbers of rounds as there are, drawn with replacement."""
        if count not in self._drawn:
            self._drawn[count] = self._source.choices(range(count), k=count)
        return self._drawn[count]


def _resample(point: Point, source: random.Random, rounds: _Draw) -> tuple[float, float]:
    """Draw rounds and seeds again, with replacement; what was not repeated stays as it is.

    Of a single round the blocks are drawn.
    """
    top1, rate = point.top1, point.images_per_second
    if len(point.seed_top1) > 1:
        top1 = statistics.fmean(source.choices(point.seed_top1, k=len(point.seed_top1)))
    if _measured_repeatedly(point):
        units = _units(point)
        numbers = (
            rounds.of(len(units)) if len(point.block_rates) > 1 else source.choices(range(len(units)), k=len(units))
        )
        rate = statistics.median(rate for number in numbers for rate in units[number])
    return top1, rate


def _units(point: Point) -> tuple[tuple[float, ...], ...]:
    """Return what is drawn of a point's blocks: rounds, or the blocks of its only one."""
    return point.block_rates if len(point.block_rates) > 1 else tuple((rate,) for rate in point.block_rates[0])


def _factor(points: Sequence[Point]) -> float:
    """Return by what the bootstrap's standard error is multiplied: the fewest repetitions decide."""
    counts = [len(_units(point)) for point in points if _measured_repeatedly(point)]
    counts += [len(point.seed_top1) for point in points if len(point.seed_top1) > 1]
    fewest = min(counts)
    return _student_t(fewest - 1) * math.sqrt(fewest / (fewest - 1))


def _student_t(degrees: int) -> float:
    return _STUDENT[degrees - 1] if degrees <= len(_STUDENT) else 1.96 + 2.5 / degrees


def _interval(centre: float, found: list[float], resamples: int, factor: float) -> Interval:
    if len(found) < _REACHED * resamples or len(found) < 2:
        return None, None
    margin = math.exp(factor * statistics.pstdev(math.log(ratio) for ratio in found))
    return centre / margin, centre * margin

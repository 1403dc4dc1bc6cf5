"""Intervals of a ratio of throughputs at equal accuracy, from what was measured repeatedly. Pure.

An interval is the bootstrap's standard error of the logarithm times Student's t. Rounds of measurements are drawn anew,
the same of all points that have as many: they took turns, so a machine that was slow for a while was slow in one round
of all of them, and that stays out of their ratio. (Of rounds that have nothing to do with each other drawing the same
changes nothing.) With the percentiles of the resamples instead, three rounds that differ would give an interval that
holds the true value three times in four.

Source:
    Hesterberg, "What Teachers Should Know about the Bootstrap", arXiv 1411.5279, 4.5, on few observations.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

#: Student's t for a two-sided 95 % interval, by degrees of freedom from 1 on.
_STUDENT: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
#: An accuracy that fewer resamples than this reach has no interval: it lies at the very end of the overlap.
_REACHED: Final = 0.5

Interval: TypeAlias = tuple[float | None, float | None]
Floats: TypeAlias = npt.NDArray[np.float64]
NO_INTERVAL: Final[Interval] = (None, None)


class Blocks(NamedTuple):
    """Timed blocks of a measurement, round by round.

    Attributes:
        rates: Images per second of each.
        paces: Images per second of the reference network around each; empty where not all blocks have one.
    """

    rates: tuple[tuple[float, ...], ...] = ()
    paces: tuple[tuple[float, ...], ...] = ()


NO_BLOCKS: Final = Blocks()


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration.

    Attributes:
        top1: Percent, mean over seeds.
        images_per_second: Median over the blocks of a measurement.
        blocks: These; may be none.
        seed_top1: Percent per seed; may be empty.
    """

    top1: float
    images_per_second: float
    blocks: Blocks = NO_BLOCKS
    seed_top1: tuple[float, ...] = ()

    @property
    def measured_repeatedly(self) -> bool:
        """Whether there are several blocks."""
        return sum(len(rates) for rates in self.blocks.rates) > 1

    @property
    def units(self) -> tuple[tuple[float, ...], ...]:
        """What is drawn of the blocks' rates: rounds, or the blocks of the only one."""
        rates = self.blocks.rates
        return rates if len(rates) > 1 else tuple((rate,) for of_round in rates for rate in of_round)

    @property
    def trained_repeatedly(self) -> bool:
        """Whether there are several seeds."""
        return len(self.seed_top1) > 1


def intervals(
    baseline: Sequence[Point],
    candidate: Sequence[Point],
    found: Mapping[float, float],
    *,
    resamples: int,
    seed: int,
    widening: float = 1.0,
) -> tuple[list[Interval], Interval]:
    """Return the 95 % intervals of some ratios, and that of their geometric mean; none where nothing was repeated.

    Args:
        baseline: Points of a front.
        candidate: Of another one.
        found: Accuracy in percent → ratio of the candidate's throughput to the baseline's.
        resamples: How often all of it is drawn again.
        seed: Of the random numbers.
        widening: By what intervals are multiplied, for what was estimated from the blocks before.
    """
    repetitions = _repetitions((*baseline, *candidate))
    if not found or not repetitions:
        return [NO_INTERVAL] * len(found), NO_INTERVAL
    draw = _Draw(resamples, seed)
    fronts = [(draw.top1(side), np.log(draw.images_per_second(side))) for side in (baseline, candidate)]
    base, other = ([log_rates_at(*front, top1) for top1 in found] for front in fronts)
    ratios = np.stack(other) - np.stack(base)
    reached = np.isfinite(ratios)
    anywhere = reached.any(axis=0)
    means = np.where(reached, ratios, 0.0).sum(axis=0)[anywhere] / reached.sum(axis=0)[anywhere]
    factor = widening * _factor(repetitions)
    of_each = [
        _interval(ratio, logs[each], resamples, factor)
        for ratio, logs, each in zip(found.values(), ratios, reached, strict=True)
    ]
    return of_each, _interval(statistics.geometric_mean(found.values()), means, resamples, factor)


def log_rates_at(top1: Floats, log_rates: Floats, accuracy: float) -> Floats:
    """Interpolate fronts between their points at an accuracy; NaN where a front does not cover it.

    The neighbour on the right is the fastest of all that are as accurate or more; that on the left is the most accurate
    of those that are faster than it. So nothing needs to be sorted, and what others beat is never looked at.

    Args:
        top1: Percent; points × fronts.
        log_rates: Logarithms of images per second; points × fronts.
        accuracy: Percent.

    Returns:
        Logarithms of images per second; one per front.
    """
    right = top1 >= accuracy
    right_rate = np.where(right, log_rates, -np.inf).max(axis=0)
    right_top1 = np.where(right & (log_rates == right_rate), top1, -np.inf).max(axis=0)
    left = ~right & (log_rates > right_rate)
    left_top1 = np.where(left, top1, -np.inf).max(axis=0)
    left_rate = np.where(left & (top1 == left_top1), log_rates, -np.inf).max(axis=0)
    between = np.isfinite(right_top1) & np.isfinite(left_top1)
    steps = np.where(between, right_top1 - left_top1, 1.0)
    share = np.where(between, accuracy - left_top1, 0.0) / steps
    rise = np.where(between, right_rate, 0.0) - np.where(between, left_rate, 0.0)
    inside = np.where(between, left_rate, 0.0) + share * rise
    at: Floats = np.where(right_top1 == accuracy, right_rate, np.where(between, inside, np.nan))
    return at


class _Draw:
    """Rounds, blocks and seeds drawn again with replacement; what was not repeated stays as it is."""

    def __init__(self, resamples: int, seed: int) -> None:
        self._resamples = resamples
        self._source = np.random.default_rng(seed)
        self._rounds: dict[int, npt.NDArray[np.int64]] = {}

    def top1(self, points: Sequence[Point]) -> Floats:
        """Return top-1 (percent) of each point; points × resamples."""
        return np.stack([self._top1(point) for point in points])

    def images_per_second(self, points: Sequence[Point]) -> Floats:
        """Return the throughput of each point; points × resamples."""
        return np.stack([self._rate(point) for point in points])

    def _top1(self, point: Point) -> Floats:
        if not point.trained_repeatedly:
            return np.full(self._resamples, point.top1)
        drawn: Floats = np.array(point.seed_top1)[self._numbers(len(point.seed_top1))].mean(axis=1)
        return drawn

    def _rate(self, point: Point) -> Floats:
        if not point.measured_repeatedly:
            return np.full(self._resamples, point.images_per_second)
        units = point.units
        longest = max(len(unit) for unit in units)
        rates = np.array([(*unit, *[math.nan] * (longest - len(unit))) for unit in units])
        drawn = rates[self._of_rounds(len(units)) if len(point.blocks.rates) > 1 else self._numbers(len(units))]
        median = np.nanmedian if np.isnan(rates).any() else np.median
        rate: Floats = median(drawn.reshape(self._resamples, -1), axis=1)
        return rate

    def _of_rounds(self, count: int) -> npt.NDArray[np.int64]:
        """Return numbers of rounds; the same for all points that have as many."""
        if count not in self._rounds:
            self._rounds[count] = self._numbers(count)
        return self._rounds[count]

    def _numbers(self, count: int) -> npt.NDArray[np.int64]:
        return self._source.integers(count, size=(self._resamples, count))


def _repetitions(points: Sequence[Point]) -> list[int]:
    """Return how often each point was measured and trained, where it was repeatedly."""
    counts = [len(point.units) for point in points if point.measured_repeatedly]
    return counts + [len(point.seed_top1) for point in points if point.trained_repeatedly]


def _factor(repetitions: Sequence[int]) -> float:
    """Return by what the bootstrap's standard error is multiplied: the fewest repetitions decide."""
    fewest = min(repetitions)
    return _student_t(fewest - 1) * math.sqrt(fewest / (fewest - 1))


def _student_t(degrees: int) -> float:
    return _STUDENT[degrees - 1] if degrees <= len(_STUDENT) else 1.96 + 2.5 / degrees


def _interval(centre: float, logs: Floats, resamples: int, factor: float) -> Interval:
    if len(logs) < _REACHED * resamples or len(logs) < 2:
        return NO_INTERVAL
    margin = math.exp(factor * float(logs.std()))
    return centre / margin, centre * margin

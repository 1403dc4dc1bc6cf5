"""From timed blocks to a throughput with its uncertainty."""

import math
from typing import List, NamedTuple, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.protocol.orders import Latency, Sample, Throughput

_RESAMPLES = 2000
#: Student's t for a two-sided 95 % interval, by degrees of freedom from 1 on.
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)

Rates = NDArray[np.float64]


class Spread(NamedTuple):
    """How much blocks differ.

    Attributes:
        cv: Standard deviation over mean, a fraction; 0 for a single block.
        iqr: Interquartile range, images per second.
    """

    cv: float
    iqr: float


def throughput(rounds: Sequence[Sequence[Sample]], seed: int) -> Throughput:
    """Return the median over all blocks with its 95 % interval.

    The median, because disturbances only ever slow a block down. The interval is the bootstrap standard error of the
    median's logarithm times Student's t: rates are compared as ratios, and none is negative. What is drawn anew is the
    rounds, each with the blocks it has: the blocks of one process agree with each other more than processes do, and it
    is for another process that the number should hold. With a single round the blocks are drawn, and the interval says
    nothing of other processes.

    The bootstrap's own percentiles would be too narrow: over three rounds that differ they cover the true value three
    times in four, as ``tests/workers/test_measured_statistics.py`` shows. Both corrections for few rounds, n / (n - 1)
    and Student's t, are what makes it 95 % of the time.

    Args:
        rounds: The blocks of each round, all rounds with the same number.
        seed: Of the drawing, so that the same blocks always give the same interval.

    Source:
        Davison and Hinkley, "Bootstrap Methods and their Application" (1997), 3.8 on which level to draw from;
        Hesterberg, arXiv 1411.5279, 4.5 on few observations; Hoefler and Belli, SC15, rules 5-8 on reporting.
    """
    rates = _rates(rounds)
    units = rates if len(rates) > 1 else rates.T
    median = float(np.median(rates))
    factor = _factor(units, seed) if len(units) > 1 else 1.0
    return Throughput(median, median / factor, median * factor)


def spread(rounds: Sequence[Sequence[Sample]]) -> Spread:
    """Return how much the blocks of all rounds differ."""
    rates = _rates(rounds).ravel()
    lower, upper = np.percentile(rates, [25.0, 75.0])
    return Spread(coefficient_of_variation(rates), float(upper - lower))


def coefficient_of_variation(rates: Rates) -> float:
    """Return the standard deviation over the mean, a fraction; 0 for a single value."""
    return float(np.std(rates, ddof=1) / np.mean(rates)) if len(rates) > 1 else 0.0


def block_rates(samples: Sequence[Sample]) -> Rates:
    """Return each block's images per second."""
    return np.array([sample.images / sample.seconds for sample in samples])


def latency(rounds: Sequence[Sequence[float]]) -> Latency:
    """Return the percentiles over the passes of all rounds, milliseconds."""
    passes: List[float] = [one for each in rounds for one in each]
    p50, p90, p99 = (float(value) for value in np.percentile(passes, [50.0, 90.0, 99.0]))
    return Latency(p50, p90, p99, len(passes))


def _rates(rounds: Sequence[Sequence[Sample]]) -> Rates:
    return np.stack([block_rates(samples) for samples in rounds])


def _factor(units: Rates, seed: int) -> float:
    """Return the upper end of the interval over the median; each row of ``units`` is drawn or not as a whole."""
    count = len(units)
    drawn = np.random.default_rng(seed).integers(count, size=(_RESAMPLES, count))
    medians = np.median(units[drawn].reshape(_RESAMPLES, -1), axis=1)
    standard_error = float(np.std(np.log(medians))) * math.sqrt(count / (count - 1))
    return math.exp(standard_error * student_t(count - 1))


def student_t(degrees: int) -> float:
    """Return Student's t for a two-sided 95 % interval, to three digits.

    Args:
        degrees: Of freedom, at least 1.
    """
    return _STUDENT[degrees - 1] if degrees <= len(_STUDENT) else 1.96 + 2.5 / degrees

"""Throughputs that were measured at different moments, brought to one pace of the machine. Pure.

Between the timed blocks of a network a small reference network is timed. Where a machine gets slower, both do; so part
of what blocks differ by is known not to be the network's. As much of it is taken out as the reference explains: with
*y* the logarithm of a block's throughput and *p* that of the reference around it,

    y' = y - share · (p - the median of all p)

where *share* is the slope of *y* over *p* within measurements, over all networks that are compared, between 0 and 1. On
a machine that holds its pace the reference explains nothing: the share comes out near 0, and throughputs stay what they
are. The reference is the same for all, so that it favours none.

Source:
    Control variates: Lavenberg and Welch, "A Perspective on the Use of Control Variables to Increase the Efficiency of
    Monte Carlo Simulations", Management Science 27 (1981), also on the degree of freedom that the slope costs.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from db.bootstrap import Blocks, Floats, Point

#: Where fewer rounds than this are left once each network has its mean, a slope would be a guess.
_FEWEST_DEGREES: Final = 2


class AtOnePace(NamedTuple):
    """Families of networks at one pace.

    Attributes:
        families: Their points.
        share: Of the reference's changes that was taken out, 0 to 1; None where not every block has a reference, or
            there are too few: the points are then as they were.
        widening: By what intervals are to be multiplied, because the slope was estimated from the same rounds.
    """

    families: Sequence[Sequence[Point]]
    share: float | None
    widening: float


def at_one_pace(families: Sequence[Sequence[Point]]) -> AtOnePace:
    """Bring the throughputs of all points to the pace that the machine usually had while they were measured.

    Args:
        families: Points that are compared, measured in one place.
    """
    points = [*itertools.chain.from_iterable(families)]
    degrees = sum(len(point.units) - 1 for point in points if point.measured_repeatedly)
    if degrees < _FEWEST_DEGREES or not all(point.blocks.paces for point in points):
        return AtOnePace(families, None, 1.0)
    paces = [_logarithms(point.blocks.paces) for point in points]
    share = _slope([_logarithms(point.blocks.rates) for point in points], paces)
    usual = float(np.median(np.concatenate(paces)))
    moved = [[_at_pace(point, share, usual) for point in family] for family in families]
    return AtOnePace(moved, share, math.sqrt(degrees / (degrees - 1)))


def _slope(rates: Sequence[Floats], paces: Sequence[Floats]) -> float:
    """Return the slope of rates over paces within measurements, from 0 to 1; 0 where paces do not change."""
    moved = np.concatenate([one - one.mean() for one in paces])
    followed = np.concatenate([one - one.mean() for one in rates])
    changes = float(moved @ moved)
    return min(1.0, max(0.0, float(moved @ followed) / changes)) if changes > 0.0 else 0.0


def _at_pace(point: Point, share: float, usual: float) -> Point:
    """Return a point as it would have been at a pace (logarithm of images per second of the reference)."""
    rates = tuple(
        tuple(rate * math.exp(share * (usual - math.log(pace))) for rate, pace in zip(of_round, paces, strict=True))
        for of_round, paces in zip(point.blocks.rates, point.blocks.paces, strict=True)
    )
    change = _median(rates) / _median(point.blocks.rates)
    return dataclasses.replace(
        point, images_per_second=point.images_per_second * change, blocks=Blocks(rates, point.blocks.paces)
    )


def _median(rounds: Sequence[Sequence[float]]) -> float:
    return float(np.median([*itertools.chain.from_iterable(rounds)]))


def _logarithms(rounds: Sequence[Sequence[float]]) -> Floats:
    return np.log([*itertools.chain.from_iterable(rounds)])

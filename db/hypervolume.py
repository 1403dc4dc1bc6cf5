"""How much of the space of objectives a front covers: the one number by which searches are compared. Pure.

Of two objectives it is the area between the front and a reference that every point is better than, in the product of
their units (percent times images per second, say); of one, the length. It grows with every result that adds to the
front and with no other one.

Source:
    Zitzler and Thiele, "Multiobjective evolutionary algorithms: a comparative case study and the strength Pareto
    approach", IEEE Transactions on Evolutionary Computation 3 (4), 1999.
"""

import bisect
import itertools
from collections.abc import Iterable, Sequence


def hypervolume(points: Iterable[Sequence[float]], reference: Sequence[float]) -> float:
    """Return what points cover above a reference, in the product of the objectives' units.

    Args:
        points: Values of one or two objectives each, more is better; what is not above the reference covers nothing.
        reference: A value per objective.

    Raises:
        ValueError: Not one or two objectives, or points of another number than the reference.
    """
    return sum(_gains(points, reference), 0.0)


def hypervolumes(values: Sequence[Sequence[float]]) -> list[float]:
    """Return what had been covered after each result, as a share of what all together cover.

    The reference is the worst value of each objective among all of them. A result takes the time to find its place on
    the front, however many there are.

    Args:
        values: Results in the order in which they were there: values of one or two objectives, more is better.

    Returns:
        A number from 0 to 1 per result, never falling, the last 1. Where all together cover nothing, as one result
        alone does, all are 1: there was nothing to be gained after the first.

    Raises:
        ValueError: As ``hypervolume``.
    """
    if not values:
        return []
    reference = [min(column) for column in zip(*values, strict=True)]
    covered = list(itertools.accumulate(_gains(values, reference)))
    if covered[-1] <= 0:
        return [1.0] * len(values)
    return [one / covered[-1] for one in covered]


def _gains(points: Iterable[Sequence[float]], reference: Sequence[float]) -> list[float]:
    """Return what each point covers that no point before it does."""
    front = _Staircase()
    above = [_above(point, reference) for point in points]
    if len(reference) == 1:
        return [front.add(1.0, height) for (height,) in above]
    if len(reference) == 2:
        return [front.add(width, height) for width, height in above]
    raise ValueError(f"the hypervolume is for one or two objectives, not {len(reference)}")


def _above(point: Sequence[float], reference: Sequence[float]) -> list[float]:
    return [max(0.0, value - worst) for value, worst in zip(point, reference, strict=True)]


class _Staircase:
    """A front above 0: the wider a step is, the lower."""

    def __init__(self) -> None:
        self._widths: list[float] = []
        self._heights: list[float] = []

    def add(self, width: float, height: float) -> float:
        """Add a point, drop those that it beats, and return the area that it adds."""
        place = bisect.bisect_left(self._widths, width)
        below = self._heights[place] if place < len(self._widths) else 0.0
        if width <= 0 or height <= below:
            return 0.0
        if place < len(self._widths) and self._widths[place] == width:
            self._drop(place)
        gain, right = 0.0, width
        while True:
            left = self._widths[place - 1] if place > 0 else 0.0
            gain += (right - left) * (height - below)
            if place == 0 or self._heights[place - 1] > height:
                break
            place -= 1
            right, below = left, self._heights[place]
            self._drop(place)
        self._widths.insert(place, width)
        self._heights.insert(place, height)
        return gain

    def _drop(self, place: int) -> None:
        del self._widths[place], self._heights[place]

"""How much of the space of objectives a front covers: the one number by which searches are compared. Pure.

Of two objectives it is the area between the front and a reference that every point is better than, in the product of
their units (percent times images per second, say); of one, the length. It grows with every result that adds to the
front and with no other one.

Source:
    Zitzler and Thiele, "Multiobjective evolutionary algorithms: a comparative case study and the strength Pareto
    approach", IEEE Transactions on Evolutionary Computation 3 (4), 1999.
"""

from collections.abc import Iterable, Sequence


def hypervolume(points: Iterable[Sequence[float]], reference: Sequence[float]) -> float:
    """Return what points cover above a reference, in the product of the objectives' units.

    Args:
        points: Values of one or two objectives each, more is better; what is not above the reference covers nothing.
        reference: A value per objective.

    Raises:
        ValueError: Not one or two objectives, or points of another number than the reference.
    """
    above = [_above(point, reference) for point in points]
    if len(reference) == 1:
        return max((height for (height,) in above), default=0.0)
    if len(reference) == 2:
        return _area(above)
    raise ValueError(f"the hypervolume is for one or two objectives, not {len(reference)}")


def hypervolumes(values: Sequence[Sequence[float]]) -> list[float]:
    """Return what had been covered after each result, as a share of what all together cover.

    The reference is the worst value of each objective among all of them.

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
    whole = hypervolume(values, reference)
    if whole <= 0:
        return [1.0] * len(values)
    shares: list[float] = []
    front: list[Sequence[float]] = []
    for value in values:
        if not any(_at_least(other, value) for other in front):
            front = [other for other in front if not _at_least(value, other)] + [value]
        shares.append(hypervolume(front, reference) / whole)
    return shares


def _above(point: Sequence[float], reference: Sequence[float]) -> list[float]:
    return [max(0.0, value - worst) for value, worst in zip(point, reference, strict=True)]


def _area(points: Iterable[list[float]]) -> float:
    """Add up steps from the widest point on: each adds what it is higher than all wider ones."""
    area = highest = 0.0
    for width, height in sorted(points, reverse=True):
        if height > highest:
            area += width * (height - highest)
            highest = height
    return area


def _at_least(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(mine >= theirs for mine, theirs in zip(one, other, strict=True))

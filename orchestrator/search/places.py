"""The points of a space as samplers see them: numbers by their rank, words by themselves.

Ranks keep what a list of numbers says of its order where its steps are unequal (widths 0.25, 0.5 and 1), which Optuna
could only take for a choice among things that have nothing to do with each other.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from db.search_records import TrialRow, Value
from orchestrator.search.space import Axis

Point: TypeAlias = tuple[Value, ...]


class Places:
    """Which points there are, and where they lie.

    Args:
        axes: What is searched.
        points: Values of the axes, in their order; the order of the points does not matter.

    Attributes:
        axes: What samplers are told of: ranks for numbers.
    """

    def __init__(self, axes: Sequence[Axis], points: Collection[Point]) -> None:
        self._given = tuple(axes)
        self._ranks = [{value: rank for rank, value in enumerate(axis.values)} for axis in axes]
        self._points = sorted(points, key=self._ranks_of)
        self.axes = tuple(Axis(axis.name, tuple(range(len(axis.values)))) if _ranked(axis) else axis for axis in axes)

    def params(self, point: Point) -> dict[str, Value]:
        """Return a point's values by axis, as in the file."""
        return {axis.name: value for axis, value in zip(self._given, point, strict=True)}

    def untried(self, trials: Iterable[TrialRow]) -> list[Point]:
        """Return the points that no trial has, in an order that depends on nothing but the axes."""
        tried = {tuple(trial.params.get(axis.name) for axis in self._given) for trial in trials}
        return [point for point in self._points if point not in tried]

    def seen(self, trials: Iterable[TrialRow]) -> list[TrialRow]:
        """Return the trials as samplers see them, numbered anew without those that lie outside of the axes.

        Axes change when somebody changes the file of a search that has trials.
        """
        inside = [
            dataclasses.replace(trial, params=self._seen(trial.params))
            for trial in sorted(trials, key=lambda trial: trial.number)
            if all(trial.params.get(axis.name) in axis.values for axis in self._given)
        ]
        return [dataclasses.replace(trial, number=number) for number, trial in enumerate(inside)]

    def nearest(self, wish: Mapping[str, Value], points: Sequence[Point]) -> Point:
        """Return the point that is nearest to what a sampler wishes for, the first of equals.

        Along numbers the distance is that of the ranks, from 0 to 1; two words are 1 apart.
        """
        return min(points, key=lambda point: self._distance(point, wish))

    def is_at(self, point: Point, wish: Mapping[str, Value]) -> bool:
        """Whether a point is just what a sampler wishes for."""
        return self._seen(self.params(point)) == wish

    def _seen(self, params: Mapping[str, Value]) -> dict[str, Value]:
        ranks = self._ranks_of([params[axis.name] for axis in self._given])
        return {axis.name: axis.values[rank] for axis, rank in zip(self.axes, ranks, strict=True)}

    def _ranks_of(self, values: Sequence[Value]) -> tuple[int, ...]:
        return tuple(ranks[value] for ranks, value in zip(self._ranks, values, strict=True))

    def _distance(self, point: Point, wish: Mapping[str, Value]) -> float:
        total = 0.0
        for axis, shown, rank in zip(self._given, self.axes, self._ranks_of(point), strict=True):
            apart = abs(rank - shown.values.index(wish[axis.name]))
            total += (apart / (len(axis.values) - 1)) ** 2 if _ranked(axis) else float(apart > 0)
        return total


def _ranked(axis: Axis) -> bool:
    return not any(isinstance(value, str | bool) for value in axis.values)

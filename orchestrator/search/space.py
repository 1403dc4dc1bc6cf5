"""What a search may choose: every combination of a sweep's axes that its rules keep, with the jobs of each.

Seeds are no axis: a point is trained with all of them, and its accuracy is that of all together. An axis that another
one determines (the expansion that goes with a group size, lists that advance together) is not searched either.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from db.search_records import Value
from orchestrator.combinations import Combination
from orchestrator.expansion import Test, kept_combinations, training_job
from orchestrator.measurements import measure_jobs
from orchestrator.placement import Place
from orchestrator.source_tree import input_error
from orchestrator.sweep import Sweep
from orchestrator.sweep_spec import AXES
from workers.protocol.jobs import EvaluateJob, Job, MeasureJob, TrainJob

TRAIN_RESOLUTION, TEST_RESOLUTION = "train_resolution", "test_resolution"
#: The test resolution less the train resolution, in pixels; an axis where the file names steps such as ``+32``.
TEST_OFFSET = "test_offset"
FINE_TUNE = "fine_tune_layers"


@dataclass(frozen=True, slots=True)
class Axis:
    """A searched axis.

    Attributes:
        name: As in the sweep file.
        values: More than one, in order.
    """

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to try.

    Attributes:
        values: Of the axes, in their order.
        evaluations: One per seed.
        measurements: Mode → measurement; only of the modes that the search looks at.
    """

    values: tuple[Value, ...]
    evaluations: tuple[EvaluateJob, ...]
    measurements: Mapping[str, MeasureJob]

    @property
    def trainings(self) -> tuple[TrainJob, ...]:
        """One per seed."""
        return tuple(evaluation.training for evaluation in self.evaluations)

    @property
    def test_resolution(self) -> int:
        """In pixels."""
        return self.evaluations[0].test_resolution

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All that it needs; what others depend on comes first."""
        return (*self.measurements.values(), *self.trainings, *self.evaluations)

    def is_done(self, states: Mapping[str, str]) -> bool:
        """Whether all its results are there, by the states of jobs."""
        return all(states.get(job.fingerprint) == "done" for job in self.jobs)


@dataclass(frozen=True, slots=True)
class Space:
    """All that a search may choose.

    Attributes:
        axes: Those that vary and that no other one determines.
        points: Values of the axes → point, in the order of the sweep.
    """

    axes: tuple[Axis, ...]
    points: Mapping[tuple[Value, ...], Point]
    _siblings: Mapping[tuple[TrainJob, ...], Sequence[Point]] = field(repr=False, compare=False)

    def at(self, params: Mapping[str, Value]) -> Point | None:
        """Return the point with these values of the axes; None where there is none (any more)."""
        return self.points.get(tuple(params.get(axis.name, "") for axis in self.axes))

    def params(self, point: Point) -> dict[str, Value]:
        """Return a point's values by axis."""
        return {axis.name: value for axis, value in zip(self.axes, point.values, strict=True)}

    def companions(self, point: Point) -> list[Point]:
        """Return the other tests of a point's trainings, those nearest in test resolution first."""
        others = [one for one in self._siblings[point.trainings] if one.values != point.values]
        return sorted(others, key=lambda one: (abs(one.test_resolution - point.test_resolution), one.test_resolution))


def make_space(sweep: Sweep, modes: Sequence[str], environment_key: str, slot_kind: str = "cpu") -> Space:
    """Collect the points of a sweep that has been expanded without objection.

    Args:
        sweep: The sweep.
        modes: Whose throughput matters.
        environment_key: Where it is measured.
        slot_kind: Kind of that slot.

    Raises:
        InputError: There is nothing to choose.
    """
    cells = [(cell, test) for cell, tests in kept_combinations(sweep) for test in tests]
    chosen = [_values(cell, test, relative=_is_relative(sweep), words=_has_own_sizes(cells)) for cell, test in cells]
    names = _searched(chosen)
    if not names:
        message = "every axis has one value, so there is nothing to search: give lists in grid, or ranges in axes"
        raise input_error([sweep.document.problem(("search",), message)])
    place = Place(slot_kind, environment_key)
    points: dict[tuple[Value, ...], Point] = {}
    for (cell, test), values in zip(cells, chosen, strict=True):
        key = tuple(values[name] for name in names)
        points[key] = _with_seed(points.get(key), _point(sweep, key, cell, test, modes, place))
    axes = tuple(Axis(name, _ordered([values[name] for values in chosen])) for name in names)
    return Space(axes, points, _by_training(points.values()))


def _by_training(points: Any) -> Mapping[tuple[TrainJob, ...], Sequence[Point]]:
    siblings: defaultdict[tuple[TrainJob, ...], list[Point]] = defaultdict(list)
    for point in points:
        siblings[point.trainings].append(point)
    return siblings


def _is_relative(sweep: Sweep) -> bool:
    return all(isinstance(test, str) and test.startswith("+") for test in sweep.spec.test_resolution)


def _has_own_sizes(cells: Sequence[tuple[Combination, Test]]) -> bool:
    """Whether ``native`` or ``half`` mean several numbers, so that the words tell more than pixels."""
    written = [cell for cell, _ in cells if isinstance(cell.written[TRAIN_RESOLUTION], str)]
    return len({cell.values["native_resolution"] for cell in written}) > 1


def _values(cell: Combination, test: Test, *, relative: bool, words: bool) -> dict[str, Value]:
    """Return the values of every axis that a search may have."""
    values = {axis: cell.written[axis] for axis in AXES if axis not in {"seed", "expansion"}}
    values["expansion"] = cell.variant.expansion
    if not words:
        values[TRAIN_RESOLUTION] = cell.train_resolution
    pixels, arm = test
    if relative:
        values[TEST_OFFSET] = pixels - cell.train_resolution
    else:
        values[TEST_RESOLUTION] = pixels
    values[FINE_TUNE] = arm.layers
    return values


def _searched(chosen: Sequence[Mapping[str, Value]]) -> list[str]:
    """Return the axes that vary, less those that an earlier one determines."""
    names: list[str] = []
    for name in chosen[0]:
        varies = len({values[name] for values in chosen}) > 1
        if varies and not any(_determines(other, name, chosen) for other in names):
            names.append(name)
    return names


def _determines(one: str, other: str, chosen: Sequence[Mapping[str, Value]]) -> bool:
    pairs = {(values[one], values[other]) for values in chosen}
    return len(pairs) == len({first for first, _ in pairs})


def _ordered(values: Sequence[Value]) -> tuple[Value, ...]:
    """Return each value once: numbers ascending, words as they come."""
    once = list(dict.fromkeys(values))
    numbers = [value for value in once if isinstance(value, int | float) and not isinstance(value, bool)]
    return tuple(sorted(numbers)) if len(numbers) == len(once) else tuple(once)


def _point(
    sweep: Sweep, key: tuple[Value, ...], cell: Combination, test: Test, modes: Sequence[str], place: Place
) -> Point:
    pixels, arm = test
    recipe = sweep.spec.recipe_record
    measured = {job.mode: job for job in measure_jobs(sweep, cell, [pixels], place, recipe)}
    return Point(
        values=key,
        evaluations=(EvaluateJob(training_job(sweep, cell, recipe), pixels, arm),),
        measurements={mode: measured[mode] for mode in modes},
    )


def _with_seed(known: Point | None, new: Point) -> Point:
    """Join the trainings of one point with different seeds."""
    if known is None:
        return new
    together = dict.fromkeys((*known.evaluations, *new.evaluations))
    return dataclasses.replace(known, evaluations=tuple(together))

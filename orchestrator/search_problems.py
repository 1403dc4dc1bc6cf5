"""What only several keys of a search together tell, and what its ranges stand for."""

from collections.abc import Iterator
from typing import Any

from orchestrator.search_section import SPEEDUP, THROUGHPUTS, TOP1, SearchAxes, SearchSection, TestRange, TrainRange
from orchestrator.source_tree import KeyPath, Problem
from orchestrator.sweep_file import Document
from orchestrator.sweep_spec import SweepSpec

_SEARCH = "search"
#: Total stride of the networks, which train and test resolutions best agree on (arXiv 2106.03640, section 3.3).
STRIDE, SMALL_STRIDE = 32, 8
#: Steps of the test resolution above the train resolution that are tried if the file names none.
_TEST_STEPS = 2


def search_problems(spec: SweepSpec, document: Document) -> Iterator[Problem]:
    """Find what contradicts itself in a search.

    Args:
        spec: The sweep, its ranges as written.
        document: The file, for the lines of problems.
    """
    search = spec.search
    if search is None:
        return
    for path, message in (
        *_range_problems(search),
        *_objective_problems(search),
        *_measure_problems(spec, search),
        *_pruner_problems(spec, search),
    ):
        yield document.problem((_SEARCH, *path), message)


def with_ranges(spec: SweepSpec) -> SweepSpec:
    """Write a search's ranges, and the resolutions that it looks at by default, as lists of the sweep."""
    search = spec.search
    if search is None:
        return spec
    changes: dict[str, Any] = {}
    zipped = {axis for group in spec.zip for axis in group.model_fields_set}
    if search.axes.train_resolution is not None:
        changes["grid"] = spec.grid.model_copy(update={"train_resolution": search.axes.train_resolution.values})
    elif spec.grid.train_resolution is None and "train_resolution" not in zipped:
        changes["grid"] = spec.grid.model_copy(update={"train_resolution": ("half", "native")})
    if search.axes.test_resolution is not None:
        changes["test_resolution"] = search.axes.test_resolution.values
    elif "test_resolution" not in spec.model_fields_set:
        stride = SMALL_STRIDE if spec.model.small_images == (True,) else STRIDE
        changes["test_resolution"] = tuple(f"+{step * stride}" for step in range(_TEST_STEPS + 1))
    return spec.model_copy(update=changes)


Found = Iterator[tuple[KeyPath, str]]


def _range_problems(search: SearchSection) -> Found:
    for name in ("train_resolution", "test_resolution"):
        found: TrainRange | TestRange | None = getattr(search.axes, name)
        if found is None:
            continue
        if isinstance(found.low, str) != isinstance(found.high, str):
            message = "low and high are written alike: both in pixels, or both as steps from the train resolution (+0)"
            yield ("axes", name, "high"), message
        elif int(found.low) > int(found.high):
            yield ("axes", name, "high"), f"{found.high} is below low, {found.low}"


def _objective_problems(search: SearchSection) -> Found:
    objectives, floors = search.objectives, search.at_least.named
    if len(set(objectives)) < len(objectives):
        yield ("objectives",), "names an objective twice"
    elif len(objectives) > 2:
        yield ("objectives",), f"{len(objectives)} objectives: one or two, the others as at_least"
    if SPEEDUP in objectives and len(objectives) > 1:
        yield ("objectives",), "speedup is at equal accuracy, so it stands alone"
    if (SPEEDUP in objectives) != (search.speedup is not None):
        missing = "missing: over which baseline" if search.speedup is None else "has no effect: speedup is no objective"
        yield ("speedup",), missing
    if TOP1 not in {*objectives, *floors} and SPEEDUP not in objectives:
        message = "asks for no accuracy, so the smallest network at the smallest resolution would win: add top1 here"
        yield ("objectives",), f"{message}, or a floor (at_least: {{top1: …}})"
    for name in objectives:
        if name in floors and len(objectives) == 1:
            yield ("at_least", name), f"{name} is the one objective, which a floor cannot change: leave it out"
    ceiling = floors.get(TOP1)
    if ceiling is not None and ceiling > search.top1_ceiling:
        yield ("at_least", TOP1), f"{ceiling:g} is above top1_ceiling, {search.top1_ceiling:g}: nothing could meet it"
    budget = search.budget
    if budget.trials is budget.slot_hours is budget.hours is None:
        yield ("budget",), "names none of trials, slot_hours and hours"


def _measure_problems(spec: SweepSpec, search: SearchSection) -> Found:
    if not spec.trains:
        yield (), "a search trains networks, but recipe is none"
    present = spec.measure.modes if spec.measure else ()
    for mode in search.modes:
        if mode not in present:
            wanting = next(name for name, its_mode in THROUGHPUTS.items() if its_mode == mode)
            where = "measure is off" if spec.measure is None else f"measure.modes has no {mode}"
            yield ("objectives",), f"{wanting} has to be measured, but {where}"


def _pruner_problems(spec: SweepSpec, search: SearchSection) -> Found:
    if search.pruner is None:
        return
    if search.objectives != (TOP1,):
        yield (
            ("pruner",),
            "a front needs every result: trainings are pruned only where top1 is the one objective",
        )
    if spec.dataset.validation_images == 0:
        yield ("pruner",), "looks at held-out images, but dataset.validation_images is 0"
    if spec.recipe is not None and spec.recipe_record.epochs < 2:
        yield ("pruner",), "has nothing to stop in a training of one epoch"


def places_of_axes(search: Any) -> dict[str, KeyPath]:
    """Return where a search's ranges stand: axis → path. ``search`` is the section as plain data."""
    axes = search.get("axes") if isinstance(search, dict) else None
    known = axes if isinstance(axes, dict) else {}
    return {axis: (_SEARCH, "axes", axis) for axis in SearchAxes.model_fields if axis in known}

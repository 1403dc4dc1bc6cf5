"""A search as the store keeps it: from the file's section to plain settings, and back to what was looked for."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from db.errors import DatabaseMissingError, FilterError
from db.reader import open_reader
from orchestrator.search.goal import Goal
from orchestrator.search.space import Axis
from orchestrator.source_tree import input_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.front_views import Mode
    from orchestrator.search.space import Space
    from orchestrator.search_section import SearchSection, SpeedupSection
    from orchestrator.sweep import Sweep
    from workers.protocol.orders import Environment

#: What a baseline has in common with what it is compared with.
_PLACE = ("dataset", "slot_kind", "device", "threads")


def settings_of(section: SearchSection, space: Space, goal: Goal) -> dict[str, Any]:
    """Return what the store keeps of a search."""
    return {
        **goal.to_json(),
        "axes": [{"name": axis.name, "values": list(axis.values)} for axis in space.axes],
        "points": len(space.points),
        "sampler": section.sampler_name,
        "seed": section.seed,
        "budget": section.budget.model_dump(),
        "companions": section.companions,
        "pruner": section.pruner,
    }


def axes_of(settings: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Return the axes of a stored search."""
    return tuple(Axis(axis["name"], tuple(axis["values"])) for axis in settings["axes"])


def goal_of(section: SearchSection, sweep: Sweep, url: str, environment: Environment) -> Goal:
    """Return what a search looks for; the results that a speed-up is over are read from the database now.

    Raises:
        InputError: The baseline cannot be understood, or nothing like it is stored.
    """
    return Goal(
        objectives=section.objectives,
        floors=section.at_least.named,
        top1_ceiling=section.top1_ceiling,
        mode=section.speedup.mode if section.speedup else "",
        baseline=_baseline(section.speedup, sweep, url, environment) if section.speedup else (),
    )


def with_stored_baseline(goal: Goal, settings: Mapping[str, Any]) -> Goal:
    """Return the goal of a search that is gone on with: over the baseline that its first trials were compared with."""
    return dataclasses.replace(goal, baseline=tuple((top1, rate) for top1, rate in settings["baseline"]))


def _baseline(
    speedup: SpeedupSection, sweep: Sweep, url: str, environment: Environment
) -> tuple[tuple[float, float], ...]:
    path = ("search", "speedup", "baseline")
    mode: Mode = "train" if speedup.mode == "train" else "inference"
    try:
        with contextlib.closing(open_reader(url)) as reader:
            rows = reader.points(mode, "all", filter_text=speedup.baseline)
    except DatabaseMissingError:
        rows = []
    except FilterError as error:
        raise input_error([sweep.document.problem(path, str(error))]) from error
    here = (sweep.dataset.name, environment.slot_kind, environment.device, environment.threads)
    mine = [row for row in rows if tuple(row[name] for name in _PLACE) == here and row["source"] == "measured"]
    points = tuple((_top1(row), row["images_per_second"]) for row in mine if row["images_per_second"])
    if not points:
        message = (
            "no stored result of this data set, cleanly measured on this slot, is like that: launch a sweep with some"
        )
        raise input_error([sweep.document.problem(path, message)])
    return points


def _top1(row: Mapping[str, Any]) -> float:
    """Return the accuracy that searches look at: of the held-out images where there are some."""
    held_out = row["validation_top1_mean"]
    return float(row["top1_mean"] if held_out is None else held_out)

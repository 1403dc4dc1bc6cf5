"""What a search could choose, before anything runs: the space, what of it is stored, and what all of it would cost."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db.errors import DatabaseMissingError
from db.reader import open_reader
from orchestrator.launching import plan_sweep
from orchestrator.search.running import section_of, space_of
from orchestrator.sweep import load_sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.launching import LaunchOptions
    from orchestrator.planning import Plan
    from orchestrator.search.space import Space
    from orchestrator.search_section import SearchSection


@dataclass(frozen=True, slots=True)
class Preview:
    """What a search could choose.

    Attributes:
        section: What the file says of it.
        space: The points.
        stored: How many of them cost nothing.
        plan: What a sweep over all of them would do.
    """

    section: SearchSection
    space: Space
    stored: int
    plan: Plan

    def to_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "points": len(self.space.points),
            "stored": self.stored,
            "trainings": len({training for point in self.space.points.values() for training in point.trainings}),
            "axes": {axis.name: list(axis.values) for axis in self.space.axes},
            "objectives": list(self.section.objectives),
            "sampler": self.section.sampler_name,
            "all_of_it": self.plan.to_json(),
        }

    def lines(self) -> Sequence[str]:
        """Return it for a person."""
        told = self.to_json()
        seconds = self.plan.predicted_seconds
        rest = "" if seconds is None else f"; about {max(1, round(seconds / 60))} min for all that is not done"
        floors = "".join(f", {name} at least {value:g}" for name, value in self.section.at_least.named.items())
        return (
            f"{told['points']} points, {self.stored} of them stored; {told['trainings']} trainings in all{rest}",
            *(f"  {name}: {', '.join(map(str, values))}" for name, values in told["axes"].items()),
            f"looking for {' and '.join(self.section.objectives)}{floors}, proposed by {self.section.sampler_name}",
        )


def preview(options: LaunchOptions) -> Preview:
    """Say what a search could choose; writes nothing, not even a database.

    Raises:
        OrchestratorError: The file or the slots forbid it.
        StoreError: The database does.
    """
    section = section_of(load_sweep(options.sweep_file, options.overrides))  # before slots are looked at
    sweep, capacity, plan = plan_sweep(options)
    space = space_of(sweep, capacity, allow_many=options.allow_many)
    return Preview(section, space, _stored(options.url, space), plan)


def _stored(url: str, space: Space) -> int:
    fingerprints = {job.fingerprint for point in space.points.values() for job in point.jobs}
    try:
        with contextlib.closing(open_reader(url)) as reader:
            states = reader.job_states(sorted(fingerprints))
    except DatabaseMissingError:
        return 0
    return sum(point.is_done(states) for point in space.points.values())

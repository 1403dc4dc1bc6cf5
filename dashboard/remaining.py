"""How long a sweep has still to go, from how long its jobs took so far. Pure."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from db.records import JobRow
from db.tallies import Tally

_OPEN: Final = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of a sweep.

    Attributes:
        seconds: Wall time of the open jobs whose stage has an example.
        unknown: Stages with open jobs of which none is done yet.
    """

    seconds: float
    unknown: tuple[str, ...]


def remaining(tallies: Sequence[Tally], running: Sequence[JobRow], now: dt.datetime) -> Remaining:
    """Predict from the mean over the finished jobs of each stage.

    Measurements run one at a time, everything else on as many slots as are busy now.

    Args:
        tallies: All jobs of the sweep.
        running: Those that run.
        now: The time, aware.
    """
    slots = max(1, len({job.slot for job in running}))
    examples = {one.stage: one.mean_seconds for one in tallies if one.state == "done"}
    seconds, unknown = 0.0, []
    for stage in dict.fromkeys(one.stage for one in tallies):
        waiting = sum(one.jobs for one in tallies if one.stage == stage and one.state in _OPEN)
        mean = examples.get(stage)
        if waiting and mean is None:
            unknown.append(stage)
        elif waiting and mean is not None:
            gone = sum(_gone(job, mean, now) for job in running if job.stage == stage)
            seconds += (waiting * mean - gone) / (1 if stage == "measure" else slots)
    return Remaining(seconds, tuple(unknown))


def _gone(job: JobRow, mean: float, now: dt.datetime) -> float:
    """Return how much of the mean a running job has behind it, seconds."""
    return 0.0 if job.started_at is None else min(mean, (now - job.started_at).total_seconds())

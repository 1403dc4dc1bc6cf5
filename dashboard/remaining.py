"""How long a sweep has still to go, from how long its jobs took so far. Pure."""

import datetime as dt
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from db.records import JobRow

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


def remaining(jobs: Sequence[JobRow], now: dt.datetime) -> Remaining:
    """Predict from the mean over the finished jobs of each stage.

    Measurements run one at a time, everything else on as many slots as are busy now.

    Args:
        jobs: All jobs of the sweep.
        now: The time, aware.
    """
    slots = max(1, len({job.slot for job in jobs if job.slot is not None}))
    seconds, unknown = 0.0, []
    for stage in dict.fromkeys(job.stage for job in jobs):
        members = [job for job in jobs if job.stage == stage]
        waiting = [job for job in members if job.state in _OPEN]
        examples = [_seconds(job) for job in members if job.state == "done"]
        known = [example for example in examples if example is not None]
        if waiting and not known:
            unknown.append(stage)
        elif waiting:
            mean = statistics.fmean(known)
            seconds += sum(_left(job, mean, now) for job in waiting) / (1 if stage == "measure" else slots)
    return Remaining(seconds, tuple(unknown))


def _seconds(job: JobRow) -> float | None:
    if job.started_at is None or job.finished_at is None:
        return None
    return (job.finished_at - job.started_at).total_seconds()


def _left(job: JobRow, mean: float, now: dt.datetime) -> float:
    if job.state != "running" or job.started_at is None:
        return mean
    return max(0.0, mean - (now - job.started_at).total_seconds())

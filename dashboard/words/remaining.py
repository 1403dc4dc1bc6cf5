"""How long a sweep has still to go, from the store's counts of its jobs. Pure."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from db.records import JobRow
from db.remaining import Remaining, StageLeft
from db.remaining import remaining as predicted
from db.sweep_progress import Rounds
from db.tallies import Tally

_OPEN: Final = ("queued", "running")


def remaining(
    tallies: Sequence[Tally],
    running: Sequence[JobRow],
    now: dt.datetime,
    *,
    slots: int = 0,
    rounds: Rounds | None = None,
) -> Remaining:
    """Predict from the finished jobs of each stage.

    Measurements run one at a time, everything else on all slots that are known.

    Args:
        tallies: All jobs of the sweep.
        running: Those that run.
        now: The time, aware.
        slots: How many are known; as many as are busy, if there are more of these.
        rounds: Of the measurements that are not complete.
    """
    at_once = max(1, slots, len({job.slot for job in running}))
    stages = dict.fromkeys(one.stage for one in tallies)
    return predicted(_left(stage, tallies, running, now, at_once, rounds) for stage in stages)


def _left(
    stage: str,
    tallies: Sequence[Tally],
    running: Sequence[JobRow],
    now: dt.datetime,
    slots: int,
    rounds: Rounds | None,
) -> StageLeft:
    jobs = sum(one.jobs for one in tallies if one.stage == stage and one.state in _OPEN)
    done = next((one for one in tallies if one.stage == stage and one.state == "done"), None)
    examples = done.jobs if done else 0
    mean = done.mean_seconds if done else None
    deviation = done.deviation_seconds if done else None
    attempts = float(jobs)
    if stage == "measure" and rounds is not None and mean is None:
        # No measurement is complete before the last round of all: what rounds took tells how long the others will.
        examples, mean, deviation = rounds.done, rounds.mean_seconds, rounds.deviation_seconds
        attempts = jobs * rounds.wanted - rounds.done
    elif stage == "measure" and rounds is not None:
        attempts -= rounds.done / rounds.wanted
    if mean:
        attempts -= sum(_gone(job, mean, now) / mean for job in running if job.stage == stage)
    return StageLeft(
        stage=stage,
        attempts=max(0.0, attempts),
        examples=examples,
        mean_seconds=mean,
        deviation_seconds=deviation,
        slots=1 if stage == "measure" else slots,
    )


def _gone(job: JobRow, mean: float, now: dt.datetime) -> float:
    """Return how much of the mean a running job has behind it, seconds."""
    return 0.0 if job.started_at is None else min(mean, (now - job.started_at).total_seconds())

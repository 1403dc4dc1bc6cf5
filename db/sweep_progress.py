"""What a sweep is doing now: its slots, what happened last, how far its measurements are.

However many jobs there are, what is asked again and again looks at those that changed last.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Select, and_, case, false, func, select

from db.derived_tables import result_points
from db.tables import attempts, environments, jobs, measurement_rounds, measurements, sweep_jobs
from db.tallies import seconds_between

#: Jobs of all sweeps, those that changed last, among which slots and events are looked for.
_RECENT: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRow:
    """The last attempt of a slot.

    Attributes:
        node: Its machine.
        slot: Its name there.
        device: Model name of its processor or accelerator; None where it is not known.
        threads: That it computes with.
        fingerprint: The job; ``stage`` and ``label`` are the job's too.
        attempt: Its number.
        started_at: When it began.
        ended_at: None while it runs. A slot has been idle since then.
        outcome: How it ended; None while it runs.
        progress: Fraction done of the running attempt, 0 to 1.
        progress_text: What it says of itself.
    """

    node: str
    slot: str
    device: str | None
    threads: int | None
    fingerprint: str
    stage: str
    label: str
    attempt: int
    started_at: dt.datetime
    ended_at: dt.datetime | None
    outcome: str | None
    progress: float
    progress_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """The last change of a job that was tried and does not run.

    Attributes:
        at: When.
        state: What the job is now; ``queued`` after a round of a measurement, or before another try.
        outcome: How its last attempt ended.
        message: What that one reported; for a job nobody could run, why.
    """

    at: dt.datetime
    fingerprint: str
    stage: str
    label: str
    state: str
    attempt: int
    node: str | None
    slot: str | None
    outcome: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Rounds of the measurements that are not complete.

    Attributes:
        wanted: Rounds of each measurement.
        done: How many there are, over all of them.
        mean_seconds: How long each took; None if there is none.
        deviation_seconds: Their standard deviation.
    """

    wanted: int
    done: int
    mean_seconds: float | None
    deviation_seconds: float | None


class SweepProgress:
    """Reads how far one sweep is.

    Args:
        rows: Returns the rows of a query, in a transaction of its own.
        sweep_id: The sweep.
    """

    def __init__(self, rows: Callable[[Select[Any]], list[dict[str, Any]]], sweep_id: int) -> None:
        self._rows = rows
        self._mine = sweep_jobs.c.sweep_id == sweep_id
        self._sweep_id = sweep_id

    def slots(self, driver_id: str) -> list[SlotRow]:
        """Return the slots that did, for a driver, one of the jobs that changed last, with what they do or last did."""
        recent = _recent()
        newest = (
            select(
                *(attempts.c[name] for name in ("node", "slot", "attempt", "started_at", "ended_at", "outcome")),
                *(jobs.c[name] for name in ("fingerprint", "stage", "label")),
                _of_the_running(jobs.c.progress, 0.0).label("progress"),
                _of_the_running(jobs.c.progress_text, "").label("progress_text"),
                environments.c.device,
                environments.c.threads,
                func.row_number()
                .over(
                    partition_by=[attempts.c.node, attempts.c.slot],
                    order_by=[attempts.c.started_at.desc(), attempts.c.fingerprint],
                )
                .label("place"),
            )
            .join_from(recent, jobs, jobs.c.fingerprint == recent.c.fingerprint)
            .join(attempts, attempts.c.fingerprint == jobs.c.fingerprint)
            .outerjoin(environments, environments.c.environment_key == attempts.c.environment_key)
            .where(attempts.c.driver_id.concat("") == driver_id)  # its index would find all of them
            .subquery()
        )
        columns = [column for column in newest.c if column.name != "place"]
        query = select(*columns).where(newest.c.place == 1)
        return sorted((SlotRow(**row) for row in self._rows(query)), key=lambda one: (one.node, one.slot))

    def events(self, limit: int) -> list[EventRow]:
        """Return what happened last, the newest first."""
        found = self._rows(self._events(limit, _recent()))
        if len(found) < limit:  # others have changed since, or there are not more
            found = self._rows(self._events(limit, None))
        return [EventRow(**row) for row in found]

    def _events(self, limit: int, among: CTE | None) -> Select[Any]:
        last = and_(attempts.c.fingerprint == jobs.c.fingerprint, attempts.c.attempt == jobs.c.attempt)
        query = (
            select(
                jobs.c.changed_at.label("at"),
                *(jobs.c[name] for name in ("fingerprint", "stage", "label", "state", "attempt")),
                attempts.c.node,
                attempts.c.slot,
                attempts.c.outcome,
                func.coalesce(func.nullif(attempts.c.message, ""), jobs.c.reason).label("message"),
            )
            .join_from(jobs, sweep_jobs, and_(sweep_jobs.c.fingerprint == jobs.c.fingerprint, self._mine))
            .outerjoin(attempts, last)
            .where(jobs.c.state != "running", jobs.c.attempt >= 1)
            .order_by(jobs.c.changed_at.desc(), jobs.c.fingerprint)
            .limit(limit)
        )
        return query if among is None else query.join(among, among.c.fingerprint == jobs.c.fingerprint)

    def states(self) -> dict[str, int]:
        """Return how many jobs are in which state."""
        count = func.count().label("jobs")
        query = self._of_jobs(jobs.c.state, count).group_by(jobs.c.state).order_by(jobs.c.state)
        return {row["state"]: row["jobs"] for row in self._rows(query)}

    def changed_at(self) -> dt.datetime | None:
        """Return when one of its jobs changed last; None if it has none."""
        found: dt.datetime | None = self._rows(self._of_jobs(func.max(jobs.c.changed_at).label("at")))[0]["at"]
        return found

    def _of_jobs(self, *columns: ColumnElement[Any]) -> Select[Any]:
        return select(*columns).join(sweep_jobs, sweep_jobs.c.fingerprint == jobs.c.fingerprint).where(self._mine)

    def best_top1(self) -> float | None:
        """Return the highest top-1 of its configurations, percent; None before the first result."""
        best = func.max(result_points.c.top1_mean).label("best")
        found: float | None = self._rows(select(best).where(result_points.c.sweep_id == self._sweep_id))[0]["best"]
        return found

    def rounds(self) -> Rounds:
        """Return how far the measurements are that wait for further rounds."""
        took = seconds_between(attempts.c.started_at, attempts.c.ended_at)
        its = and_(
            attempts.c.fingerprint == measurements.c.fingerprint, attempts.c.attempt == measurement_rounds.c.attempt
        )
        query = (
            select(
                func.count().label("done"), func.avg(took).label("mean_seconds"), func.avg(took * took).label("squares")
            )
            .join_from(measurements, sweep_jobs, sweep_jobs.c.fingerprint == measurements.c.fingerprint)
            .join(measurement_rounds, measurement_rounds.c.measurement_id == measurements.c.measurement_id)
            .join(attempts, its)
            .where(self._mine, measurements.c.complete == false())
        )
        (row,) = self._rows(query)
        mean, squares = row["mean_seconds"], row["squares"]
        deviation = None if mean is None else max(0.0, squares - mean * mean) ** 0.5
        return Rounds(wanted=self._rounds_wanted(), done=row["done"], mean_seconds=mean, deviation_seconds=deviation)

    def _rounds_wanted(self) -> int:
        """Return how many rounds each measurement has: as many as the last of them, since all have the same."""
        query = (
            select(jobs.c.config)
            .join(sweep_jobs, sweep_jobs.c.fingerprint == jobs.c.fingerprint)
            .where(self._mine, jobs.c.stage == "measure")
            .order_by(sweep_jobs.c.ordinal.desc())
            .limit(1)
        )
        found = self._rows(query)
        return int(found[0]["config"].get("rounds", 1)) if found else 1


def _recent() -> CTE:
    """Query the jobs that changed last."""
    return select(jobs.c.fingerprint).order_by(jobs.c.changed_at.desc()).limit(_RECENT).cte("recent")


def _of_the_running(column: ColumnElement[Any], otherwise: Any) -> ColumnElement[Any]:
    """Return a job's column where the attempt is the one that runs."""
    runs = and_(jobs.c.state == "running", attempts.c.attempt == jobs.c.attempt)
    return case((runs, column), else_=otherwise)

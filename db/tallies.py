"""How many jobs of a sweep are in which state, and how long they took: what a page shows of a hundred thousand jobs."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from db.tables import attempts, jobs, measurement_rounds, measurements, sweep_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The jobs of one stage that are in one state.

    Attributes:
        jobs: Their number.
        mean_seconds: How long those took that have ended: the last attempt of each, of a measurement all of its
            rounds. None if none has ended.
        mean_square_seconds: The mean of its square, which tells by how much they differ.
    """

    stage: str
    state: str
    jobs: int
    mean_seconds: float | None
    mean_square_seconds: float | None = None

    @property
    def deviation_seconds(self) -> float | None:
        """Standard deviation of how long they took; None where it is not known."""
        if self.mean_seconds is None or self.mean_square_seconds is None:
            return None
        return float(max(0.0, self.mean_square_seconds - self.mean_seconds**2) ** 0.5)


class seconds_between(GenericFunction[float]):  # noqa: N801  # a function of SQL
    """Seconds from one time to a later one, on either engine."""

    type = Double()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _on_sqlite(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _on_postgres(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM {end} - {start}) AS DOUBLE PRECISION)"


def tallies(sweep_id: int) -> Select[Any]:
    """Query the fields of ``Tally`` of every stage and state in which the sweep has jobs."""
    last_attempt = seconds_between(jobs.c.started_at, jobs.c.finished_at)
    took = case((jobs.c.stage == "measure", func.coalesce(_all_rounds(), last_attempt)), else_=last_attempt)
    each = (
        select(jobs.c.stage, jobs.c.state, case((jobs.c.finished_at.is_not(None), took)).label("took"))
        .join(sweep_jobs, sweep_jobs.c.fingerprint == jobs.c.fingerprint)
        .where(sweep_jobs.c.sweep_id == sweep_id)
        .subquery()
    )
    return (
        select(
            each.c.stage,
            each.c.state,
            func.count().label("jobs"),
            func.avg(each.c.took).label("mean_seconds"),
            func.avg(each.c.took * each.c.took).label("mean_square_seconds"),
        )
        .group_by(each.c.stage, each.c.state)
        .order_by(each.c.stage, each.c.state)
    )


def _all_rounds() -> ColumnElement[float]:
    """How long the rounds of a job's newest measurement took together; NULL if it has none."""
    newest = select(func.max(measurements.c.measurement_id)).where(measurements.c.fingerprint == jobs.c.fingerprint)
    rounds = measurement_rounds.c
    its_attempt = (attempts.c.fingerprint == jobs.c.fingerprint) & (attempts.c.attempt == rounds.attempt)
    return (
        select(func.sum(seconds_between(attempts.c.started_at, attempts.c.ended_at)))
        .join_from(measurement_rounds, attempts, its_attempt)
        .where(rounds.measurement_id == newest.correlate(jobs).scalar_subquery())
        .correlate(jobs)
        .scalar_subquery()
    )

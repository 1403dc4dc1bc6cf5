"""What the files of trainings are needed for: which attempts left them, and who asks for them.

A training's weights are kept for its open evaluations and while the network lies on a front or may still come to one;
its resume points until it has ended. Which files these are is the caller's knowledge: here are only rows.
"""

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, func, or_, select

from db import fronts
from db.front_views import MODES, SCENARIOS
from db.tables import attempts, evaluations, jobs, sweep_jobs, sweeps, trainings
from db.variant_results_view import TESTED, TRAINED
from db.views import INFERENCE_FRONT, TRAINING_FRONT, VARIANT_RESULTS

#: An evaluation in one of these needs no weights any more; in every other it may run, if only after ``retry``.
_DECIDED: Final = ("done", "diverged")
#: Parameters per statement; the smallest limit of the supported engines is 32766.
_CHUNK: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainAttempt:
    """One try at a training, and what its files may be needed for.

    Attributes:
        label: The job's short name for people.
        state: The job's, not the attempt's.
        outcome: How the attempt ended; None while it runs.
        directory: Where it wrote.
        last_at: When it ended, or began if it has not ended.
        is_result: Its weights are those that the training's result names.
        has_result: The training has a result, of whichever attempt.
        open_evaluations: Evaluations of the training that are not done (nor diverged), asked for by a sweep or not.
        holders: Drivers, not known to have ended, that run a sweep which asks for the training.
    """

    fingerprint: str
    attempt: int
    label: str
    state: str
    outcome: str | None
    directory: str
    last_at: dt.datetime
    is_result: bool
    has_result: bool
    open_evaluations: int
    holders: frozenset[str]


def train_attempts(connection: Connection, fingerprint: str | None = None) -> list[TrainAttempt]:
    """Return the attempts at one training, or at all of them; an attempt after those before it."""
    holders = _holders(connection, fingerprint)
    found = []
    for row in connection.execute(_attempts_query(fingerprint)).mappings():
        values = {key: row[key] for key in row if key != "result_attempt"}
        found.append(
            TrainAttempt(
                **values,
                is_result=row["attempt"] == row["result_attempt"],
                has_result=row["result_attempt"] is not None,
                holders=frozenset(holders[row["fingerprint"]]),
            )
        )
    return found


def _attempts_query(fingerprint: str | None) -> Select[Any]:
    evaluation = jobs.alias("evaluation")
    open_evaluations = (
        select(func.count())
        .where(evaluation.c.depends_on == jobs.c.fingerprint, evaluation.c.state.not_in(_DECIDED))
        .scalar_subquery()
    )
    query = (
        select(
            jobs.c.fingerprint,
            attempts.c.attempt,
            jobs.c.label,
            jobs.c.state,
            attempts.c.outcome,
            attempts.c.directory,
            func.coalesce(attempts.c.ended_at, attempts.c.started_at).label("last_at"),
            trainings.c.attempt.label("result_attempt"),
            open_evaluations.label("open_evaluations"),
        )
        .join_from(jobs, attempts, attempts.c.fingerprint == jobs.c.fingerprint)
        .outerjoin(trainings, trainings.c.fingerprint == jobs.c.fingerprint)
        .where(jobs.c.stage == "train")
        .order_by(jobs.c.fingerprint, attempts.c.attempt)
    )
    return query if fingerprint is None else query.where(jobs.c.fingerprint == fingerprint)


def _holders(connection: Connection, fingerprint: str | None) -> Mapping[str, set[str]]:
    """Fingerprint → the drivers that hold a sweep which asks for this training."""
    query = (
        select(sweep_jobs.c.fingerprint, sweeps.c.driver_id)
        .join_from(sweep_jobs, sweeps, sweeps.c.sweep_id == sweep_jobs.c.sweep_id)
        .where(sweeps.c.driver_id.is_not(None))
    )
    if fingerprint is not None:
        query = query.where(sweep_jobs.c.fingerprint == fingerprint)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for job, driver_id in connection.execute(query).tuples():
        found[job].add(driver_id)
    return found


def trainings_on_fronts(connection: Connection) -> set[str]:
    """Return the trainings (every seed) whose network lies on a front.

    The fronts of all results and those of each sweep alone, of both modes and all scenarios, on every device.
    """
    return _trained(connection, _fronts(connection))


def trainings_yet_to_compete(connection: Connection) -> set[str]:
    """Return the trainings whose network may still come to a front, because its throughput is not settled.

    What was measured of it is noisy, or no front takes it, or a sweep that asks for it has a measurement to do.
    """
    open_measurement = (
        select(sweep_jobs.c.sweep_id)
        .join(jobs, jobs.c.fingerprint == sweep_jobs.c.fingerprint)
        .where(jobs.c.stage == "measure", jobs.c.state.not_in(_DECIDED))
    )
    asked_for = select(sweep_jobs.c.fingerprint).where(sweep_jobs.c.sweep_id.in_(open_measurement))
    v = VARIANT_RESULTS.c
    unsettled = v.train_verdict != "clean", v.inference_verdict != "clean"
    to_repeat = select(*(v[name] for name in TESTED)).where(v.source == "measured", or_(*unsettled)).distinct()
    return {*connection.execute(asked_for).scalars(), *_trained(connection, [to_repeat])}


def _trained(connection: Connection, queries: Iterable[Select[Any]]) -> set[str]:
    """Return the trainings of which an evaluation has one of the configurations that the queries give."""
    wanted = {_configuration(row) for query in queries for row in connection.execute(query).mappings()}
    variants = sorted({configuration[0] for configuration in wanted})
    columns = [*((trainings if name in TRAINED else evaluations).c[name] for name in TESTED)]
    found = set()
    for start in range(0, len(variants), _CHUNK):
        query = (
            select(trainings.c.fingerprint, *columns)
            .join_from(trainings, evaluations, evaluations.c.training == trainings.c.fingerprint)
            .where(trainings.c.variant_id.in_(variants[start : start + _CHUNK]))
        )
        rows = connection.execute(query).mappings()
        found |= {row["fingerprint"] for row in rows if _configuration(row) in wanted}
    return found


def _fronts(connection: Connection) -> Iterator[Select[Any]]:
    """Query the points of every front by the columns of ``TESTED``; published ones fit no training."""
    for view in (TRAINING_FRONT, INFERENCE_FRONT):
        yield select(*(view.c[name] for name in TESTED)).distinct()
    sweep_names = connection.execute(select(sweeps.c.name)).scalars().all()
    for mode, scenario, name in itertools.product(MODES, SCENARIOS, sweep_names):
        p = fronts.points_query(mode, scenario, (), name).subquery().c
        yield select(*(p[column] for column in TESTED)).where(p.on_front == 1).distinct()


def _configuration(row: Any) -> tuple[Any, ...]:
    return tuple(row[name] for name in TESTED)

"""Statements about searches: a trial is begun together with its jobs, and ends once."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, select, update

from db import job_rows
from db.errors import StoreError
from db.records import NewJob
from db.search_records import NewTrial, SearchRow, TrialEnd, TrialRow
from db.tables import attempts, evaluations, jobs, search_trial_jobs, search_trials, searches, sweeps
from db.tallies import seconds_between
from db.upsert import insert_into


def put(connection: Connection, sweep_id: int, settings: Mapping[str, Any], now: dt.datetime) -> None:
    """Make a sweep a search, or replace the settings of the search that it is."""
    values = {"settings": dict(settings), "ended": ""}
    new = insert_into(connection, searches).values(sweep_id=sweep_id, importances={}, created_at=now, **values)
    connection.execute(new.on_conflict_do_update(index_elements=["sweep_id"], set_=values))


def set_importances(connection: Connection, sweep_id: int, importances: Mapping[str, Mapping[str, float]]) -> None:
    """Replace what the axes of a search are said to matter."""
    _change(connection, sweep_id, importances={name: dict(shares) for name, shares in importances.items()})


def end(connection: Connection, sweep_id: int, reason: str) -> None:
    """Note why a search proposes nothing more."""
    _change(connection, sweep_id, ended=reason)


def touch(connection: Connection, sweep_id: int, now: dt.datetime) -> None:
    """Tell readers that something has changed."""
    connection.execute(update(sweeps).where(sweeps.c.sweep_id == sweep_id).values(updated_at=now))


def _change(connection: Connection, sweep_id: int, **values: Any) -> None:
    connection.execute(update(searches).where(searches.c.sweep_id == sweep_id).values(values))


def add_trial(
    connection: Connection, sweep_id: int, trial: NewTrial, new_jobs: Sequence[NewJob], now: dt.datetime
) -> set[str]:
    """Begin a trial with its first jobs.

    Returns:
        Fingerprints of the jobs that the sweep did not have before.
    """
    new = insert_into(connection, search_trials)
    inserted = connection.execute(
        new.values(
            sweep_id=sweep_id,
            number=trial.number,
            params=dict(trial.params),
            origin=trial.origin,
            state="open",
            objective_values=[],
            violations=[],
            curve={},
            attributes=dict(trial.attributes),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["sweep_id", "number"])
        .returning(search_trials.c.number)
    )
    if inserted.first() is None:
        _require_same(connection, sweep_id, trial)
    return extend_trial(connection, sweep_id, trial.number, new_jobs, now)


def _require_same(connection: Connection, sweep_id: int, trial: NewTrial) -> None:
    """Let a trial be told twice, as after a connection that broke while it was stored, but no other one."""
    mine = and_(search_trials.c.sweep_id == sweep_id, search_trials.c.number == trial.number)
    known = connection.execute(select(search_trials.c.params).where(mine)).scalar_one()
    if known != dict(trial.params):
        raise StoreError(f"there is another trial {trial.number}", "Does another process write to this search?")


def extend_trial(
    connection: Connection, sweep_id: int, number: int, new_jobs: Sequence[NewJob], now: dt.datetime
) -> set[str]:
    """Add jobs to a trial; those that it has already change nothing.

    Returns:
        Fingerprints of the jobs that the sweep did not have before.
    """
    known = job_rows.states(connection, [job.fingerprint for job in new_jobs])
    added = job_rows.add(connection, sweep_id, new_jobs, now)
    links = [
        {
            "sweep_id": sweep_id,
            "number": number,
            "fingerprint": job.fingerprint,
            "reused": known.get(job.fingerprint) == "done" or job.fingerprint not in added,
        }
        for job in new_jobs
    ]
    if links:
        connection.execute(insert_into(connection, search_trial_jobs).on_conflict_do_nothing(), links)
    return added


def record_curve(connection: Connection, sweep_id: int, number: int, curve: Mapping[int, float]) -> None:
    """Replace the accuracies at epochs of an open trial."""
    mine = and_(search_trials.c.sweep_id == sweep_id, search_trials.c.number == number)
    values = {str(epoch): value for epoch, value in curve.items()}
    connection.execute(update(search_trials).where(mine, search_trials.c.state == "open").values(curve=values))


def finish_trial(connection: Connection, sweep_id: int, number: int, ending: TrialEnd, now: dt.datetime) -> bool:
    """End an open trial; False where it has ended before."""
    mine = and_(search_trials.c.sweep_id == sweep_id, search_trials.c.number == number)
    ended = connection.execute(
        update(search_trials)
        .where(mine, search_trials.c.state == "open")
        .values(
            state=ending.state,
            objective_values=list(ending.values),
            violations=list(ending.violations),
            reason=ending.reason,
            finished_at=now,
        )
    )
    touch(connection, sweep_id, now)
    return ended.rowcount == 1


def reopen_trial(connection: Connection, sweep_id: int, number: int, now: dt.datetime) -> None:
    """Open a trial again that failed."""
    mine = and_(search_trials.c.sweep_id == sweep_id, search_trials.c.number == number)
    opened = update(search_trials).where(mine, search_trials.c.state == "failed")
    connection.execute(opened.values(state="open", objective_values=[], violations=[], reason="", finished_at=None))
    touch(connection, sweep_id, now)


# ---- reading ------------------------------------------------------------------------------------------------------


def search(sweep_id: int) -> Select[Any]:
    """Query a search."""
    return select(searches).where(searches.c.sweep_id == sweep_id)


def trials(sweep_id: int) -> Select[Any]:
    """Query the trials of a search with what they cost, in the order of proposing."""
    cost = _cost(sweep_id)
    asked = _asked(sweep_id)
    return (
        select(search_trials, asked.c.jobs, asked.c.reused, cost.c.slot_seconds)
        .outerjoin(asked, asked.c.number == search_trials.c.number)
        .outerjoin(cost, cost.c.number == search_trials.c.number)
        .where(search_trials.c.sweep_id == sweep_id)
        .order_by(search_trials.c.number)
    )


def slot_seconds(sweep_id: int) -> Select[Any]:
    """Query what all trials of a search have cost."""
    cost = _cost(sweep_id)
    return select(func.sum(cost.c.slot_seconds).label("slot_seconds"))


def _asked(sweep_id: int) -> Any:
    links = search_trial_jobs.c
    return (
        select(
            links.number,
            func.count().label("jobs"),
            func.sum(case((links.reused, 1), else_=0)).label("reused"),
        )
        .where(links.sweep_id == sweep_id)
        .group_by(links.number)
        .subquery("asked")
    )


def _cost(sweep_id: int) -> Any:
    """Sum the time of the attempts at what a trial was the first to ask for."""
    links = search_trial_jobs.c
    seconds = seconds_between(attempts.c.started_at, attempts.c.ended_at)
    return (
        select(links.number, func.sum(seconds).label("slot_seconds"))
        .join(attempts, attempts.c.fingerprint == links.fingerprint)
        .join(search_trials, and_(search_trials.c.sweep_id == links.sweep_id, search_trials.c.number == links.number))
        .where(
            links.sweep_id == sweep_id,
            ~links.reused,
            attempts.c.ended_at.is_not(None),
            attempts.c.started_at >= search_trials.c.created_at,
        )
        .group_by(links.number)
        .subquery("cost")
    )


def counts_of(fingerprints: Collection[str]) -> Select[Any]:
    """Query right answers of evaluations: ``images``, ``correct``, and the same of the validation images."""
    counted = ("images", "correct", "validation_images", "validation_correct")
    return select(*(evaluations.c[name] for name in counted)).where(evaluations.c.fingerprint.in_(list(fingerprints)))


def to_search(row: Mapping[str, Any]) -> SearchRow:
    """Make a record of a row of ``search``."""
    return SearchRow(**row)


def to_trial(row: Mapping[str, Any]) -> TrialRow:
    """Make a record of a row of ``trials``."""
    return TrialRow(
        number=row["number"],
        params=row["params"],
        origin=row["origin"],
        state=row["state"],
        values=tuple(row["objective_values"]),
        violations=tuple(row["violations"]),
        curve={int(epoch): value for epoch, value in row["curve"].items()},
        attributes=row["attributes"],
        reason=row["reason"],
        jobs=row["jobs"] or 0,
        reused=int(row["reused"] or 0),
        slot_seconds=row["slot_seconds"] or 0.0,
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )


def trial_jobs(sweep_id: int) -> Select[Any]:
    """Query which jobs the trials of a search need: number, fingerprint, stage, state, whether it was reused."""
    links = search_trial_jobs.c
    return (
        select(links.number, links.fingerprint, links.reused, jobs.c.stage, jobs.c.label, jobs.c.state)
        .join(jobs, jobs.c.fingerprint == links.fingerprint)
        .where(links.sweep_id == sweep_id)
        .order_by(links.number, jobs.c.stage, jobs.c.fingerprint)
    )

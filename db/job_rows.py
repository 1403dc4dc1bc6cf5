"""Statements about jobs and their attempts: every change is a compare-and-set on the attempt's number.

queued ──claim──▶ running ──▶ done | diverged | failed | quarantined | cancelled
blocked ─┘ ▲         │
└─────────┘  crashed, lost, stopped: another attempt may follow
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from db.errors import UnknownNameError
from db.records import EpochRecord, JobRow, NewJob
from db.tables import FINAL_JOB_STATES, attempts, epochs, jobs, sweep_jobs, sweeps
from db.upsert import insert_into

#: Parameters per statement; the smallest limit of the supported engines is 32766.
_CHUNK = 10_000


def put(connection: Connection, sweep_id: int, new_jobs: Sequence[NewJob], now: dt.datetime) -> set[str]:
    """Insert the jobs that do not exist yet and make exactly these, in this order, the sweep's.

    Returns:
        Fingerprints of the jobs that the sweep asks for now and did not before, or the other way round.
    """
    _insert(connection, new_jobs, now)
    links: list[dict[str, Any]] = [
        {"sweep_id": sweep_id, "fingerprint": fingerprint, "ordinal": ordinal}
        for ordinal, fingerprint in enumerate(dict.fromkeys(job.fingerprint for job in new_jobs))
    ]
    unlinking = delete(sweep_jobs).where(sweep_jobs.c.sweep_id == sweep_id).returning(sweep_jobs.c.fingerprint)
    before = set(connection.execute(unlinking).scalars())
    if links:
        connection.execute(insert(sweep_jobs), links)
    connection.execute(update(sweeps).where(sweeps.c.sweep_id == sweep_id).values(updated_at=now))
    return before ^ {link["fingerprint"] for link in links}


def add(connection: Connection, sweep_id: int, new_jobs: Sequence[NewJob], now: dt.datetime) -> set[str]:
    """Insert the jobs that do not exist yet and add these to the sweep's, after those that it has.

    Returns:
        Fingerprints of the jobs that the sweep did not ask for before.
    """
    _insert(connection, new_jobs, now)
    mine = sweep_jobs.c.sweep_id == sweep_id
    known = set(connection.execute(select(sweep_jobs.c.fingerprint).where(mine)).scalars())
    added = [one for one in dict.fromkeys(job.fingerprint for job in new_jobs) if one not in known]
    last = connection.execute(select(func.max(sweep_jobs.c.ordinal)).where(mine)).scalar()
    first = 0 if last is None else last + 1
    if added:
        links: list[dict[str, Any]] = [
            {"sweep_id": sweep_id, "fingerprint": fingerprint, "ordinal": ordinal}
            for ordinal, fingerprint in enumerate(added, first)
        ]
        connection.execute(insert(sweep_jobs), links)
    connection.execute(update(sweeps).where(sweeps.c.sweep_id == sweep_id).values(updated_at=now))
    return set(added)


def unlink(connection: Connection, sweep_id: int, fingerprints: Iterable[str], now: dt.datetime) -> set[str]:
    """Take jobs out of a sweep; nothing is deleted. Return those that were among the sweep's."""
    mine = sweep_jobs.c.sweep_id == sweep_id
    found: set[str] = set()
    for chunk in _chunks(fingerprints):
        unlinking = delete(sweep_jobs).where(mine, sweep_jobs.c.fingerprint.in_(chunk))
        found.update(connection.execute(unlinking.returning(sweep_jobs.c.fingerprint)).scalars())
    connection.execute(update(sweeps).where(sweeps.c.sweep_id == sweep_id).values(updated_at=now))
    return found


def _insert(connection: Connection, new_jobs: Sequence[NewJob], now: dt.datetime) -> None:
    # Sorted, so that two sweeps with common jobs never wait for each other in a circle.
    rows = [
        {**dataclasses.asdict(job), "created_at": now, "changed_at": now}
        for job in sorted(new_jobs, key=lambda job: job.fingerprint)
    ]
    if rows:
        connection.execute(insert_into(connection, jobs).on_conflict_do_nothing(), rows)


def of_sweep(connection: Connection, sweep_id: int) -> list[JobRow]:
    """Return the jobs of a sweep in the order in which it asks for them."""
    query = (
        select(jobs)
        .join(sweep_jobs, sweep_jobs.c.fingerprint == jobs.c.fingerprint)
        .where(sweep_jobs.c.sweep_id == sweep_id)
        .order_by(sweep_jobs.c.ordinal)
    )
    return [JobRow(**row) for row in connection.execute(query).mappings()]


def states(connection: Connection, fingerprints: Iterable[str]) -> dict[str, str]:
    """Return the state of each of these jobs that exists."""
    found: dict[str, str] = {}
    for chunk in _chunks(fingerprints):
        query = select(jobs.c.fingerprint, jobs.c.state).where(jobs.c.fingerprint.in_(chunk))
        found.update(connection.execute(query).tuples().all())
    return found


def claim(
    connection: Connection,
    fingerprint: str,
    *,
    driver_id: str,
    slot: str,
    node: str,
    environment_key: str | None,
    directory: str,
    now: dt.datetime,
) -> int | None:
    """Start an attempt at a queued job; None when it is not queued."""
    attempt = connection.execute(
        update(jobs)
        .where(jobs.c.fingerprint == fingerprint, jobs.c.state == "queued")
        .values(
            state="running",
            reason="",
            attempt=jobs.c.attempt + 1,
            driver_id=driver_id,
            slot=slot,
            not_before=None,
            started_at=now,
            changed_at=now,
            progress=0,
            progress_text="",
        )
        .returning(jobs.c.attempt)
    ).scalar()
    if attempt is not None:
        connection.execute(
            insert(attempts).values(
                fingerprint=fingerprint,
                attempt=attempt,
                driver_id=driver_id,
                slot=slot,
                node=node,
                environment_key=environment_key,
                started_at=now,
                directory=directory.replace("{attempt}", str(attempt)),
            )
        )
    return attempt


def record_progress(
    connection: Connection, fingerprint: str, attempt: int, done: float, text: str, now: dt.datetime
) -> bool:
    """Note how far the running attempt is; False when another one runs, or none."""
    current = and_(jobs.c.fingerprint == fingerprint, jobs.c.attempt == attempt, jobs.c.state == "running")
    values = {"progress": min(max(done, 0.0), 1.0), "progress_text": text, "changed_at": now}
    return connection.execute(update(jobs).where(current).values(values)).rowcount == 1


def record_epoch(connection: Connection, fingerprint: str, attempt: int, record: EpochRecord) -> None:
    """Keep one epoch of an attempt; told twice, kept once."""
    new = insert_into(connection, epochs).values(fingerprint=fingerprint, attempt=attempt, **dataclasses.asdict(record))
    connection.execute(new.on_conflict_do_nothing())


def lock(connection: Connection, fingerprint: str) -> None:
    """Keep others from changing a job until the transaction ends; SQLite's write transaction does so anyway.

    Raises:
        UnknownNameError: There is no such job.
    """
    query = select(jobs.c.attempt).where(jobs.c.fingerprint == fingerprint).with_for_update()
    if connection.execute(query).first() is None:
        raise UnknownNameError(f"there is no job {fingerprint}", "Was it made by a sweep of another database?")


def outcome_of(connection: Connection, fingerprint: str, attempt: int) -> str | None:
    """Return how an attempt ended; None while it has not, or when it never was."""
    query = select(attempts.c.outcome).where(_is_attempt(fingerprint, attempt))
    outcome: str | None = connection.execute(query).scalar()
    return outcome


def decide(
    connection: Connection,
    fingerprint: str,
    attempt: int,
    *,
    state: str,
    overrides: Sequence[str],
    values: dict[str, Any],
    now: dt.datetime,
) -> bool:
    """Let an attempt decide its job's next state, unless a newer attempt runs or the job is decided.

    An attempt that was given up as lost may still report: nobody else works on the job, so its word counts.

    Args:
        connection: Inside a transaction.
        fingerprint: The job.
        attempt: The attempt that reports.
        state: The next state.
        overrides: States, besides ``queued``, ``blocked`` and this attempt's ``running``, that it may replace.
        values: Further columns to set.
        now: The time.

    Returns:
        False when it may not decide; nothing was changed.
    """
    own_run = and_(jobs.c.state == "running", jobs.c.attempt == attempt)
    open_to = own_run | jobs.c.state.in_(["queued", "blocked", *overrides])
    statement = (
        update(jobs)
        .where(jobs.c.fingerprint == fingerprint, jobs.c.attempt >= attempt, open_to)
        .values(
            state=state,
            driver_id=None,
            slot=None,
            finished_at=now if state in FINAL_JOB_STATES else None,
            changed_at=now,
            **values,
        )
    )
    return connection.execute(statement).rowcount == 1


def counted(outcome: str) -> dict[str, Any]:
    """Return the columns of a job that count an outcome."""
    columns = {"crashed": "crashes", "lost": "losses"}
    return {columns[outcome]: jobs.c[columns[outcome]] + 1} if outcome in columns else {}


def close_attempt(
    connection: Connection,
    fingerprint: str,
    attempt: int,
    *,
    outcome: str,
    now: dt.datetime,
    failure: str = "",
    message: str = "",
    traceback: str = "",
) -> None:
    """Note how an attempt ended; one that was given up as lost is corrected by its late report."""
    connection.execute(
        update(attempts)
        .where(_is_attempt(fingerprint, attempt))
        .values(outcome=outcome, ended_at=now, failure=failure, message=message, traceback=traceback)
    )


def set_state(
    connection: Connection,
    fingerprints: Iterable[str],
    from_states: Sequence[str],
    to_state: str,
    *,
    reason: str,
    now: dt.datetime,
    reset: bool = False,
) -> int:
    """Move those of the jobs that are in one of some states (never ``running``) to another; return how many.

    Args:
        connection: Inside a transaction.
        fingerprints: The jobs.
        from_states: Only jobs in these are moved.
        to_state: The next state.
        reason: Why, for people.
        now: The time.
        reset: Forget earlier crashes and losses, and any time to wait for.
    """
    values: dict[str, Any] = {
        "state": to_state,
        "reason": reason,
        "finished_at": now if to_state in FINAL_JOB_STATES else None,
        "changed_at": now,
    }
    if reset:
        values |= {"crashes": 0, "losses": 0, "not_before": None, "progress": 0, "progress_text": ""}
    allowed = jobs.c.state.in_([state for state in from_states if state != "running"])
    return sum(
        connection.execute(update(jobs).where(jobs.c.fingerprint.in_(chunk), allowed).values(values)).rowcount
        for chunk in _chunks(fingerprints)
    )


def _is_attempt(fingerprint: str, attempt: int) -> ColumnElement[bool]:
    return and_(attempts.c.fingerprint == fingerprint, attempts.c.attempt == attempt)


def _chunks(fingerprints: Iterable[str]) -> Iterator[list[str]]:
    """Cut into pieces in a fixed order, so that two callers never wait for each other in a circle."""
    ordered = sorted(set(fingerprints))
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]

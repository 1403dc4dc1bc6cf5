"""Jobs that failed for good, those that failed alike together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Select, and_, select

from db.records import FailureGroup
from db.tables import attempts, jobs, sweep_jobs

_FAILED_STATES = ("failed", "quarantined", "diverged")


def failed_jobs(sweep_id: int | None) -> Select[Any]:
    """Query the jobs that failed for good, of one sweep or of all, with what their last attempt reported."""
    last = and_(attempts.c.fingerprint == jobs.c.fingerprint, attempts.c.attempt == jobs.c.attempt)
    query = (
        select(jobs.c.fingerprint, jobs.c.stage, jobs.c.state, jobs.c.reason, attempts.c.failure, attempts.c.message)
        .outerjoin(attempts, last)
        .where(jobs.c.state.in_(_FAILED_STATES))
        .order_by(jobs.c.created_at, jobs.c.fingerprint)
    )
    if sweep_id is None:
        return query
    mine = select(sweep_jobs.c.fingerprint).where(sweep_jobs.c.sweep_id == sweep_id)
    return query.where(jobs.c.fingerprint.in_(mine))


def grouped(rows: Iterable[Mapping[str, Any]]) -> list[FailureGroup]:
    """Put rows of ``failed_jobs`` together that failed alike, the largest group first."""
    groups: defaultdict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for row in rows:
        message = (row["message"] or row["reason"]).partition("\n")[0]
        groups[row["stage"], row["state"], row["failure"] or "", message].append(row["fingerprint"])
    found = [
        FailureGroup(stage=stage, state=state, failure=failure, message=message, jobs=tuple(members))
        for (stage, state, failure, message), members in groups.items()
    ]
    return sorted(found, key=lambda group: -len(group.jobs))

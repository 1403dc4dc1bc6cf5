"""Statements about drivers and about who holds which sweep."""

import dataclasses
import datetime as dt
from typing import Any

from sqlalchemy import Connection, insert, select, update

from db.errors import DriverEndedError, SweepHeldError
from db.pauses import NOT_PAUSED
from db.records import DriverIdentity, DriverRow
from db.tables import attempts, drivers, jobs, sweeps
from db.upsert import insert_into


def register(connection: Connection, identity: DriverIdentity, now: dt.datetime) -> None:
    """Insert a driver that has just started."""
    connection.execute(insert(drivers).values(**dataclasses.asdict(identity), started_at=now, heartbeat_at=now))


def beat(connection: Connection, driver_id: str, now: dt.datetime) -> bool:
    """Count one heartbeat; False when the driver was declared dead."""
    statement = (
        update(drivers)
        .where(drivers.c.driver_id == driver_id, drivers.c.ended_at.is_(None))
        .values(beats=drivers.c.beats + 1, heartbeat_at=now)
    )
    return connection.execute(statement).rowcount == 1


def alive(connection: Connection) -> list[DriverRow]:
    """Return the drivers that have not ended, oldest first."""
    query = select(drivers).where(drivers.c.ended_at.is_(None)).order_by(drivers.c.started_at, drivers.c.driver_id)
    return [DriverRow(**row) for row in connection.execute(query).mappings()]


def require_alive(connection: Connection, driver_id: str) -> None:
    """Refuse a driver that was declared dead, and lock its row so that this cannot happen meanwhile.

    Raises:
        DriverEndedError: It has ended, or never was registered.
    """
    query = (
        select(drivers.c.driver_id)
        .where(drivers.c.driver_id == driver_id, drivers.c.ended_at.is_(None))
        .with_for_update(read=True)
    )
    if connection.execute(query).first() is None:
        raise DriverEndedError(
            f"driver {driver_id} has ended: another one took its work over",
            "Stop this process; what it finished is taken in from its directories.",
        )


def take_sweep(connection: Connection, values: dict[str, Any], driver_id: str, now: dt.datetime) -> int:
    """Make the driver the only one that runs the sweep of this name; return its id.

    Raises:
        SweepHeldError: Another driver that has not ended holds it.
    """
    new = insert_into(connection, sweeps).values(**values, state="running", created_at=now, updated_at=now)
    connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))
    ended = select(drivers.c.driver_id).where(drivers.c.ended_at.is_not(None))
    free = sweeps.c.driver_id.is_(None) | (sweeps.c.driver_id == driver_id) | sweeps.c.driver_id.in_(ended)
    taken: int | None = connection.execute(
        update(sweeps)
        .where(sweeps.c.name == values["name"], free)
        .values(
            **values,
            **NOT_PAUSED,
            state="running",
            driver_id=driver_id,
            updated_at=now,
            finished_at=None,
            paused_seconds=0,
        )
        .returning(sweeps.c.sweep_id)
    ).scalar()
    if taken is None:
        raise _held(connection, values["name"])
    return taken


def _held(connection: Connection, name: str) -> SweepHeldError:
    query = select(drivers).join(sweeps, sweeps.c.driver_id == drivers.c.driver_id).where(sweeps.c.name == name)
    holder = DriverRow(**connection.execute(query).mappings().one())
    paused = connection.execute(select(sweeps.c.paused_by).where(sweeps.c.name == name)).scalar()
    go_on = f"It was paused by {paused}: `orchestrator resume {name}` lets it go on. " if paused else ""
    return SweepHeldError(
        f"sweep {name!r} is run by process {holder.pid} on {holder.host} since {holder.started_at:%Y-%m-%d %H:%M} UTC, "
        f"last heartbeat {holder.heartbeat_at:%H:%M:%S}",
        f"{go_on}Watch it with `orchestrator status {name} --watch`, or stop it first.",
        holder,
    )


def end(connection: Connection, driver_id: str, beats: int | None, now: dt.datetime) -> bool:
    """Mark a driver as ended and release its sweeps.

    Args:
        connection: Inside a transaction.
        driver_id: Which one.
        beats: If given, only when it has not beaten since this count was read.
        now: The time.

    Returns:
        False when it had ended already, or has beaten since.
    """
    condition = [drivers.c.driver_id == driver_id, drivers.c.ended_at.is_(None)]
    if beats is not None:
        condition.append(drivers.c.beats == beats)
    if connection.execute(update(drivers).where(*condition).values(ended_at=now)).rowcount == 0:
        return False
    held = sweeps.c.driver_id == driver_id
    going_on = sweeps.c.state.in_(["running", "paused"])
    connection.execute(update(sweeps).where(held, going_on).values(state="stopped", **NOT_PAUSED))
    connection.execute(update(sweeps).where(held).values(driver_id=None, updated_at=now))
    return True


def requeue_running_jobs(connection: Connection, driver_id: str, now: dt.datetime) -> list[tuple[str, int]]:
    """Put every job that an ended driver was running back to queued, and mark those attempts as lost.

    Returns:
        Fingerprint and attempt of each.
    """
    requeued = connection.execute(
        update(jobs)
        .where(jobs.c.driver_id == driver_id, jobs.c.state == "running")
        .values(
            state="queued",
            reason="lost with its driver",
            driver_id=None,
            slot=None,
            losses=jobs.c.losses + 1,
            changed_at=now,
        )
        .returning(jobs.c.fingerprint, jobs.c.attempt)
    ).all()
    open_attempts = (attempts.c.driver_id == driver_id) & attempts.c.outcome.is_(None)
    connection.execute(
        update(attempts).where(open_attempts).values(outcome="lost", ended_at=now, message="its driver ended")
    )
    return [(fingerprint, attempt) for fingerprint, attempt in requeued]

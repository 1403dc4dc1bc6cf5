"""Statements about pauses: the wish that a sweep's driver starts nothing for a while.

A pause is a wish to the driver that holds the sweep, and ends with it: whoever launches a sweep wants it to run.
"""

import datetime as dt
from typing import Any, Final

from sqlalchemy import Connection, select, update

from db.tables import sweeps

#: Columns of a sweep that is not paused.
NOT_PAUSED: Final[dict[str, Any]] = {"paused_at": None, "paused_by": None, "pause_interrupts": None}


def pause(connection: Connection, sweep_id: int, by: str, *, interrupts: bool, now: dt.datetime) -> bool:
    """Pause a sweep that a driver runs; False when none does, or it is paused already.

    A pause that lets jobs run on may be made one that interrupts them; it keeps who asked for it first, and when.
    """
    mine = (sweeps.c.sweep_id == sweep_id) & sweeps.c.driver_id.is_not(None)
    wish = {"state": "paused", "paused_at": now, "paused_by": by, "pause_interrupts": interrupts, "updated_at": now}
    if connection.execute(update(sweeps).where(mine, sweeps.c.state == "running").values(wish)).rowcount:
        return True
    milder = mine & (sweeps.c.state == "paused") & sweeps.c.pause_interrupts.is_(False)
    stricter = {"pause_interrupts": True, "updated_at": now}
    return interrupts and connection.execute(update(sweeps).where(milder).values(stricter)).rowcount == 1


def resume(connection: Connection, sweep_id: int, now: dt.datetime) -> bool:
    """Let a paused sweep go on; False when it is not paused, or nobody runs it."""
    paused = (sweeps.c.sweep_id == sweep_id) & (sweeps.c.state == "paused") & sweeps.c.driver_id.is_not(None)
    query = select(sweeps.c.paused_at).where(paused).with_for_update()
    since: dt.datetime | None = connection.execute(query).scalar()
    if since is None:
        return False
    took = max(0.0, (now - since).total_seconds())
    values = {"state": "running", "paused_seconds": sweeps.c.paused_seconds + took, "updated_at": now, **NOT_PAUSED}
    connection.execute(update(sweeps).where(paused).values(values))
    return True

"""Which environments there are, where they were seen, and which have been superseded.

A machine that comes back with another driver or another version of torch is another environment of the same device.
What was measured in the former one is stale then, until a machine is seen in it again.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from db.records import EnvironmentRecord
from db.tables import environments, sightings
from db.upsert import insert_into

#: What stays the same when a machine's software changes.
_DEVICE = ("slot_kind", "device", "threads")


def put(connection: Connection, record: EnvironmentRecord, node: str | None, now: dt.datetime) -> list[str]:
    """Keep an environment and, with the name of a machine, that it was seen there just now.

    Args:
        connection: Inside a transaction.
        record: The environment.
        node: Name of the machine; None if not known.
        now: The time.

    Returns:
        The keys of environments that are superseded from now on, or no longer are.
    """
    new = insert_into(connection, environments).values(**dataclasses.asdict(record), first_seen_at=now)
    connection.execute(new.on_conflict_do_nothing())
    if node is None:
        return []
    seen = insert_into(connection, sightings).values(environment_key=record.environment_key, node=node, seen_at=now)
    connection.execute(seen.on_conflict_do_update(index_elements=["environment_key", "node"], set_={"seen_at": now}))
    return _judge(connection, record, now)


def _judge(connection: Connection, record: EnvironmentRecord, now: dt.datetime) -> list[str]:
    """Bring up to date which environments of a device are superseded."""
    e, s = environments.c, sightings.c
    same_device = [e[name] == getattr(record, name) for name in _DEVICE]
    query = (
        select(e.environment_key, e.superseded_at, s.node, s.seen_at)
        .join_from(environments, sightings, s.environment_key == e.environment_key)
        .where(*same_device)
    )
    rows: list[Mapping[str, Any]] = [dict(row) for row in connection.execute(query).mappings()]
    present = _present(rows)
    changed = sorted({row["environment_key"] for row in rows if _is_wrong(row, present)})
    for key in changed:
        superseded_at = None if key in present else now
        connection.execute(update(environments).where(e.environment_key == key).values(superseded_at=superseded_at))
    return changed


def _present(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the environments in which some machine was seen last."""
    newest: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if row["node"] not in newest or row["seen_at"] > newest[row["node"]]["seen_at"]:
            newest[row["node"]] = row
    return {row["environment_key"] for row in newest.values()}


def _is_wrong(row: Mapping[str, Any], present: set[str]) -> bool:
    return (row["environment_key"] in present) != (row["superseded_at"] is None)

"""Column types that mean the same on SQLite and Postgres."""

import datetime as dt
import json
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

#: Identity keys: 64 bits on Postgres, the rowid on SQLite (which gives identities to ``INTEGER`` alone).
IDENTITY: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")

_SQLITE_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class UtcDateTime(TypeDecorator[dt.datetime]):
    """Aware times in UTC.

    Postgres stores ``timestamptz``; SQLite stores text like ``2026-01-31T23:59:59.000000Z``, which sorts as the times
    do. A plain ``DateTime(timezone=True)`` would lose the offset on SQLite.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose text on SQLite and ``timestamptz`` elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Turn an aware time into what the engine stores.

        Raises:
            ValueError: The time is naive.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(dt.timezone.utc)
        return value.strftime(_SQLITE_FORMAT) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Turn what the engine stores into an aware time in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            # Much quicker than strptime; Python 3.10 does not know the Z.
            return dt.datetime.fromisoformat(value[:-1]).replace(tzinfo=dt.timezone.utc)
        stored: dt.datetime = value
        return stored.astimezone(dt.timezone.utc)


class JsonText(TypeDecorator[Any]):
    """JSON as canonical text: sorted keys, no NaN; the same characters on both engines."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002  # the base class's signature
        """Serialise; None is SQL's NULL.

        Raises:
            ValueError: The value holds NaN or infinity.
        """
        return None if value is None else json.dumps(value, sort_keys=True, allow_nan=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  # the base class's signature
        """Parse."""
        return None if value is None else json.loads(value)

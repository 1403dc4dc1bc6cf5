"""Engines on a Postgres database: every wait has an end, and times come back in UTC."""

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL

CONNECT_TIMEOUT_SECONDS = 5
_SETTINGS = {
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
}


def write_engine(url: URL) -> Engine:
    """Open a database for writing."""
    return _engine(url, {})


def read_engine(url: URL) -> Engine:
    """Open a database for reading: the server refuses every write."""
    return _engine(url, {"default_transaction_read_only": "on"})


def _engine(url: URL, settings: dict[str, str]) -> Engine:
    options = " ".join(f"-c {name}={value}" for name, value in {**_SETTINGS, **settings}.items())
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=2,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "tcp_user_timeout": 15000,  # milliseconds until a peer that acknowledges nothing counts as gone
            "application_name": "frontsweep",
            "options": options,
        },
    )

"""Database URLs: which are accepted, and how to speak of them without their password."""

from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from db.errors import InvalidUrlError

_HINT = "Write sqlite:///path/to/file.db, or postgresql://user@host/database."


def parse_url(text: str) -> URL:
    """Read the URL of an SQLite file or a Postgres database.

    ``postgres://`` and ``postgresql://`` mean the driver psycopg 3.

    Raises:
        InvalidUrlError: Malformed, another kind of database, or SQLite without a file.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text may hold a password that could not be told apart: it is not repeated.
        raise InvalidUrlError("the database URL is malformed", _HINT) from None
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _sqlite_url(url)
    if url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    raise InvalidUrlError(f"databases of kind {url.drivername!r} are not supported", _HINT)


def _sqlite_url(url: URL) -> URL:
    if url.host or not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise InvalidUrlError(f"{shown(url)} names no database file", _HINT)
    if url.query:
        raise InvalidUrlError(f"{shown(url)}: options after ? are not supported for SQLite", _HINT)
    return url.set(drivername="sqlite")


def sqlite_path(url: URL) -> Path:
    """Return the file of an SQLite URL."""
    return Path(url.database or "").absolute()


def shown(url: URL) -> str:
    """Return the URL as it may be printed: without its password."""
    if url.drivername.startswith("sqlite"):
        return f"sqlite:///{url.database or ''}"
    return _plain(url).render_as_string(hide_password=True)


def without_password(url: URL) -> str:
    """Return a Postgres URL as the server's own programs read it, without its password."""
    return _plain(url)._replace(password=None).render_as_string()


def _plain(url: URL) -> URL:
    return url.set(drivername="postgresql").difference_update_query(["password", "sslpassword"])


def scrubbed(message: str, url: URL) -> str:
    """Take the URL's password out of a driver's message, however it is spelt there."""
    secrets = [url.password, url.query.get("password"), url.query.get("sslpassword")]
    for secret in secrets:
        if isinstance(secret, str) and secret:
            for spelling in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}:
                message = message.replace(spelling, "***")
    return message

"""A user's own SELECT: read-only for real, with a time limit and a row limit.

Opening a file read-only is not enough: through such a connection ATTACH still creates files and reads other databases.
So SQLite asks an authorizer about every action of the statement, and Postgres runs it in a read-only transaction,
alone (the extended protocol takes one statement), with its settings out of the statement's reach.
"""

import re
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from sqlalchemy.engine import URL

from db import description, schema, sqlite_engine
from db.engine import is_sqlite, open_read_engine, translated
from db.errors import UserQueryError
from db.suggestions import did_you_mean
from db.urls import parse_url, scrubbed, sqlite_path

_HINT: Final = "One SELECT (or WITH … SELECT, VALUES, EXPLAIN) is run; `orchestrator sql --schema` shows the tables."
_FIRST_WORDS: Final = ("select", "with", "values", "explain")
_ALLOWED_ACTIONS: Final = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_FUNCTION,
}
#: Functions that reach outside the database, or that no query of results needs.
_REFUSED_FUNCTIONS: Final = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "zeroblob"}
#: What the engines say of a name that is not there, as SQLite and as Postgres does; without what it is qualified by.
_UNKNOWN: Final = (
    re.compile(r"no such (?:column|table): (?:.*\.)?(\w+)"),
    re.compile(r"(?:column|relation) \"?(?:\w+\"?\.\"?)?(\w+)\"? does not exist"),
)
_LARGEST_VALUE_BYTES: Final = 100_000_000
#: Steps of SQLite's virtual machine between two looks at the clock: well under a millisecond.
_STEPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class UserResult:
    """What a user's statement gave.

    Attributes:
        columns: Names, as the statement gives them.
        rows: At most as many as were asked for.
        truncated: There were more.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool

    def as_objects(self) -> list[dict[str, Any]]:
        """Return each row as a dictionary."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def run(url: str, statement: str, *, row_limit: int = 10_000, seconds: float = 10.0) -> UserResult:
    """Run one statement that only reads.

    Args:
        url: The database.
        statement: One SELECT.
        row_limit: At most so many rows come back.
        seconds: Time limit.

    Raises:
        UserQueryError: Refused, not valid, or too slow; the message says which.
        DatabaseUnavailableError: The database cannot be reached, or is not there.
    """
    parsed = parse_url(url)
    _check_version(parsed)
    text = _one_statement(statement)
    if is_sqlite(parsed):
        return _run_sqlite(parsed, text, row_limit, seconds)
    return _run_postgres(parsed, text, row_limit, seconds)


def _check_version(url: URL) -> None:
    engine = open_read_engine(url)
    with translated(url), engine.begin() as connection:
        schema.check_for_reading(connection, url)
    engine.dispose()


def _one_statement(statement: str) -> str:
    """Refuse early, and in plain words, what the engines would refuse anyway."""
    text = statement.strip().rstrip(";").rstrip()
    words = _without_comments(text).split(None, 1)
    first = words[0].lower().lstrip("(") if words else ""
    if not first.startswith(_FIRST_WORDS):
        raise UserQueryError(f"{words[0].upper()} is not allowed" if words else "the statement is empty", _HINT)
    return text


def _without_comments(text: str) -> str:
    text = text.lstrip()
    while text.startswith(("--", "/*")):
        end, width = (text.find("\n"), 1) if text.startswith("--") else (text.find("*/"), 2)
        text = "" if end < 0 else text[end + width :].lstrip()
    return text


def _fetch(rows: Sequence[Sequence[Any]], columns: Sequence[str], row_limit: int) -> UserResult:
    return UserResult(tuple(columns), tuple(tuple(row) for row in rows[:row_limit]), truncated=len(rows) > row_limit)


def _run_sqlite(url: URL, statement: str, row_limit: int, seconds: float) -> UserResult:
    with translated(url):
        connection = sqlite_engine.connect_read_only(sqlite_path(url))
    deadline = time.monotonic() + seconds
    try:
        connection.execute("PRAGMA query_only=ON")
        if sys.version_info >= (3, 11):
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE_BYTES)
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        cursor = connection.execute(statement)
        rows = cursor.fetchmany(row_limit + 1)
        return _fetch(rows, [one[0] for one in cursor.description or ()], row_limit)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _sqlite_refusal(error, seconds) from error
    finally:
        connection.close()


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _view: str | None) -> int:
    allowed = action in _ALLOWED_ACTIONS
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = (second or "").lower() not in _REFUSED_FUNCTIONS
    if action == sqlite3.SQLITE_READ and (first or "").lower().startswith("pragma_"):
        allowed = False
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _sqlite_refusal(error: Exception, seconds: float) -> UserQueryError:
    message = str(error)
    if message == "interrupted":
        return _too_slow(seconds)
    if "not authorized" in message or "prohibited" in message:
        return UserQueryError("the statement does more than read our tables and views", _HINT)
    if "one statement at a time" in message:
        return UserQueryError("more than one statement", _HINT)
    return _invalid(message)


def _invalid(message: str) -> UserQueryError:
    """Return the error of a statement that is not valid; if it has a name that is not there, with one like it."""
    for found in (pattern.search(message) for pattern in _UNKNOWN):
        if found is None:
            continue
        tables = description.schema().values()
        known = {name for one in tables for name in (one.name, *(column.name for column in one.columns))}
        meant = did_you_mean(found[1], known).capitalize()
        return UserQueryError(message, f"{meant} {_HINT}" if meant.startswith("Did you mean") else _HINT)
    return UserQueryError(message, _HINT)


def _too_slow(seconds: float) -> UserQueryError:
    return UserQueryError(f"the statement took longer than {seconds:g} s and was stopped", "Select fewer rows.")


def _run_postgres(url: URL, statement: str, row_limit: int, seconds: float) -> UserResult:
    engine = open_read_engine(url)
    try:
        with translated(url), engine.connect() as pooled:
            driver: Any = pooled.connection.driver_connection
            return _select(driver, statement, row_limit, seconds)
    except psycopg.errors.QueryCanceled:
        raise _too_slow(seconds) from None
    except psycopg.Error as error:
        raise _invalid(scrubbed(error.diag.message_primary or str(error), url)) from None
    finally:
        engine.dispose()


def _select(connection: psycopg.Connection[Any], statement: str, row_limit: int, seconds: float) -> UserResult:
    """Run a statement in a transaction that the server keeps read-only.

    Prepared statements hold one command each, so nothing can follow it; a cursor can be declared for a SELECT only and
    hands over no more rows than are fetched.
    """
    connection.execute(f"SET LOCAL statement_timeout = {round(seconds * 1000)}".encode())
    if _without_comments(statement).lower().startswith("explain"):
        cursor = connection.execute(statement.encode(), prepare=True)
    else:
        connection.execute(b"DECLARE result NO SCROLL CURSOR FOR " + statement.encode(), prepare=True)
        cursor = connection.execute(f"FETCH {row_limit + 1} FROM result".encode())
    return _fetch(cursor.fetchmany(row_limit + 1), [one.name for one in cursor.description or ()], row_limit)

"""Copies of a database: ours of an SQLite file, and how to make one of a Postgres database, which has its own tools."""

import os
import shlex
import shutil
import sqlite3
import tempfile
from pathlib import Path

from sqlalchemy.engine import URL

from db import sqlite_engine
from db.errors import StoreError
from db.urls import without_password


def copy(source: Path, target: Path) -> None:
    """Copy an SQLite file while others may use it; the copy has its name only when it is whole.

    Args:
        source: The database.
        target: A file that does not exist; it gets the source's permissions.

    Raises:
        StoreError: The target exists or cannot be written.
        DatabaseMissingError: There is no such database.
    """
    if target.exists():
        raise StoreError(f"{target} exists", "Name a new file.")
    original = sqlite_engine.connect_read_only(source)
    try:
        partial = _new_file(target)
        try:
            _fill(original, partial)
            shutil.copymode(source, partial)
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot write {target}: {error}", "Name a file in a directory with space left.") from error
    finally:
        original.close()


def _new_file(target: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.", suffix=".partial")
    os.close(handle)
    return Path(name)


def _fill(original: sqlite3.Connection, file: Path) -> None:
    copied = sqlite3.connect(file)
    try:
        original.backup(copied)
    finally:
        copied.close()


def postgres_command(url: URL) -> str:
    """Return the command that copies a Postgres database; it asks for the password where one is needed."""
    return f"pg_dump --format=custom --file={url.database}.dump {shlex.quote(without_password(url))}"

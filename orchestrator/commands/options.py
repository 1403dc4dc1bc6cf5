"""Options that several commands have."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from db.reader import open_reader
from db.urls import parse_url, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from db.reader import Reader

DEFAULT_URL = "sqlite:///orchestrator.db"

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def database_option(command: _Command) -> _Command:
    """Let ``--db`` follow the command as well as precede it."""

    def remember(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            context.find_root().obj = value

    return click.option(
        "--db",
        metavar="URL",
        expose_value=False,
        callback=remember,
        help="Database; else ORCHESTRATOR_DB, else sqlite:///orchestrator.db.",
    )(command)


def json_option(command: _Command) -> _Command:
    """Give a command ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON.")(command)


def sweep_argument(command: _Command) -> _Command:
    """Give a command an optional sweep."""
    return click.argument("sweep", required=False)(command)


def database_url() -> str:
    """Return the database that the person means."""
    given = click.get_current_context().find_root().obj
    return str(given or os.environ.get("ORCHESTRATOR_DB") or DEFAULT_URL)


@contextlib.contextmanager
def reading() -> Iterator[Reader]:
    """Open the database read-only for the length of a command."""
    with contextlib.closing(open_reader(database_url())) as reader:
        yield reader


def home_directory(given: str | None) -> Path:
    """Return the directory of the runs' files: as given, or beside the database."""
    if given:
        return Path(given).absolute()
    url = parse_url(database_url())
    beside = sqlite_path(url).parent if url.drivername == "sqlite" else Path.cwd()
    return beside.absolute() / "orchestrator-runs"

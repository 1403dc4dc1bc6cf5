"""Commands that look after the database: db upgrade, db check, db backup."""

from __future__ import annotations

from pathlib import Path

import click

from db import schema, upkeep
from db.urls import parse_url, shown
from orchestrator.commands.options import database_option, database_url, json_option
from orchestrator.output import print_json

#: Exit code where the database is not sound.
_DATABASE = 4


@click.group()
def db() -> None:
    """Look after the database: upgrade, check, backup."""


@db.command()
@database_option
def upgrade() -> int:
    """Bring the database to this release's schema.

    An SQLite file is copied beside itself first. A Postgres database is not: see the note. Of a current database, what
    fronts are made of is computed anew where `db check` finds it wrong.
    """
    url = database_url()
    by_hand = upkeep.copying_by_hand(url)
    if by_hand is not None and upkeep.version(url) != schema.HEAD:
        click.echo(f"note: no backup is made of a Postgres database; one is made by: {by_hand}", err=True)
    done = upkeep.upgrade(url)
    if done.corrected:
        click.echo(f"{_name(url)}: computed anew what fronts are made of: {done.corrected} rows were wrong")
        return 0
    if done.before == done.after:
        click.echo(f"{_name(url)}: schema {done.after} is current, nothing to do")
        return 0
    if done.backup is not None:
        click.echo(f"backup: {done.backup}")
    click.echo(f"{_name(url)}: schema {done.before} → {done.after}")
    return 0


@db.command()
@database_option
@json_option
def check(as_json: bool) -> int:
    """Check that the file is whole, rows point to rows, finished jobs have results, and the views answer.

    Exit code 4 if something is wrong.
    """
    url = database_url()
    problems = upkeep.check(url)
    if as_json:
        print_json({"database": _name(url), "schema": schema.HEAD, "problems": problems})
    else:
        for problem in problems:
            click.echo(problem)
        found = f"{len(problems)} problem(s)" if problems else "sound"
        click.echo(f"{_name(url)}: schema {schema.HEAD}, {found}")
    return _DATABASE if problems else 0


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@database_option
def backup(file: Path) -> int:
    """Copy an SQLite database to FILE, also while a sweep runs."""
    url = database_url()
    upkeep.backup(url, file)
    click.echo(f"{_name(url)} → {file} ({file.stat().st_size:,} bytes)")
    return 0


def _name(url: str) -> str:
    return shown(parse_url(url))


COMMANDS = (db,)

"""The command for people's own questions: sql."""

from __future__ import annotations

from pathlib import Path

import click

from db import recipes, user_sql
from db.views import VIEWS
from orchestrator.commands.options import database_option, database_url, json_option
from orchestrator.errors import InputError
from orchestrator.output import FORMATS, print_rows

#: What ``--recipes`` without a name means.
_ALL = "all"


@click.command()
@click.argument("statement", required=False)
@click.option("--file", "file", type=click.Path(path_type=Path), help="Read the statement from a file.")
@click.option("--recipe", metavar="NAME", help="Run a named query instead.")
@click.option(
    "--recipes", "listed", metavar="[NAME]", is_flag=False, flag_value=_ALL, help="List them, or show one's text."
)
@click.option("--schema", is_flag=True, help="Show the views and their columns.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), default=10_000, show_default=True, help="At most so many rows.")
@click.option("--seconds", type=click.FloatRange(0.001, 3600), default=10.0, show_default=True, help="Time limit.")
@database_option
@json_option
def sql(
    *,
    statement: str | None,
    file: Path | None,
    recipe: str | None,
    listed: str | None,
    schema: bool,
    form: str,
    limit: int,
    seconds: float,
    as_json: bool,
) -> int:
    """Ask the database in SQL, read-only.

    E.g. "SELECT norm, max(top1) FROM results GROUP BY norm". Questions that many ask have a name: --recipes lists them.
    """
    form = "json" if as_json else form
    if schema:
        return _print_schema(form)
    if listed is not None:
        return _print_recipes(listed, form)
    text = _statement(statement, file, recipe)
    found = user_sql.run(database_url(), text, row_limit=limit, seconds=seconds)
    print_rows(found.as_objects(), found.columns, form)
    if found.truncated:
        click.echo(f"only the first {limit} rows: more with --limit", err=True)
    return 0


def _statement(statement: str | None, file: Path | None, recipe: str | None) -> str:
    if sum(one is not None for one in (statement, file, recipe)) != 1:
        raise InputError(
            "give one statement, --file or --recipe", hint='orchestrator sql "SELECT * FROM results LIMIT 5"'
        )
    if recipe is not None:
        return recipes.recipe(recipe).sql
    if file is None:
        return str(statement)
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: {error}") from error


def _print_schema(form: str) -> int:
    rows = [{"view": name, "column": column} for name, view in VIEWS.items() for column in list(view.c.keys())]
    print_rows(rows, ["view", "column"], form)
    click.echo("what they mean, with units: docs/views.md", err=True)
    return 0


def _print_recipes(name: str, form: str) -> int:
    """List the recipes, or print the text of one, ready for ``--file``."""
    wanted = recipes.RECIPES.values() if name == _ALL else [recipes.recipe(name)]
    if form != "table":
        rows = [{"name": one.name, "question": one.question, "sql": one.sql} for one in wanted]
        print_rows(rows, ["name", "question", "sql"], form)
    elif name == _ALL:
        print_rows([{"name": one.name, "question": one.question} for one in wanted], ["name", "question"], form)
        click.echo("run one: orchestrator sql --recipe NAME; its text: orchestrator sql --recipes NAME", err=True)
    else:
        for one in wanted:
            click.echo(f"-- {one.question}\n{one.sql}", nl=False)
    return 0


COMMANDS = (sql,)

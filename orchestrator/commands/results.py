"""Commands that read results: results, front, speedup, sql, describe; and import of published ones."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from db import user_sql
from db.comparison import compare
from db.front_views import MODES, SCENARIOS, Mode, Scenario
from db.publications import read_csv
from db.store import open_store
from db.views import VIEWS
from orchestrator.commands.options import database_option, database_url, json_option, reading, sweep_argument
from orchestrator.description import describe_variant
from orchestrator.errors import InputError
from orchestrator.output import FORMATS, print_json, print_rows, without_constants
from workers.protocol.variant import HALF_RESOLUTION, NATIVE_RESOLUTION

if TYPE_CHECKING:
    from db.reader import Reader
    from db.speedup import Speedup, SpeedupPoint

_TABLE_COLUMNS = (
    "model_size",
    "width",
    "group_size",
    "norm",
    "train_resolution",
    "test_resolution",
    "seed",
    "top1",
    "top1_before_fine_tune",
    "train_images_per_second",
    "inference_images_per_second",
    "device",
)
_FRONT_COLUMNS = (
    "series",
    "model_size",
    "width",
    "train_resolution",
    "test_resolution",
    "top1_mean",
    "seeds",
    "images_per_second",
    "device",
)

format_option = click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How to write it."
)
filter_option = click.option("--filter", "filter_text", metavar="FILTER", default="", help="e.g. group_size=16")
scenario_option = click.option(
    "--scenario",
    type=click.Choice(SCENARIOS),
    default="best",
    show_default=True,
    help="native: tested at the native resolution; best: where top-1 is best; all: every test resolution.",
)
mode_option = click.option("--mode", type=click.Choice(MODES), required=True, help="Which throughput counts.")


def _sweep_name(reader: Reader, sweep: str | None) -> str | None:
    return None if sweep is None else reader.sweep(sweep).name


@click.command()
@sweep_argument
@format_option
@filter_option
@click.option("--columns", help="Comma-separated; all of the view's for programs, a choice for the terminal.")
@click.option("--sort", default="top1", show_default=True, help="Column; best first. A leading + is smallest first.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many rows.")
@database_option
@json_option
def results(
    *, sweep: str | None, form: str, filter_text: str, columns: str | None, sort: str, limit: int | None, as_json: bool
) -> int:
    """Show results: one row per evaluation, with the throughput of its network."""
    form = "json" if as_json else form
    usual = _TABLE_COLUMNS if form == "table" else ()
    wanted = [name.strip() for name in columns.split(",")] if columns else list(usual)
    order = sort[1:] if sort.startswith("+") else f"-{sort}"
    with reading() as reader:
        rows = reader.view(
            "results",
            filter_text=filter_text,
            sweep=_sweep_name(reader, sweep),
            columns=wanted,
            sort=[order, "evaluation"],
            limit=None if limit is None else limit + 1,
        )
        names = wanted or list(VIEWS["results"].c.keys())
    more = limit is not None and len(rows) > limit
    rows, title = rows[:limit], ""
    if form == "table" and columns is None:
        names, title = without_constants(rows, names)
    print_rows(rows, names, form, title)
    if more and form == "table":
        click.echo(f"the first {limit}; all: --format csv, or without --limit")
    return 0


@click.command()
@sweep_argument
@mode_option
@scenario_option
@filter_option
@format_option
@database_option
@json_option
def front(sweep: str | None, mode: Mode, scenario: Scenario, filter_text: str, form: str, as_json: bool) -> int:
    """Show the Pareto front: configurations that no other one beats in both accuracy and throughput."""
    form = "json" if as_json else form
    with reading() as reader:
        name = _sweep_name(reader, sweep)
        points = reader.points(mode, scenario, sweep=name, filter_text=filter_text)
        why_empty = "" if points else _why_empty(reader, mode, name, filter_text)
    rows = [{key: value for key, value in point.items() if key != "on_front"} for point in points if point["on_front"]]
    if not rows and form == "table":
        click.echo(f"no front: {why_empty}")
        return 0
    names, title = list(rows[0] if rows else _FRONT_COLUMNS), ""
    if form == "table":
        names, constants = without_constants(rows, _FRONT_COLUMNS)
        title = f"{mode} front, scenario {scenario}: {len(rows)} of {len(points)} configurations; {constants}"
    print_rows(rows, names, form, title)
    return 0


def _why_empty(reader: Reader, mode: Mode, sweep: str | None, filter_text: str) -> str:
    """Say why there are no points, and what to do."""
    columns = [f"{mode}_images_per_second", f"{mode}_verdict"]
    rows = reader.view("results", filter_text=filter_text, sweep=sweep, columns=columns)
    contended = sum(row[f"{mode}_verdict"] == "contended" for row in rows)
    if contended:
        return (
            f"{contended} of {len(rows)} results have a throughput that was measured while something else used the "
            f"processors (verdict contended), which no front takes; on a quiet machine: orchestrator remeasure SWEEP "
            f"--noisy, then launch"
        )
    if rows:
        return f"{len(rows)} results, but none has a {mode} throughput: see `measure` in the sweep file"
    return "no results" + (
        f" match {filter_text!r}" if filter_text else ": orchestrator launch examples/quickstart.yaml"
    )


@click.command()
@click.option("--baseline", metavar="FILTER", required=True, help='e.g. "group_size=1 norm=gn"')
@click.option("--candidate", metavar="FILTER", required=True, help='e.g. "group_size=16 norm=ln+pn"')
@mode_option
@scenario_option
@click.option("--sweep", help="Only results of this sweep.")
@database_option
@json_option
def speedup(baseline: str, candidate: str, mode: Mode, scenario: Scenario, sweep: str | None, as_json: bool) -> int:
    """Compare two fronts at equal accuracy: how much faster is the candidate?

    Throughput is interpolated between the points of each front (its logarithm, linearly in top-1), never beyond them.
    """
    with reading() as reader:
        found = compare(
            reader,
            baseline=baseline,
            candidate=candidate,
            mode=mode,
            scenario=scenario,
            sweep=_sweep_name(reader, sweep),
        )
    if as_json:
        print_json(found.to_json())
    else:
        _print_speedup(found, baseline, candidate, mode)
        for text, covered in ((baseline, found.baseline_range), (candidate, found.candidate_range)):
            if covered is None:
                with reading() as reader:
                    click.echo(f"[{text}]: {_why_empty(reader, mode, sweep, text)}")
    return 0


def _print_speedup(found: Speedup, baseline: str, candidate: str, mode: Mode) -> None:
    click.echo(f"{mode} speed-up at equal accuracy of [{candidate}] over [{baseline}]")
    if not found.points or found.maximum is None:
        click.echo(f"none can be told: {found.reason}")
        return
    rows = [
        {"top1": point.top1, "speed-up": f"{point.speedup:.2f}×", "95 %": _interval(point)} for point in found.points
    ]
    print_rows(rows, ["top1", "speed-up", "95 %"], "table")
    click.echo(f"largest: {found.maximum.speedup:.2f}× at {found.maximum.top1:.2f} %{_in_brackets(found.maximum)}")
    click.echo(f"geometric mean over these accuracies: {found.geometric_mean:.2f}×")
    if found.maximum.low is not None and "accuracy" not in found.interval_covers:
        click.echo("the intervals cover throughput only: give each network several seeds to cover top-1's noise too")


def _interval(point: SpeedupPoint) -> str:
    return "" if point.low is None else f"{point.low:.2f}–{point.high:.2f}"


def _in_brackets(point: SpeedupPoint) -> str:
    return "" if point.low is None else f" (95 % interval {_interval(point)})"


@click.command()
@click.argument("statement", required=False)
@click.option("--file", "file", type=click.Path(path_type=Path), help="Read the statement from a file.")
@click.option("--schema", is_flag=True, help="Show the views and their columns.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), default=10_000, show_default=True, help="At most so many rows.")
@click.option("--seconds", type=click.FloatRange(0.001, 3600), default=10.0, show_default=True, help="Time limit.")
@database_option
@json_option
def sql(
    *, statement: str | None, file: Path | None, schema: bool, form: str, limit: int, seconds: float, as_json: bool
) -> int:
    """Ask the database in SQL, read-only.

    E.g. "SELECT norm, max(top1) FROM results GROUP BY norm".
    """
    form = "json" if as_json else form
    if schema:
        return _print_schema(form)
    text = _statement(statement, file)
    found = user_sql.run(database_url(), text, row_limit=limit, seconds=seconds)
    print_rows(found.as_objects(), found.columns, form)
    if found.truncated:
        click.echo(f"only the first {limit} rows: more with --limit", err=True)
    return 0


def _statement(statement: str | None, file: Path | None) -> str:
    if (statement is None) == (file is None):
        raise InputError("give one statement, or --file", hint='orchestrator sql "SELECT * FROM results LIMIT 5"')
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


@click.command()
@click.argument("size")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]…")
@json_option
def describe(size: str, settings: tuple[str, ...], as_json: bool) -> int:
    """Show what a network costs, without a slot.

    E.g. `describe b0 group_size=16 norm=ln+pn resolution=160`; parameters, multiply-accumulates and activations.
    """
    described = describe_variant(size, settings)
    if as_json:
        print_json(described.to_json())
        return 0
    click.echo(described.headline)
    print_rows(described.stages, list(described.stages[0]), "table")
    return 0


@click.command("import")
@click.option("--published", type=click.Path(path_type=Path), required=True, help="CSV file of published results.")
@click.option("--name", help="Of the publication; the file's name if left out. The same name again replaces it.")
@click.option("--dataset", default="imagenet", show_default=True, help="What the results were measured on.")
@database_option
def import_(published: Path, name: str | None, dataset: str) -> int:
    """Put published results beside measured ones."""
    records = read_csv(published, NATIVE_RESOLUTION, HALF_RESOLUTION)
    with contextlib.closing(open_store(database_url())) as store:
        store.put_publication(name or published.stem, dataset, records)
    click.echo(f"{len(records)} published results; see them with: orchestrator results --filter source=published")
    return 0


COMMANDS = (results, front, speedup, sql, describe, import_)

"""Commands that read results: results, front, speedup, describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from db.comparison import compare, compare_combined
from db.front_views import JUDGEMENT, MODES, SCENARIOS, Mode, Scenario
from db.pairing import pairings
from db.views import VIEWS
from orchestrator.commands.notes import note_choice, note_left_out, only_measures, why_empty
from orchestrator.commands.options import database_option, json_option, reading, sweep_argument
from orchestrator.commands.sources import chosen_sources, note_pairings, source_options, sources_told
from orchestrator.description import describe_variant
from orchestrator.output import FOR_READING, FORMATS, print_json, print_rows, without_constants

if TYPE_CHECKING:
    from db.reader import Reader
    from db.speedup import Speedup, SpeedupPoint
    from orchestrator.commands.sources import Sources

_TABLE_COLUMNS = (
    "model_size",
    "width",
    "group_size",
    "norm",
    "train_resolution",
    "test_resolution",
    "seed",
    "fine_tune_layers",
    "top1",
    "validation_top1",
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
    "fine_tune_layers",
    "top1_mean",
    "validation_top1_mean",
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
    help="native: tested at the native resolution; best: where most validation images are right (test images, if "
    "there are none); all: every test resolution.",
)
noisy_option = click.option(
    "--noisy", is_flag=True, help="Let measurements compete whose blocks disagree; else only clean ones do."
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
    usual = _TABLE_COLUMNS if form in FOR_READING else ()
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
        told = "" if rows else only_measures(reader, sweep)
    more = limit is not None and len(rows) > limit
    rows, title = rows[:limit], ""
    if form in FOR_READING and columns is None:
        names, title = without_constants(rows, names)
    if not rows and form == "table" and told:
        click.echo(told)
        return 0
    print_rows(rows, names, form, title)
    if more and form == "table":
        click.echo(f"the first {limit}; all: --format csv, or without --limit")
    return 0


@click.command()
@sweep_argument
@mode_option
@scenario_option
@filter_option
@noisy_option
@source_options
@format_option
@database_option
@json_option
def front(
    *,
    sweep: str | None,
    mode: Mode,
    scenario: Scenario,
    filter_text: str,
    noisy: bool,
    form: str,
    as_json: bool,
    **given: str | None,
) -> int:
    """Show the Pareto front: configurations that no other one beats in both accuracy and throughput.

    With --accuracy published --throughput measured: published accuracies on your own hardware.
    """
    form = "json" if as_json else form
    sources, told = chosen_sources(**given), ""
    with reading() as reader:
        name = _sweep_name(reader, sweep)
        if sources.combined:
            points, told = _combined_points(reader, mode, scenario, sources, name, filter_text, noisy=noisy)
            nothing = "no published result with a throughput that was measured here"
        else:
            text = sources.filtered(filter_text)
            points = reader.points(mode, scenario, sweep=name, filter_text=text, noisy=noisy)
            nothing = "" if points else why_empty(reader, mode, name, text)
            if points and form in FOR_READING:
                note_left_out(reader, mode, scenario, name, [text], noisy=noisy)
    on_front = [point for point in points if point["on_front"]]
    rows = [{key: value for key, value in point.items() if key not in JUDGEMENT} for point in on_front]
    note_choice(on_front, scenario)
    if not rows and form == "table":
        click.echo(f"no front: {nothing}")
        return 0
    names, title = list(rows[0] if rows else _FRONT_COLUMNS), ""
    if form in FOR_READING:
        names, constants = without_constants(rows, _FRONT_COLUMNS)
        title = f"{mode} front, scenario {scenario}: {len(rows)} of {len(points)} configurations"
        title = "; ".join(filter(None, [title, constants, told if form != "table" else ""]))
    if told and form == "table":
        click.echo(told)
    print_rows(rows, names, form, title)
    return 0


def _combined_points(
    reader: Reader,
    mode: Mode,
    scenario: Scenario,
    sources: Sources,
    sweep: str | None,
    filter_text: str,
    *,
    noisy: bool,
) -> tuple[list[dict[str, Any]], str]:
    """Return published accuracies with throughput measured here, and whose both are in words."""
    found = reader.combined(
        mode, scenario, publication=sources.publication, sweep=sweep, filter_text=filter_text, noisy=noisy
    )
    paired = pairings(found.rows, mode, noisy=noisy)
    note_pairings(paired, mode)
    return found.points, sources_told(found.publication, paired)


@click.command()
@click.option("--baseline", metavar="FILTER", required=True, help='e.g. "group_size=1 norm=gn"')
@click.option("--candidate", metavar="FILTER", required=True, help='e.g. "group_size=16 norm=ln+pn"')
@mode_option
@scenario_option
@click.option("--sweep", help="Only results of this sweep.")
@noisy_option
@source_options
@format_option
@database_option
@json_option
def speedup(
    *,
    baseline: str,
    candidate: str,
    mode: Mode,
    scenario: Scenario,
    sweep: str | None,
    noisy: bool,
    form: str,
    as_json: bool,
    **given: str | None,
) -> int:
    """Compare two fronts at equal accuracy: how much faster is the candidate?

    Throughput is interpolated between the points of each front (its logarithm, linearly in top-1), never beyond them.
    With --accuracy published --throughput measured: what published accuracies come to on your own hardware.
    """
    sources = chosen_sources(**given)
    form = "json" if as_json else form
    if sources.combined:
        return _combined_speedup(
            baseline=baseline,
            candidate=candidate,
            mode=mode,
            scenario=scenario,
            sources=sources,
            sweep=sweep,
            noisy=noisy,
            form=form,
        )
    baseline, candidate = sources.filtered(baseline), sources.filtered(candidate)
    with reading() as reader:
        name = _sweep_name(reader, sweep)
        found = compare(
            reader, baseline=baseline, candidate=candidate, mode=mode, scenario=scenario, sweep=name, noisy=noisy
        )
        points = [
            point
            for text in dict.fromkeys((baseline, candidate))
            for point in reader.points(mode, scenario, sweep=name, filter_text=text, noisy=noisy)
            if point["on_front"]
        ]
        if form in FOR_READING:
            note_left_out(reader, mode, scenario, name, (baseline, candidate), noisy=noisy)
    note_choice(points, scenario)
    if form == "json":
        print_json(found.to_json())
    elif form != "table":
        _write_speedup(found, form, f"{mode} speed-up at equal accuracy of [{candidate}] over [{baseline}]")
    else:
        _print_speedup(found, baseline, candidate, mode, _SEEDS)
        for text, covered in ((baseline, found.baseline_range), (candidate, found.candidate_range)):
            if covered is None:
                with reading() as reader:
                    click.echo(f"[{text}]: {why_empty(reader, mode, name, text)}")
    return 0


def _combined_speedup(
    *,
    baseline: str,
    candidate: str,
    mode: Mode,
    scenario: Scenario,
    sources: Sources,
    sweep: str | None,
    noisy: bool,
    form: str,
) -> int:
    with reading() as reader:
        combined = compare_combined(
            reader,
            baseline=baseline,
            candidate=candidate,
            mode=mode,
            scenario=scenario,
            publication=sources.publication,
            sweep=_sweep_name(reader, sweep),
            noisy=noisy,
        )
    told = sources_told(combined.publication, combined.pairings)
    if form == "json":
        print_json(combined.to_json())
        return 0
    note_pairings(combined.pairings, mode)
    if form != "table":
        _write_speedup(combined.speedup, form, f"{mode} speed-up of [{candidate}] over [{baseline}]; {told}")
    else:
        _print_speedup(combined.speedup, baseline, candidate, mode, "a publication gives one top-1 per network", told)
    return 0


#: What to do where the intervals do not cover the noise of top-1.
_SEEDS = "give each network several seeds to cover top-1's noise too"


def _print_speedup(
    found: Speedup, baseline: str, candidate: str, mode: Mode, accuracy_noise: str, told: str = ""
) -> None:
    click.echo(f"{mode} speed-up at equal accuracy of [{candidate}] over [{baseline}]")
    if told:
        click.echo(told)
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
        click.echo(f"the intervals cover throughput only: {accuracy_noise}")
    if found.pace:
        click.echo(found.pace)


def _write_speedup(found: Speedup, form: str, title: str) -> None:
    """Write the points for other programs: top-1 in percent, the ratio, and its 95 % interval."""
    rows = [
        {"top1": point.top1, "speedup": point.speedup, "speedup_low": point.low, "speedup_high": point.high}
        for point in found.points
    ]
    print_rows(rows, ["top1", "speedup", "speedup_low", "speedup_high"], form, title)
    if not found.points:
        click.echo(f"none can be told: {found.reason}", err=True)


def _interval(point: SpeedupPoint) -> str:
    return "" if point.low is None else f"{point.low:.2f}–{point.high:.2f}"


def _in_brackets(point: SpeedupPoint) -> str:
    return "" if point.low is None else f" (95 % interval {_interval(point)})"


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


COMMANDS = (results, front, speedup, describe)

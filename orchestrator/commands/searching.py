"""The command that runs a search, and tells how one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from orchestrator.commands.options import database_option, json_option, reading
from orchestrator.commands.running import detached, launch_options, options_of, same_command
from orchestrator.output import print_json, print_rows

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.launching import LaunchOptions
    from orchestrator.search.running import SearchOutcome


@click.command()
@launch_options
@click.option("--report", is_flag=True, help="Tell how the search of this file, or of this name, stands; run nothing.")
@click.option("--trials", is_flag=True, help="With --report: every trial, as a table.")
@click.option("--detach", is_flag=True, help="Run in the background, with its output in a log file.")
@click.option("--dry-run", is_flag=True, help="Tell what there is to choose and what is stored already; run nothing.")
@database_option
@json_option
def search(*, report: bool, trials: bool, detach: bool, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Let Optuna choose which of a file's combinations are worth their training.

    The file is a sweep file with a section `search`. The same command again goes on where it was.
    """
    if report:
        return _report(given["sweep_file"], every_trial=trials, as_json=as_json)
    options = options_of(**given)
    if dry_run:
        return _dry_run(options, as_json=as_json)
    if detach:
        return _detached(options)
    from orchestrator.search.running import search as run_search

    return _outcome(run_search(options, Console(stderr=as_json)), as_json=as_json)


def _detached(options: LaunchOptions) -> int:
    """Leave the search to the background, unless its file is refused."""
    from orchestrator.search.running import section_of
    from orchestrator.sweep import load_sweep

    sweep = load_sweep(options.sweep_file, options.overrides)
    section_of(sweep)
    return detached(options, sweep.spec.name)


def _report(file: Path, *, every_trial: bool, as_json: bool) -> int:
    from orchestrator.search.report import print_report, read_report

    with reading() as reader:
        found = read_report(reader, _name_in(file))
    rows = [found.row(trial) for trial in found.trials]
    if as_json:
        print_json({**found.to_json(), **({"every_trial": rows} if every_trial else {})})
        return 0
    print_report(found)
    if every_trial and rows:
        print_rows(rows, list(rows[0]), "table", "trials")
    return 0


def _name_in(file: Path) -> str:
    """Return the name of the search that a file describes, or what was given, if it is no file."""
    if not file.is_file():
        return str(file)
    from orchestrator.sweep import load_sweep

    return load_sweep(file).spec.name


def _dry_run(options: LaunchOptions, *, as_json: bool) -> int:
    from orchestrator.search.preview import preview

    found = preview(options)
    if as_json:
        print_json(found.to_json())
        return 0
    for line in found.lines():
        click.echo(line)
    return 0


def _outcome(outcome: SearchOutcome, *, as_json: bool) -> int:
    from orchestrator.search.report import print_report, read_report

    with reading() as reader:
        found = read_report(reader, outcome.name)
    if as_json:
        print_json(found.to_json())
    else:
        print_report(found)
    if outcome.stopped_by is not None:
        click.echo(f"stopped; what is done is kept. To go on: {same_command()}", err=as_json)
        return 128 + outcome.stopped_by
    failed = sum(states.get(state, 0) for states in outcome.counts.values() for state in ("failed", "quarantined"))
    if failed:
        hint = f"see `orchestrator failures {outcome.name}`, then `orchestrator retry`"
        click.echo(f"{failed} job(s) failed for good: {hint}", err=True)
        return 1
    if any(trial.state == "open" for trial in outcome.trials):
        click.echo(f"not all was done. To go on: {same_command()}", err=True)
        return 1
    return 0


COMMANDS = (search,)

"""Commands that run something: plan, launch, slots, dashboard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from orchestrator.commands.options import database_option, database_url, home_directory, json_option, reading
from orchestrator.errors import ImpossibleHereError
from orchestrator.output import print_json, print_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.launching import LaunchOptions, Outcome
    from orchestrator.planning import Plan


def launch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the sweep file and the options of what runs one."""
    options = [
        click.argument("sweep_file", metavar="SWEEP.YAML", type=click.Path(path_type=Path)),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the file."),
        click.option("--address", metavar="ADDRESS", help="Ray cluster to run on; else this machine."),
        click.option("--artifacts", metavar="DIR", envvar="ORCHESTRATOR_ARTIFACTS", help="Checkpoints and logs."),
        click.option("--data", metavar="DIR", envvar="ORCHESTRATOR_DATA", default="data", help="Data sets."),
        click.option("--yes", is_flag=True, help="A very large sweep is meant."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def options_of(
    sweep_file: Path, overrides: tuple[str, ...], address: str | None, artifacts: str | None, data: str, yes: bool
) -> LaunchOptions:
    """Return what the person asks for, with the defaults of this machine."""
    from orchestrator.launching import LaunchOptions

    return LaunchOptions(
        sweep_file=sweep_file,
        overrides=overrides,
        url=database_url(),
        home=home_directory(artifacts),
        data_directory=Path(data).absolute(),
        address=address,
        allow_many=yes,
    )


@click.command()
@launch_options
@database_option
@json_option
def plan(as_json: bool, **given: Any) -> int:
    """Show what a launch would do, and write nothing.

    Jobs to run, reused, excluded and impossible per stage, and how long they may take.
    """
    from orchestrator.launching import plan_sweep, require_possible

    sweep, capacity, found = plan_sweep(options_of(**given))
    if as_json:
        print_json(found.to_json())
    else:
        for note in (*found.notes, *capacity.notes):
            click.echo(f"note: {note}")
        slots = ", ".join(f"{count} {kind}" for kind, count in capacity.slots.items())
        _print_plan(f"{sweep.spec.name} on {slots} slot(s)", found)
    require_possible(found)
    return 0


def _print_plan(title: str, found: Plan) -> None:
    rows = []
    for name, stage in found.stages.items():
        if not stage.jobs_in_all and not stage.excluded:
            continue
        seconds = stage.predicted_seconds
        groups = {group: stage.count(group) for group in ("to_run", "reused", "impossible", "diverged", "held")}
        predicted = "" if seconds is None else f"{seconds:.0f} s"
        rows.append({"stage": name, **groups, "excluded": stage.excluded, "predicted": predicted or "no history"})
    columns = ["stage", "to_run", "reused", "excluded", "impossible", "predicted"]
    columns[4:4] = [group for group in ("diverged", "held") if any(row[group] for row in rows)]
    print_rows(rows, columns, "table", title)
    for stage in found.stages.values():
        for rule, count in stage.excluded_by.items():
            click.echo(f"excluded by {rule}: {count}")


@click.command()
@launch_options
@click.option("--detach", is_flag=True, help="Run in the background, with its output in a log file.")
@database_option
def launch(detach: bool, **given: Any) -> int:
    """Plan a sweep and run it to the end. The same file again resumes; an edited file extends."""
    from orchestrator.launching import launch as launch_sweep
    from orchestrator.sweep import load_sweep

    options = options_of(**given)
    if detach:
        return detached(options, load_sweep(options.sweep_file, options.overrides).spec.name)
    return _report(launch_sweep(options, Console()))


def detached(options: LaunchOptions, name: str) -> int:
    """Give the same command to a process in the background, with its output in a log file."""
    log = options.home / "logs" / f"launch-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    arguments = [one for one in sys.argv[1:] if one != "--detach"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "ORCHESTRATOR_DB": options.url},
            start_new_session=True,
        )
    click.echo(f"running in the background as process {process.pid}; its output: {log}")
    click.echo(f"watch it with: orchestrator status {name} --watch")
    return 0


def _report(outcome: Outcome) -> int:
    total = {
        stage: ", ".join(f"{count} {state}" for state, count in sorted(by_state.items()))
        for stage, by_state in outcome.counts.items()
        if by_state
    }
    click.echo("; ".join(f"{stage}: {words}" for stage, words in total.items()))
    if outcome.stopped_by is not None:
        click.echo(f"stopped; what is done is kept. To go on: {same_command()}")
        return 128 + outcome.stopped_by
    if outcome.count("failed", "quarantined"):
        click.echo("some jobs failed for good: see `orchestrator failures`, then `orchestrator retry SWEEP`", err=True)
        return 1
    if outcome.plan.impossible or outcome.count("blocked"):
        click.echo("some jobs need slots that are not here: see `orchestrator plan`", err=True)
        return ImpossibleHereError.exit_code
    if outcome.count("queued", "running"):
        click.echo(f"not all was done. To go on: {same_command()}", err=True)
        return 1
    return 0


def same_command() -> str:
    """Return the command line as it was given, without a password."""
    import shlex

    from db.urls import parse_url, shown

    url = database_url()
    words = [shown(parse_url(url)) if one == url else one for one in sys.argv[1:]]
    return shlex.join(["orchestrator", *words])


@click.command()
@click.argument("sweep_file", metavar="[SWEEP.YAML]", required=False, type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the file.")
@click.option("--address", metavar="ADDRESS", help="Ray cluster to look at; else this machine.")
@json_option
def slots(sweep_file: Path | None, overrides: tuple[str, ...], address: str | None, as_json: bool) -> int:
    """Show the slots that are here: those that a sweep file asks for, or else those that are used by default.

    IPUs are only seen with a file, which names the interpreter that has PopTorch.
    """
    import tempfile

    from orchestrator.capacity import find_capacity
    from orchestrator.sweep import load_sweep

    asked_for = None if sweep_file is None else load_sweep(sweep_file, overrides).spec.slots
    with tempfile.TemporaryDirectory() as home:
        capacity = find_capacity(address, asked_for, Path(home))
        capacity.close()
    for note in capacity.notes:
        click.echo(f"note: {note}", err=True)
    rows = [
        {
            "kind": kind,
            "slots": capacity.slots[kind],
            "device": environment.device,
            "threads": environment.threads,
            "environment_key": environment.key,
            "software": ", ".join(f"{name} {version}" for name, version in sorted(environment.software.items())),
        }
        for kind, environments in capacity.environments.items()
        for environment in environments
    ]
    print_rows(rows, list(rows[0]), "json" if as_json else "table")
    return 0


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port; the first free one from 8501 if left out.")
@database_option
def dashboard(port: int | None) -> int:
    """Serve the dashboard and print its address.

    It reads the database only, and serves this machine only.
    """
    with reading():  # a missing database is said here, in the terminal
        pass
    environment = {**os.environ, "ORCHESTRATOR_DB": database_url(), "PYTHONSAFEPATH": "1"}
    arguments = [] if port is None else ["--port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", "dashboard", *arguments], env=environment)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        return 0


COMMANDS = (plan, launch, slots, dashboard)

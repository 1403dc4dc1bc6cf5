"""Commands that show what is going on: status, explain, logs, failures."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.commands.options import database_option, json_option, reading, sweep_argument
from orchestrator.errors import InputError
from orchestrator.output import pause_words, print_json, print_rows, shown
from workers.protocol.orders import LOG_FILE

if TYPE_CHECKING:
    from db.reader import Reader
    from db.records import JobRow, SweepRow

#: Between two looks of ``status --watch``, seconds.
WATCH_SECONDS = 2.0


@click.command()
@sweep_argument
@click.option("--watch", is_flag=True, help="Look again every two seconds until the sweep has ended.")
@database_option
@json_option
def status(sweep: str | None, watch: bool, as_json: bool) -> int:
    """Show how far a sweep is.

    Jobs per stage and state, what runs now, and whether it is paused. Without a name: the newest sweep.
    """
    with reading() as reader:
        while True:
            row = chosen_sweep(reader, sweep)
            if as_json:
                print_json({**reader.counts(row.sweep_id), **_pause_of(row)})
            else:
                _print_status(reader, row, clear=watch)
            if not watch or row.driver_id is None:
                return 0
            time.sleep(WATCH_SECONDS)


def chosen_sweep(reader: Reader, name: str | None) -> SweepRow:
    """Return the sweep of a name, or the newest.

    Raises:
        InputError: There is none at all.
        UnknownNameError: There is none of that name.
    """
    if name is not None:
        return reader.sweep(name)
    known = reader.sweeps()
    if not known:
        raise InputError("no sweep was launched yet", hint="orchestrator launch examples/quickstart.yaml")
    return known[0]


def _pause_of(row: SweepRow) -> dict[str, Any]:
    """Return what programs read of a pause; nothing where there is none."""
    if row.pause is None:
        return {}
    return {"paused": dataclasses.asdict(row.pause)}


def _print_status(reader: Reader, row: SweepRow, *, clear: bool) -> None:
    if clear:
        click.clear()
    driver = reader.driver(row.driver_id) if row.driver_id else None
    who = f", driven by process {driver.pid} on {driver.host}" if driver else ""
    click.echo(f"{row.name}: {row.state if row.pause is None else pause_words(row.pause)}{who}")
    if row.pause is not None:
        click.echo(f"nothing new starts before: orchestrator resume {row.name}")
    counts = reader.counts(row.sweep_id)
    states = list(dict.fromkeys(state for by_state in counts.values() for state in by_state))
    rows = [
        {"stage": stage, **{state: by_state.get(state) for state in states}, "all": sum(by_state.values())}
        for stage, by_state in counts.items()
        if by_state
    ]
    print_rows(rows, ["stage", *states, "all"], "table")
    running = [
        {
            "slot": job.slot,
            "job": job.fingerprint[:8],
            "what": f"{job.stage} {job.label}",
            "progress": job.progress_text,
        }
        for job in reader.running_jobs(row.sweep_id)
    ]
    if running:
        print_rows(running, ["slot", "job", "what", "progress"], "table")
    failures = reader.failures(row.sweep_id)
    if failures:
        jobs = sum(len(group.jobs) for group in failures)
        click.echo(f"{jobs} job(s) without a result: orchestrator failures {row.name}")


@click.command()
@click.argument("job")
@database_option
@json_option
def explain(job: str, as_json: bool) -> int:
    """Say why a job waits or failed.

    What it waits for, or how it ended, and every attempt at it.
    """
    with reading() as reader:
        row = reader.job(job)
        attempts = reader.attempts_of(row.fingerprint)
        reason = _reason(reader, row)
    rows: list[dict[str, Any]] = [
        {
            "attempt": one.attempt,
            "slot": f"{one.slot} on {one.node}",
            "started": one.started_at,
            "ended": one.ended_at,
            "outcome": one.outcome or "running",
            "message": one.message,
        }
        for one in attempts
    ]
    if as_json:
        print_json({"job": row.fingerprint, "label": row.label, "state": row.state, "reason": reason, "attempts": rows})
        return 0
    click.echo(f"{row.stage} {row.fingerprint}: {row.label}\n{row.state}: {reason}")
    if rows:
        print_rows(rows, list(rows[0]), "table")
    return 0


def _reason(reader: Reader, row: JobRow) -> str:
    """Return in words why the job is in its state."""
    if row.state == "queued":
        return _why_paused(reader, row) or row.reason or _why_queued(reader, row)
    if row.state == "running":
        return f"on slot {row.slot} since {shown('', row.started_at)}; {row.progress_text or 'no progress said yet'}"
    return row.reason or {"done": "its result is stored"}.get(row.state, "no reason was given")


def _why_paused(reader: Reader, row: JobRow) -> str:
    """Tell who paused the job; empty while somebody runs it in a sweep that is not paused."""
    driven = [sweep for sweep in reader.sweeps_of(row.fingerprint) if sweep.driver_id is not None]
    paused = [f"its sweep {sweep.name} is {pause_words(sweep.pause)}" for sweep in driven if sweep.pause is not None]
    if len(paused) < len(driven) or not paused:
        return ""
    return f"{'; '.join(paused)}: `orchestrator resume` lets it go on"


def _why_queued(reader: Reader, row: JobRow) -> str:
    if not reader.live_drivers():
        return "no driver is running: launch the sweep's file"
    if row.depends_on is not None:
        training = reader.job(row.depends_on)
        if training.state != "done":
            return f"waits for its training {training.fingerprint[:8]}, which is {training.state}"
    if row.stage == "measure":
        stages = Counter(job.stage for job in reader.running_jobs())
        busy = ", ".join(f"{count} {stage}" for stage, count in stages.items())
        return f"waits until nothing else runs on its machine (now: {busy or 'nothing'})"
    return "waits for a free slot"


@click.command()
@click.argument("job")
@click.option("--attempt", type=click.IntRange(min=1), help="Which attempt; the last one if left out.")
@database_option
def logs(job: str, attempt: int | None) -> int:
    """Print what a job's worker wrote."""
    with reading() as reader:
        row = reader.job(job)
        attempts = [one for one in reader.attempts_of(row.fingerprint) if attempt in {None, one.attempt}]
    if not attempts:
        raise InputError(f"job {row.fingerprint[:8]} has no such attempt", hint=f"orchestrator explain {job}")
    last = attempts[-1]
    log = Path(last.directory) / LOG_FILE
    if log.exists():
        click.echo(log.read_text(encoding="utf-8", errors="replace"), nl=False)
    else:
        click.echo(f"{log} is not on this machine", err=True)
    for text in (last.message, last.traceback):
        if text:
            click.echo(text)
    return 0


@click.command()
@sweep_argument
@database_option
@json_option
def failures(sweep: str | None, as_json: bool) -> int:
    """Show failed jobs, grouped by cause."""
    with reading() as reader:
        groups = reader.failures(chosen_sweep(reader, sweep).sweep_id)
    rows = [
        {
            "jobs": len(group.jobs),
            "stage": group.stage,
            "state": group.state,
            "class": group.failure,
            "message": group.message,
            "example": group.jobs[0][:8],
        }
        for group in groups
    ]
    if as_json:
        print_json([{**row, "all": list(group.jobs)} for row, group in zip(rows, groups, strict=True)])
    elif rows:
        print_rows(rows, list(rows[0]), "table")
        click.echo("details: orchestrator logs EXAMPLE; another chance: orchestrator retry SWEEP")
    else:
        click.echo("none")
    return 0


COMMANDS = (status, explain, logs, failures)

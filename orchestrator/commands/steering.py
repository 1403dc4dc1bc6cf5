"""Commands that steer a sweep through the store: pause, resume, cancel, retry, remeasure.

The driver may be in the background or on another machine: it looks at the store every two seconds.
"""

from __future__ import annotations

import contextlib
import getpass
import socket
from typing import TYPE_CHECKING

import click

from db.store import open_store
from orchestrator.commands.options import database_option, database_url, reading
from orchestrator.errors import InputError
from orchestrator.output import pause_words

if TYPE_CHECKING:
    from db.reader import Reader
    from db.records import SweepRow


@click.command()
@click.argument("sweep")
@click.option("--now", is_flag=True, help="Interrupt what runs, too; trainings go on from their last saved epoch.")
@database_option
def pause(sweep: str, now: bool) -> int:
    """Let a running sweep start nothing more until `resume`.

    Running jobs go on to their end; then its slots hold neither memory nor devices. Its driver stays, and may be
    anywhere.
    """
    with reading() as reader, contextlib.closing(open_store(database_url())) as store:
        row = _driven(reader, sweep)
        changed = store.pause_sweep(row.sweep_id, _who(), interrupts=now)
        row = reader.sweep(row.name)
        running = len(reader.running_jobs(row.sweep_id))
    if row.pause is None:  # it ended just now
        raise _nobody_runs(row)
    if changed:
        what = "interrupted" if now else "left to go on to their end (--now interrupts them)"
        click.echo(f"{row.name} is paused: nothing new starts, {running} running job(s) are {what}")
    else:
        click.echo(f"{row.name} is already {pause_words(row.pause)}")
    click.echo(f"to go on: orchestrator resume {row.name}")
    return 0


@click.command()
@click.argument("sweep")
@database_option
def resume(sweep: str) -> int:
    """Let a paused sweep go on."""
    with reading() as reader, contextlib.closing(open_store(database_url())) as store:
        row = _driven(reader, sweep)
        resumed = store.resume_sweep(row.sweep_id)
    click.echo(f"{row.name} goes on" if resumed else f"{row.name} is not paused: it is {row.state}")
    return 0


def _driven(reader: Reader, name: str) -> SweepRow:
    """Return a sweep that somebody runs.

    Raises:
        InputError: Nobody does.
        UnknownNameError: There is no such sweep.
    """
    from orchestrator.driver_identity import is_gone

    row = reader.sweep(name)
    driver = reader.driver(row.driver_id) if row.driver_id else None
    if driver is None:
        raise _nobody_runs(row)
    if is_gone(driver):
        message = f"{row.name}: the process that ran it ({driver.pid} on {driver.host}) is gone"
        raise InputError(message, hint="launch its file to go on; what is done is kept")
    return row


def _nobody_runs(row: SweepRow) -> InputError:
    return InputError(f"{row.name} is {row.state}: nobody runs it", hint="launching its file runs what is left")


def _who() -> str:
    """Return who types, as ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may give the process a number that has no name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


@click.command()
@click.argument("sweep")
@click.option("--job", "jobs", multiple=True, help="Only these jobs (fingerprint or its beginning).")
@database_option
def cancel(sweep: str, jobs: tuple[str, ...]) -> int:
    """Cancel a sweep, or some of its waiting jobs."""
    with reading() as reader, contextlib.closing(open_store(database_url())) as store:
        row = reader.sweep(sweep)
        wanted = [reader.job(job).fingerprint for job in jobs] or [
            one.fingerprint for one in reader.jobs_of(row.sweep_id)
        ]
        count = store.cancel(wanted)
        if not jobs and row.driver_id is not None:
            store.set_sweep_state(row.sweep_id, "stopped")
    click.echo(f"{count} waiting job(s) cancelled; `orchestrator retry {row.name}` brings them back")
    return 0


@click.command()
@click.argument("sweep")
@click.option("--failed", is_flag=True, help="Only failed and quarantined jobs, not cancelled or diverged ones.")
@database_option
def retry(sweep: str, failed: bool) -> int:
    """Give a sweep's unsuccessful jobs a new chance.

    The next launch runs them.
    """
    states = ("failed", "quarantined") if failed else ("failed", "quarantined", "cancelled", "diverged")
    with reading() as reader, contextlib.closing(open_store(database_url())) as store:
        row = reader.sweep(sweep)
        jobs = reader.jobs_of(row.sweep_id)
        again = {job.fingerprint for job in jobs if job.state in states}
        followers = [job.fingerprint for job in jobs if job.depends_on in again and job.state == "cancelled"]
        count = store.requeue([*again, *followers], (*states, "cancelled"))
    click.echo(f"{count} job(s) queued again; run its file again to do them")
    return 0


@click.command()
@click.argument("sweep", required=False)
@click.option("--noisy", is_flag=True, help="Only measurements that something disturbed: noisy or contended ones.")
@click.option("--stale", is_flag=True, help="Only measurements of hardware and software that is no longer there.")
@database_option
def remeasure(sweep: str | None, noisy: bool, stale: bool) -> int:
    """Measure throughput again, of one sweep or, with --noisy or --stale, of all.

    The next launch does it; the earlier measurements stay, and the newest counts.
    """
    if sweep is None and not (noisy or stale):
        raise click.UsageError("name a sweep; or --noisy or --stale for those of all sweeps")
    with reading() as reader, contextlib.closing(open_store(database_url())) as store:
        sweeps = reader.sweeps() if sweep is None else [reader.sweep(sweep)]
        for row in sweeps:
            measured = reader.measured_jobs([row.sweep_id])
            old = [one["fingerprint"] for one in measured if one["stale"]]
            disturbed = [one["fingerprint"] for one in measured if one["verdict"] != "clean" and not one["stale"]]
            everything = [] if noisy or stale else [one["fingerprint"] for one in measured if not one["stale"]]
            count = store.requeue(disturbed if noisy else everything, ("done",))
            click.echo(f"{row.name}: {_to_remeasure(count, len(old), stale=stale, noisy=noisy)}")
    return 0


def _to_remeasure(queued: int, old: int, *, stale: bool, noisy: bool) -> str:
    """Tell what the next launch of a sweep's file measures.

    A stale measurement is not done again where it was done: that environment is gone. A launch measures in the present
    one, which makes another job of it.
    """
    words = [] if stale and not noisy else [f"{queued} measurement(s) queued again"]
    if old or stale:
        words.append(f"{old} stale one(s), which a launch measures with the present software in any case")
    return f"{'; '.join(words)}; run its file again to do them" if queued or old else "nothing to measure again"


COMMANDS = (pause, resume, cancel, retry, remeasure)

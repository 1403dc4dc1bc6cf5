"""The command that frees disk space: gc."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from db.store import open_store, utc_now
from orchestrator.collection import Collection, Collector
from orchestrator.commands.options import database_option, database_url, json_option, reading
from orchestrator.output import print_json, print_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.collection import FoundFile


@click.command()
@click.option(
    "--artifacts", metavar="DIR", type=click.Path(path_type=Path), help="Only files of sweeps that wrote there."
)
@click.option("--older-than", "days", metavar="DAYS", type=click.FloatRange(0), default=0.0, help="Only what is older.")
@click.option("--delete", is_flag=True, help="Delete; else only show what would go.")
@database_option
@json_option
def gc(*, artifacts: Path | None, days: float, delete: bool, as_json: bool) -> int:
    """Free the space of checkpoints that no front and no open job needs.

    Without --delete it shows what would go, and why, and what stays. Logs and reports always stay, and so does
    everything of a sweep that is being run. A test resolution that is asked for later trains such a network again.
    """
    with reading() as reader:
        collector = Collector(reader, utc_now() - dt.timedelta(days=days), artifacts)
        found = collector.look()
    if delete and found.useless:
        with contextlib.closing(open_store(database_url())) as store:
            found = collector.delete(store, found)
    if as_json:
        print_json(_as_json(found, deleted=delete))
    else:
        _print(found, deleted=delete)
    for problem in found.problems:
        click.echo(problem, err=True)
    return 1 if found.problems else 0


def _as_json(found: Collection, *, deleted: bool) -> dict[str, Any]:
    return {
        "deleted": deleted,
        "files": [{**_row(file), "path": file.path} for file in found.useless],
        "bytes": _bytes(found.useless),
        "kept": _kept(found),
        "missing": found.missing,
        "elsewhere": found.elsewhere,
        "problems": list(found.problems),
    }


def _row(file: FoundFile) -> dict[str, Any]:
    attempt = file.attempt
    return {
        "job": attempt.fingerprint,
        "label": attempt.label,
        "attempt": attempt.attempt,
        "file": file.name,
        "bytes": file.size_bytes,
        "why": file.useless,
    }


def _kept(found: Collection) -> list[dict[str, Any]]:
    """Return why files stay: how many for each reason, the largest first."""
    by_reason: defaultdict[str, list[FoundFile]] = defaultdict(list)
    for file in found.needed:
        by_reason[file.needed].append(file)
    rows = [{"why": why, "files": len(files), "bytes": _bytes(files)} for why, files in by_reason.items()]
    return sorted(rows, key=lambda row: (-row["bytes"], row["why"]))


def _print(found: Collection, *, deleted: bool) -> None:
    if found.useless:
        rows = [
            {**_row(file), "job": file.attempt.fingerprint[:8], "size": _size(file.size_bytes)}
            for file in found.useless
        ]
        print_rows(rows, ["job", "label", "attempt", "file", "size", "why"], "table")
    total = f"{len(found.useless)} file(s), {_size(_bytes(found.useless))}"
    remedy = "; the same with --delete deletes them" if found.useless and not deleted else ""
    click.echo(f"{total} {'deleted' if deleted else 'can go'}{remedy}")
    for row in _kept(found):
        click.echo(f"stays: {row['files']} file(s), {_size(row['bytes'])}: {row['why']}")
    if found.missing:
        click.echo(
            f"not here: the weights of {found.missing} finished training(s), deleted before or on another machine"
        )
    if found.elsewhere:
        click.echo(f"not looked at: {found.elsewhere} finished training(s) outside these artifacts directories")


def _bytes(files: Sequence[FoundFile]) -> int:
    return sum(file.size_bytes for file in files)


def _size(size_bytes: int) -> str:
    """Return a size as people read it, in powers of 1000."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB" if size < 999.5 else f"{size:,.0f} TB"


COMMANDS = (gc,)

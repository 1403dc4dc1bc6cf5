"""Commands that carry results from one database to another: export, import."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from db.errors import SweepHeldError
from db.publications import read_csv
from db.store import open_store
from orchestrator.commands.options import database_option, database_url, json_option, reading
from orchestrator.errors import InputError
from orchestrator.output import print_json, print_rows
from workers.protocol.variant import HALF_RESOLUTION, NATIVE_RESOLUTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.bundles.exporting import Form
    from db.bundles.merging import ImportReport

_CHECKPOINTS = (
    "checkpoints do not travel: an evaluation that is asked for later trains its network again, unless the weights lie "
    "in the same directory there"
)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.argument("sweeps", nargs=-1, metavar="[SWEEP]…")
@click.option(
    "--optuna",
    metavar="URL",
    help="Instead of a bundle: write the search named in place of FILE as a study that Optuna's own tools open.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["sqlite", "parquet"]),
    default="sqlite",
    show_default=True,
    help="sqlite: one file, a database by itself; parquet: a directory with a file per table.",
)
@click.option("--with-published", is_flag=True, help="With SWEEP: published results too.")
@database_option
@json_option
def export(
    *, file: Path | None, sweeps: Sequence[str], optuna: str | None, form: Form, with_published: bool, as_json: bool
) -> int:
    """Write sweeps with all their results to a bundle, for `import` elsewhere; without SWEEP, the whole database.

    Sweeps that run meanwhile go on. Nothing is overwritten.
    """
    if file is None:
        raise InputError("name the bundle's file, or with --optuna a search", hint="orchestrator export bundle.sqlite")
    if optuna is not None:
        return _export_study(str(file), sweeps, optuna, as_json=as_json)
    from db.bundles.exporting import export as write_bundle

    manifest = write_bundle(database_url(), file, form=form, names=sweeps, published=with_published)
    if as_json:
        print_json({"file": str(file), **manifest.to_json()})
        return 0
    rows = {name: table.rows for name, table in manifest.tables.items()}
    click.echo(
        f"{file}: {rows['sweeps']} sweep(s), {rows['jobs']} job(s), {rows['trainings']} training run(s), "
        f"{rows['evaluations']} evaluation(s), {rows['measurements']} measurement(s), "
        f"{rows['published_results']} published result(s)"
    )
    click.echo(f"note: {_CHECKPOINTS}", err=True)
    return 0


def _export_study(name: str, others: Sequence[str], url: str, *, as_json: bool) -> int:
    from orchestrator.search.optuna_study import export_study
    from orchestrator.search.report import read_report
    from orchestrator.search.settings import axes_of

    if others:
        raise InputError("one search becomes one study", hint=f"orchestrator export --optuna URL {name}")
    with reading() as reader:
        found = read_report(reader, name)
    count = export_study(url, found.name, axes_of(found.search.settings), found.objectives, found.trials)
    if as_json:
        print_json({"study": found.name, "trials": count})
    else:
        click.echo(f"study {found.name!r}: {count} trial(s)")
    return 0


@click.command("import")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help="Give a sweep of the bundle another name.")
@click.option("--published", type=click.Path(path_type=Path), help="CSV file of published results, instead of FILE.")
@click.option("--name", help="Of the publication; the file's name if left out. The same name again replaces it.")
@click.option("--dataset", default="imagenet", show_default=True, help="What the published results were measured on.")
@database_option
@json_option
def import_(
    *,
    file: Path | None,
    renames: Sequence[str],
    published: Path | None,
    name: str | None,
    dataset: str,
    as_json: bool,
) -> int:
    """Bring in what `export` wrote, or put published results beside measured ones.

    Results that are here already stay as they are; the same bundle again changes nothing.
    """
    if published is not None and file is None and not renames:
        return _import_published(published, name or published.stem, dataset, as_json=as_json)
    if file is None or published is not None:
        raise InputError(
            "give one bundle, or --published with a CSV file",
            hint="orchestrator import bundle.sqlite [--rename OLD=NEW]",
        )
    found = _bring_in(database_url(), file, dict(map(_rename, renames)))
    if as_json:
        print_json(found.to_json())
    else:
        _print_report(found)
    return 0


def _import_published(file: Path, name: str, dataset: str, *, as_json: bool) -> int:
    records = read_csv(file, NATIVE_RESOLUTION, HALF_RESOLUTION)
    with contextlib.closing(open_store(database_url())) as store:
        store.put_publication(name, dataset, records)
    if as_json:
        print_json({"publication": name, "published_results": len(records)})
        return 0
    click.echo(f"{len(records)} published results; see them with: orchestrator results --filter source=published")
    return 0


def _rename(text: str) -> tuple[str, str]:
    old, _, new = text.partition("=")
    if not old or not new:
        raise InputError(f"--rename {text}: not of the form OLD=NEW", hint="e.g. --rename fashion=fashion-cluster")
    return old, new


def _bring_in(url: str, file: Path, renames: dict[str, str]) -> ImportReport:
    """Import; a killed driver of this machine that still holds a sweep is reaped, as a launch would do."""
    from db.bundles.merging import bring_in
    from orchestrator.driver_identity import is_gone

    while True:
        try:
            return bring_in(url, file, renames=renames)
        except SweepHeldError as error:
            if not is_gone(error.holder):
                raise
            with contextlib.closing(open_store(url)) as store:
                store.reap_driver(error.holder.driver_id)


def _print_report(found: ImportReport) -> None:
    rows: list[dict[str, Any]] = [
        {"table": name, "new": counts.new, "known": counts.known, "changed": counts.changed}
        for name, counts in found.counts.items()
        if counts.new or counts.known
    ]
    print_rows(rows, ["table", "new", "known", "changed"], "table")
    new, changed = sum(row["new"] for row in rows), sum(row["changed"] for row in rows)
    click.echo(f"{new} new, {changed} changed" if new or changed else "0 new: everything was here already")
    if found.counts["trainings"].new:
        click.echo(f"note: {_CHECKPOINTS}", err=True)


COMMANDS = (export, import_)

"""The command doctor: whether this machine can do what a launch needs."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.commands.options import database_option, database_url, home_directory, json_option
from orchestrator.output import print_json

#: How a state is shown.
_MARKS = {"ok": "ok      ", "note": "note    ", "problem": "PROBLEM "}


@click.command()
@click.argument("sweep_file", metavar="[SWEEP.YAML]", required=False, type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the file.")
@click.option("--address", metavar="ADDRESS", help="Ray cluster to look at; else this machine.")
@click.option("--artifacts", metavar="DIR", envvar="ORCHESTRATOR_ARTIFACTS", help="Checkpoints and logs.")
@click.option("--data", metavar="DIR", envvar="ORCHESTRATOR_DATA", default="data", help="Data sets.")
@database_option
@json_option
def doctor(
    sweep_file: Path | None,
    overrides: tuple[str, ...],
    address: str | None,
    artifacts: str | None,
    data: str,
    as_json: bool,
) -> int:
    """Look at everything that a launch needs, and say what to do about what is wrong; changes nothing.

    Packages, database, disks, Ray and the slots; with a sweep file also its images, its slots and its jobs.
    """
    from orchestrator.checks import exit_code
    from orchestrator.examination import Patient, examine

    patient = Patient(
        url=database_url(),
        home=_home(artifacts),
        data_directory=Path(data).absolute(),
        sweep_file=sweep_file,
        overrides=overrides,
        address=address,
    )
    findings = []
    for finding in examine(patient):
        findings.append(finding)
        if not as_json:
            click.echo(f"{_MARKS[finding.state]}{finding.what}: {finding.found}")
            if finding.remedy:
                click.echo(f"        {finding.remedy}")
    if as_json:
        print_json([finding.to_json() for finding in findings])
    return exit_code(findings)


def _home(artifacts: str | None) -> Path:
    from db.errors import InvalidUrlError

    try:
        return home_directory(artifacts)
    except InvalidUrlError:  # is found again, and said, where the database is looked at
        return Path.cwd() / "orchestrator-runs"


COMMANDS = (doctor,)

"""The command line: ``orchestrator COMMAND``.

Exit codes: 0 done · 1 some jobs failed for good · 2 bad input · 3 impossible on the present slots · 4 database ·
130 interrupted. A mistake gets one message that says what to do, never a traceback (``--debug`` shows it).
"""

from __future__ import annotations

import os
import sys

import click

from db import errors as store_errors
from orchestrator.commands import (
    collecting,
    doctor,
    exchange,
    results,
    running,
    searching,
    sql,
    steering,
    upkeep,
    watching,
)
from orchestrator.errors import OrchestratorError

#: What the person typed cannot be used.
_BAD_INPUT = (
    store_errors.InvalidUrlError,
    store_errors.UnknownNameError,
    store_errors.FilterError,
    store_errors.ComparisonError,
    store_errors.PublishedFileError,
    store_errors.BundleError,
    store_errors.UserQueryError,
)
#: Somebody else is at it.
_HELD = (store_errors.SweepHeldError, store_errors.DriverEndedError)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--db", metavar="URL", help="Database; else ORCHESTRATOR_DB, else sqlite:///orchestrator.db.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(package_name="frontsweep", prog_name="orchestrator")
@click.pass_context
def cli(context: click.Context, db: str | None, debug: bool) -> None:
    """Sweeps of EfficientNet variants: train, fine-tune, test, measure throughput; show what is really faster.

    Start with `orchestrator launch examples/quickstart.yaml`.
    """
    context.obj = db
    context.meta["debug"] = debug


for command in (
    *running.COMMANDS,
    *doctor.COMMANDS,
    *searching.COMMANDS,
    *steering.COMMANDS,
    *watching.COMMANDS,
    *results.COMMANDS,
    *sql.COMMANDS,
    *upkeep.COMMANDS,
    *collecting.COMMANDS,
    *exchange.COMMANDS,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line.

    Args:
        arguments: As typed, without the program's name.

    Returns:
        The exit code.
    """
    try:
        return int(cli.main(arguments, prog_name="orchestrator", standalone_mode=False) or 0)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except (OrchestratorError, store_errors.StoreError) as error:
        if "--debug" in arguments:
            raise
        click.echo(f"error: {error}", err=True)
        return _exit_code(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads; say no more about it
        return 0


def _exit_code(error: OrchestratorError | store_errors.StoreError) -> int:
    if isinstance(error, OrchestratorError):
        return error.exit_code
    if isinstance(error, _BAD_INPUT):
        return 2
    return 3 if isinstance(error, _HELD) else 4

"""``python -m workers.data fetch NAME --to DIRECTORY``: get a data set before it is needed; ``check`` only looks."""

import argparse
import sys
from typing import Optional, Sequence

from workers.data.fetch import check, fetch
from workers.errors import DataError
from workers.protocol.datasets import NAMED


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command; return its exit code: 0 present, 2 not there or not to be had."""
    parser = argparse.ArgumentParser(prog="python -m workers.data", description="Fetch named data sets.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, meaning in (
        ("fetch", "fetch a data set unless it is there already"),
        ("check", "tell whether a data set is there and whole"),
    ):
        command = commands.add_parser(name, help=meaning)
        command.add_argument("name", choices=sorted(NAMED))
        command.add_argument("--to", default="data", metavar="DIRECTORY", help="data directory (default: data)")
    given = parser.parse_args(arguments)
    try:
        (fetch if given.command == "fetch" else check)(given.name, given.to)
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{given.name} is in {given.to}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

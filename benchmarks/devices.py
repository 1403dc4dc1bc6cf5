"""The command line of benchmarks that run networks on a device."""

import argparse
from typing import NamedTuple

import torch

from workers.device import open_device
from workers.errors import DeviceError


class Options(NamedTuple):
    """The command line of a benchmark of networks."""

    quick: bool
    device: torch.device


def options(description: str) -> Options:
    """Read the command line and open the device; ends the program with exit code 2 where there is none."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; on a CPU well under a minute")
    parser.add_argument("--slot-kind", choices=("cpu", "cuda"), default="cpu", help="where (default: %(default)s)")
    given = parser.parse_args()
    try:
        # As on a slot: otherwise how much of a step on a CPU is page faults depends on what ran before.
        return Options(given.quick, open_device(given.slot_kind))
    except DeviceError as error:
        parser.exit(2, f"{error}\n")

"""What Graphcore's ``gc-info`` tells of the IPUs; nothing where there is no such program."""

import contextlib
import subprocess
from typing import Dict

_SECONDS = 20.0
#: What changes while IPUs compute, and is worth noting beside a measurement: °C, MHz, W, and the count of errors.
_CHANGING = ("average board temp", "average die temp", "clock", "total board power", "ipu power", "ipu error state")


def device_info() -> Dict[str, str]:
    """Return the attributes of the first IPU of the partition, as ``gc-info --device-info`` names them.

    It asks no exclusive access, so that it may be called while a program computes.
    """
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = ["gc-info", "--device-info", "--device-id", "0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        pairs = (line.partition(":") for line in done.stdout.splitlines())
        return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}
    return {}


def ipu_conditions() -> Dict[str, str]:
    """Return temperatures, clock, power and errors of the first IPU; or nothing."""
    info = device_info()
    return {name: info[name] for name in _CHANGING if name in info}

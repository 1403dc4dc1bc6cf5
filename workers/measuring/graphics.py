"""What a GPU was doing beside the measurement, as far as nvidia-smi tells."""

import contextlib
import os
import subprocess
from typing import Dict, List, Optional

_SECONDS = 10.0
_FIELDS = (
    "temperature.gpu",
    "clocks.sm",
    "clocks.mem",
    "power.draw",
    "memory.used",
    "clocks_throttle_reasons.active",
    "driver_version",
)


def gpu_conditions() -> Dict[str, str]:
    """Return temperature (°C), clocks (MHz), power (W), memory (MiB) and throttling of this slot's GPU; or nothing."""
    lines = _query([f"--query-gpu={','.join(_FIELDS)}"])
    if not lines:
        return {}
    return dict(zip(_FIELDS, (value.strip() for value in lines[0].split(","))))


def driver_version() -> Optional[str]:
    """Return the driver's version; None if not told."""
    return gpu_conditions().get("driver_version")


def other_gpu_processes() -> Optional[int]:
    """Return how many processes besides this one compute on the GPU; None if not told.

    Counted rather than compared by number, because a container's process numbers are not those of the driver.
    """
    lines = _query(["--query-compute-apps=pid"])
    return None if lines is None else max(0, len(lines) - 1)


def _query(arguments: List[str]) -> Optional[List[str]]:
    command = ["nvidia-smi", *arguments, "--format=csv,noheader,nounits"]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    if visible:
        command += ["--id=" + visible]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        return [line for line in done.stdout.splitlines() if line.strip()]
    return None

"""Getting the images before slots need them: the worker program's own command, run once on this machine."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from orchestrator.errors import InputError
from orchestrator.slots.worker_process import WorkerSettings, worker_environment
from workers.protocol.datasets import NAMED

if TYPE_CHECKING:
    from pathlib import Path

    from workers.protocol.jobs import DataSet


def fetch_images(dataset: DataSet, data_directory: Path) -> None:
    """Make sure that a named data set is there; instant where it is.

    Raises:
        InputError: It is not there and cannot be had; the message says why and what to do.
    """
    if dataset.name not in NAMED:
        return  # the user's own directory, looked at when the sweep file was checked
    settings = WorkerSettings(slot_kind="cpu", threads=1, home=str(data_directory))
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [sys.executable, "-m", "workers.data", "fetch", dataset.name, "--to", str(data_directory)],
            capture_output=True,
            text=True,
            cwd=empty,
            env=worker_environment(settings),
            check=False,
        )
    if done.returncode != 0:
        raise InputError(f"dataset.name: {dataset.name}: {done.stderr.strip()}")

"""The command line as a person runs it: real processes, real Ray, real images."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import pytest

from orchestrator import cli

if TYPE_CHECKING:
    from pathlib import Path

#: Two networks, one train and two test resolutions: the smallest sweep that has every stage.
SWEEP = """\
name: tiny
dataset: {name: fashion-mnist, train_images: 600, test_images: 400, validation_images: 200}
model: {size: b0, width: 0.25, small_images: true}
grid:
  group_size: [1, 16]
  norm: gn
  train_resolution: 12
test_resolution: [12, 16]
recipe: {epochs: 2, batch_size: 50}
fine_tune: {layers: head, epochs: 1, batch_size: 50}
measure:
  {batch_size: 16, memory_format: channels_last, rounds: 1, blocks: 3, block_seconds: 0.05, warmup_seconds: 0.05}
slots: {cpu: {threads: 1, count: 2}}
"""


@functools.cache
def temporary_directory():
    """Where sweeps of this process of tests keep their locks, so that they wait for no measurement of another one.

    Its name is short, since Ray puts sockets below it.
    """
    directory = tempfile.mkdtemp(prefix="t")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


@dataclass(frozen=True)
class Place:
    """A directory to run commands in, and what they need."""

    directory: Path
    data: Path
    url: str = "sqlite:///orchestrator.db"

    @property
    def settings(self):
        return {
            "ORCHESTRATOR_DATA": str(self.data),
            "ORCHESTRATOR_DB": self.url,
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": temporary_directory(),
        }

    @property
    def environment(self):
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ORCHESTRATOR_")}
        return {**kept, **self.settings}

    def write(self, text, name="sweep.yaml"):
        (self.directory / name).write_text(text, encoding="utf-8")

    def start(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *arguments],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments, expect=0):
        """Run a command; check its exit code and that no traceback shows; return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        output = done.stdout + done.stderr
        assert "Traceback" not in output, output
        assert done.returncode == expect, f"exit code {done.returncode}, not {expect}:\n{output}"
        return output

    def ask(self, *arguments, expect=0):
        """Run a command that starts no sweep, in this process, which saves a second; return its output."""
        said, noted = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.directory)
            for name, value in self.settings.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(noted):
                code = cli.run([*arguments])
        output = said.getvalue() + noted.getvalue()
        assert code == expect, f"exit code {code}, not {expect}:\n{output}"
        return output

    def json(self, *arguments):
        return json.loads(self.ask(*arguments, "--json"))

    def sql(self, statement):
        return self.json("sql", statement)


def workers_of(place):
    """The worker processes that run jobs of this place."""
    home = str(place.directory / "orchestrator-runs")
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if "workers" in (process.info["cmdline"] or []) and str(process.info["cwd"] or "").startswith(home)
    ]


def until(condition, seconds=300.0):
    """Wait for something to become true, and return it."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen")

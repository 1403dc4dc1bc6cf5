"""The tests of ``workers`` with the oldest versions that they run on: Python 3.8 and torch 2.0.1, PopTorch's.

Run: ``python -m tests.oldest [PYTEST'S ARGUMENTS]``. Makes an environment first, which takes a minute or several (torch
brings 2 GB of CUDA libraries); where there is no Python 3.8 it says so, and tests nothing. ``--prepare`` makes the
environment alone: beside something else, if need be, since whoever comes next waits until it is made.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[1]
CONSTRAINTS = REPOSITORY / "constraints-oldest.txt"
ENVIRONMENT = REPOSITORY / ".venv-oldest"
PYTHON = ENVIRONMENT / "bin" / "python"
VERSION = "3.8"
_MADE = ENVIRONMENT / "installed"

#: What is tested: networks, one job at a time and the worker program; neither what compares with other libraries, nor
#: kernels and measurements of CPU slots, whose tests would take as long as all others, nor what tests the stand-in
#: itself.
TESTS = (
    *("tests/models", "tests/workers", "tests/ipu"),
    *(
        f"--ignore=tests/{name}.py"
        for name in (
            *("models/test_architecture", "models/test_fused", "models/test_published_networks"),
            *("workers/test_learning", "workers/test_training_parts", "workers/test_measuring"),
            "workers/test_validation_epochs",
            *("ipu/test_standin", "ipu/test_standin_api", "ipu/test_standin_loader", "ipu/test_standin_training"),
            "ipu/test_stored_layout",
        )
    ),
)
_OPTIONS = (
    *("-q", "-m", "not alone and not slow", "--numprocesses", "3", "--dist", "loadfile"),
    *("-W", "ignore:The torchvision:UserWarning", "-W", "ignore:TypedStorage is deprecated:UserWarning"),
)


def interpreter() -> str | None:
    """Return a Python 3.8 of this machine; None where there is none."""
    for candidate in _candidates():
        if _output(candidate, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])") == VERSION:
            return candidate
    return None


def environment() -> Path | None:
    """Make the environment unless it is there; return its interpreter, or None where there is no Python 3.8."""
    with CONSTRAINTS.open(encoding="utf-8") as constraints:
        fcntl.flock(constraints, fcntl.LOCK_EX)  # another process may be making it
        return _environment(constraints.read())


def _environment(wanted: str) -> Path | None:
    if _MADE.is_file() and _MADE.read_text(encoding="utf-8") == wanted:
        return PYTHON
    found = interpreter()
    if found is None:
        return None
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    subprocess.run([found, "-m", "venv", str(ENVIRONMENT)], check=True)
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([PYTHON, "-m", "pip", "install", *quiet, "--requirement", str(CONSTRAINTS)], check=True)
    _MADE.write_text(wanted, encoding="utf-8")
    return PYTHON


def _candidates() -> Iterator[str]:
    yield f"python{VERSION}"
    for version in _output("pyenv", "versions", "--bare").split():
        if version.startswith(f"{VERSION}."):
            yield str(Path(_output("pyenv", "prefix", version)) / "bin" / "python")
    found = _output("uv", "python", "find", "--offline", VERSION)
    if found:
        yield found


def _output(*command: str) -> str:
    """Return what a program prints; nothing where it is not there or fails."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def main(arguments: list[str]) -> int:
    """Run pytest in the environment; return its exit code."""
    python = environment()
    if python is None:
        sys.stderr.write(f"no Python {VERSION} is on this machine: workers are not tested under it\n")
        return 0
    if arguments == ["--prepare"]:
        return 0
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))}
    chosen = () if any(not one.startswith("-") for one in arguments) else TESTS
    command = [python, "-m", "pytest", *_OPTIONS, *chosen, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=kept, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

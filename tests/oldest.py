"""An environment with the oldest versions that workers run on: Python 3.8 and torch 2.0.1, PopTorch's.

Run: ``python -m tests.oldest`` makes it, in a minute or several (torch brings 2 GB of CUDA libraries); where there is
no Python 3.8 it says so. ``python -m tests.oldest ARGUMENTS`` makes it and runs pytest in it.
"""

from __future__ import annotations

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


def interpreter() -> str | None:
    """Return a Python 3.8 of this machine; None where there is none."""
    for candidate in _candidates():
        done = _output(candidate, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])")
        if done == VERSION:
            return candidate
    return None


def environment() -> Path | None:
    """Make the environment unless it is there; return its interpreter, or None where there is no Python 3.8."""
    wanted = CONSTRAINTS.read_text(encoding="utf-8")
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
    for version in (_output("pyenv", "versions", "--bare") or "").split():
        if version.startswith(f"{VERSION}."):
            yield f"{_output('pyenv', 'prefix', version)}/bin/python"
    yield _output("uv", "python", "find", "--offline", VERSION) or f"python{VERSION}"


def _output(*command: str) -> str | None:
    """Return what a program prints; None where it is not there or fails."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def main(arguments: list[str]) -> int:
    """Make the environment and run pytest in it; without arguments only make it."""
    python = environment()
    if python is None:
        sys.stderr.write(f"no Python {VERSION} is on this machine: what workers do under it is not tested\n")
        return 0
    return subprocess.run([python, "-m", "pytest", *arguments], check=False).returncode if arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

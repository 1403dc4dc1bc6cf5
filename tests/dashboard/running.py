"""A dashboard that runs in a directory of its own, with an environment of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from tests.dashboard.visit import SECONDS


@contextlib.contextmanager
def served(directory, port, **variables):
    """Serve the dashboard from a directory, which may hold Streamlit's secrets."""
    program = subprocess.Popen(
        [sys.executable, "-m", "dashboard", "--port", str(port)],
        env={**os.environ, **variables},
        cwd=directory,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout.readline().startswith(f"Dashboard at http://127.0.0.1:{port}")
        yield
    finally:
        program.terminate()
        program.wait(timeout=SECONDS)
        program.stdout.close()

"""How the dashboard is started, and what its files may be called."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import dashboard
from dashboard import start

FOLDER = Path(dashboard.__file__).parent


def test_the_command_serves_this_machine_only_and_names_no_database():
    command = start.command(8501)
    assert command[1:4] == ["-m", "streamlit", "run"]
    for option in (
        "--server.address=127.0.0.1",
        "--server.port=8501",
        "--server.headless=true",
        "--server.enableCORS=true",
        "--server.enableXsrfProtection=true",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
        "--client.showErrorDetails=none",
    ):
        assert option in command
    assert "sqlite" not in " ".join(command)


def test_the_database_is_handed_over_in_the_environment():
    environment = start.environment("postgresql://me:secret@host/db", {"PATH": "/bin"})
    assert environment["ORCHESTRATOR_DB"] == "postgresql://me:secret@host/db"
    assert environment["PATH"] == "/bin"
    assert "secret" not in " ".join(start.command(1))


def test_every_option_is_one_that_streamlit_knows():
    from streamlit import config

    known = config.get_config_options()
    for name in start._OPTIONS:
        assert name in known


def test_a_port_in_use_is_passed_over_unless_it_was_asked_for():
    with socket.socket() as taken:
        taken.bind((start.ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(start.PortTakenError, match=f"port {port} is in use; name another one with --port"):
            start.free_port(port)
        assert start.free_port(None) != port


def test_a_port_in_use_ends_the_program_with_one_line():
    with socket.socket() as taken:
        taken.bind((start.ADDRESS, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "dashboard", "--port", port], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == f"error: port {port} is in use; name another one with --port\n"


def test_no_file_of_the_dashboard_hides_a_module_that_it_needs():
    names = {path.stem for path in FOLDER.iterdir() if path.suffix == ".py" or path.is_dir()}
    names -= {"__init__", "__main__", "__pycache__", "py"}
    taken = set(sys.stdlib_module_names) | set(packages_distributions()) | {"db", "workers", "orchestrator", "tests"}
    assert "app" in names
    assert not names & taken


def test_starting_needs_neither_streamlit_nor_a_database():
    program = "import sys, dashboard.start; sys.exit('streamlit' in sys.modules or 'sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, env=dict(os.environ)).returncode == 0


def test_ending_the_program_ends_the_server(tmp_path):
    environment = {**os.environ, "ORCHESTRATOR_DB": f"sqlite:///{tmp_path}/none.db"}
    program = subprocess.Popen([sys.executable, "-m", "dashboard"], env=environment, stdout=subprocess.PIPE, text=True)
    line = program.stdout.readline()
    port = int(line.split()[2].rsplit(":", 1)[1])
    assert not start._is_free(port)
    program.terminate()
    assert program.wait(timeout=20) == 0
    program.stdout.close()
    assert start._is_free(port)

"""How the dashboard is started, and what its files may be called."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import psutil
import pytest

import dashboard
from dashboard import start
from tests.dashboard.running import served
from tests.dashboard.visit import SECONDS
from tests.ports import unused_port

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
        "--client.showErrorLinks=false",
        "--runner.postScriptGC=false",
    ):
        assert option in command
    assert "sqlite" not in " ".join(command)


def luminance(colour):
    """Return a colour's relative luminance, as WCAG has it, plus what its contrasts add."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05


@pytest.mark.parametrize(("theme", "page"), [("light", "#ffffff"), ("dark", "#181816")])
def test_words_on_a_button_and_the_button_on_the_page_stand_out(theme, page):
    button = luminance(start._OPTIONS[f"theme.{theme}.primaryColor"])
    assert luminance("#ffffff") / button >= 4.5
    assert max(button, luminance(page)) / min(button, luminance(page)) >= 3


def test_the_database_is_handed_over_in_the_environment():
    environment = start.environment("postgresql://me:secret@host/db", {"PATH": "/bin"})
    assert environment["ORCHESTRATOR_DB"] == "postgresql://me:secret@host/db"
    assert environment["PATH"] == "/bin"
    assert "secret" not in " ".join(start.command(1))


def test_every_option_is_one_that_streamlit_knows():
    from streamlit import config

    known = config.get_config_options()
    options = [
        one.removeprefix("--").partition("=")[0] for one in start.command(1, start.Proxy("dash.example.org"))[5:]
    ]
    assert {"server.allowedHosts", "server.corsAllowedOrigins", *start._OPTIONS} <= set(options)
    assert set(options) <= set(known)


def test_a_reverse_proxy_is_let_in_by_its_name_alone():
    plain, proxied = start.command(8501), start.command(8501, start.Proxy.named("dash.example.org:8443"))
    assert {one for one in proxied if one not in plain} == {
        "--server.allowedHosts=dash.example.org",
        "--server.corsAllowedOrigins=https://dash.example.org:8443",
        "--browser.serverAddress=dash.example.org",
        "--server.baseUrlPath=",
    }
    assert "--server.address=127.0.0.1" in proxied


@pytest.mark.parametrize("name", ["example.org/lab/sweeps", "example.org/lab/sweeps/"])
def test_a_reverse_proxy_may_serve_it_below_a_path(name):
    proxied = start.command(8501, start.Proxy.named(name))
    assert {"--server.allowedHosts=example.org", "--server.corsAllowedOrigins=https://example.org"} < set(proxied)
    assert "--server.baseUrlPath=lab/sweeps" in proxied


@pytest.mark.parametrize(
    "name", ["*", "https://dash.example.org", "a b", "dash.example.org --server.address=0.0.0.0", ".", "a/../b", "a/*"]
)
def test_a_proxy_that_cannot_be_one_is_refused(name):
    done = subprocess.run(
        [sys.executable, "-m", "dashboard"],
        env={**os.environ, start.PROXY_VARIABLE: name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "is no name of a host; give one such as dash.example.org" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.browser
def test_below_a_path_pages_links_and_files_are_found_there(tmp_path, visit, seeded_url):
    port, seen = unused_port(), visit()
    with served(tmp_path, port, ORCHESTRATOR_DB=seeded_url, ORCHESTRATOR_DASHBOARD_HOST="example.org/lab/sweeps"):
        seen.go(f"http://127.0.0.1:{port}/lab/sweeps/results", "Results")
        with seen.page.expect_download() as downloading:
            seen.page.get_by_role("button", name="Download as CSV (").click()
        assert Path(downloading.value.path()).read_text(encoding="utf-8").startswith("sweep,")
        seen.page.get_by_role("link", name="Training front").click()
        seen.page.get_by_role("heading", level=1, name="Training front").wait_for()
        assert seen.page.url == f"http://127.0.0.1:{port}/lab/sweeps/training"


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
    servers = psutil.Process(program.pid).children(recursive=True)
    assert servers
    program.terminate()
    assert program.wait(timeout=SECONDS) == 0
    program.stdout.close()
    # Not the port: another test's server may have it by now.
    assert not [one for one in servers if one.is_running()]


def test_a_reverse_proxy_may_ask_for_data_and_no_other_web_site(tmp_path, seeded_url):
    port = unused_port()
    with served(tmp_path, port, ORCHESTRATOR_DB=seeded_url, ORCHESTRATOR_DASHBOARD_HOST="dash.example.org"):
        allowed = {origin: let_in(port, origin) for origin in ("https://dash.example.org", "https://evil.example")}
    assert allowed == {"https://dash.example.org": True, "https://evil.example": False}


def let_in(port, origin):
    """Whether a page of some origin may talk to the server through the browser."""
    request = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(request.encode())
        return connection.recv(64).startswith(b"HTTP/1.1 101")

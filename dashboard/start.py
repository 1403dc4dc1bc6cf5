"""How Streamlit is started: for this machine only, telling nobody, showing no traceback, writing nothing."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from typing_extensions import Self

#: Environment variable that names the database; never an argument, which other users of the machine could read.
VARIABLE: Final = "ORCHESTRATOR_DB"
DEFAULT_URL: Final = "sqlite:///orchestrator.db"
#: Environment variable: the name, and path, under which a reverse proxy serves the dashboard, if one does.
PROXY_VARIABLE: Final = "ORCHESTRATOR_DASHBOARD_HOST"
ADDRESS: Final = "127.0.0.1"
FIRST_PORT: Final = 8501
_PORTS_TRIED: Final = 100
_SECONDS_TO_START: Final = 60.0
_NAME: Final = re.compile(
    r"(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(?P<port>:[0-9]{1,5})?(?P<path>(/[A-Za-z0-9_-]+)*)/?"
)
_SCRIPT: Final = Path(__file__).with_name("app.py")

#: Any other Host header is refused, so that no web site can reach the dashboard by DNS rebinding.
_HOSTS: Final = (ADDRESS, "localhost")
_OPTIONS: Final = {
    "global.developmentMode": "false",  # on by default where Streamlit is not in a site-packages folder
    "server.address": ADDRESS,  # the default listens on every interface
    "server.headless": "true",
    "server.enableCORS": "true",
    "server.enableXsrfProtection": "true",
    "server.enableStaticServing": "false",
    "server.fileWatcherType": "none",
    "server.maxUploadSize": "1",
    "browser.serverAddress": ADDRESS,
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",  # to search engines, with the error's text
    "client.toolbarMode": "viewer",
    "runner.magicEnabled": "false",
    "runner.postScriptGC": "false",  # looks through all objects after every run: 100 ms of CPU for a page left open
    "theme.light.primaryColor": "#0072B2",
    "theme.dark.primaryColor": "#1879BA",  # white words on it are readable, and itself on black
    "theme.headingFontSizes": '["2.75rem", "1.75rem", "1.5rem"]',
    "logger.hideWelcomeMessage": "true",
}


class PortTakenError(Exception):
    """No free port; the message says which were tried."""


class HostNameError(Exception):
    """Not the name of a host; the message says which, and where it stands."""


def free_port(asked: int | None) -> int:
    """Return the port that was asked for, or the first free one from 8501 on.

    Raises:
        PortTakenError: Something else listens there.
    """
    candidates = [asked] if asked is not None else range(FIRST_PORT, FIRST_PORT + _PORTS_TRIED)
    for port in candidates:
        if _is_free(port):
            return port
    tried = f"port {asked} is" if asked is not None else f"ports {FIRST_PORT} to {FIRST_PORT + _PORTS_TRIED - 1} are"
    raise PortTakenError(f"{tried} in use; name another one with --port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class Proxy:
    """Where a reverse proxy serves the dashboard over HTTPS.

    Attributes:
        host: Its name.
        port: Colon and port, if it is not 443.
        path: Below which the pages are, without slashes around it; empty where they are at the root.
    """

    host: str
    port: str = ""
    path: str = ""

    @classmethod
    def named(cls, text: str) -> Self:
        """Read a name such as ``dash.example.org``, ``dash.example.org:8443`` or ``example.org/sweeps``.

        Raises:
            HostNameError: That is no name of a host.
        """
        found = _NAME.fullmatch(text)
        if found is None:
            raise HostNameError(
                f"{PROXY_VARIABLE} is {text!r}, which is no name of a host; give one such as dash.example.org, or "
                "example.org/sweeps"
            )
        return cls(found["host"], found["port"] or "", found["path"].strip("/"))


def command(port: int, proxy: Proxy | None = None) -> list[str]:
    """Return the command that serves the dashboard; it names no database.

    Args:
        port: Where to listen on 127.0.0.1.
        proxy: The reverse proxy before it.
    """
    settings = {**_OPTIONS, "server.port": str(port)}
    hosts = list(_HOSTS)
    if proxy is not None:
        hosts.append(proxy.host)
        settings["browser.serverAddress"] = proxy.host  # else Streamlit asks the internet for this machine's address
        settings["server.corsAllowedOrigins"] = f"https://{proxy.host}{proxy.port}"
        settings["server.baseUrlPath"] = proxy.path
    options = [f"--{name}={value}" for name, value in settings.items()]
    options += [f"--server.allowedHosts={host}" for host in hosts]
    return [sys.executable, "-m", "streamlit", "run", str(_SCRIPT), *options]


def environment(url: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of that command: the caller's, the database, and no modules of the working directory."""
    return {**inherited, VARIABLE: url, "PYTHONSAFEPATH": "1"}


def run(url: str, port: int | None = None) -> int:
    """Serve the dashboard until Ctrl-C and return the exit code.

    Args:
        url: The database.
        port: Where to listen on 127.0.0.1; None takes the first free one from 8501 on.

    Raises:
        PortTakenError: Something else listens there.
        HostNameError: The environment names a proxy that cannot be one.
    """
    chosen = free_port(port)
    named = os.environ.get(PROXY_VARIABLE)
    proxy = Proxy.named(named) if named else None
    address = f"http://{ADDRESS}:{chosen}" + (f"/{proxy.path}" if proxy is not None and proxy.path else "")
    server = subprocess.Popen(
        command(chosen, proxy),
        env=environment(url, os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the server as Ctrl-C does
    try:
        if _answers(server, f"{address}/_stcore/health"):
            sys.stdout.write(f"Dashboard at {address} (this machine only); Ctrl-C ends it.\n")
            sys.stdout.flush()
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(server)


def _answers(server: subprocess.Popen[bytes], address: str) -> bool:
    """Wait until the server answers; False when it ended or takes too long."""
    deadline = time.monotonic() + _SECONDS_TO_START
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=2):  # noqa: S310  # our own http address
                return True
        except (URLError, OSError):
            time.sleep(0.1)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()

"""How long does a person wait for the dashboard, and what does it cost the browser and the server?

    first view   seconds to the first point of the chart (a peer's: to its chart or table), seconds of the browser's
                 main thread, megabytes of data and of everything
    filter       seconds from a filter to the chart that it leaves
    idle         server CPU of one refresh of the sweep's page while nothing changes
    ratios       the same of optuna-dashboard (its Pareto chart) and MLflow's page (the first 100 runs), which hold the
                 same runs

With 1,000 results (--quick), or 1,000, 10,000 and 100,000. Servers run one at a time (the others are suspended), every
visit is that of a fresh browser.

Run: ``python -m benchmarks.dashboard [--quick]``. It needs a Chromium (``python -m tests.browser`` finds or installs
one). A peer that is not installed is named and left out: ``pip install optuna-dashboard mlflow`` brings both.
"""

import contextlib
import importlib.util
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.many_results import fill
from benchmarks.pairs import print_ratio, quick
from benchmarks.peer_stores import fill_mlflow, fill_optuna
from benchmarks.store import _runs
from db.reader import open_reader
from tests.browser import browser

_SWEEP: Final = "sweep 3"
#: A visit that takes longer is given up.
_LIMIT_SECONDS: Final = 60.0
#: As the page of a sweep has it.
_REFRESH_SECONDS: Final = 3.0
_ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
#: Of the browser's requests, those for the program itself, which it keeps between visits.
_PROGRAM: Final = {"Document", "Script", "Stylesheet", "Font", "Image", "Manifest"}

_CHART: Final = "[data-testid=stVegaLiteChart]"
_OUR_MARK: Final = f"{_CHART} :is(svg g.mark-symbol path, canvas)"
_OUR_DRAWING: Final = f"""() => {{
    const idle = document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning';
    const drawn = document.querySelector('{_CHART} svg, {_CHART} canvas');
    if (!idle || !drawn) return null;
    return drawn.tagName === 'CANVAS' ? drawn.toDataURL() : drawn.outerHTML;
}}"""
_THEIR_ROWS: Final = "() => document.querySelector('.ag-root')?.innerText ?? null"


@dataclass(frozen=True, slots=True)
class Page:
    """A page that shows all runs.

    Attributes:
        path: Below the server's address.
        mark: Selector of the first thing that tells of a run.
        box: Selector of where a filter is written; empty if it has none.
        filter: What is written there.
        drawing: Script that returns what is shown; null while it is not finished.
    """

    path: str
    mark: str
    box: str = ""
    filter: str = ""
    drawing: str = ""


_OURS: Final = Page("training", _OUR_MARK, "input[aria-label=Filter]", "group_size=16", _OUR_DRAWING)
_OPTUNA: Final = Page("dashboard/studies/1", "#graph-pareto-front .main-svg .points path, #graph-pareto-front canvas")
_MLFLOW: Final = Page(
    "#/experiments/1/runs",
    ".ag-root a[href*='/runs/']",
    "input[placeholder*='metrics']",
    'params.group_size = "16"',
    _THEIR_ROWS,
)


@dataclass(frozen=True, slots=True)
class View:
    """What one visit took.

    Attributes:
        wall: Seconds to the first mark.
        thread: Seconds of the browser's main thread, to one second after that.
        data: Bytes of data, in requests and in messages.
        all: Bytes of everything.
        filter: Seconds from a filter to what it leaves; None where the page has none.
    """

    wall: float
    thread: float
    data: int
    all: int
    filter: float | None


def main() -> None:
    """Measure and print."""
    is_quick = quick(__doc__ or "")
    plan = {1_000: 1} if is_quick else {1_000: 3, 10_000: 3, 100_000: 1}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the servers as Ctrl-C does
    with tempfile.TemporaryDirectory(prefix="frontsweep-dashboard-") as home, _chromium() as chromium:
        for results, rounds in plan.items():
            measure(Path(home), chromium, results, rounds, refreshes=2 if is_quick else 10)


def measure(home: Path, chromium: Any, results: int, rounds: int, refreshes: int) -> None:
    """Measure everything with one number of results, and print it.

    Args:
        home: Where databases are written.
        chromium: The browser.
        results: How many.
        rounds: Visits to each server, after a first one that warms it up.
        refreshes: Of the idle page.
    """
    url = f"sqlite:///{home}/ours-{results}.db"
    fill(url, results)
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(_ours(url))
        servers = {"ours": (_OURS, ours), **_peers(stack, home, url, results)}
        for _, server in servers.values():
            server.ready()
        views: dict[str, list[View]] = {name: [] for name in servers}
        for number in range(rounds + 1):
            for name in list(servers)[:: 1 if number % 2 == 0 else -1]:
                page, server = servers[name]
                with server.alone():
                    seen = _visit(chromium, f"{server.address}/{page.path}", page)
                if seen is None:  # not asked again: it would take as long every time
                    print(f"{name} {results}: nothing to be seen within {_LIMIT_SECONDS:.0f} s", flush=True)
                    del servers[name]
                else:
                    views[name].append(seen)
        _print(results, {name: seen[:1] for name, seen in views.items()}, "first after the start")
        warm = {name: seen[1:] for name, seen in views.items()}
        _print(results, warm, "median")
        with ours.alone():
            idle = _idle(chromium, ours, refreshes) * 1000
        print(f"ours {results}: {idle:.1f} ms of server CPU for a refresh of an idle page", flush=True)
        _print_ratios(results, warm)


# Servers --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """A server that was started, with all its processes.

    Attributes:
        address: Where it answers.
        probe: Path that answers as soon as it is ready.
        process: The one that was started.
    """

    address: str
    probe: str
    process: psutil.Process

    def ready(self) -> None:
        """Wait until it answers, and suspend it."""
        deadline = time.monotonic() + 2 * _LIMIT_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"{self.address}/{self.probe}", timeout=5):  # noqa: S310  # our own address
                    break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        for one in self.tree():
            one.suspend()

    def tree(self) -> list[psutil.Process]:
        """Return its processes."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu(self) -> float:
        """Return the CPU seconds of all its processes."""
        return sum(one.cpu_times().user + one.cpu_times().system for one in self.tree())

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let it run; it is suspended afterwards, so that another one has the machine."""
        for one in self.tree():
            one.resume()
        try:
            yield
        finally:
            for one in self.tree():
                one.suspend()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _server(command: list[str], port: int, probe: str = "", **environment: str) -> Iterator[Server]:
    """Start a server, and end it and all that it started."""
    started = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    server = Server(f"http://127.0.0.1:{port}", probe, psutil.Process(started.pid))
    try:
        yield server
    finally:
        tree = server.tree()
        for one in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(tree)


def _ours(url: str) -> contextlib.AbstractContextManager[Server]:
    port = _free_port()
    return _server(
        [sys.executable, "-m", "dashboard", "--port", str(port)], port, "_stcore/health", ORCHESTRATOR_DB=url
    )


def _peers(stack: contextlib.ExitStack, home: Path, url: str, results: int) -> dict[str, tuple[Page, Server]]:
    """Fill and start the peers that are installed."""
    reader = open_reader(url)
    runs = _runs(reader)
    reader.close()
    found = {}
    for name, package, page, fills, command in (
        ("optuna", "optuna_dashboard", _OPTUNA, fill_optuna, _optuna_command),
        ("mlflow", "mlflow", _MLFLOW, fill_mlflow, _mlflow_command),
    ):
        if importlib.util.find_spec(package) is None:
            print(f"{package} is not installed: left out", flush=True)
            continue
        path = f"{home}/{name}-{results}.db"
        fills(path, runs)
        port = _free_port()
        found[name] = (page, stack.enter_context(_server(command(path, port), port)))
    return found


def _optuna_command(path: str, port: int) -> list[str]:
    program = str(Path(sys.executable).with_name("optuna-dashboard"))
    return [program, f"sqlite:///{path}", "--host", "127.0.0.1", "--port", str(port)]


def _mlflow_command(path: str, port: int) -> list[str]:
    options = ["--backend-store-uri", f"sqlite:///{path}", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [sys.executable, "-m", "mlflow", "server", *options]


# Visits ---------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = browser()
    if path is None:
        raise SystemExit("no Chromium: run python -m tests.browser")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield launched
        launched.close()


def _visit(chromium: Any, address: str, page: Page) -> View | None:
    """Open a page in a fresh browser session, and filter it; None if there is nothing to be seen in time."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    try:
        seen = context.new_page()
        seen.set_default_timeout(_LIMIT_SECONDS * 1000)
        tools = context.new_cdp_session(seen)
        tools.send("Performance.enable")
        received = _Received(tools)
        started = time.monotonic()
        if not _appears(seen, address, page.mark):
            return None
        wall = time.monotonic() - started
        seen.wait_for_timeout(1000)
        metrics = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
        taken = received.data, received.all
        return View(wall, metrics["TaskDuration"], *taken, _filter(seen, page) if page.box else None)
    finally:
        context.close()


def _appears(seen: Any, address: str, mark: str) -> bool:
    from playwright.sync_api import TimeoutError as TookTooLong

    try:
        seen.goto(address)
        seen.locator(mark).first.wait_for(state="attached")
    except TookTooLong:
        return False
    return True


def _filter(seen: Any, page: Page) -> float:
    """Write a filter, and return the seconds until something else is shown."""
    before = seen.evaluate(page.drawing)
    box = seen.locator(page.box).first
    box.fill(page.filter)
    started = time.monotonic()
    box.press("Enter")
    changed = f"before => {{ const now = ({page.drawing})(); return now !== null && now !== before; }}"
    seen.wait_for_function(changed, arg=before)
    return time.monotonic() - started


class _Received:
    """Counts what a page is sent."""

    def __init__(self, tools: Any) -> None:
        self.data = self.all = 0
        self._kinds: dict[str, str] = {}
        tools.send("Network.enable")
        tools.on("Network.responseReceived", self._answered)
        tools.on("Network.loadingFinished", self._loaded)
        tools.on("Network.webSocketFrameReceived", self._told)

    def _answered(self, event: Mapping[str, Any]) -> None:
        self._kinds[event["requestId"]] = event["type"]

    def _loaded(self, event: Mapping[str, Any]) -> None:
        self._count(int(event["encodedDataLength"]), is_data=self._kinds.get(event["requestId"]) not in _PROGRAM)

    def _told(self, event: Mapping[str, Any]) -> None:
        message = event["response"]
        coded = message["opcode"] == 2  # a binary message is handed over in base64
        self._count(len(message["payloadData"]) * 3 // 4 if coded else len(message["payloadData"]), is_data=True)

    def _count(self, number: int, *, is_data: bool) -> None:
        self.all += number
        self.data += number if is_data else 0


def _idle(chromium: Any, server: Server, refreshes: int) -> float:
    """Return the server's CPU seconds of one refresh of a sweep's page while nothing changes."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    try:
        seen = context.new_page()
        seen.goto(f"{server.address}/?watch={_SWEEP}")
        seen.get_by_text("Jobs finished").wait_for()
        seen.wait_for_timeout(_REFRESH_SECONDS * 1000)
        before = server.cpu()
        seen.wait_for_timeout(refreshes * _REFRESH_SECONDS * 1000)
        return (server.cpu() - before) / refreshes
    finally:
        context.close()


# What is printed ------------------------------------------------------------------------------------------------------


def _print(results: int, views: Mapping[str, list[View]], what: str) -> None:
    for name, seen in views.items():
        if not seen:
            continue
        middle = {one: statistics.median([read(view) or 0.0 for view in seen]) for one, read in _RATIOS.items()}
        print(
            f"{name} {results} ({what} of {len(seen)}): {middle['first-view']:.2f} s to the first mark, "
            f"main thread {middle['main-thread']:.2f} s, data {middle['data'] / 1e6:.2f} MB, "
            f"all {statistics.median([one.all for one in seen]) / 1e6:.2f} MB, "
            + (f"filter {middle['filter']:.2f} s" if middle["filter"] else "no filter"),
            flush=True,
        )


_RATIOS: Final[Mapping[str, Callable[[View], float | None]]] = {
    "first-view": lambda view: view.wall,
    "main-thread": lambda view: view.thread,
    "data": lambda view: float(view.data),
    "filter": lambda view: view.filter,
}


def _print_ratios(results: int, views: Mapping[str, list[View]]) -> None:
    for peer in list(views)[1:]:
        for name, read in _RATIOS.items():
            pairs = [(read(one), read(other)) for one, other in zip(views["ours"], views[peer], strict=False)]
            both = [(one, other) for one, other in pairs if one is not None and other is not None]
            if both and all(one > 0 for one, _ in both):
                print_ratio(f"{name}-{peer}-{results}", [one for one, _ in both], [other for _, other in both])


if __name__ == "__main__":
    main()

"""Databases that the dashboard is pointed at."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from db.reader import open_reader
from tests.browser import browser
from tests.dashboard.detailed import seed_details
from tests.dashboard.seeded import seed
from tests.dashboard.visit import SECONDS, Visit
from tests.ports import unused_port

APP = Path(dashboard.__file__).with_name("app.py")
BROWSER_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")


@pytest.fixture(scope="session")
def seeded_url(tmp_path_factory):
    """URL of a database with a finished sweep, a running one and published results; nobody writes to it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('seeded')}/results.db"
    seed(url)
    return url


@pytest.fixture(scope="session")
def detailed_url(tmp_path_factory):
    """URL of a database with all that is told of single results; nobody writes to it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('detailed')}/results.db"
    seed_details(url)
    return url


@pytest.fixture
def details(detailed_url):
    """What reads single results of that database."""
    with contextlib.closing(open_reader(detailed_url)) as opened:
        yield opened.details()


@pytest.fixture
def reader(seeded_url):
    """The store's own reader on that database."""
    reader = open_reader(seeded_url)
    yield reader
    reader.close()


@pytest.fixture
def open_page(monkeypatch):
    """Open a page of the dashboard on a database, by the file of its view, without a browser."""

    def opened(view: str, url: str, **query: str) -> AppTest:
        monkeypatch.setenv("ORCHESTRATOR_DB", url)
        app = AppTest.from_file(str(APP), default_timeout=SECONDS)
        app.query_params.update(query)
        app.run()
        app.switch_page(f"views/{view}.py").run()
        assert not app.exception
        return app

    return opened


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    path = browser()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: run python -m tests.browser")
        pytest.skip("no Chromium: run python -m tests.browser")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(BROWSER_ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def serve():
    """Serve a database by ``python -m dashboard`` and return the address; ended after the tests.

    A database has one server, however many tests look at it.
    """
    servers = []

    @functools.cache
    def served(url: str) -> str:
        environment = {**os.environ, "ORCHESTRATOR_DB": url}
        server = subprocess.Popen(
            [sys.executable, "-m", "dashboard", "--port", str(unused_port())],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        servers.append(server)
        line = server.stdout.readline()
        assert line.startswith("Dashboard at http://127.0.0.1:"), line
        return line.split()[2]

    yield served
    for server in servers:
        server.terminate()
        server.wait(timeout=SECONDS)
        server.stdout.close()


@pytest.fixture
def visit(chromium):
    """Open pages in fresh browser sessions, which end with the test."""
    contexts = []

    def visited(**options):
        contexts.append(chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}))
        return Visit(contexts[-1])

    yield visited
    for context in contexts:
        context.close()

"""What all tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest import mock

import pytest

from workers.data.fetch import fetch

#: The worker's tests also run under Python 3.8, which has no Postgres server of ours.
pytest_plugins = ["tests.postgres"] if sys.version_info >= (3, 10) else []
REPOSITORY = Path(__file__).parents[1]
#: Files that take longest are begun first, so that in the end no process waits for another one's; by turns those that
#: compute and those that mostly wait for Ray and for processes.
FIRST = (
    "tests/acceptance/test_search.py",
    "tests/workers/test_learning.py",
    "tests/acceptance/test_ipu.py",
    "tests/workers/test_training.py",
    "tests/acceptance/test_main_job.py",
    "tests/ipu/test_measuring.py",
    "tests/acceptance/test_faults.py",
    "tests/db/test_bundles.py",
    "tests/acceptance/test_measuring_only.py",
)


def pytest_collection_modifyitems(items):
    """Put the tests of the longest files first.

    Raises:
        pytest.UsageError: A test that has to run alone is where the Makefile does not look for such.
    """
    for item in items:
        if item.get_closest_marker("alone") and not item.nodeid.startswith("tests/workers/"):
            raise pytest.UsageError(f"{item.nodeid}: tests that run alone are in tests/workers")
    turns = {file: turn for turn, file in enumerate(FIRST)}
    items.sort(key=lambda item: turns.get(item.nodeid.partition("::")[0], len(FIRST)))


@pytest.fixture(autouse=True, scope="module")
def _environment_of_its_own():
    """What the tests of a file have in their process's environment ends with them: an engine of IPUs sets some."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True)
def _no_settings_of_the_person(monkeypatch):
    """Tests see none of the settings of whoever runs them."""
    for name in list(os.environ):
        if name.startswith("ORCHESTRATOR_") or name == "PYTHONPATH":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def data_directory():
    """Directory that holds Fashion-MNIST; fetched once per clone."""
    directory = REPOSITORY / "data"
    fetch("fashion-mnist", directory)
    return directory

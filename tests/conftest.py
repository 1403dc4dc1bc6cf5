"""What all tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from workers.data.fetch import fetch

#: The worker's tests also run under Python 3.8, which has no Postgres server of ours.
pytest_plugins = ["tests.postgres"] if sys.version_info >= (3, 10) else []
REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_settings_of_the_person(monkeypatch):
    """Tests see none of the settings of whoever runs them."""
    for name in list(os.environ):
        if name.startswith("ORCHESTRATOR_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def data_directory():
    """Directory that holds Fashion-MNIST; fetched once per clone."""
    directory = REPOSITORY / "data"
    fetch("fashion-mnist", directory)
    return directory

"""Places to run sweeps in."""

from __future__ import annotations

import pytest

from tests.acceptance.place import SWEEP, Place, workers_of


@pytest.fixture
def place(tmp_path, data_directory):
    one = Place(tmp_path, data_directory)
    one.write(SWEEP)
    return one


@pytest.fixture
def start(place):
    """Start a command; whatever happens, it is gone at the end."""
    started = []

    def command(*arguments):
        started.append(place.start(*arguments))
        return started[-1]

    yield command
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
    for worker in workers_of(place):
        worker.kill()


@pytest.fixture(scope="session")
def finished(tmp_path_factory, data_directory):
    """The tiny sweep, run once to its end. Tests must leave it as it is."""
    one = Place(tmp_path_factory.mktemp("finished"), data_directory)
    one.write(SWEEP)
    one.run("launch", "sweep.yaml")
    return one

"""What a search is compared with, and what the store keeps of it."""

from __future__ import annotations

import pytest

from db.store import open_store
from orchestrator.errors import InputError
from orchestrator.search.settings import axes_of, goal_of, settings_of, with_stored_baseline
from tests.db.example_rows import Sweep
from tests.search.example_search import SEARCH, space_of
from tests.sweep.example_sweep import sweep_of
from workers.protocol.orders import Environment

HERE = Environment(slot_kind="cpu", device="Xeon", threads=1)
OVER = ("search.objectives=speedup", "search.speedup={baseline: norm=ln+pn, mode: train}")


@pytest.fixture
def url(tmp_path):
    """A database with two networks that were measured in training here, and one somewhere else."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = open_store(url)
    sweep = Sweep(store)
    for pixels, correct in ((20, 8000), (28, 8500)):
        trained = sweep.train(pixels, train_resolution=pixels)
        sweep.evaluate(trained, test_resolution=pixels, correct=correct, validation_images=100, validation_correct=80)
    sweep.measure(mode="train", resolution=20)
    sweep.measure("disturbed", mode="train", resolution=28, verdict="contended", verdict_reason="a compiler")
    store.close()
    return url


def goal(url, *overrides, environment=HERE):
    sweep = sweep_of(SEARCH, *OVER, *overrides)
    return goal_of(sweep.spec.search, sweep, url, environment)


def test_a_baseline_is_what_was_cleanly_measured_here_by_accuracy_of_held_out_images(url):
    (point,) = goal(url).baseline
    assert point[0] == 80.0
    assert point[1] > 0


@pytest.mark.parametrize(
    ("overrides", "environment"),
    [
        (("search.speedup.baseline=norm=gn",), HERE),
        ((), Environment(slot_kind="cpu", device="EPYC", threads=1)),
        ((), Environment(slot_kind="cpu", device="Xeon", threads=2)),
        (("search.speedup.mode=inference",), HERE),
        (("dataset.name=cifar10",), HERE),
    ],
)
def test_without_a_baseline_there_is_no_search(url, overrides, environment):
    with pytest.raises(InputError, match=r"search.speedup.*: no stored result of this data set, cleanly measured on"):
        goal(url, *overrides, environment=environment)


def test_without_a_database_there_is_no_baseline_and_none_is_made(tmp_path):
    with pytest.raises(InputError, match="no stored result"):
        goal(f"sqlite:///{tmp_path / 'none.db'}")
    assert not list(tmp_path.iterdir())


def test_a_baseline_that_is_no_filter_is_refused_with_its_key(url):
    with pytest.raises(InputError, match=r"search.speedup.baseline: .*there is no column 'nom'"):
        goal(url, "search.speedup.baseline=nom=gn")


def test_what_is_stored_tells_the_axes_and_the_first_baseline(url):
    space, found = space_of(), goal(url)
    section = sweep_of(SEARCH, *OVER).spec.search
    settings = settings_of(section, space, found)
    assert axes_of(settings) == space.axes
    assert settings["budget"] == {"trials": 6, "slot_hours": None, "hours": None}
    later = goal(url)
    assert with_stored_baseline(later, settings) == found

"""From a point of a front to what it pools."""

import itertools
from pathlib import Path

import pytest

from db.publications import read_csv
from db.variant_results_view import TESTED
from tests.db.example_rows import Sweep
from tests.db.test_points import VARIANTS
from workers.protocol.variant import HALF_RESOLUTION, NATIVE_RESOLUTION

PUBLISHED = Path(__file__).parents[2] / "examples" / "published_results.csv"


@pytest.fixture
def written(sweep):
    """Two networks, two seeds each, tested at two resolutions; measured."""
    for variant, seed in itertools.product(VARIANTS[:2], (1, 0)):
        run = sweep.train((variant, seed), variant=variant, seed=seed)
        for resolution in (24, 28):
            sweep.evaluate(run, test_resolution=resolution, correct=8_000 + resolution + seed)
        sweep.measure(variant=variant)


def pooled(reader, point, text=""):
    """The evaluations of a point, from rows of ``results``."""
    rows = [row for row in reader.view(filter_text=text) if all(row[name] == point[name] for name in TESTED)]
    return sorted({(row["seed"], row["evaluation"], row["top1"]) for row in rows})


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("text", ["", "seed=1", "group_size=16"])
def test_the_evaluations_of_a_point_are_those_it_pools(reader, text):
    points = reader.points("train", "all", filter_text=text)
    found = reader.evaluations_of(points, filter_text=text)
    told = [[(row["seed"], row["evaluation"], row["top1"]) for row in rows] for rows in found]
    assert told == [pooled(reader, point, text) for point in points]
    assert [len(rows) for rows in told] == [point["seeds"] for point in points]
    assert {len(rows) for rows in told} == {1 if text == "seed=1" else 2}


@pytest.mark.usefixtures("written")
def test_the_evaluations_of_a_sweep_are_its_own(reader, store):
    other = Sweep(store, name="another", number=2)
    other.evaluate(other.train("third seed", variant=VARIANTS[0], seed=2), test_resolution=24)
    other.measure("again", variant=VARIANTS[0])
    points = reader.points("train", "all", sweep="another")
    assert [[row["seed"] for row in rows] for rows in reader.evaluations_of(points, sweep="another")] == [[2]]
    every = reader.points("train", "all", filter_text="test_resolution=24 group_size=1")
    assert [[row["seed"] for row in rows] for rows in reader.evaluations_of(every)] == [[0, 1, 2]]


def test_a_published_point_pools_no_evaluation_of_ours(reader, store):
    store.put_publication("a paper", "imagenet", read_csv(PUBLISHED, NATIVE_RESOLUTION, HALF_RESOLUTION))
    points = reader.points("train", "best")
    assert reader.evaluations_of(points) == [[] for _ in points] != []

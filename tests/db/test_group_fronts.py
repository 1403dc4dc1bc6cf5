"""The front of each group, beside the same points judged one pair at a time."""

import dataclasses
import itertools
import random

import pytest

from db.front_views import MODES, SCENARIOS
from db.group_fronts import COSTS, GROUPS
from tests.db.example_rows import CPU, GPU, Sweep
from tests.db.test_front_part import require_same, scope_of
from tests.db.test_points import VARIANTS

MACS = {"train": "train_macs", "inference": "test_macs"}
#: Answered from the stored points, from such among which the best are chosen anew, and pooled anew.
FILTERS = ("", "test_resolution>24", "seed=0")
GROUPINGS = ((), ("norm",), ("group_size", "train_resolution"), ("model_size", "width"), GROUPS)


@pytest.fixture(scope="module")
def written(shared_store, shared_reader):
    """What reads networks with random costs and accuracies on two devices; few numbers, so that some are equal."""
    sweep, draw = Sweep(shared_store), random.Random(3)
    for one, width, resolution in itertools.product(VARIANTS, (0.25, 0.5), (20, 28)):
        variant = dataclasses.replace(one, width=width)
        macs = draw.randrange(1, 9) * 1_000_000
        run = sweep.train((variant, resolution), variant=variant, train_resolution=resolution, train_macs=macs)
        for test_resolution in (24, 28):
            costs = {"correct": 8_000 + 10 * draw.randrange(20), "test_macs": draw.randrange(1, 9) * 1_000_000}
            sweep.evaluate(run, test_resolution=test_resolution, **costs)
    networks = [dataclasses.replace(one, width=width) for one in VARIANTS for width in (0.25, 0.5)]
    for environment, variant, resolution in itertools.product((CPU, GPU), networks, (20, 24, 28)):
        for mode in ("train",) if resolution == 20 else ("inference",) if resolution == 24 else MODES:
            rate, verdict = 100.0 * draw.randrange(1, 9), draw.choice(("clean", "clean", "clean", "noisy"))
            changes = {"variant": variant, "mode": mode, "resolution": resolution, "verdict": verdict}
            sweep.measure(environment=environment, images_per_second=rate, **changes)
    return shared_reader


def word(row, name):
    """What a point's group is called."""
    known = {row["native_resolution"]: "native", row["half_resolution"]: "half"}
    return known.get(row[name], row[name]) if name == "train_resolution" else row[name]


def merit(row, mode, cost):
    """Larger is better, in both."""
    return row["top1_ppm"], row[cost] if cost == "images_per_second" else -row[MACS[mode]]


def beats(one, other):
    return one != other and one[0] >= other[0] and one[1] >= other[1]


def by_hand(points, mode, cost, by):
    """The front of each group: every point that none of its group beats."""
    groups = {}
    for row in points:
        if cost == "images_per_second" or row[MACS[mode]] is not None:
            groups.setdefault((scope_of(row), *(word(row, name) for name in by)), []).append(row)
    return [
        {**row, "on_front": True}
        for group in groups.values()
        for row in group
        if not any(beats(merit(other, mode, cost), merit(row, mode, cost)) for other in group)
    ]


def test_leaders_are_what_nothing_of_their_own_group_beats(written):
    beaten = led = 0
    for mode, text, noisy in itertools.product(MODES, FILTERS, (False, True)):
        chosen = {"filter_text": text, "noisy": noisy}
        part, points = written.part(mode, "all", **chosen), written.points(mode, "all", **chosen)
        scopes = part.scopes()
        for by, cost in itertools.product(GROUPINGS, COSTS):
            expected = by_hand(points, mode, cost, by)
            require_same(part.leaders(scopes, by=by, cost=cost, most=1_000), expected)
            led, beaten = led + len(expected), beaten + len(points) - len(expected)
    assert led > 500
    assert beaten > 500


def test_the_front_of_everything_is_the_front(written):
    for scenario in SCENARIOS:
        part = written.part("train", scenario)
        front = [row for row in written.points("train", scenario) if row["on_front"]]
        require_same(part.leaders(part.scopes(), by=(), cost="images_per_second", most=1_000), front)


def test_leaders_are_read_up_to_a_limit_and_of_the_chosen_scopes_only(written):
    part = written.part("inference", "all")
    first, *_ = scopes = part.scopes()
    every = part.leaders(scopes, by=("norm",), cost="macs", most=1_000)
    assert len(scopes) > 1
    assert part.leaders(scopes, by=("norm",), cost="macs", most=3) == every[:3]
    assert part.counted_leaders(scopes, by=("norm",), cost="macs") == len(every) > 3
    assert part.counted_leaders([first], by=("norm",), cost="macs") < len(every)
    inside = [row for row in every if scope_of(row) == scope_of(first)]
    require_same(part.leaders([first], by=("norm",), cost="macs", most=1_000), inside)

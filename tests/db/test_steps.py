"""A speed-up taken apart: steps multiply to all together, at accuracies that every front reaches and nowhere else."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.bootstrap import NO_BLOCKS, Blocks, Point
from db.publications import read_csv
from db.speedup import speedup
from db.steps import breakdown, choices
from tests.db.test_publications import PAPER
from workers.protocol.variant import HALF_RESOLUTION, NATIVE_RESOLUTION

CHAIN = ("G1-GN-Baseline", "G1-GN-Native", "G16-GN-Native", "G16-LN+PN-Native", "G16-LN+PN-Half")


def front(*points, blocks=(1.0,), seeds=()):
    """Points from top-1 and images per second; each block's rate and seed's top-1 relative to them."""
    return [
        Point(
            top1,
            rate,
            Blocks((tuple(rate * one for one in blocks),)) if len(blocks) > 1 else NO_BLOCKS,
            tuple(top1 + one for one in seeds),
        )
        for top1, rate in points
    ]


@pytest.fixture(scope="module")
def paper():
    """The paper's fronts along its own chain of changes."""
    records = read_csv(PAPER, NATIVE_RESOLUTION, HALF_RESOLUTION)
    return [
        [Point(one.top1_ppm / 10_000, one.train_images_per_second) for one in records if one.series == name]
        for name in CHAIN
    ]


def ratios(found):
    return [part.ratio.speedup for part in found.steps]


def test_the_papers_seven_times_is_made_of_four_steps(paper):
    found = breakdown(paper, "peak")
    assert found.together.top1 == (82.84,)
    assert [round(one, 2) for one in ratios(found)] == [2.27, 2.21, 1.12, 1.22]
    assert found.together.ratio.speedup == pytest.approx(speedup(paper[0], paper[-1]).maximum.speedup)
    assert found.together.ratio.speedup == pytest.approx(6.84, abs=0.005)
    assert found.together.ratio.low is found.together.ratio.high is None


points = st.lists(
    st.tuples(st.floats(min_value=70, max_value=90), st.floats(min_value=1, max_value=1e5)), min_size=1, max_size=6
)


@given(st.lists(points, min_size=2, max_size=4))
def test_steps_at_the_same_accuracies_multiply_exactly_to_all_together(drawn):
    fronts = [front(*one) for one in drawn]
    for choice in choices(fronts):
        if choice != "own":
            found = breakdown(fronts, choice)
            assert math.prod(ratios(found)) == pytest.approx(found.together.ratio.speedup, rel=1e-9)
            assert {part.top1 for part in found.steps} == {found.together.top1}


def test_the_peak_is_where_all_together_bring_the_most_and_all_reach(paper):
    peak, common = breakdown(paper, "peak").together, breakdown(paper, "common").together
    assert (common.top1[0], common.top1[-1]) == (79.42, 82.84)
    assert len(common.top1) > 15
    reached = [one.speedup for one in speedup(paper[0], paper[-1]).points if one.top1 in common.top1]
    assert peak.ratio.speedup == pytest.approx(max(reached))
    assert peak.top1[0] in common.top1


def test_each_steps_own_mean_is_that_of_its_speed_up(paper):
    found = breakdown(paper, "own")
    for part, pair in zip(found.steps, itertools.pairwise(paper), strict=True):
        alone = speedup(*pair)
        assert part.ratio.speedup == pytest.approx(alone.geometric_mean)
        assert part.top1 == tuple(one.top1 for one in alone.points)
    assert found.together.ratio.speedup == pytest.approx(speedup(paper[0], paper[-1]).geometric_mean)


def test_fronts_that_reach_no_accuracy_all_together_have_only_their_own():
    low = front((80, 100), (82, 50))
    between = front((81, 150), (84, 60))
    high = front((83, 200), (86, 90))
    assert choices([low, between, high]) == ("own",)
    found = breakdown([low, between, high], "own")
    assert all(part.ratio for part in found.steps)
    assert found.together.ratio is None
    assert found.together.top1 == ()
    assert found.together.reason.startswith("no accuracy in common")


def test_an_empty_front_is_no_step():
    fronts = [front((80, 100), (82, 50)), []]
    assert choices(fronts) == ("own",)
    assert breakdown(fronts, "own").together.reason == "the candidate has no measured results"


def test_two_fronts_have_their_peak_and_their_mean(paper):
    assert choices(paper[:2]) == ("peak", "own")
    assert choices(paper) == ("peak", "common", "own")


def test_intervals_come_from_what_was_repeated_and_are_those_of_the_speed_up():
    noise = (0.97, 1.0, 1.01, 1.02, 1.04)
    fronts = [front((80, 100), (82, 50), blocks=noise), front((80, 210), (82, 110), blocks=noise)]
    alone = speedup(*fronts)
    peak, own = (breakdown(fronts, one).together.ratio for one in ("peak", "own"))
    assert (peak.speedup, peak.low, peak.high) == pytest.approx(
        (alone.maximum.speedup, alone.maximum.low, alone.maximum.high)
    )
    assert (own.low, own.high) == pytest.approx((alone.geometric_mean_low, alone.geometric_mean_high))
    assert peak.low < peak.speedup < peak.high

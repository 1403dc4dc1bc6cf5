"""Throughputs of different moments at one pace of the machine."""

import itertools
import math
import statistics

import numpy as np
import pytest

from db.bootstrap import Blocks, Point
from db.comparison import compare
from db.pace import at_one_pace
from db.records import SampleRecord
from db.speedup import speedup
from db.steps import breakdown
from tests.db.test_views import PLAIN, PROXY

#: Two rounds of three blocks; the machine was fast in the first, and lost speed in the second.
PACES = ((1100.0, 1100.0, 1100.0), (1000.0, 900.0, 800.0))


def point(rates, paces, top1=70.0):
    return Point(top1, statistics.median(itertools.chain(*rates)), Blocks(rates, paces))


def following(images_per_second, paces=PACES, share=1.0):
    """A network that follows the machine's pace, as fast as told where the reference does 1000 images per second."""
    rates = tuple(tuple(images_per_second * (pace / 1000.0) ** share for pace in of_round) for of_round in paces)
    return point(rates, paces)


def ratio(baseline, candidate):
    [found] = speedup([baseline], [candidate]).points
    return found


def test_of_two_networks_measured_at_different_paces_the_ratio_is_theirs_and_not_the_machines():
    slower = tuple(tuple(0.8 * pace for pace in of_round) for of_round in PACES)
    baseline, candidate = following(100.0), following(200.0, slower)
    assert candidate.images_per_second / baseline.images_per_second == pytest.approx(1.6)
    found = ratio(baseline, candidate)
    assert found.speedup == pytest.approx(2.0)
    assert (found.low, found.high) == (pytest.approx(2.0), pytest.approx(2.0))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_as_much_is_taken_out_as_networks_follow_the_reference(share):
    found = at_one_pace([[following(100.0, share=share)], [following(200.0, share=share)]])
    assert found.share == pytest.approx(share)
    levelled = [rate for family in found.families for rates in family[0].blocks.rates for rate in rates]
    usual = math.sqrt(1.1 * 1.0) ** share  # the median of all paces lies between 1100 and 1000
    assert levelled == pytest.approx([100.0 * usual] * 6 + [200.0 * usual] * 6)
    assert [family[0].blocks.paces for family in found.families] == [PACES, PACES]


def test_no_more_is_taken_out_than_there_was_and_nothing_the_other_way():
    assert at_one_pace([[following(100.0, share=1.7)] * 2]).share == 1.0
    assert at_one_pace([[following(100.0, share=-0.5)] * 2]).share == 0.0
    steady = ((1000.0, 1000.0), (1000.0, 1000.0))
    assert at_one_pace([[point(((99.0, 101.0), (100.0, 100.0)), steady)] * 2]).share == 0.0


def test_networks_of_different_speed_are_no_sign_of_a_machine_that_changes():
    """The fast one was measured while the machine was fast: within each measurement nothing followed anything."""
    slow = point(((100.0, 101.0), (101.0, 100.0)), ((900.0, 910.0), (900.0, 910.0)))
    fast = point(((200.0, 202.0), (202.0, 200.0)), ((1900.0, 1910.0), (1900.0, 1910.0)))
    found = at_one_pace([[slow], [fast]])
    assert found.share == pytest.approx(0.0, abs=1e-9)
    assert ratio(slow, fast).speedup == pytest.approx(2.0)


@pytest.mark.parametrize(
    "other",
    [
        Point(70.0, 200.0),
        point(((200.0, 201.0), (199.0, 200.0)), ()),
    ],
)
def test_where_one_has_no_reference_nothing_is_taken_out_of_any(other):
    known = following(100.0)
    found = at_one_pace([[known], [other]])
    assert (found.families, found.share, found.widening) == ([[known], [other]], None, 1.0)
    told = speedup([known], [other])
    assert told.points[0].speedup == pytest.approx(other.images_per_second / known.images_per_second)
    assert (told.reference_share, told.pace) == (None, "")


def test_two_single_blocks_tell_no_slope():
    one = point(((100.0,),), ((1000.0,),))
    assert at_one_pace([[one], [one]]).share is None
    assert at_one_pace([[point(((100.0, 90.0),), ((1000.0, 900.0),))]]).share is None, "a line through two values"


def test_the_slope_costs_a_degree_of_freedom():
    rounds = point(((100.0, 100.0),) * 3, ((1000.0, 1000.0),) * 3)
    assert at_one_pace([[rounds], [rounds]]).widening == pytest.approx(math.sqrt(4 / 3))


def test_a_speed_up_says_at_which_pace_it_is():
    found = speedup([following(100.0, share=0.8)], [following(200.0, share=0.8)])
    assert found.reference_share == found.to_json()["reference_share"] == pytest.approx(0.8)
    assert "one pace of the machine: 80% of what the reference network gained and lost" in found.pace


def test_the_steps_of_a_speed_up_are_at_one_pace_and_multiply_to_the_whole():
    slower = tuple(tuple(0.7 * pace for pace in of_round) for of_round in PACES)
    fronts = [[following(100.0)], [following(150.0, slower)], [following(300.0)]]
    told = breakdown(fronts, "peak")
    assert [part.ratio.speedup for part in told.steps] == pytest.approx([1.5, 2.0])
    assert told.together.ratio.speedup == pytest.approx(3.0)


@pytest.mark.parametrize(("rounds", "gain"), [(3, 1.5), (10, 1.8)])
def test_on_a_machine_that_changes_ratios_are_nearer_to_the_truth_and_intervals_hold_it(rounds, gain):
    """Blocks follow a pace that wanders by 5 %; they and the readings have noise of their own, and so has a process."""
    source = np.random.default_rng(rounds)

    def course():
        steps = source.normal(0.0, 0.05, 6)
        for number in range(1, 6):
            steps[number] = 0.9 * steps[number - 1] + math.sqrt(1 - 0.9**2) * steps[number]
        return steps

    def measured(images_per_second):
        rates, paces = [], []
        for _ in range(rounds):
            pace = course()
            read = 1000.0 * np.exp(pace + source.normal(0.0, 0.03, 6))
            noise = source.normal(0.0, 0.02, 5) + source.normal(0.0, 0.01)
            rates.append(tuple(images_per_second * np.exp((pace[:-1] + pace[1:]) / 2 + noise)))
            paces.append(tuple((read[:-1] + read[1:]) / 2))
        return point(tuple(rates), tuple(paces))

    held, errors, raw = 0, [], []
    for _ in range(300):
        pair = measured(100.0), measured(200.0)
        [found] = speedup([pair[0]], [pair[1]], resamples=100).points
        held += found.low <= 2.0 <= found.high
        errors.append(math.log(found.speedup / 2.0))
        raw.append(math.log(pair[1].images_per_second / pair[0].images_per_second / 2.0))
    assert held / 300 > 0.92
    assert np.std(raw) > gain * np.std(errors)


def test_blocks_in_the_store_bring_their_references(sweep, reader):
    """A candidate as fast as the baseline, measured while the machine was a fifth slower."""
    for variant, pace in ((PLAIN, 1.0), (PROXY, 0.8)):
        sweep.evaluate(sweep.train(variant.norm, variant=variant))
        moments = (0.9, 1.0, 1.1)
        blocks = [
            SampleRecord(images=round(1000 * pace * one), seconds=1.0, reference_images_per_second=500.0 * pace * one)
            for one in moments
        ]
        sweep.measure(variant=variant, images_per_second=1000.0 * pace, samples=tuple(blocks))
    found = compare(reader, baseline="norm=gn", candidate="norm=ln+pn", mode="train", scenario="native")
    assert found.points[0].speedup == pytest.approx(1.0)
    assert found.reference_share == pytest.approx(1.0)

"""The speed-up at equal accuracy."""

import itertools
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.bootstrap import Blocks, Point, log_rates_at
from db.comparison import compare
from db.errors import ComparisonError
from db.publications import read_csv
from db.reader import open_reader
from db.records import SampleRecord
from db.speedup import Curve, non_dominated, speedup
from tests.db.example_rows import GPU
from tests.db.test_publications import PAPER
from tests.db.test_views import PLAIN, PROXY, fill_two_variants


def points(*pairs):
    return [Point(top1, rate) for top1, rate in pairs]


fronts = st.lists(
    st.builds(Point, st.floats(50, 90), st.floats(1, 1e5)),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize(
    ("baseline", "candidate", "maximum", "top1"),
    [
        ("G1-GN-Baseline", "G16-LN+PN-Half", 6.84, 82.84),  # the paper's "7×"
        ("G1-GN-Native", "G16-GN-Native", 2.86, 83.39),  # the paper's "3×"
        ("G1-GN-Native", "G16-LN+PN-Half", 3.84, 83.39),  # like for like, both fine-tuned
    ],
)
def test_the_papers_own_points_give_the_papers_headline(store, url, baseline, candidate, maximum, top1):
    store.put_publication("paper", "imagenet", read_csv(PAPER))
    reader = open_reader(url)
    found = compare(reader, baseline=f"series={baseline}", candidate=f"series={candidate}", mode="train")
    reader.close()
    assert found.maximum is not None
    assert found.maximum.speedup == pytest.approx(maximum, abs=0.01)
    assert found.maximum.top1 == top1
    assert found.to_json()["maximum"]["top1"] == top1
    assert found.reason == ""


def test_between_two_points_the_logarithm_of_throughput_is_linear_in_accuracy():
    found = speedup(points((70, 100), (80, 25)), points((75, 200), (90, 1)))
    assert [point.top1 for point in found.points] == [75, 80]
    assert found.points[0].speedup == pytest.approx(200 / 50)
    assert found.points[1].speedup == pytest.approx(200 * (1 / 200) ** (1 / 3) / 25)
    assert found.geometric_mean == pytest.approx((found.points[0].speedup * found.points[1].speedup) ** 0.5)


def test_without_an_accuracy_in_common_there_are_no_points_and_a_reason():
    found = speedup(points((70, 100), (71, 90)), points((80, 1000), (85, 500)))
    assert found.to_json()["points"] == []
    assert found.maximum is None
    assert found.geometric_mean is None
    assert found.reason == (
        "no accuracy in common: the baseline spans 70.00 to 71.00 %, the candidate spans 80.00 to 85.00 %"
    )


def test_fronts_that_touch_in_one_accuracy_are_compared_there():
    found = speedup(points((70, 100), (75, 50)), points((75, 200), (80, 10)))
    assert [(point.top1, point.speedup) for point in found.points] == [(75, pytest.approx(4))]


def test_a_side_without_points_is_named():
    assert speedup([], points((1, 1))).reason == "the baseline has no measured results"
    assert speedup(points((1, 1)), []).reason == "the candidate has no measured results"


def test_dominated_points_change_nothing():
    base, other = points((70, 100), (80, 25)), points((72, 300), (79, 100))
    assert speedup(base, other) == speedup([*base, Point(69, 90), Point(80, 20)], [*other, Point(72, 299)])


@given(fronts)
def test_a_front_over_itself_is_one(front):
    assert all(point.speedup == pytest.approx(1) for point in speedup(front, front).points)


@given(fronts, fronts)
def test_exchanging_the_sides_inverts_the_speedup(base, other):
    there, back = speedup(base, other).points, speedup(other, base).points
    assert [point.top1 for point in there] == [point.top1 for point in back]
    assert all(a.speedup * b.speedup == pytest.approx(1) for a, b in zip(there, back, strict=True))


@given(fronts, fronts, st.sampled_from([0.125, 0.5, 2.0, 8.0]))  # exact, so that ties stay ties
def test_a_candidate_that_is_faster_throughout_is_so_much_faster(base, other, factor):
    faster = [Point(point.top1, point.images_per_second * factor) for point in other]
    for slow, fast in zip(speedup(base, other).points, speedup(base, faster).points, strict=True):
        assert fast.speedup == pytest.approx(slow.speedup * factor)


@given(fronts, fronts)
def test_nothing_is_extrapolated(base, other):
    sides = [non_dominated([(point.top1, point.images_per_second) for point in side]) for side in (base, other)]
    for point in speedup(base, other).points:
        assert all(side[0][0] <= point.top1 <= side[-1][0] for side in sides)
        fastest = max(rate for _, rate in sides[1]) / min(rate for _, rate in sides[0])
        slowest = min(rate for _, rate in sides[1]) / max(rate for _, rate in sides[0])
        assert slowest * 0.999 <= point.speedup <= fastest * 1.001


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=15))
def test_the_front_equals_brute_force(pairs):
    beaten = {a for a, b in itertools.permutations(set(pairs), 2) if b[0] >= a[0] and b[1] >= a[1]}
    assert non_dominated(pairs) == sorted(set(pairs) - beaten)


# Intervals ------------------------------------------------------------------------------------------------------------


def test_without_repetitions_there_is_no_interval():
    (point, *_) = speedup(points((70, 100), (80, 25)), points((70, 200), (80, 50))).points
    assert (point.low, point.high) == (None, None)


def test_the_interval_holds_the_speedup_and_shrinks_with_the_spread():
    def spread(width):
        rates = (100 - width, 100 - width / 2, 100.0, 100 + width / 2, 100 + width)
        base = [Point(70, 100, Blocks((rates,))), Point(80, 50)]
        found = speedup(base, points((70, 200), (80, 100)))
        (point, _) = found.points
        assert point.low <= point.speedup <= point.high
        assert found.geometric_mean_low <= found.geometric_mean <= found.geometric_mean_high
        return point.high - point.low

    assert 0 < spread(1.0) < spread(10.0)


def drifting(rate, drift):
    """Five rounds of three blocks, in each of which the machine is as much faster as the drift says."""
    return Blocks(tuple(tuple(rate * factor * noise for noise in (0.999, 1.0, 1.001)) for factor in drift))


def test_what_rounds_have_in_common_is_not_in_the_interval_of_their_ratio():
    drift = (0.9, 0.95, 1.0, 1.05, 1.1)

    def width(of_candidate):
        base = [Point(70, 100, drifting(100, drift)), Point(80, 50, drifting(50, drift))]
        other = [Point(70, 200, drifting(200, of_candidate)), Point(80, 100, drifting(100, of_candidate))]
        (point, _) = speedup(base, other).points
        assert point.low <= 2 <= point.high
        return point.high / point.low

    assert width(drift) < 1.005  # the same drift in the same rounds
    assert width(drift[::-1]) > 1.15  # slow for one while fast for the other
    assert width(drift[:-1]) > 1.05  # other rounds


@pytest.mark.parametrize("rounds", [3, 5, 10])
def test_nineteen_of_twenty_intervals_hold_the_true_ratio(rounds):
    source = random.Random(rounds)

    def measured(rate):
        """Rounds that differ by 3 %, blocks of a round by 0.5 %."""
        levels = [rate * source.lognormvariate(0, 0.03) for _ in range(rounds)]
        blocks = tuple(tuple(level * source.lognormvariate(0, 0.005) for _ in range(4)) for level in levels)
        return statistics.median(rate for each in blocks for rate in each), Blocks(blocks)

    held = 0
    for _ in range(200):
        fronts = [[Point(70, *measured(rate)), Point(80, *measured(rate / 2))] for rate in (100, 200)]
        (point, _) = speedup(*fronts, resamples=100).points
        held += point.low <= 2 <= point.high
    assert held / 200 > 0.9


def test_rounds_that_disagree_widen_the_interval_more_than_blocks_do():
    def width(rates):
        (point, _) = speedup([Point(70, 100, Blocks(rates)), Point(80, 50)], points((70, 200), (80, 100))).points
        return point.high - point.low

    blocks = (98.0, 99.0, 100.0, 101.0, 102.0) * 2
    together = tuple(tuple(sorted(blocks)[start : start + 2]) for start in range(0, 10, 2))
    assert width(together) > 1.2 * width((blocks,))


def test_an_accuracy_at_the_end_of_the_overlap_that_few_resamples_reach_has_no_interval():
    wandering = Point(80, 50, seed_top1=(79.0, 79.5, 80.0, 80.5, 81.0))
    found = speedup(points((70, 100), (80.9, 25)), [Point(70, 200), wandering])
    assert found.points[0].low is not None
    assert found.points[-1].top1 == 80
    assert speedup([Point(60, 100), Point(81, 25)], [Point(70, 200), wandering], seed=3).points[-1].top1 == 80


def test_the_same_seed_gives_the_same_interval():
    base = [Point(70, 100, Blocks(((90.0, 100.0), (110.0,)))), Point(80, 50)]
    other = points((70, 200), (80, 100))
    assert speedup(base, other, seed=1) == speedup(base, other, seed=1)


@given(st.lists(st.tuples(st.integers(60, 80), st.integers(1, 50)), min_size=1, max_size=8), st.integers(120, 160))
def test_fronts_that_are_interpolated_together_are_as_each_alone(front, half_percents):
    accuracy, curve = half_percents / 2, Curve(front)
    top1, rates = (np.stack([values, values], axis=1) for values in np.array(front, dtype=float).T)
    for found in log_rates_at(top1, np.log(rates), accuracy):
        if curve.covers(accuracy):
            assert found == pytest.approx(curve.log_rate_at(accuracy))
        else:
            assert np.isnan(found)


# From the store -------------------------------------------------------------------------------------------------------


def test_samples_and_seeds_in_the_store_give_the_interval(sweep, reader):
    rates = {PLAIN: 500, PROXY: 1500}
    for variant, rate in rates.items():
        for size, (correct, factor) in {"b0": (8300, 1.0), "b1": (8700, 0.5)}.items():
            sized = type(variant)(**{name: getattr(variant, name) for name in variant.__slots__} | {"model_size": size})
            for seed in range(3):
                trained = sweep.train((size, variant.norm, seed), variant=sized, seed=seed)
                sweep.evaluate(trained, correct=correct + 20 * (seed - 1))
            blocks = [SampleRecord(images=round(rate * factor) + 10 * block, seconds=1.0) for block in (-1, 0, 1)]
            sweep.measure(variant=sized, images_per_second=rate * factor, samples=tuple(blocks))
    found = compare(reader, baseline="norm=gn", candidate="norm=ln+pn", mode="train", scenario="native")
    assert [point.top1 for point in found.points] == [83.0, 87.0]
    assert found.points[0].speedup == pytest.approx(3)
    assert found.geometric_mean_low < 3 < found.geometric_mean_high


def test_a_comparison_over_two_devices_must_name_one(sweep, reader):
    fill_two_variants(sweep)
    for variant in (PLAIN, PROXY):
        sweep.measure(environment=GPU, variant=variant, images_per_second=9000.0)
    with pytest.raises(ComparisonError, match=r'2 places.*\n.*device="H200"'):
        compare(reader, baseline="norm=gn", candidate="norm=ln+pn", mode="train")
    filters = {"baseline": "norm=gn device=Xeon", "candidate": "norm=ln+pn device=Xeon"}
    assert compare(reader, **filters, mode="train", sweep="fashion").reason.startswith("no accuracy in common")


def test_what_was_measured_in_different_places_is_not_compared(sweep, reader):
    fill_two_variants(sweep)
    sweep.measure(environment=GPU, variant=PROXY, images_per_second=9000.0)
    with pytest.raises(ComparisonError, match="never measured in the same place"):
        compare(reader, baseline="norm=gn", candidate="norm=ln+pn device=H200", mode="train")


def test_a_filter_that_leaves_nothing_is_an_answer(sweep, reader):
    fill_two_variants(sweep)
    found = compare(reader, baseline="norm=bn", candidate="norm=ln+pn", mode="train")
    assert found.reason == "the baseline has no measured results"


def test_the_intervals_say_what_they_cover():
    blocks = {"blocks": Blocks(((99.0, 100.0, 101.0),))}
    one_seed = [Point(70.0, 200.0, **blocks), Point(80.0, 100.0, **blocks)]
    seeds = [Point(70.0, 200.0, **blocks, seed_top1=(69.0, 71.0)), Point(80.0, 100.0, **blocks, seed_top1=(79.0, 81.0))]
    assert speedup(one_seed, seeds).interval_covers == ("throughput",)
    assert speedup(seeds, seeds).interval_covers == ("throughput", "accuracy")
    assert speedup(seeds, seeds).to_json()["interval_covers"] == ["throughput", "accuracy"]
    assert speedup([], []).interval_covers == ()

"""What is computed from timed blocks, beside numpy, and intervals that hold as often as they say."""

from statistics import NormalDist

import numpy as np
import pytest

from tests.workers.example_rounds import a_round, blocks
from workers.measuring.pooling import is_complete, pool
from workers.measuring.setting import Setting
from workers.measuring.statistics import latency, spread, student_t, throughput
from workers.measuring.workload import Way
from workers.protocol.orders import Latency, Sample


def test_the_throughput_is_the_median_over_all_blocks_of_all_rounds():
    rounds = [[100.0, 90.0, 110.0], [105.0, 95.0, 20.0]]
    result = throughput([blocks(rates) for rates in rounds], seed=1)
    assert result.images_per_second == pytest.approx(np.median(rounds))
    assert result.low < result.images_per_second < result.high
    assert result == throughput([blocks(rates) for rates in rounds], seed=1)


def test_blocks_of_different_length_are_rates_of_their_own_images_and_seconds():
    result = throughput([[Sample(300, 3.0), Sample(210, 2.0), Sample(110, 1.0)]], seed=1)
    assert result.images_per_second == pytest.approx(105.0)


def test_a_single_block_has_no_interval_to_speak_of():
    assert list(vars(throughput([blocks([100.0])], seed=1)).values()) == [pytest.approx(100.0)] * 3
    assert spread([blocks([100.0])]).cv == 0.0


def test_spread_and_latency_agree_with_numpy():
    random = np.random.default_rng(3)
    rates = random.normal(1000.0, 30.0, (3, 5))
    measured = spread([blocks(row) for row in rates])
    assert measured.cv == pytest.approx(rates.std(ddof=1) / rates.mean())
    assert measured.iqr == pytest.approx(np.subtract(*np.percentile(rates, [75, 25])))
    passes = random.lognormal(1.0, 0.3, (2, 50))
    assert latency(passes.tolist()) == Latency(*(pytest.approx(np.percentile(passes, q)) for q in (50, 90, 99)), 100)


def coverage(random, rounds, blocks_of_round, *, between, within, trials=300):
    """Share of measurements of a machine that does 100 images per second whose interval holds the 100."""
    held = 0
    for trial in range(trials):
        centers = 100.0 + between * random.standard_normal((rounds, 1))
        rates = centers + within * random.standard_normal((rounds, blocks_of_round))
        result = throughput([blocks(row) for row in rates], seed=trial)
        held += result.low <= 100.0 <= result.high
    return held / trials


@pytest.mark.parametrize(
    ("rounds", "between", "within"),
    [(3, 0.0, 1.0), (3, 1.0, 1.0), (3, 2.0, 0.3), (5, 1.0, 1.0), (2, 2.0, 1.0), (1, 0.0, 1.0)],
)
def test_the_interval_holds_the_true_throughput_as_often_as_it_says(rounds, between, within):
    held = coverage(np.random.default_rng(7), rounds, 5, between=between, within=within)
    assert held >= 0.92


def percentile_coverage(random, rounds, *, between, within, trials=200):
    """The same for the percentiles of a bootstrap that draws rounds, and then blocks within them."""
    held = 0
    for _ in range(trials):
        centers = 100.0 + between * random.standard_normal((rounds, 1))
        rates = centers + within * random.standard_normal((rounds, 5))
        drawn = rates[random.integers(rounds, size=(500, rounds, 1)), random.integers(5, size=(500, rounds, 5))]
        low, high = np.percentile(np.median(drawn.reshape(500, -1), axis=1), [2.5, 97.5])
        held += low <= 100.0 <= high
    return held / trials


def test_the_bootstraps_own_percentiles_would_not():
    assert percentile_coverage(np.random.default_rng(7), 3, between=2.0, within=0.3) < 0.85


def test_two_rounds_have_the_textbooks_interval():
    apart = np.log(102.0 / 100.0)
    result = throughput([[Sample(100, 1.0)], [Sample(102, 1.0)]], seed=1)
    standard_error = apart / np.sqrt(2.0) / np.sqrt(2.0)  # standard deviation of two values, over the root of two
    assert np.log(result.high / result.images_per_second) == pytest.approx(12.706 * standard_error, rel=0.05)
    assert np.log(result.images_per_second / result.low) == pytest.approx(12.706 * standard_error, rel=0.05)


def test_rounds_that_disagree_make_the_interval_wider_than_the_same_blocks_mixed():
    random = np.random.default_rng(5)
    rates = np.array([[98.0], [100.0], [102.0]]) + random.normal(0.0, 0.2, (3, 5))
    agreeing = rates.T.reshape(3, 5)  # each round has blocks of all three
    wide, narrow = (throughput([blocks(row) for row in each], seed=1) for each in (rates, agreeing))
    assert wide.images_per_second == pytest.approx(narrow.images_per_second)
    assert wide.high - wide.low > 2.0 * (narrow.high - narrow.low)


def test_students_t_has_its_published_values():
    published = {1: 12.706, 2: 4.303, 5: 2.571, 10: 2.228, 15: 2.131, 20: 2.086, 30: 2.042, 60: 2.000, 120: 1.980}
    for degrees, value in published.items():
        assert student_t(degrees) == pytest.approx(value, rel=3e-3)
    assert student_t(10**6) == pytest.approx(NormalDist().inv_cdf(0.975), rel=1e-4)


@pytest.fixture
def pooled(measure_job):
    def of(*rounds):
        setting = Setting(16, Way("channels_last", compiled=False), {"tried": []})
        return pool(measure_job, list(rounds), setting, warmup_steps=3, peak_memory_bytes=None)

    return of


def test_disturbed_rounds_do_not_count(pooled):
    result = pooled(
        a_round([100.0, 101.0], latencies=[2.0, 2.0]),
        a_round([50.0, 51.0], "contended", "others", latencies=[9.0, 9.0]),
        a_round([102.0, 103.0], latencies=[3.0, 3.0]),
    )
    assert result.images_per_second == pytest.approx(101.5)
    assert result.latency == Latency(2.5, 3.0, 3.0, 4)
    assert len(result.rounds) == 3
    assert result.verdict == "clean"


def test_where_all_were_disturbed_they_have_to_do(pooled):
    result = pooled(a_round([50.0, 51.0], "contended", "others used 1.00 of 2 processors"))
    assert result.images_per_second == pytest.approx(50.5)
    assert (result.verdict, result.verdict_reason) == ("contended", "others used 1.00 of 2 processors")


def test_loading_is_pooled_like_the_network_alone(pooled):
    result = pooled(
        a_round([100.0, 101.0], end_to_end=blocks([80.0, 82.0]), loading=blocks([900.0, 910.0])),
        a_round([102.0, 103.0], end_to_end=blocks([84.0, 86.0]), loading=blocks([920.0, 930.0])),
    )
    assert result.end_to_end.images_per_second == pytest.approx(83.0)
    assert result.loading.images_per_second == pytest.approx(915.0)
    assert result.latency is None
    assert pooled(a_round([100.0, 101.0])).end_to_end is None


@pytest.mark.parametrize(
    ("wanted", "verdicts", "complete"),
    [
        (1, "c", True),
        (1, "x", True),
        (3, "cc", False),
        (3, "cnc", True),
        (3, "ccx", False),
        (3, "xcxc", False),
        (3, "xcxcc", True),
        (3, "xcxcx", True),
        (3, "xcx", False),
        (3, "xxx", True),
    ],
)
def test_a_measurement_is_complete_with_enough_undisturbed_rounds_or_too_many_tries(wanted, verdicts, complete):
    names = {"c": "clean", "n": "noisy", "x": "contended"}
    assert is_complete(wanted, [a_round([100.0], names[one]) for one in verdicts]) is complete

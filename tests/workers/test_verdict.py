"""Verdicts: what else used the machine, what was not steady, and when a measurement is called by its rounds' names."""

import time

import numpy as np
import psutil
import pytest

from tests.older import paired
from tests.workers.example_rounds import a_round, blocks
from workers.measuring.processors import ProcessorUse, processor_times, use_between
from workers.measuring.verdict import disturbance, judge_round, judge_rounds, unsteady

QUIET = ProcessorUse(own=1.0, others=0.05, stolen=0.0, waited=0.0)
SAME = [1000.0] * 6
STEADY = [100.0, 100.5, 99.8, 100.2, 99.9]


@pytest.mark.parametrize(
    ("use", "gpu_processes", "words"),
    [
        (QUIET, None, ""),
        (QUIET, 0, ""),
        (ProcessorUse(1.0, None, None, None), None, ""),
        (QUIET._replace(others=0.3), None, "other processes used 0.30 of 2 processors"),
        (QUIET._replace(stolen=0.1), None, "the hypervisor took 0.10 processors away"),
        (QUIET._replace(waited=0.2), None, "threads waited for a processor 20% of the time"),
        (QUIET, 2, "2 other process(es) computed on the GPU"),
    ],
)
def test_what_else_used_the_device_is_named(use, gpu_processes, words):
    assert disturbance(use, 2, gpu_processes) == words


def test_threads_that_decode_images_may_wait_for_each_other():
    assert disturbance(QUIET._replace(waited=0.2), 2, waiting_counts=False) == ""
    assert disturbance(QUIET._replace(others=0.3), 2, waiting_counts=False) != ""


def test_a_large_machine_may_do_something_else_meanwhile():
    assert disturbance(QUIET._replace(others=1.0), 64) == ""
    assert disturbance(QUIET._replace(others=2.0), 64) != ""


@pytest.mark.parametrize(
    ("rates", "reference", "disturbed", "verdict", "words"),
    [
        (STEADY, SAME, "", "clean", ""),
        (STEADY, [1000.0, 1000.0, 1000.0, 1070.0, 1070.0, 1070.0], "", "clean", ""),
        (
            STEADY,
            [1000.0, 1000.0, 1000.0, 900.0, 900.0, 900.0],
            "",
            "noisy",
            "the machine got 10.0% slower (more than 8%)",
        ),
        (STEADY, [1000.0, 1000.0, 1000.0, 1100.0, 1100.0, 1100.0], "", "noisy", "the machine got 10.0% faster"),
        (STEADY, [1000.0, 1150.0, 1000.0, 1150.0, 1000.0, 1150.0], "", "clean", ""),  # readings are short: no trend
        ([100.0, 112.0, 99.0, 111.0, 98.0], SAME, "", "noisy", "the blocks vary by 6.6% (more than 5%)"),
        ([100.0, 99.0, 97.5, 96.0, 95.0], SAME, "", "noisy", "the blocks got 4.0% slower (more than 3%)"),
        ([50.0, 99.0, 97.5, 96.0, 20.0], [9.0, 9.0, 1.0, 1.0], "others used it", "contended", "others used it"),
    ],
)
def test_a_round_is_judged_by_the_worst_that_was_seen(rates, reference, disturbed, verdict, words):
    judged = judge_round(blocks(rates), reference, disturbed)
    assert judged.verdict == verdict
    assert words in judged.reason
    assert bool(judged.reason) == (verdict != "clean")


@pytest.mark.parametrize(
    ("rates", "steady"),
    [
        (STEADY, True),
        ([100.0, 100.0, 100.0, 90.0, 90.0], False),
        ([90.0, 90.0, 90.0, 100.0, 100.0], False),
        (np.linspace(100.0, 95.0, 5), False),
        (np.linspace(100.0, 96.0, 20), True),  # the halves' middles are 2 % apart
        (np.linspace(100.0, 92.0, 20), False),
        ([100.0, 100.0, 60.0, 100.0, 100.0], True),  # one bad block is no trend
        ([100.0, 96.0, 98.0, 95.5, 94.5], True),  # the difference is what neighbours differ by anyway
        ([100.0, 90.0, 80.0], True),  # too few to tell
        ([100.0], True),
    ],
)
def test_a_round_is_steady_unless_its_halves_differ_by_more_than_chance(rates, steady):
    assert (unsteady(list(rates)) == "") is steady


def flagged(random, blocks_of_round, noise, drift=0.0, trials=1000):
    """Share of rounds called unsteady that lose this share of their speed from the first block to the last."""
    course = 100.0 * np.linspace(1.0, 1.0 - drift, blocks_of_round)
    rates = course * (1.0 + noise * random.standard_normal((trials, blocks_of_round)))
    return np.mean([unsteady(row.tolist()) != "" for row in rates])


@pytest.mark.parametrize("blocks_of_round", [5, 10, 20])
@pytest.mark.parametrize("noise", [0.005, 0.01, 0.02, 0.04])
def test_steady_rounds_are_rarely_called_unsteady_however_noisy(blocks_of_round, noise):
    assert flagged(np.random.default_rng(0), blocks_of_round, noise) < 0.08


@pytest.mark.parametrize(("blocks_of_round", "drift", "least"), [(5, 0.08, 0.9), (10, 0.08, 0.9), (20, 0.08, 0.95)])
def test_rounds_that_slow_down_are_called_unsteady(blocks_of_round, drift, least):
    assert flagged(np.random.default_rng(0), blocks_of_round, 0.01, drift) > least


CLEAN = a_round(STEADY)
NOISY = a_round(STEADY, "noisy", "the blocks got 4.0% slower")
CONTENDED = a_round(STEADY, "contended", "others used it")


@pytest.mark.parametrize(
    ("rounds", "cv", "verdict", "reason"),
    [
        ([CLEAN], 0.01, "clean", ""),
        ([NOISY], 0.01, "noisy", "the blocks got 4.0% slower"),
        ([CONTENDED], 0.01, "contended", "others used it"),
        ([CLEAN, NOISY, CLEAN], 0.01, "clean", ""),
        ([NOISY, CLEAN, NOISY], 0.01, "noisy", "2 of 3 rounds; the last: the blocks got 4.0% slower"),
        ([CLEAN, CLEAN, CLEAN], 0.06, "noisy", "the blocks vary by 6.0% (more than 5%)"),
        ([CLEAN, CONTENDED, CONTENDED, CLEAN, CLEAN], 0.01, "clean", ""),
        ([NOISY, CONTENDED, NOISY, CLEAN], 0.01, "noisy", "2 of 3 rounds; the last: the blocks got 4.0% slower"),
        ([CLEAN, CONTENDED, CONTENDED], 0.01, "contended", "2 of 3 rounds; the last: others used it"),
    ],
)
def test_a_measurement_is_what_most_of_its_rounds_are(rounds, cv, verdict, reason):
    assert judge_rounds(rounds, cv) == (verdict, reason)


@pytest.mark.parametrize(
    ("paces", "verdict"),
    [
        ((1000.0, 1200.0, 990.0), "clean"),
        ((1000.0, 1000.0, 1000.0), "noisy"),
        ((1200.0, 1000.0, 1200.0), "noisy"),
        ((1000.0, None, 990.0), "noisy"),
    ],
)
def test_rounds_may_differ_as_much_as_the_machine_did(paces, verdict):
    scales = (1.0, 1.2, 0.99)
    rounds = [
        a_round([scale * rate for rate in STEADY], reference_images_per_second=pace)
        for scale, pace in paired(scales, paces)
    ]
    assert judge_rounds(rounds, 0.1).verdict == verdict


def test_a_reference_that_moves_makes_no_measurement_noisy():
    rounds = [a_round(STEADY, reference_images_per_second=pace) for pace in (1000.0, 1200.0, 900.0)]
    assert judge_rounds(rounds, 0.01).verdict == "clean"


@pytest.mark.alone
def test_processor_times_agree_with_psutil():
    before, peer_before = processor_times(), psutil.cpu_times()
    ends = time.perf_counter() + 0.5
    while time.perf_counter() < ends:
        pass
    after, peer_after = processor_times(), psutil.cpu_times()
    peer_busy = sum(
        getattr(peer_after, name) - getattr(peer_before, name) for name in ("user", "nice", "system", "irq", "softirq")
    )
    assert after.busy - before.busy == pytest.approx(peer_busy, abs=0.05)
    use = use_between(before, after)
    assert 0.1 < use.own <= 1.1  # others may have the processor for a while
    assert use.others >= 0.0

"""How long a sweep has still to go."""

import random
import statistics

import pytest

from db.remaining import StageLeft, remaining


def left(stage="train", attempts=10.0, examples=5, mean=20.0, deviation=0.0, slots=1):
    return StageLeft(
        stage=stage,
        attempts=attempts,
        examples=examples,
        mean_seconds=mean,
        deviation_seconds=deviation,
        slots=slots,
    )


def test_slots_share_the_attempts_of_a_stage_and_stages_follow_each_other():
    rest = remaining([left(attempts=10, mean=20, slots=4), left("measure", attempts=3, mean=8)])
    assert rest.seconds == pytest.approx(10 * 20 / 4 + 3 * 8)
    assert (rest.low, rest.high) == (pytest.approx(rest.seconds), pytest.approx(rest.seconds))


def test_a_stage_without_an_example_is_named_and_not_counted():
    rest = remaining([left(mean=None, deviation=None, examples=0), left("measure", attempts=2, mean=8)])
    assert (rest.seconds, rest.unknown) == (16, ("train",))


def test_what_is_done_needs_no_example():
    assert remaining([left(attempts=0, mean=None)]).unknown == ()
    assert remaining([]).seconds == 0


@pytest.mark.parametrize("change", [{"examples": 1}, {"deviation": None}])
def test_one_example_tells_no_range(change):
    rest = remaining([left(**change)])
    assert rest.seconds == pytest.approx(200)
    assert rest.low is rest.high is None


def test_the_range_never_begins_in_the_past():
    rest = remaining([left(attempts=1, examples=2, mean=10, deviation=30)])
    assert rest.low == 0
    assert rest.high > 60


def test_the_range_holds_the_true_time_in_most_cases():
    """Draws sweeps of which some attempts are done, and looks how often the rest takes as long as was said."""
    draw = random.Random(3)
    held = 0
    for _ in range(400):
        seconds = [draw.gauss(30, 8) for _ in range(60)]
        done, rest = seconds[:20], seconds[20:]
        told = remaining(
            [
                left(
                    attempts=len(rest),
                    examples=len(done),
                    mean=statistics.fmean(done),
                    deviation=statistics.stdev(done),
                )
            ]
        )
        held += told.low <= sum(rest) <= told.high
    assert 0.90 <= held / 400 <= 0.99

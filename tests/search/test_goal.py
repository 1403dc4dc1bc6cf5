"""What a trial is worth, what it misses, and when its throughput alone decides."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from db.search_records import TrialRow
from orchestrator.search.goal import Goal

TRAIN, INFER = "train_images_per_second", "inference_images_per_second"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def complete(number, *values):
    return TrialRow(number=number, params={}, origin="sampler", state="complete", values=values, created_at=NOW)


def test_values_come_in_the_order_of_the_objectives():
    end = Goal(objectives=(INFER, "top1")).end(71.5, {"inference": 900.0, "train": 300.0})
    assert (end.state, end.values, end.violations) == ("complete", (900.0, 71.5), ())


@pytest.mark.parametrize(
    ("top1", "train", "state", "words"),
    [
        (70.0, 100.0, "complete", ""),
        (69.0, 100.0, "infeasible", "top-1 69.00 % is below the floor, 70 %"),
        (70.0, 99.0, "infeasible", "train throughput 99.0 images/s is below the floor, 100"),
    ],
)
def test_a_floor_is_met_or_it_is_said_which_is_not(top1, train, state, words):
    goal = Goal(objectives=("top1",), floors={"top1": 70.0, TRAIN: 100.0})
    end = goal.end(top1, {"train": train})
    assert (end.state, end.reason) == (state, words)
    assert end.violations == ((70 - top1) / 70, (100 - train) / 100)


def test_before_the_training_what_is_not_known_counts_as_met():
    goal = Goal(objectives=("top1",), floors={"top1": 70.0, TRAIN: 100.0})
    assert goal.early_end({"train": 100.0}, []) is None
    end = goal.early_end({"train": 50.0}, [])
    assert (end.state, end.values, end.violations) == ("infeasible", (None,), (0.0, 0.5))


@pytest.mark.parametrize(
    ("goal", "decides"),
    [
        (Goal(objectives=("top1",)), False),
        (Goal(objectives=("top1", TRAIN)), False),
        (Goal(objectives=("top1", TRAIN), top1_ceiling=90.0), True),
        (Goal(objectives=("top1",), floors={TRAIN: 1.0}), True),
        (Goal(objectives=(TRAIN,), floors={"top1": 1.0}), True),
        (Goal(objectives=("speedup",), mode="train", baseline=((70.0, 10.0),)), True),
    ],
)
def test_a_throughput_decides_only_where_it_can(goal, decides):
    assert goal.throughput_decides == decides


def test_two_objectives_are_out_of_reach_only_beyond_a_point_at_the_ceiling():
    goal = Goal(objectives=("top1", TRAIN), top1_ceiling=80.0)
    assert goal.early_end({"train": 90.0}, [complete(3, 79.9, 100.0)]) is None
    assert goal.early_end({"train": 110.0}, [complete(3, 80.0, 100.0)]) is None
    end = goal.early_end({"train": 90.0}, [complete(3, 80.0, 100.0)])
    assert end.state == "skipped"
    assert end.reason.endswith("than trial 3")
    assert end.values == (None, 90.0)


class TestSpeedup:
    goal = Goal(objectives=("speedup",), mode="train", baseline=((70.0, 400.0), (80.0, 100.0), (60.0, 50.0)))

    def test_it_is_at_equal_accuracy_between_the_points_of_the_baseline_s_front(self):
        assert self.goal.end(80.0, {"train": 300.0}).values == (pytest.approx(3.0),)
        between = math.exp((math.log(400) + math.log(100)) / 2)
        assert self.goal.end(75.0, {"train": 300.0}).values == (pytest.approx(300 / between),)

    def test_above_the_baseline_s_best_accuracy_it_is_compared_with_that(self):
        assert self.goal.end(85.0, {"train": 300.0}).values == (pytest.approx(3.0),)

    def test_below_the_baseline_s_accuracies_there_is_none(self):
        end = self.goal.end(63.0, {"train": 9000.0})
        assert (end.state, end.values) == ("infeasible", (None,))
        assert end.violations == (pytest.approx(0.1),)
        assert "below the baseline's lowest, 70.00 %" in end.reason
        assert self.goal.constraints == 1

    def test_what_is_slower_than_the_best_ratio_allows_is_not_trained(self):
        assert self.goal.early_end({"train": 300.0}, [complete(0, 2.9)]) is None
        assert self.goal.early_end({"train": 300.0}, [complete(0, 3.1)]).state == "skipped"

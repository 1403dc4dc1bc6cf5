"""What a search may choose, and which jobs each choice has."""

from __future__ import annotations

import pytest

from orchestrator.errors import InputError
from orchestrator.expansion import expand
from orchestrator.search.space import Axis, make_space
from tests.search.example_search import HERE, SEARCH, space_of
from tests.sweep.example_sweep import sweep_of


def axes(*overrides):
    return {axis.name: axis.values for axis in space_of(SEARCH, *overrides).axes}


def test_every_list_of_the_file_is_an_axis_but_the_seeds():
    assert axes() == {
        "group_size": (1, 16),
        "norm": ("gn", "ln+pn"),
        "train_resolution": (12, 20, 28),
        "test_offset": (0, 8, 16),
    }
    space = space_of()
    assert len(space.points) == 2 * 2 * 3 * 3
    point = space.points[16, "gn", 20, 8]
    assert [training.seed for training in point.trainings] == [0, 1]
    assert {training.resolution for training in point.trainings} == {20}
    assert point.test_resolution == 28
    assert [job.mode for job in point.measurements.values()] == ["train"]


def test_the_points_have_the_jobs_of_the_sweep_over_all_of_them():
    sweep = sweep_of(SEARCH)
    whole = {job.fingerprint for job in expand(sweep, {"cpu": [HERE]}).jobs}
    space = make_space(sweep, ("train", "inference"), HERE)
    assert {job.fingerprint for point in space.points.values() for job in point.jobs} == whole


def test_absolute_test_resolutions_are_an_axis_of_pixels():
    found = axes("search.axes={train_resolution: {low: 12, high: 28, step: 8}}", "test_resolution=[28, 20]")
    assert found["test_resolution"] == (20, 28)
    assert "test_offset" not in found


def test_without_ranges_or_lists_half_and_native_are_tried_at_steps_of_the_stride():
    found = axes("search.axes={}")
    assert found["train_resolution"] == (20, 28)
    assert found["test_offset"] == (0, 8, 16)
    large = axes("search.axes={}", "model={size: b0}")
    assert large["train_resolution"] == (160, 224)
    assert large["test_offset"] == (0, 32, 64)


def test_words_stay_words_where_they_mean_several_numbers():
    found = axes("search.axes={}", "model={size: [b0, b1]}", "grid.train_resolution=[half, native]")
    assert found["train_resolution"] == ("half", "native")
    assert found["size"] == ("b0", "b1")


def test_an_axis_that_another_one_determines_is_not_searched():
    zipped = axes("grid={norm: gn}", "zip=[{group_size: [1, 16], expansion: [6, 4], seed: [0, 1]}]")
    assert "expansion" not in zipped
    assert zipped["group_size"] == (1, 16)


def test_rules_cut_holes():
    space = space_of(SEARCH, "exclude=[\"norm == 'gn' and train_resolution == 12\"]")
    assert len(space.points) == 36 - 6
    assert space.at({"group_size": 1, "norm": "gn", "train_resolution": 12, "test_offset": 0}) is None


def test_ways_of_fine_tuning_are_an_axis():
    assert axes("fine_tune.layers=[none, head]")["fine_tune_layers"] == ("none", "head")


def test_companions_are_the_other_tests_of_the_same_trainings_nearest_first():
    space = space_of()
    found = space.companions(space.points[1, "gn", 12, 16])
    assert [point.values for point in found] == [(1, "gn", 12, 8), (1, "gn", 12, 0)]


def test_with_one_value_of_everything_there_is_nothing_to_search():
    with pytest.raises(InputError, match=r"sweep.yaml:\d+: search: every axis has one value"):
        space_of(
            SEARCH, "grid={group_size: 1, norm: gn}", "search.axes={}", "test_resolution=20", "grid.train_resolution=20"
        )


def test_values_by_axis_and_back():
    space = space_of()
    for point in space.points.values():
        assert space.at(space.params(point)) is point
    assert space.axes[0] == Axis("group_size", (1, 16))

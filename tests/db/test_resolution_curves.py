"""Accuracy against test resolution, beside the rows of ``results`` pooled one by one."""

import itertools
import statistics

import pytest

from db.variant_results_view import TESTED
from tests.db.example_rows import CPU, GPU, training
from tests.db.test_points import Writer

PPM = 1_000_000


def whole(part, number):
    """A share in millionths as SQL divides whole numbers: towards nothing."""
    return int(part * PPM / number) if part >= 0 else -int(-part * PPM / number)


def by_hand(rows):
    """Every test of a network with its seeds pooled, from rows of ``results``."""
    once = {row["evaluation"]: row for row in rows}.values()
    groups = {}
    for row in once:
        groups.setdefault(tuple(row[name] for name in TESTED), []).append(row)
    return groups


def require_same(found, groups):
    assert [tuple(row[name] for name in TESTED) for row in found] == sorted(groups)
    for row in found:
        seeds = groups[tuple(row[name] for name in TESTED)]
        images, right, before = (
            sum(one[name] for one in seeds) for name in ("images", "correct", "correct_before_fine_tune")
        )
        assert row["seeds"] == len(seeds)
        assert row["top1"] == pytest.approx(100 * right / images)
        assert row["top1_before"] == pytest.approx(100 * before / images)
        assert row["gain"] == pytest.approx(100 * (right - before) / images)
        gains = [whole(one["correct"] - one["correct_before_fine_tune"], one["images"]) / 10_000 for one in seeds]
        tops = [whole(one["correct"], one["images"]) / 10_000 for one in seeds]
        if len(seeds) == 1:
            assert row["gain_std"] is row["top1_std"] is row["top1_before_std"] is None
        else:
            assert row["gain_std"] == pytest.approx(statistics.stdev(gains), abs=1e-9)
            assert row["top1_std"] == pytest.approx(statistics.stdev(tops), abs=1e-9)


@pytest.fixture(scope="module")
def written(shared_store, shared_reader):
    """What reads a database into which several sweeps wrote at random."""
    writer = Writer(shared_store, 3)
    for _ in range(80):
        writer.write()
    return shared_reader


@pytest.mark.parametrize("sweep", [None, "sweep 2"])
def test_curves_are_the_rows_of_results_pooled_over_seeds(written, sweep):
    part, repeated = written.resolutions(sweep), 0
    networks = part.networks()
    rows = [row for row in written.view(sweep=sweep) if row["source"] == "measured"]
    known = {(row["variant_id"], row["dataset_id"]) for row in rows}
    assert {(row["variant_id"], row["dataset_id"]) for row in networks} == known
    for network in networks:
        same = [row for row in rows if all(row[name] == network[name] for name in ("variant_id", "dataset_id"))]
        found = part.curves(network["variant_id"], network["dataset_id"])
        assert {row["model_size"] for row in same} == {network["model_size"]}
        assert len({row["train_resolution"] for row in same}) == network["train_resolutions"]
        require_same(found, by_hand(same))
        repeated += sum(row["seeds"] > 1 for row in found)
    assert len(networks) > 2
    assert repeated or sweep


def test_accuracy_does_not_depend_on_where_throughput_was_measured(sweep, reader):
    for seed in range(2):
        sweep.evaluate(sweep.train(seed, seed=seed))
    for place in (CPU, GPU):
        sweep.measure(environment=place)
    (network,) = reader.resolutions().networks()
    (row,) = reader.resolutions().curves(network["variant_id"], network["dataset_id"])
    assert row["seeds"] == 2


def curve(sweep, reader, *tests):
    """Rows of one network's curve; tests are resolution, right answers and right validation answers."""
    run = sweep.train(0)
    for resolution, correct, validated in tests:
        held_out = {} if validated is None else {"validation_images": 1000, "validation_correct": validated}
        sweep.evaluate(run, test_resolution=resolution, correct=correct, correct_before_fine_tune=correct, **held_out)
    (network,) = reader.resolutions().networks()
    return reader.resolutions().curves(network["variant_id"], network["dataset_id"])


def test_the_best_resolution_is_the_one_that_the_validation_images_choose(sweep, reader):
    rows = curve(sweep, reader, (20, 8800, 900), (28, 8600, 920), (32, 9000, 910))
    assert [row["best"] for row in rows] == [0, 1, 0]
    assert [row["validation_top1"] for row in rows] == [90.0, 92.0, 91.0]


def test_without_validation_images_the_test_images_choose_and_the_smaller_on_a_tie(sweep, reader):
    rows = curve(sweep, reader, (20, 8800, None), (28, 9000, None), (32, 9000, None))
    assert [row["best"] for row in rows] == [0, 1, 0]
    assert {row["validation_top1"] for row in rows} == {None}


def test_fine_tuning_may_cost_accuracy(sweep, reader):
    run = sweep.train(0)
    sweep.evaluate(run, images=7, correct=3, correct_before_fine_tune=5)
    other = sweep.train(1, seed=1)
    sweep.evaluate(other, images=7, correct=5, correct_before_fine_tune=4)
    (network,) = reader.resolutions().networks()
    (row,) = reader.resolutions().curves(network["variant_id"], network["dataset_id"])
    assert row["gain"] == pytest.approx(-100 / 14)
    assert row["gain_std"] == pytest.approx(statistics.stdev([-28.5714, 14.2857]), abs=1e-4)


def test_each_way_of_fine_tuning_has_its_own_best_resolution(sweep, reader):
    run = sweep.train(0)
    for layers, resolution in itertools.product(("head", "none"), (20, 28)):
        right = 8800 + (100 if (layers == "head") == (resolution == 28) else 0)
        sweep.evaluate(
            run, test_resolution=resolution, correct=right, fine_tune_layers=layers, fine_tune_digest=layers[0] * 32
        )
    (network,) = reader.resolutions().networks()
    rows = reader.resolutions().curves(network["variant_id"], network["dataset_id"])
    best = {(row["fine_tune_layers"], row["test_resolution"]) for row in rows if row["best"]}
    assert best == {("head", 28), ("none", 20)}


def test_a_network_is_counted_with_the_resolutions_it_was_trained_at(sweep, reader):
    for number, side in enumerate((20, 28)):
        sweep.evaluate(sweep.train(number, train_resolution=side))
    (network,) = reader.resolutions().networks()
    assert network["train_resolutions"] == 2
    assert network["model_size"] == training().variant.model_size
    assert reader.resolutions("no such sweep").networks() == []


def test_an_empty_database_has_no_networks(reader):
    assert reader.resolutions().networks() == []
    assert reader.resolutions().curves(1, 1) == []

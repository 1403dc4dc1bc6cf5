"""What is drawn and said of one result, without a page."""

from __future__ import annotations

import datetime as dt
import statistics
from dataclasses import replace

import altair as alt
import pytest

from dashboard.figures.curve_figure import curve_figure, curve_records
from dashboard.figures.palette import DARK, LIGHT
from dashboard.figures.sample_figure import (
    COUNTS,
    DISTURBED,
    block_records,
    middle_half,
    reference_records,
    sample_figure,
    summary_record,
)
from dashboard.words import result_words
from dashboard.words.settings import configuration
from tests.dashboard.detailed import (
    EPOCHS,
    FAMILIES,
    TESTED,
    epochs_of,
    measured,
    measurement,
)
from tests.dashboard.seeded import VALIDATION_IMAGES

PLAIN, CHANGED = FAMILIES


def test_every_block_is_drawn_once_in_its_round_and_disturbed_ones_apart(details):
    one = measured(details, measurement(CHANGED, "train", 20))
    drawn = block_records(one)
    assert list(drawn["images_per_second"]) == [block["images_per_second"] for block in one.blocks]
    assert list(drawn["row"]) == [f"Round {number}" for number in (1, 2, 3, 4) for _ in range(5)]
    assert set(drawn.loc[drawn["status"] == DISTURBED, "row"]) == {"Round 3"}
    assert set(drawn.loc[drawn["row"] != "Round 3", "status"]) == {COUNTS}


def test_a_measurement_of_which_every_round_was_disturbed_says_so(details):
    one = measured(details, measurement(CHANGED, "train", 20))
    assert result_words.throughput(one)["From"] == "4 rounds, 1 disturbed; 15 timed blocks count"
    rounds = tuple({**each, "verdict": "contended"} for each in one.rounds)
    assert result_words.throughput(replace(one, rounds=rounds))["From"].startswith("4 rounds, all of them disturbed;")


def test_median_and_middle_half_are_of_the_blocks_that_count(details):
    one = measured(details, measurement(CHANGED, "train", 20))
    counted = [block["images_per_second"] for block in one.blocks if block["round"] != 3]
    told = summary_record(one)
    assert told["median"] == pytest.approx(statistics.median(counted))
    low, _, high = statistics.quantiles(counted, n=4, method="inclusive")
    assert (told["quarter"], told["three_quarters"]) == pytest.approx((low, high))
    assert (told["low"], told["high"]) == (one.row["low"], one.row["high"])
    assert middle_half([5.0, 7.0]) == (5.0, 7.0)


def test_the_reference_network_is_drawn_for_each_round(details):
    one = measured(details, measurement(CHANGED, "train", 20))
    assert list(reference_records(one)["images_per_second"]) == pytest.approx([5200, 4420, 3120, 5044])
    without = replace(one, rounds=tuple({**each, "reference_images_per_second": None} for each in one.rounds))
    assert len(sample_figure(one, palette=LIGHT).to_dict()["hconcat"]) == 2
    assert len(sample_figure(without, palette=LIGHT).to_dict()["hconcat"]) == 1


def test_the_reference_network_is_drawn_around_each_block_where_that_is_known(details):
    one = measured(details, measurement(CHANGED, "train", 20))
    around = [{**block, "reference_images_per_second": 5000.0 + block["ordinal"]} for block in one.blocks]
    records = reference_records(replace(one, blocks=tuple(around)))
    assert list(records["images_per_second"]) == [5000.0 + number for number in range(20)]
    assert list(records["row"][::5]) == ["Round 1", "Round 2", "Round 3", "Round 4"]
    assert (records["Around"][7], records["Verdict"][7]) == ("block 8, of round 2", "clean")
    assert list(records["status"][::5]) == [COUNTS, COUNTS, DISTURBED, COUNTS]
    around[3]["reference_images_per_second"] = None
    assert list(reference_records(replace(one, blocks=tuple(around)))["Around"]) == [f"round {n}" for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("narrow", [False, True])
def test_charts_of_a_result_are_valid_vega_lite(detailed_url, details, palette, narrow):
    epochs = epochs_of(detailed_url, CHANGED)
    samples = sample_figure(measured(details, measurement(PLAIN, "train", 20)), palette=palette, stacked=narrow)
    curves = curve_figure(curve_records({"this run": epochs}), palette=palette, narrow=narrow)
    for chart in (samples, curves):
        assert alt.Chart.from_dict(chart.to_dict(), validate=True)


def test_curves_are_the_epochs_that_are_stored(detailed_url):
    epochs = epochs_of(detailed_url, PLAIN)
    drawn = curve_records({"this run": epochs})
    for name in ("epoch", "loss", "learning_rate", "images", "seconds"):
        assert list(drawn[name]) == [getattr(one, name) for one in epochs]
    panels = curve_figure(drawn, palette=LIGHT).to_dict()["vconcat"]
    assert [panel["layer"][0]["encoding"]["y"]["field"] for panel in panels] == ["loss", "learning_rate"]


def test_the_panel_of_accuracy_holds_the_epochs_that_were_tested(detailed_url):
    plain, changed = (epochs_of(detailed_url, family) for family in FAMILIES)
    spec = curve_figure(curve_records({"A": plain, "B": changed}), palette=LIGHT).to_dict()
    loss, accuracy, rate = (spec["datasets"][panel["data"]["name"]] for panel in spec["vconcat"])
    assert len(loss) == len(rate) == 2 * EPOCHS
    assert [(one["run"], one["epoch"]) for one in accuracy] == [("B", epoch) for epoch in TESTED]
    share = 100 * changed[0].validation_correct / VALIDATION_IMAGES
    assert accuracy[0]["validation_top1"] == share
    assert accuracy[0]["Validation top-1"] == f"{share:.2f} % ({changed[0].validation_correct:,} of 6,000 images)"
    assert loss[0]["Validation top-1"] == "–"
    assert spec["description"].startswith("Loss, top-1 of validation images and learning rate over the epochs of A")


def test_who_points_at_an_epoch_is_told_its_accuracy_where_there_is_one(detailed_url):
    for family, told in zip(FAMILIES, (False, True), strict=True):
        curves = curve_records({"this run": epochs_of(detailed_url, family)})
        panel = curve_figure(curves, palette=LIGHT).to_dict()["vconcat"][0]
        names = [one["field"] for one in panel["layer"][1]["encoding"]["tooltip"]]
        assert ("Validation top-1" in names) is told


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"), [(0, 10, 0.0, 27.75), (95, 100, 88.82, 97.85), (10, 10, 72.25, 100.0)]
)
def test_the_interval_of_an_accuracy_is_wilsons(correct, images, low, high):
    assert result_words.accuracy_interval(correct, images) == pytest.approx((low, high), abs=0.01)


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [((56, 70), (48, 80), (-20.0, -33.39, -5.24)), ((0, 10), (10, 10), (100.0, 60.75, 100.0))],
)
def test_the_interval_of_a_difference_is_newcombes(first, other, expected):
    rows = [{"correct": correct, "images": images} for correct, images in (first, other)]
    assert result_words.difference(*rows) == pytest.approx(expected, abs=0.01)


def test_a_setting_is_told_with_its_unit_or_what_it_means_that_there_is_none():
    told = configuration(
        {
            "stage": "measure",
            "variant": {"group_size": 1},
            "batch_size": None,
            "compile": False,
            "blocks": 5,
            "block_seconds": 1.5,
            "resolution": 20,
            "environment_key": "e" * 32,
            "loading": None,
            "ipu": None,
        }
    )
    assert told["Network"] == {"Group size": "1 channel"}
    assert told["Job"] == {
        "Batch size": "the fastest",
        "Compile": "no",
        "Blocks": "5",
        "Block": "1.5 s",
        "Resolution": "20 px",
        "Loading": "–",
    }
    assert configuration({"stage": "train", "resolution": 20})["Job"] == {"Train resolution": "20 px"}


def test_a_stale_measurement_says_so_whatever_its_verdict_was():
    row = {"shown_verdict": "stale", "verdict": "clean", "verdict_reason": ""}
    assert result_words.verdict(row) == "stale: measured with software that is no longer there"


def test_batch_sizes_say_who_chose_them():
    told = [result_words.batch_size({"batch_size_requested": one, "batch_size": 64}) for one in (None, 64, 128)]
    assert told == ["64 images, the fastest of those tried", "64 images, as asked for", "64 images; 128 were asked for"]


def test_a_layout_on_ipus_is_told_where_there_is_one():
    row = {"batch_size": 96, "micro_batch": 6, "accumulation": 4, "replicas": 4}
    told = result_words.layout({**row, "ipus_per_replica": 2, "device_iterations": 3})
    assert told == {
        "Batch made of": "6 per micro-batch × 4 accumulated × 4 replicas",
        "IPUs": "4 replicas of 2 IPUs; one call takes 288 images",
    }
    assert result_words.layout({"micro_batch": None}) == {}
    layout = {
        "ipus_per_replica": 2,
        "micro_batch": 6,
        "split": ["stages.3"],
        "available_memory": [],
        "data": "synthetic",
    }
    assert configuration({"ipu": layout})["Layout on IPUs"] == {
        "IPUs per replica": "2",
        "Micro batch": "6 images",
        "Split": "stages.3",
        "Available memory": "PopTorch's own",
        "Data": "images made up on the device",
    }


def test_the_data_set_of_images_that_are_loaded_has_a_table_of_its_own():
    loading = {"dataset": {"name": "shapes", "train_images": 4000}, "mixup": 0.0}
    told = configuration({"stage": "measure", "loading": loading})
    assert told == {
        "Data set": {"Name": "shapes", "Train images": "4,000"},
        "Images of the part with loading": {"Mixup": "0"},
    }


def test_an_environment_of_the_past_says_since_when():
    moment = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)
    row = {
        "environment_key": "e",
        "device": "H200",
        "threads": 4,
        "software": {},
        "first_seen_at": moment,
        "superseded_at": moment,
    }
    (told,) = result_words.environments([row], {"e": ["training", "training"]})
    assert told["still there"] == "no, superseded 2026-01-31 12:00:00"
    assert told["used for"] == "training"

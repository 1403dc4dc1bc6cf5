"""The charts as data: what is drawn is what the reader returns."""

from __future__ import annotations

import itertools
import math
import statistics

import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.figures import axes, families
from dashboard.figures.front_figure import front_figure
from dashboard.figures.front_points import front_points
from dashboard.figures.palette import DARK, LIGHT, dashes, shapes
from dashboard.figures.speedup_figure import front_records, ratio_records, speedup_figure
from db.bootstrap import Point
from db.speedup import speedup


def flat(rounds):
    """Blocks of all rounds, as the pages have them."""
    return {one: tuple(itertools.chain.from_iterable(each)) for one, each in rounds.items()}


@pytest.fixture
def rows(reader):
    """Points of the finished sweep on its CPU."""
    return reader.points("train", "best", filter_text="slot_kind=cpu")


def drawn(reader, rows, *, mode="train", scenario="best", parts=families.DEFAULT_PARTS):
    blocks = flat(reader.block_rates([row[f"{mode}_measurement_id"] for row in rows]))
    return front_points(rows, mode=mode, scenario=scenario, parts=parts, blocks=blocks)


def figure(points, names, **options):
    return front_figure(points, mode="train", families=names, palette=LIGHT, **options).to_dict()


def marks(spec):
    """Return every layer of every panel."""
    panels = spec.get("hconcat") or spec.get("vconcat")
    return [layer for panel in panels for layer in panel["layer"]]


def test_every_point_of_the_reader_is_drawn_once_with_its_own_numbers(reader, rows):
    points = drawn(reader, rows)
    assert list(points["top1"]) == [row["top1_mean"] for row in rows]
    assert list(points["images_per_second"]) == [row["images_per_second"] for row in rows]
    assert list(points["macs"]) == [row["train_macs"] for row in rows]
    assert list(points["on_front"]) == [row["on_front"] for row in rows]
    assert points["point"].is_unique


@pytest.mark.parametrize("scenario", ["native", "best", "all"])
@pytest.mark.parametrize("mode", ["train", "inference"])
def test_no_two_points_of_one_place_share_an_identity(reader, mode, scenario):
    rows = reader.points(mode, scenario, filter_text="slot_kind=cpu")
    assert drawn(reader, rows, mode=mode, scenario=scenario)["point"].is_unique


def test_the_inference_chart_counts_the_operations_at_the_test_resolution(reader):
    rows = reader.points("inference", "all", filter_text="slot_kind=cpu")
    points = drawn(reader, rows, mode="inference", scenario="all")
    assert list(points["macs"]) == [row["test_macs"] for row in rows]


def test_whiskers_are_the_middle_half_of_the_blocks_and_one_deviation_over_seeds(reader, rows):
    points = drawn(reader, rows)
    blocks = flat(reader.block_rates([row["train_measurement_id"] for row in rows]))
    for row, (_, point) in zip(rows, points.iterrows(), strict=True):
        low, median, high = statistics.quantiles(blocks[row["train_measurement_id"]], n=4, method="inclusive")
        assert (point["images_per_second_low"], point["images_per_second_high"]) == (low, high)
        assert median == pytest.approx(row["images_per_second"])
        assert point["top1_high"] - point["top1_low"] == pytest.approx(2 * row["top1_std"])


def test_noisy_points_are_hollow_and_told_apart(reader, rows):
    points = drawn(reader, rows)
    assert set(points.loc[points["status"] == "noisy", "family"]) == {"G1-GN-Half", "G1-GN-Native"}
    hollow = [
        layer for layer in marks(figure(points, families.names(rows))) if "== 'noisy'" in str(layer.get("transform"))
    ]
    assert len(hollow) == 2
    assert all(layer["mark"]["filled"] is False for layer in hollow)


def test_a_line_joins_sizes_and_widths_and_nothing_else(reader, rows):
    points = drawn(reader, rows)
    for _, line in points.groupby("line"):
        assert line["family"].nunique() == 1
        assert line["order"].is_unique
        assert 1 < len(line) <= 3


def test_a_line_joins_the_test_resolutions_of_one_network_where_all_are_shown(reader):
    rows = reader.points("inference", "all", filter_text="slot_kind=cpu")
    points = drawn(reader, rows, mode="inference", scenario="all")
    for _, line in points.groupby("line"):
        assert sorted(line["order"]) == [20, 28]


def test_families_follow_the_grouping_that_was_chosen(reader, rows):
    assert families.names(rows, ["Group size"]) == ["G1", "G16"]
    assert families.names(rows, ["Norm", "Train resolution"]) == [
        "BN-Half",
        "BN-Native",
        "GN-Half",
        "GN-Native",
        "LN+PN-Half",
        "LN+PN-Native",
    ]
    assert families.names(rows, []) == ["all"]
    lines = drawn(reader, rows, parts=["Group size"])["line"].nunique()
    assert lines == drawn(reader, rows)["line"].nunique()


@pytest.mark.parametrize("part", families.PARTS)
def test_every_part_names_a_family_of_measured_and_published_points(part, reader):
    for row in reader.points("train", "all"):
        assert isinstance(families.family(row, [part]), str)


def test_both_panels_are_logarithmic_and_share_the_accuracy_axis(reader, rows):
    spec = figure(drawn(reader, rows), families.names(rows))
    left, right = spec["hconcat"]
    for panel, column in ((left, "macs"), (right, "images_per_second")):
        x = panel["layer"][-1]["encoding"]["x"]
        assert (x["field"], x["scale"]["type"]) == (column, "log")
    assert left["layer"][-1]["encoding"]["y"] == right["layer"][-1]["encoding"]["y"]
    assert spec["resolve"]["scale"]["y"] == "shared"


def test_the_front_is_drawn_where_throughput_was_measured(reader, rows):
    spec = figure(drawn(reader, rows), families.names(rows))
    fronts = [
        [layer for layer in panel["layer"] if layer.get("transform") == [{"filter": "datum.on_front"}]]
        for panel in spec["hconcat"]
    ]
    assert [len(found) for found in fronts] == [0, 1]
    assert fronts[1][0]["mark"]["strokeWidth"] > 5


def test_pointing_at_a_point_marks_it_in_both_panels(reader, rows):
    spec = figure(drawn(reader, rows), families.names(rows))
    views = {one["name"]: one["views"] for one in spec["params"]}
    assert set(views) == {"hover", "legend"}
    for panel in spec["hconcat"]:
        names = {layer.get("name") for layer in panel["layer"]}
        assert all(names & set(found) for found in views.values())


def test_points_without_operation_counts_are_drawn_in_one_panel(reader, rows):
    points = drawn(reader, [{**row, "train_macs": None} for row in rows])
    assert len(figure(points, families.names(rows))["hconcat"]) == 1


def test_panels_stand_above_each_other_on_a_phone(reader, rows):
    spec = figure(drawn(reader, rows), families.names(rows), stacked=True)
    assert len(spec["vconcat"]) == 2
    assert all(panel["width"] < 320 for panel in spec["vconcat"])


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_colour_shape_and_dash_tell_many_families_apart(palette):
    count = 40
    looks = list(zip(palette.colours(count), shapes(count), map(tuple, dashes(count)), strict=True))
    assert len(set(looks)) == count
    assert len(set(palette.colours(len(palette.families)))) == len(palette.families)


@given(
    low=st.floats(min_value=1e-3, max_value=1e12),
    span=st.floats(min_value=1.05, max_value=1e6),
)
def test_a_logarithmic_axis_has_enough_ticks_but_not_too_many(low, span):
    ticks = axes.log_ticks(low, low * span)
    assert 3 <= len(ticks) <= 9
    assert ticks == sorted(ticks)
    assert low <= ticks[0] <= ticks[-1] <= low * span


@given(st.lists(st.floats(min_value=1e-3, max_value=1e12), min_size=1))
def test_a_logarithmic_axis_holds_its_values(values):
    low, high = axes.log_domain(values)
    assert 0 < low < min(values) <= max(values) < high
    assert math.log10(max(values)) - math.log10(min(values)) < math.log10(high) - math.log10(low)


def test_the_speedup_figure_draws_the_two_fronts_and_every_ratio(reader):
    sides = [
        reader.front("train", "best", filter_text=f"source=published series={name}")
        for name in ("G1-GN-Baseline", "G16-LN+PN-Half")
    ]
    points = [[Point(row["top1_mean"], row["images_per_second"]) for row in side] for side in sides]
    result = speedup(*points)
    fronts, ratios = front_records(*sides), ratio_records(result.points)
    assert list(fronts["images_per_second"]) == [row["images_per_second"] for side in sides for row in side]
    assert list(ratios["speedup"]) == [point.speedup for point in result.points]
    assert max(ratios["speedup"]) == pytest.approx(6.84, abs=0.005)
    spec = speedup_figure(fronts, ratios, palette=LIGHT).to_dict()
    assert len(spec["hconcat"]) == 2
    assert spec["hconcat"][0]["layer"][0]["encoding"]["x"]["scale"]["type"] == "log"


def test_the_speedup_figure_without_an_overlap_draws_the_fronts_alone(reader):
    sides = [
        reader.front("train", "best", filter_text=f"series=G1-GN-Baseline model_size={size}") for size in ("b0", "b5")
    ]
    spec = speedup_figure(front_records(*sides), ratio_records([]), palette=DARK).to_dict()
    assert len(spec["hconcat"]) == 1


def test_charts_are_valid_vega_lite(reader, rows):
    points = drawn(reader, rows)
    for palette, stacked in itertools.product((LIGHT, DARK), (False, True)):
        chart = front_figure(points, mode="inference", families=families.names(rows), palette=palette, stacked=stacked)
        assert alt.Chart.from_dict(chart.to_dict(), validate=True)

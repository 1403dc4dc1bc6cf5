"""The charts as data: what is drawn is what the reader returns."""

from __future__ import annotations

import itertools
import math
import statistics

import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.figures import axes, families, figure_files, labels
from dashboard.figures.front_figure import ASIDE, front_figure
from dashboard.figures.front_points import Drawn, front_points
from dashboard.figures.labels import Place
from dashboard.figures.palette import DARK, LIGHT, dashes, shapes
from dashboard.figures.speedup_figure import front_records, ratio_records, speedup_figure
from db.bootstrap import Point
from db.front_views import SCOPE
from db.group_fronts import COSTS
from db.speedup import speedup


def flat(rounds):
    """Blocks of all rounds, as the pages have them."""
    return {one: tuple(itertools.chain.from_iterable(each.rates)) for one, each in rounds.items()}


@pytest.fixture
def rows(reader):
    """Points of the finished sweep on its CPU."""
    return reader.points("train", "best", filter_text="slot_kind=cpu")


def scope_of(rows):
    """Return the data set and place of some points."""
    return {name: rows[0][name] for name in SCOPE}


def drawn(reader, rows, *, mode="train", scenario="best", parts=families.DEFAULT_PARTS, **others):
    blocks = flat(reader.timed_blocks([row[f"{mode}_measurement_id"] for row in rows]))
    return front_points(Drawn(rows, **others), mode=mode, scenario=scenario, parts=parts, blocks=blocks)


def figure(points, names, **options):
    return front_figure(points, mode="train", families=names, palette=LIGHT, **options)


def panels(spec):
    """Return the layers of each panel."""
    return [panel["layer"] for panel in spec.get("hconcat") or spec["vconcat"]]


def of(layers, condition, kind=None):
    """Return the layers that draw what fulfils just this condition, of one kind of mark if one is named."""
    return [
        layer
        for layer in layers
        if layer.get("transform") == [{"filter": condition}] and kind in {None, layer["mark"]["type"]}
    ]


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
    blocks = flat(reader.timed_blocks([row["train_measurement_id"] for row in rows]))
    for row, (_, point) in zip(rows, points.iterrows(), strict=True):
        low, median, high = statistics.quantiles(blocks[row["train_measurement_id"]], n=4, method="inclusive")
        assert (point["images_per_second_low"], point["images_per_second_high"]) == (low, high)
        assert median == pytest.approx(row["images_per_second"])
        assert point["top1_high"] - point["top1_low"] == pytest.approx(2 * row["top1_std"])


def test_what_does_not_compete_is_hollow_and_grey_with_a_shape_for_each_reason(reader, rows):
    aside = reader.part("train", "best").greyed([scope_of(rows)], 99)
    aside += [{**aside[0], "train_verdict": "stale", "test_resolution": 99}]
    points = drawn(reader, rows, greyed=aside)
    told = points[~points["competes"]]
    assert set(told["verdict"]) == {"noisy", "contended", "stale"}
    assert list(told["Status"]) == [f"does not compete: {row['train_verdict']}" for row in aside]
    assert not told["on_front"].any()
    assert not told["label"].any()
    for layers in panels(figure(points, families.names([*rows, *aside]))):
        [layer] = of(layers, "!datum.competes")
        assert layer["mark"]["filled"] is False
        assert layer["encoding"]["color"] == {"value": LIGHT.quiet}
        forms = layer["encoding"]["shape"]["condition"]
        assert [(form["test"], form["value"]) for form in forms] == [
            (f"datum.verdict === '{verdict}'", shape) for verdict, shape in ASIDE.items()
        ]
        assert len(set(ASIDE.values())) == 3


def test_noisy_points_that_compete_are_hollow_in_the_colour_of_their_family(reader):
    rows = reader.points("train", "best", filter_text="slot_kind=cpu", noisy=True)
    points = drawn(reader, rows)
    assert set(points.loc[points["verdict"] == "noisy", "family"]) == {"G1-GN-Half", "G1-GN-Native"}
    assert set(points.loc[points["verdict"] == "noisy", "Status"]) == {"beaten, noisy"}
    for layers in panels(figure(points, families.names(rows))):
        [hollow] = of(layers, "datum.competes && datum.verdict !== 'clean'")
        [solid] = of(layers, "datum.competes && datum.verdict === 'clean'")
        assert (hollow["mark"]["filled"], solid["mark"]["filled"]) == (False, True)
        assert hollow["encoding"]["color"] == solid["encoding"]["color"]


def test_lines_and_whiskers_leave_out_what_does_not_compete(reader, rows):
    points = drawn(reader, rows, greyed=reader.part("train", "best").greyed([scope_of(rows)], 99))
    for layers in panels(figure(points, families.names(rows))):
        joined = [layer for layer in layers if layer["mark"]["type"] in {"line", "rule"}]
        assert len(joined) > 2
        for layer in joined:
            assert layer["transform"][0]["filter"] in {"datum.competes", "datum.theory", "datum.on_front"}


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


def test_each_panel_draws_its_own_front_thick_and_pale(reader, rows):
    part = reader.part("train", "best")
    theory = part.leaders([scope_of(rows)], by=(), cost="macs", most=99)
    points = drawn(reader, rows, theory=theory)
    left, right = panels(figure(points, families.names(rows)))
    for layers, condition in ((left, "datum.theory"), (right, "datum.on_front")):
        [front] = of(layers, condition, "line")
        assert layers[0] is front
        assert front["mark"]["strokeWidth"] > 5
        assert front["mark"]["opacity"] < 0.5
    cheapest = points[points["theory"]].sort_values("macs")
    assert list(cheapest["top1"]) == sorted(cheapest["top1"])
    assert set(cheapest["point"]) == {families.identity(row) for row in theory}


@pytest.mark.parametrize("parts", [["Group size"], ["Norm", "Train resolution"], ["Size"]])
def test_the_front_of_each_colour_joins_what_leads_its_group(reader, rows, parts):
    columns = [families.PARTS[part].column for part in parts]
    part = reader.part("train", "best")
    leaders = {cost: part.leaders([scope_of(rows)], by=columns, cost=cost, most=99) for cost in COSTS}
    points = drawn(reader, rows, parts=parts, leaders=leaders)
    assert len(points) == len(rows)
    for cost in COSTS:
        led = points[points[f"leads_{cost}"]]
        assert set(led["point"]) == {families.identity(row) for row in leaders[cost]}
        for _, front in led.groupby("family"):
            in_order = front.sort_values("top1")[cost]
            assert in_order.is_monotonic_increasing if cost == "macs" else in_order.is_monotonic_decreasing
    names = families.names(rows, parts)
    for layers, cost in zip(panels(figure(points, names, lines="fronts")), ("macs", "images_per_second"), strict=True):
        [lines] = of(layers, f"datum.leads_{cost}")
        assert lines["encoding"]["detail"]["field"] == "family"
    assert not any(of(layers, "datum.competes", "line") for layers in panels(figure(points, names, lines="none")))


def test_leaders_of_a_group_are_drawn_though_they_are_far_from_the_front(reader, rows):
    part = reader.part("train", "best")
    front = part.nearest([scope_of(rows)], 0)
    leaders = part.leaders([scope_of(rows)], by=["group_size"], cost="images_per_second", most=99)
    points = drawn(reader, front, leaders={"images_per_second": leaders}, parts=["Group size"])
    known = {families.identity(row) for row in front}
    assert set(points["point"]) == known | {families.identity(row) for row in leaders}
    assert points["point"].is_unique
    further = points[~points["point"].isin(known)]
    assert len(further) > 0
    assert not further["on_front"].any()
    assert further["competes"].all()


def test_sizes_are_written_beside_the_plainest_and_the_most_changed_series(reader, rows):
    points = drawn(reader, rows)
    labelled = points[points["label"] != ""]
    assert set(labelled["end"]) == {"G1-BN-Native", "G16-LN+PN-Half"}
    assert set(labelled["label"]) == {"×0.25", "×0.5", "×1"}
    published = reader.points("train", "best", filter_text="source=published")
    points = drawn(reader, published)
    labels = {end: sorted(of_end["label"]) for end, of_end in points[points["label"] != ""].groupby("end")}
    assert labels == {
        "G1-GN-Baseline": [f"B{size}" for size in range(6)],
        "G16-LN+PN-Half": [*labels["G16-LN+PN-Half"]],
    }
    written = [layer for layers in panels(figure(points, families.names(published))) for layer in layers]
    assert sum(layer["mark"]["type"] == "text" for layer in written) == 4
    every = reader.points("train", "all", filter_text="slot_kind=cpu")
    assert not drawn(reader, every, scenario="all")["label"].any()


def test_labels_are_written_only_where_no_point_lies_under_them():
    right, left = Place("left", 8, -6), Place("right", -8, 14)
    at = [(100.0, 100.0), (120.0, 92.0), (80.0, 112.0), (400.0, 10.0)]
    assert labels.with_room(["B0", "", "", "B1"], at, right) == [False, False, False, True]
    assert labels.with_room(["B0", "", "", "B1"], at, left) == [False, False, False, True]
    assert labels.with_room(["B0", "", "", ""], [at[0], (120.0, 130.0), (60.0, 92.0), at[3]], right)[0]
    assert labels.with_room(["B0", "", "", ""], [at[0], at[1], at[1], at[3]], left)[0]


def test_labels_stand_beside_lines_of_sizes_only(reader, rows):
    points, names = drawn(reader, rows), families.names(rows)
    kinds = {
        lines: {layer["mark"]["type"] for layers in panels(figure(points, names, lines=lines)) for layer in layers}
        for lines in ("sizes", "fronts", "none")
    }
    assert ["text" in kinds[lines] for lines in ("sizes", "fronts", "none")] == [True, False, False]


def test_a_crowd_has_small_marks_and_whiskers_on_the_front_alone(reader, rows):
    crowd = [{**row, "test_resolution": 1_000 + number} for number in range(20) for row in rows]
    points = drawn(reader, crowd)
    layers = panels(figure(points, families.names(rows)))[1]
    rules = [layer for layer in layers if layer["mark"]["type"] == "rule"]
    assert {layer["transform"][0]["filter"] for layer in rules} == {"datum.competes && datum.on_front"}
    [solid] = of(layers, "datum.competes && datum.verdict === 'clean'")
    [few] = of(
        panels(figure(drawn(reader, rows), families.names(rows)))[1], "datum.competes && datum.verdict === 'clean'"
    )
    assert solid["encoding"]["size"]["value"] < few["encoding"]["size"]["value"]


@pytest.mark.parametrize("lines", ["sizes", "fronts", "none"])
def test_the_legend_names_every_family(reader, rows, lines):
    names = families.names(rows)
    chart = front_figure(drawn(reader, rows), mode="train", families=names, palette=LIGHT, lines=lines)
    svg = figure_files.svg(chart).decode()
    assert len(names) > 5
    assert all(f">{name}</text>" in svg for name in names)


def test_pointing_at_a_point_marks_it_in_both_panels(reader, rows):
    spec = figure(drawn(reader, rows), families.names(rows), picked=["abc"])
    views = {one["name"]: one["views"] for one in spec["params"]}
    assert set(views) == {"hover", "legend", "pick"}
    for layers in panels(spec):
        names = {layer.get("name") for layer in layers}
        assert all(names & set(found) for found in views.values())
    assert next(one["value"] for one in spec["params"] if one["name"] == "pick") == [{"point": "abc"}]


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
    assert spec["hconcat"][1]["title"]["text"] == "Their ratio at equal accuracy"  # published points have no blocks
    known = speedup_figure(fronts, ratios.assign(**{"95 % interval": "6.50 to 7.10"}), palette=LIGHT).to_dict()
    assert known["hconcat"][1]["title"]["text"] == "Their ratio at equal accuracy, 95 % interval"


def test_the_speedup_figure_without_an_overlap_draws_the_fronts_alone(reader):
    sides = [
        reader.front("train", "best", filter_text=f"series=G1-GN-Baseline model_size={size}") for size in ("b0", "b5")
    ]
    spec = speedup_figure(front_records(*sides), ratio_records([]), palette=DARK).to_dict()
    assert len(spec["hconcat"]) == 1


@pytest.mark.parametrize("lines", ["sizes", "fronts", "none"])
@pytest.mark.parametrize(("palette", "stacked", "picked"), [(LIGHT, False, ()), (DARK, True, ("abc", "def"))])
def test_the_front_chart_is_valid_vega_lite(reader, rows, lines, palette, stacked, picked):
    points, names = drawn(reader, rows), families.names(rows)
    options = {"palette": palette, "stacked": stacked, "lines": lines, "picked": picked}
    spec = front_figure(points, mode="inference", families=names, **options)
    assert alt.Chart.from_dict({**spec, "datasets": {}}, validate=True)


def test_other_points_are_other_data_and_the_same_are_the_same(reader, rows):
    points, names = drawn(reader, rows), families.names(rows)
    [first], [again] = figure(points, names)["datasets"], figure(points.copy(), names)["datasets"]
    faster = points.assign(images_per_second=points["images_per_second"] * 1.01)
    [other] = figure(faster, names)["datasets"]
    assert first == again != other
    assert figure(points, names)["data"] == {"name": first}
    assert figure(points, names)["datasets"][first] is points

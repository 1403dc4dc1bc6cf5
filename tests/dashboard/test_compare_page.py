"""Results side by side."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import altair as alt
import pytest

from dashboard.figures.curve_figure import curve_figure, curve_records
from dashboard.figures.palette import DARK, LIGHT, shapes
from dashboard.figures.sample_figure import compared_figure, ratio_records
from dashboard.words import side_by_side
from dashboard.words.side_by_side import Side, asked
from db.reader import open_reader
from db.result_details import Measured
from db.store import open_store
from tests.dashboard.detailed import FAMILIES, evaluation, measurement, seed_details, training
from tests.dashboard.seeded import CPU

PLAIN, CHANGED = FAMILIES
ON_CPU = "Intel(R) Xeon(R) Platinum 8481C, 1 thread, fp32"


def words(elements):
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def compare(open_page, url, *jobs, **query):
    return open_page("compare", url, results=",".join(job.fingerprint[:10] for job in jobs), **query)


def throughput(details, family, mode, resolution):
    (number,) = details.measurements_of(measurement(family, mode, resolution, CPU).fingerprint)
    return details.measured([number])[number]


def table_of(app, index=0):
    table = app.dataframe[index].value
    return {row["property"]: tuple(row[name] for name in table.columns[1:]) for _, row in table.iterrows()}


def test_what_differs_comes_first_and_what_agrees_is_kept_apart(open_page, detailed_url):
    app = compare(open_page, detailed_url, evaluation(PLAIN), evaluation(CHANGED), place=ON_CPU)
    different, same = table_of(app, 0), table_of(app, 1)
    assert different["Norm"] == ("bn", "ln+pn")
    assert different["Group size"] == ("1 channel", "16 channels")
    assert different["Top-1"] == ("89.50 %", "90.95 %")
    assert same["Train resolution"] == ("20 px", "20 px")
    assert same["Training recipe: epochs"] == ("8", "8")
    assert same["Software: torch"] == ("2.10.0", "2.10.0")
    assert not set(different) & set(same)
    assert all(len(set(values)) == 2 for values in different.values())
    assert all(len(set(values)) == 1 for values in same.values())
    assert f"What agrees ({len(same)} properties)" in [one.label for one in app.expander]


def test_throughputs_and_their_ratio_are_those_of_the_store(open_page, detailed_url, details):
    app = compare(open_page, detailed_url, evaluation(PLAIN), evaluation(CHANGED), place=ON_CPU)
    plain, changed = (throughput(details, family, "inference", 28) for family in FAMILIES)
    told = {**table_of(app, 0), **table_of(app, 1)}["Inference: throughput"]
    assert told == tuple(f"{one.row['images_per_second']:,.0f} images/s" for one in (plain, changed))
    ratio = changed.row["images_per_second"] / plain.row["images_per_second"]
    assert f"{ratio:.2f}× (95 % interval " in words(app.markdown)
    assert "+1.45 percentage points of top-1" in words(app.markdown)


def test_rounds_that_took_turns_give_a_ratio_that_is_surer_than_the_throughputs(details):
    plain, changed = (throughput(details, family, "train", 20) for family in FAMILIES)
    one = side_by_side.ratio(plain, changed)
    assert one.speedup == pytest.approx(changed.row["images_per_second"] / plain.row["images_per_second"])
    assert one.low < one.speedup < one.high
    assert one.high / one.low < 1.15
    blocks = [rate for rates in plain.timed.rates for rate in rates]
    assert max(blocks) / min(blocks) > 1.15


def test_results_of_one_training_share_a_curve_and_a_measurement_of_it(open_page, detailed_url):
    app = compare(open_page, detailed_url, evaluation(PLAIN), evaluation(PLAIN, test=20), place=ON_CPU)
    assert "the same measurement of training" in words(app.markdown)
    assert "The same measurement as that of the first: B: test 20 px." in words(app.caption)
    assert words(app.caption).count("Ratios are drawn round by round") == 1
    assert list(app.dataframe[0].value.columns[1:]) == ["A: test 28 px", "B: test 20 px"]
    buttons = [button.proto.label for button in app.get("download_button")]
    assert "Download as CSV (8 rows)" in buttons


def test_a_curve_that_two_results_share_leaves_the_others_their_colours(open_page, detailed_url):
    jobs = (evaluation(PLAIN), evaluation(PLAIN, test=20), evaluation(CHANGED))
    app = compare(open_page, detailed_url, *jobs)
    curves, blocks, _ = [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]
    colours = curves["vconcat"][0]["layer"][1]["encoding"]["color"]["scale"]
    assert colours["domain"] == ["A and B, the same run", "C: G16-LN+PN-Half, test 28 px"]
    every = blocks["hconcat"][0]["layer"][0]["encoding"]["color"]["scale"]
    assert colours["range"] == [every["range"][0], every["range"][2]]


def test_four_results_are_shown_in_the_order_of_the_link(open_page, detailed_url):
    jobs = [evaluation(family, seed) for family in FAMILIES[::-1] for seed in (1, 0)]
    app = compare(open_page, detailed_url, *jobs)
    assert list(app.dataframe[0].value.columns[1:]) == [
        "A: G16-LN+PN-Half, seed 1",
        "B: G16-LN+PN-Half, seed 0",
        "C: G1-BN-Half, seed 1",
        "D: G1-BN-Half, seed 0",
    ]
    opened = [link.proto.query_string for link in app.get("page_link")]
    assert opened == [f"result={job.fingerprint}" for job in jobs]


def test_a_result_that_is_not_there_is_told_and_the_others_are_compared(open_page, detailed_url):
    named = f"{evaluation(PLAIN).fingerprint[:8]}, ffffffff {training(PLAIN).fingerprint[:8]};{'a' * 3}"
    app = open_page("compare", detailed_url, results=f"{named},{evaluation(CHANGED).fingerprint}")
    told = words(app.warning)
    assert "There is no result and no job 'ffffffff'" in told
    assert f"{training(PLAIN).fingerprint[:8]} is a training run; only evaluations can be compared." in told
    assert "'aaa' is no fingerprint" in told
    assert len(app.dataframe[0].value.columns) == 3


@pytest.mark.parametrize("named", [(), (evaluation(PLAIN),), (evaluation(PLAIN), evaluation(PLAIN))])
def test_fewer_than_two_are_not_compared_and_others_are_offered(open_page, detailed_url, named):
    app = compare(open_page, detailed_url, *named)
    assert "two to six results" in app.info[0].value
    assert ("One result alone cannot be compared" in app.info[0].value) == bool(named)
    assert len(app.dataframe[0].value) == 8
    assert not app.get("vega_lite_chart")


def test_of_more_than_six_the_first_are_compared_and_that_is_said(open_page, detailed_url):
    jobs = [evaluation(family, seed, test) for family in FAMILIES for seed in (0, 1) for test in (20, 28)]
    app = compare(open_page, detailed_url, *jobs)
    assert "8 results are named; the first 6 are shown" in words(app.warning)
    assert len(app.dataframe[0].value.columns) == 1 + 6


def test_a_result_that_was_measured_nowhere_is_compared_without_throughput(open_page, tmp_path, seeded_url):
    with contextlib.closing(open_reader(seeded_url)) as reader:
        rows = reader.view("results", sweep="fashion-more-norms")
        measured = reader.view("results", sweep="fashion-families", limit=1, sort=["evaluation"])
    app = open_page("compare", seeded_url, results=f"{measured[0]['evaluation']},{rows[0]['evaluation']}")
    assert "Not measured in this place: B" in words(app.caption)
    assert "No epoch is stored of" in words(app.caption)
    url = f"sqlite:///{tmp_path}/empty.db"
    open_store(url).close()
    assert "no results yet" in open_page("compare", url).info[0].value


def test_both_engines_tell_the_same_of_results(open_page, detailed_url, postgres_url):
    seed_details(postgres_url)
    changed, plain = evaluation(CHANGED), evaluation(PLAIN)
    pages = [
        (compare(open_page, one, plain, changed), open_page("result", one, result=changed.fingerprint))
        for one in (detailed_url, postgres_url)
    ]
    ours, theirs = (
        [table_of(side, 0), table_of(side, 1), words(side.markdown), [(one.label, one.value) for one in alone.metric]]
        for side, alone in pages
    )
    assert ours == theirs


# Pure ---------------------------------------------------------------------------------------------------------------


def test_fingerprints_are_read_from_a_link_however_they_are_separated():
    assert asked(" AB12cd34,ef56ab78;\n ab12cd34  99 ") == ["ab12cd34", "ef56ab78", "99"]
    assert asked(" , ") == []


def row(**changes):
    values = {
        "series": "G1-BN-Half",
        "model_size": "b0",
        "width": 1.0,
        "train_resolution": 20,
        "test_resolution": 28,
        "seed": 0,
        "fine_tune_layers": "head",
        "dataset": "cifar10",
        "train_images": None,
        "test_images": None,
        "validation_images": 0,
        "precision": "fp32",
        "recipe_digest": "a" * 32,
    }
    return {**values, **changes}


def test_names_tell_what_differs_and_nothing_else():
    assert side_by_side.names([row(), row(seed=3)]) == ["A: seed 0", "B: seed 3"]
    assert side_by_side.names([row(), row(recipe_digest="b" * 32)]) == ["A: recipe aaaaaa", "B: recipe bbbbbb"]
    assert side_by_side.names([row(), row()]) == ["A", "B"]
    assert side_by_side.names([row(), row(width=0.5, series="G16-GN-Half", test_resolution=20, seed=9)]) == [
        "A: G1-BN-Half, b0, test 28 px",
        "B: G16-GN-Half, b0 ×0.5, test 20 px",
    ]


def test_numbers_that_look_alike_still_differ(details):
    told = details.evaluations([evaluation(PLAIN).fingerprint])[evaluation(PLAIN).fingerprint]
    sides = [Side(told, {}), Side({**told, "loss": told["loss"] + 1e-9}, {})]
    (different,) = [one for one in side_by_side.properties(sides) if one.differs]
    assert different.name == "Test loss"
    assert len(set(different.values)) == 1


def test_what_only_one_has_differs(details):
    told = details.evaluations([evaluation(PLAIN).fingerprint])[evaluation(PLAIN).fingerprint]
    measured = {"train": throughput(details, PLAIN, "train", 20)}
    found = side_by_side.properties([Side(told, {}, measured, {"torch": "2.10.0"}), Side(told, {})])
    different = {one.name: one.values for one in found if one.differs}
    assert different["Software: torch"] == ("2.10.0", "–")
    assert different["Training: batch size"] == ("128 images, the fastest of those tried", "–")
    assert side_by_side.ratios({"A": Side(told, {}), "B": Side(told, {}, measured)}, "train") == {}


def test_layouts_on_ipus_are_compared(details):
    told = details.evaluations([evaluation(PLAIN).fingerprint])[evaluation(PLAIN).fingerprint]
    one = throughput(details, PLAIN, "train", 20)
    layout = {"accumulation": 4, "replicas": 4, "ipus_per_replica": 2, "device_iterations": 1, "batch_size": 96}
    sides = [Side(told, {}, {"train": replace(one, row={**one.row, **layout, "micro_batch": size})}) for size in (6, 3)]
    different = {found.name: found.values for found in side_by_side.properties(sides) if found.differs}
    assert different == {
        "Training: batch made of": (
            "6 per micro-batch × 4 accumulated × 4 replicas",
            "3 per micro-batch × 4 accumulated × 4 replicas",
        )
    }


def test_a_single_round_has_an_interval_from_its_blocks_and_a_single_block_none(details):
    one = throughput(details, PLAIN, "train", 20)
    first = replace(one, blocks=one.blocks[:5])
    assert side_by_side.ratio(first, first).low is not None
    lone = Measured(one.row, one.rounds, one.blocks[:1])
    assert (side_by_side.ratio(lone, lone).low, ratio_records({"B": side_by_side.ratio(lone, lone)})["low"][0]) == (
        None,
        1.0,
    )


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("stacked", [False, True])
def test_the_chart_has_a_row_for_each_with_the_blocks_that_count_and_its_ratio(details, palette, stacked):
    measured = {
        name: throughput(details, family, "train", 20) for name, family in zip(("A", "C"), FAMILIES, strict=True)
    }
    ratios = {"C": side_by_side.ratio(*measured.values())}
    chart = compared_figure(measured, ratios, names=["A", "B", "C"], palette=palette, stacked=stacked)
    spec = chart.to_dict()
    panels = spec["vconcat" if stacked else "hconcat"]
    assert len(panels) == 2
    marks = panels[0]["layer"][0]
    assert len(spec["datasets"][marks["data"]["name"]]) == 2 * 15
    assert marks["encoding"]["y"]["scale"]["domain"] == ["A", "C"]
    assert marks["encoding"]["color"]["scale"]["domain"] == ["A", "B", "C"]
    assert alt.Chart.from_dict(spec, validate=True)
    alone = compared_figure(measured, {}, names=["A", "C"], palette=palette).to_dict()
    assert len(alone["hconcat"]) == 1


def test_a_curve_has_the_colour_and_the_shape_of_its_result_elsewhere(detailed_url):
    with contextlib.closing(open_reader(detailed_url)) as reader:
        epochs = reader.epochs_of(training(PLAIN).fingerprint)
    spec = curve_figure(curve_records({"A and B": epochs, "C": epochs}), palette=LIGHT, numbers=[0, 2]).to_dict()
    encoding = spec["vconcat"][0]["layer"][1]["encoding"]
    assert encoding["color"]["scale"]["range"] == [LIGHT.families[0], LIGHT.families[2]]
    assert encoding["shape"]["scale"]["range"] == [shapes(3)[0], shapes(3)[2]]

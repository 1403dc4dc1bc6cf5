"""The speed-up step by step: which families are on the way, what is said, and what is drawn."""

from __future__ import annotations

import altair as alt
import pytest

from dashboard.figures.palette import DARK, LIGHT
from dashboard.figures.steps_figure import FASTER, SLOWER, TOGETHER, step_records, steps_figure
from dashboard.words import comparing, steps
from db.bootstrap import Blocks, Point
from db.comparison import compare
from db.steps import breakdown
from tests.dashboard.test_pages import charts, said

PAPER = ["G1-GN-Baseline", "G1-GN-Native", "G16-GN-Native", "G16-LN+PN-Native", "G16-LN+PN-Half"]
CHANGES = ["fine-tuning", "group convolution", "proxy norm", "half resolution"]


def family(name, resolution=None):
    """A row of a family from its name, as the store tells it."""
    group, norm, trained = name.split("-")
    side = {"Native": 28, "Half": 20, "Baseline": 28}.get(trained, resolution)
    return {
        "series": name,
        "group_size": int(group.removeprefix("G").split("E")[0]),
        "norm": norm.lower(),
        "train_resolution": side,
        "native_resolution": 28,
        "half_resolution": 20,
    }


def families(*names):
    return [family(name) for name in names]


def front(*points):
    return [Point(top1, rate) for top1, rate in points]


def account(fronts, choice, changes=("first", "second"), *, only=False):
    series = [f"G{number}" for number in range(1, len(fronts))]
    return steps.account(breakdown(fronts, choice), choice, series, changes, only=only)


# which families -------------------------------------------------------------------------------------------------------


def test_the_chain_of_the_paper_changes_one_thing_at_a_time():
    every = families(*PAPER, "G16-GN-Half")
    assert steps.chain(every, "G1-GN-Baseline", "G16-LN+PN-Half") == PAPER


def test_families_that_are_not_there_are_no_steps():
    every = families("G1-BN-Native", "G16-LN+PN-Native", "G16-LN+PN-Half")
    assert steps.chain(every, "G1-BN-Native", "G16-LN+PN-Half") == [
        "G1-BN-Native",
        "G16-LN+PN-Native",
        "G16-LN+PN-Half",
    ]
    assert steps.chain(every, "G1-BN-Native", "G16-LN+PN-Native") == ["G1-BN-Native", "G16-LN+PN-Native"]


def test_the_order_of_changes_is_the_one_with_the_most_families_on_it():
    every = families("G1-GN-Native", "G1-LN+PN-Native", "G1-LN+PN-Half", "G16-LN+PN-Half", "G16-GN-Half")
    assert steps.chain(every, "G1-GN-Native", "G16-LN+PN-Half") == [
        "G1-GN-Native",
        "G1-LN+PN-Native",
        "G1-LN+PN-Half",
        "G16-LN+PN-Half",
    ]


def test_another_expansion_is_no_step_on_the_way():
    every = families("G1-GN-Native", "G1E4-GN-Native", "G16E6-GN-Native", "G16-GN-Native", "G16-GN-Half")
    assert steps.chain(every, "G1-GN-Native", "G16-GN-Half") == ["G1-GN-Native", "G16-GN-Native", "G16-GN-Half"]


def test_a_chain_from_a_family_to_itself_is_that_family():
    assert steps.chain(families("G1-GN-Native", "G16-GN-Native"), "G1-GN-Native", "G1-GN-Native") == ["G1-GN-Native"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("G1-GN-Native", "G16-GN-Native", "group convolution"),
        ("G4-GN-Native", "G16-GN-Native", "G16 instead of G4"),
        ("G16-GN-Native", "G16-LN+PN-Native", "proxy norm"),
        ("G16-BN-Native", "G16-GN-Native", "GN instead of BN"),
        ("G16-GN-Native", "G16-GN-Half", "half resolution"),
        ("G16-GN-Half", "G16-GN-Native", "native resolution"),
        ("G1-BN-Native", "G16-LN+PN-Half", "group convolution, proxy norm and half resolution"),
        ("G1-GN-Native", "G1E4-GN-Native", "G1E4-GN-Native"),
    ],
)
def test_a_change_is_named(before, after, words):
    assert steps.change([family(before)], [family(after)]) == words


def test_pixels_and_fine_tuning_are_named():
    odd = family("G1-GN-24", 24)
    assert steps.change([family("G1-GN-Native")], [odd]) == "trained at 24 px"
    plain, tuned = ([{**family("G1-GN-Native"), "fine_tune_layers": one}] for one in ("none", None))
    assert steps.change(plain, tuned) == "fine-tuning"
    assert steps.change(tuned, plain) == "G1-GN-Native"


# what is said and drawn -----------------------------------------------------------------------------------------------


def test_a_sentence_tells_every_step_and_all_together():
    fronts = [front((90, 100), (92, 50)), front((90, 210), (92, 100)), front((90, 190), (92, 110))]
    told = account(fronts, "peak")
    assert steps.sentence(told) == (
        "At 92.00 % top-1, which all of these families reach: first 2.00×, then second 1.10×; together 2.20×."
    )
    assert steps.sentence(account(fronts, "common")).startswith(
        "On average over the 2 accuracies from 90.00 to 92.00 % top-1 that all of these families reach: first 2.05×"
    )
    assert told.exact
    assert not account(fronts, "own").exact


def test_without_an_accuracy_that_all_reach_each_step_is_told_where_its_own_families_are():
    fronts = [front((80, 100), (82, 50)), front((81, 150), (84, 60)), front((83, 200), (86, 90))]
    told = account(fronts, "own", only=True)
    assert steps.sentence(told).endswith("; together no accuracy in common.")
    assert steps.note(told).startswith("No accuracy is reached by all of these families.")
    assert [row["over_first"] for row in steps.table(told)] == [None, None]


def test_a_table_has_a_row_per_step_and_what_they_come_to_so_far():
    fronts = [front((90, 100), (92, 50)), front((90, 210), (92, 100)), front((90, 190), (92, 110))]
    first, second = steps.table(account(fronts, "peak"))
    assert (first["speedup"], first["over_first"]) == pytest.approx((2.0, 2.0))
    assert (second["speedup"], second["over_first"]) == pytest.approx((1.1, 2.2))
    assert (second["from_top1"], second["to_top1"], second["accuracies"]) == (92, 92, 1)
    first, second = steps.table(account([fronts[0], front((95, 1))], "own", ["first"])) * 2
    assert first["speedup"] is None
    assert first["note"].startswith("no accuracy in common")


def test_bars_go_on_where_the_one_before_ended():
    fronts = [front((90, 100), (92, 50)), front((90, 200), (92, 100)), front((90, 190), (92, 90))]
    records = step_records(account(fronts, "peak"))
    assert list(records["start"]) == pytest.approx([1.0, 2.0, 1.0])
    assert list(records["end"]) == pytest.approx([2.0, 1.9, 1.9])
    assert list(records["kind"]) == [FASTER, SLOWER, TOGETHER]
    assert list(records["goes_on"]) == [True, True, False]
    assert list(records["words"]) == ["2.00×", "0.95×", "1.90×"]


def test_a_step_without_an_accuracy_in_common_has_no_bar_and_the_next_one_begins_anew():
    fronts = [front((80, 100), (81, 50)), front((85, 150), (88, 60)), front((86, 200), (89, 90))]
    records = step_records(account(fronts, "own"))
    assert list(records["known"]) == [False, True, False]
    assert records["words"][0] == records["words"][2] == "no accuracy in common"
    assert records["start"][1] == 1.0
    assert not records["goes_on"].any()


def test_bars_of_different_accuracies_are_not_joined_to_all_together():
    fronts = [front((80, 100), (84, 50)), front((81, 250), (86, 60)), front((83, 300), (88, 90))]
    records = step_records(account(fronts, "own"))
    assert list(records["goes_on"]) == [True, False, False]


def test_whiskers_are_the_interval_of_the_step_where_its_bar_begins():
    noise = (0.97, 1.0, 1.01, 1.02, 1.04)
    fronts = [
        [
            Point(top1, rate * by, Blocks((tuple(rate * by * one for one in noise),)))
            for top1, rate in ((90, 100), (92, 50))
        ]
        for by in (1, 2, 3)
    ]
    told = account(fronts, "common")
    records = step_records(told)
    assert records["low"][1] == pytest.approx(2.0 * told.steps[1].part.ratio.low)
    assert records["high"][1] == pytest.approx(2.0 * told.steps[1].part.ratio.high)
    assert "95 % interval" in steps.sentence(told)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("narrow", [False, True])
def test_the_chart_is_valid_and_logarithmic(palette, narrow):
    fronts = [front((90, 100), (92, 50)), front((90, 200), (92, 100)), front((90, 190), (92, 90))]
    chart = steps_figure(step_records(account(fronts, "peak")), first="G0", palette=palette, narrow=narrow)
    spec = chart.to_dict(validate=False)
    assert alt.Chart.from_dict(spec, validate=True)
    scales = [layer["encoding"]["x"]["scale"] for layer in spec["layer"]]
    assert {one["type"] for one in scales} == {"log"}
    assert len({tuple(one["domain"]) for one in scales}) == 1
    assert scales[0]["domain"][0] < 1
    assert spec["layer"][0]["encoding"]["x"]["title"] == "Speed-up over G0, ×"


# the page -------------------------------------------------------------------------------------------------------------


def test_the_papers_points_show_the_headline_and_the_steps_to_it(open_page, seeded_url):
    app = open_page("speedup", seeded_url, dataset="imagenet")
    assert "6.84×" in app.header[0].value
    words = said(app)
    assert (
        "At 82.84 % top-1, which all of these families reach: fine-tuning 2.27×, then group convolution 2.21×, then "
        "proxy norm 1.12×, then half resolution 1.22×; together 6.84×."
    ) in words
    table = app.dataframe[1].value
    assert list(table["series"]) == PAPER[1:]
    assert list(table["change"]) == CHANGES
    assert len(charts(app)) == 2


def test_measured_steps_have_intervals(open_page, seeded_url):
    app = open_page("speedup", seeded_url, at=steps.CHOICES["common"])
    table = app.dataframe[1].value
    assert list(table["series"]) == ["G16-BN-Native", "G16-LN+PN-Native", "G16-LN+PN-Half"]
    assert (table["low"] < table["speedup"]).all()
    assert (table["speedup"] < table["high"]).all()
    assert table["speedup"].prod() == pytest.approx(float(together(app)), abs=0.02)


def together(app):
    (sentence,) = (one.value for one in app.markdown if "together" in one.value)
    return sentence.split("together ")[1].split("×")[0]


def test_the_steps_lead_from_the_baseline_to_the_candidate_that_were_chosen(open_page, seeded_url):
    sides = {"baseline": 'series="G1-GN-Native"', "candidate": 'series="G16-GN-Half"'}
    app = open_page("speedup", seeded_url, dataset="imagenet", **sides)
    assert app.multiselect(key="steps").placeholder == "G1-GN-Native → G16-GN-Native → G16-GN-Half"


def test_the_reader_chooses_the_families_of_the_chain(open_page, seeded_url):
    app = open_page("speedup", seeded_url, dataset="imagenet")
    app.multiselect(key="steps").set_value(["G1-GN-Native", "G16-GN-Native"]).run()
    table = app.dataframe[1].value
    assert list(table["change"]) == ["group convolution"]
    assert "2.86×" in said(app)
    app.multiselect(key="steps").set_value(["G1-GN-Native"]).run()
    assert "Choose at least two families" in said(app)


def test_a_link_repeats_the_chain_and_the_accuracies(open_page, seeded_url):
    chain = ["G1-GN-Native", "G16-GN-Native", "G16-GN-Half"]
    app = open_page("speedup", seeded_url, dataset="imagenet", steps=chain, at=steps.CHOICES["own"])
    assert list(app.dataframe[1].value["series"]) == chain[1:]
    assert "On average over the accuracies that each step's two families reach" in said(app)


def test_a_chain_without_an_accuracy_in_common_says_so(open_page, seeded_url):
    sides = {"baseline": "series=G1-GN-Half width=0.25", "candidate": "series=G16-LN+PN-Native width=1"}
    app = open_page("speedup", seeded_url, **sides)
    assert app.header[0].value.startswith("No speed-up to report")
    assert "Step by step" in said(app)


def test_families_are_named_from_the_plainest_on_and_filtered_by_name(reader):
    rows = reader.points("train", "best", filter_text="source=published")
    assert comparing.series(rows)[:2] == PAPER[:2]
    assert comparing.series(rows)[-1] == PAPER[-1]
    some = comparing.filter_of(*PAPER[:2])
    found = reader.points("train", "best", filter_text=some)
    assert {row["series"] for row in found} == set(PAPER[:2])


def test_noisy_measurements_compete_where_the_reader_asks_for_it(open_page, seeded_url, reader):
    sides = {"baseline": 'series="G1-BN-Native"', "candidate": 'series="G1-GN-Native"'}
    shown = []
    for noisy in (False, True):
        texts = {side: f"{text} slot_kind=cpu" for side, text in sides.items()}
        expected = compare(reader, **texts, mode="train", noisy=noisy)
        table = open_page("speedup", seeded_url, noisy=str(noisy).lower(), **sides).dataframe[0].value
        assert list(table["speedup"]) == [point.speedup for point in expected.points]
        shown.append(list(table["top1"]))
    assert shown[0] != shown[1]

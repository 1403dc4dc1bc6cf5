"""Accuracy against test resolution: what is drawn, what is said, and the page."""

from __future__ import annotations

from itertools import pairwise

import altair as alt
import pytest

from dashboard.figures.palette import DARK, LIGHT
from dashboard.figures.resolution_figure import AFTER, BEFORE, resolution_figure, resolution_points
from dashboard.words import resolutions
from db.store import open_store
from tests.dashboard.test_pages import charts, said
from tests.db.example_rows import Sweep, digest

RESOLUTIONS = (20, 24, 28, 36)


def test_row(**changes):
    """A test of a network that was trained at 20 pixels, three seeds, and fine-tuned."""
    return {
        "train_resolution": 20,
        "test_resolution": 28,
        "native_resolution": 28,
        "half_resolution": 20,
        "recipe_digest": "a" * 32,
        "fine_tune_digest": "b" * 32,
        "fine_tune_layers": "head",
        "precision": "fp32",
        "seeds": 3,
        "top1": 91.0,
        "top1_std": 0.1,
        "top1_before": 90.0,
        "top1_before_std": 0.2,
        "gain": 1.0,
        "gain_std": 0.15,
        "validation_top1": 91.5,
        "best": 0,
        **changes,
    }


test_row.__test__ = False
CURVE = (
    test_row(test_resolution=20, top1=90.4, top1_before=90.3, gain=0.1),
    test_row(test_resolution=24, top1=90.8, top1_before=90.1, gain=0.7),
    test_row(test_resolution=28, best=1),
)


# what is drawn --------------------------------------------------------------------------------------------------------


def test_every_test_is_drawn_after_and_before_fine_tuning_with_its_deviation():
    points = resolution_points(CURVE, stride=8)
    after, before = points[points["stage"] == AFTER], points[points["stage"] == BEFORE]
    assert list(after["top1"]) == [row["top1"] for row in CURVE]
    assert list(before["top1"]) == [row["top1_before"] for row in CURVE]
    assert list(after["high"] - after["low"]) == pytest.approx([0.2] * 3)
    assert list(before["high"] - before["low"]) == pytest.approx([0.4] * 3)
    assert set(points["line"]) == {"trained at 20 px (half)"}


def test_the_best_resolution_is_marked_once_and_the_rule_of_the_stride_everywhere():
    points = resolution_points(CURVE, stride=8)
    assert list(points.loc[points["best"], "test_resolution"]) == [28]
    after = points[points["last"]]
    assert list(after["alike"]) == [True, False, True]
    assert list(resolution_points(CURVE, stride=32)["alike"])[-3:] == [True, False, False]


def test_what_was_not_fine_tuned_is_drawn_once_as_trained():
    rows = [test_row(fine_tune_layers="none", top1=90.0, gain=0.0), test_row(fine_tune_layers="head", best=1)]
    points = resolution_points(rows, stride=8)
    assert list(points["stage"]) == [BEFORE, BEFORE, AFTER]
    assert list(points["last"]) == [False, True, True]
    assert points["Gain of fine-tuning"][1] == "not fine-tuned"


def test_one_seed_has_no_whisker():
    row = test_row(seeds=1, top1_std=None, top1_before_std=None, gain_std=None)
    points = resolution_points([row], stride=8)
    assert list(points["low"]) == list(points["high"]) == list(points["top1"])
    assert points["Gain of fine-tuning"][0] == "+1.00 points"


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("stacked", [False, True])
def test_the_chart_is_valid_and_all_of_its_layers_share_the_axis(palette, stacked):
    points = resolution_points(CURVE, stride=8)
    spec = resolution_figure(points, native=28, palette=palette, stacked=stacked).to_dict(validate=False)
    assert alt.Chart.from_dict(spec, validate=True)
    across = [layer["encoding"]["x"] for layer in spec["layer"]]
    assert len({tuple(one["scale"]["domain"]) for one in across}) == 1
    assert across[0]["axis"]["values"] == [20, 24, 28]
    low, high = across[0]["scale"]["domain"]
    assert low < min(RESOLUTIONS[:3])
    assert high > max(RESOLUTIONS[:3])


def ticks(*, trained, tested, stacked=False):
    rows = [test_row(train_resolution=trained[0], test_resolution=side) for side in tested]
    rows += [test_row(train_resolution=side, test_resolution=tested[0]) for side in trained]
    chart = resolution_figure(resolution_points(rows, 8), native=28, palette=LIGHT, stacked=stacked).to_dict()
    return chart["layer"][0]["encoding"]["x"]["axis"]["values"]


def test_the_axis_has_a_tick_wherever_a_network_was_trained_and_others_only_where_there_is_room():
    assert ticks(trained=[12], tested=[16, 20, 24]) == [12, 16, 20, 24]
    assert ticks(trained=[12, 28], tested=[16, 27, 48], stacked=True) == [12, 28, 48]
    many = ticks(trained=[101, 224], tested=range(64, 320, 4))
    assert {101, 224} < set(many)
    assert 10 < len(many) <= 22
    assert min(after - before for before, after in pairwise(many)) > 12


def test_the_native_resolution_is_named_where_it_is_on_the_axis():
    points = resolution_points(CURVE, stride=8)
    layers = resolution_figure(points, native=28, palette=LIGHT).to_dict(validate=False)["layer"]
    without = resolution_figure(points, native=None, palette=LIGHT).to_dict(validate=False)["layer"]
    far = resolution_figure(points, native=224, palette=LIGHT).to_dict(validate=False)["layer"]
    assert len(layers) == len(without) + 2 == len(far) + 2


# what is said ---------------------------------------------------------------------------------------------------------


def test_a_finding_tells_the_best_resolution_what_it_brings_and_what_fine_tuning_does():
    (said_of_it,) = resolutions.findings(CURVE)
    assert said_of_it == (
        "**Trained at 20 px (half)**: 91.00 % ± 0.10 over 3 seeds at 28 px, the best of 3 on the validation images, "
        "+0.60 points over 20 px; fine-tuning there brings +1.00 ± 0.15 points."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"validation_top1": None}, "the best of 3 on the test images themselves, which flatters it"),
        ({"gain": -0.2}, "fine-tuning there brings −0.20 ± 0.15 points"),
        ({"fine_tune_layers": "none"}, "; not fine-tuned."),
        ({"train_resolution": 24, "native_resolution": None}, "**Trained at 24 px**"),
    ],
)
def test_a_finding_tells_what_there_is(changes, words):
    rows = [{**row, **{name: value for name, value in changes.items() if name != "gain"}} for row in CURVE]
    rows[-1] = {**rows[-1], **changes}
    assert words in resolutions.findings(rows)[0]


def test_a_finding_says_when_the_train_resolution_is_the_best_or_was_not_tested():
    best = [{**row, "best": int(row["test_resolution"] == 20)} for row in CURVE]
    assert "; it is the train resolution itself;" in resolutions.findings(best)[0]
    assert "; not tested at the train resolution;" in resolutions.findings(CURVE[1:])[0]
    assert "at 28 px, the only test resolution; not tested at" in resolutions.findings(CURVE[2:])[0]


def test_settings_are_told_apart_by_what_differs():
    assert list(resolutions.settings(CURVE)) == [""]
    plain = test_row(fine_tune_layers="none", fine_tune_digest="c" * 32)
    assert list(resolutions.settings([*CURVE, plain])) == ["fine-tuned: head", "fine-tuned: none"]
    longer = test_row(fine_tune_digest="c" * 32, recipe_digest="d" * 32)
    assert list(resolutions.settings([longer, *CURVE])) == [
        "recipe aaaaaaaa, fine-tuning bbbbbbbb",
        "recipe dddddddd, fine-tuning cccccccc",
    ]


def test_every_test_is_shown_or_its_absence_explained():
    assert resolutions.coverage(CURVE, CURVE) == "3 of 3 tests of this network shown, from 9 evaluations."
    assert resolutions.coverage(CURVE[:1], CURVE) == (
        "1 of 3 tests of this network shown, from 3 evaluations; left out: 2 with another recipe, precision or way of "
        "fine-tuning."
    )


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "G16-LN+PN"),
        ({"expansion": 6}, "G16E6-LN+PN"),
        ({"group_size": 1, "expansion": 6, "norm": "gn"}, "G1-GN"),
        ({"group_size": 4}, "G4E4-LN+PN"),
    ],
)
def test_a_family_is_named_as_its_series(changes, name):
    assert resolutions.family({"group_size": 16, "expansion": 4, "norm": "ln+pn", **changes}) == name


# the page -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def curves_url(tmp_path_factory):
    """URL of a database with one network, trained at two resolutions with two seeds, tested at four in two ways."""
    url = f"sqlite:///{tmp_path_factory.mktemp('curves')}/results.db"
    store = open_store(url)
    sweep = Sweep(store)
    for side in (20, 28):
        for seed in range(2):
            run = sweep.train((side, seed), train_resolution=side, seed=seed)
            for test in RESOLUTIONS:
                right = 9000 - 10 * abs(test - side - 4) + seed
                counts = {"correct": right, "correct_before_fine_tune": right - 50 * abs(test - side) // 4}
                held_out = {"validation_images": 1000, "validation_correct": right // 10}
                sweep.evaluate(run, test_resolution=test, **counts, **held_out)
            sweep.evaluate(run, fine_tune_layers="none", fine_tune_digest=digest("none"))
    store.close()
    return url


def test_the_page_shows_the_tests_of_the_reader(open_page, curves_url):
    app = open_page("resolution", curves_url)
    table = app.dataframe[0].value
    assert list(table["train_resolution"]) == [20] * 4 + [28] * 4
    assert list(table["test_resolution"]) == [*RESOLUTIONS] * 2
    assert list(table["seeds"]) == [2] * 8
    assert list(table.loc[table["best"], "test_resolution"]) == [24, 28]
    assert list(table["gain"])[:4] == pytest.approx([0.0, 0.5, 1.0, 2.0])
    assert len(charts(app)) == 1
    words = said(app)
    assert "8 of 10 tests of this network shown, from 16 evaluations; left out: 2 with another recipe" in words
    assert "**Trained at 20 px (half)**: 90.00 % ± 0.01 over 2 seeds at 24 px" in words
    assert "a multiple of 8 px from the train resolution" in words


def test_another_way_of_fine_tuning_is_a_choice_that_a_link_repeats(open_page, curves_url):
    app = open_page("resolution", curves_url, setting="fine-tuned: none")
    assert list(app.dataframe[0].value["test_resolution"]) == [28, 28]
    assert "Tested at one resolution only" in said(app)
    assert "not fine-tuned" in said(app)


def test_a_network_is_chosen_by_data_set_family_and_size(open_page, seeded_url, reader):
    app = open_page("resolution", seeded_url, family="G16-LN+PN", size="b0 ×0.5, for small images")
    assert app.selectbox(key="family").value == "G16-LN+PN"
    assert len(app.selectbox(key="family").options) == 5
    chosen = (16, "ln+pn", 0.5)
    networks = reader.resolutions().networks()
    (network,) = (row for row in networks if (row["group_size"], row["norm"], row["width"]) == chosen)
    expected = reader.resolutions().curves(network["variant_id"], network["dataset_id"])
    assert list(app.dataframe[0].value["top1"]) == [row["top1"] for row in expected]


def test_a_sweep_shows_its_own_tests(open_page, seeded_url):
    app = open_page("resolution", seeded_url, sweep="fashion-more-norms")
    assert app.selectbox(key="family").options == ["G1-LN+PN"]


def test_without_any_test_the_page_says_what_to_do(open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/empty.db"
    open_store(url).close()
    app = open_page("resolution", url)
    assert "orchestrator launch examples/quickstart.yaml" in said(app)
    assert not charts(app)

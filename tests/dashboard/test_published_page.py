"""A publication's points beside those measured here: what is drawn, what is said, and the page."""

from __future__ import annotations

import altair as alt
import pytest
from playwright.sync_api import expect

from dashboard.figures.palette import DARK, LIGHT
from dashboard.figures.published_figure import Side, published_figure, side_points
from dashboard.words import beside, comparing
from db.comparison import compare
from db.speedup import speedup
from db.store import open_store
from tests.dashboard.test_combination import measured_url  # noqa: F401  # a fixture
from tests.dashboard.test_pages import charts, said
from tests.db.example_rows import Sweep
from tests.db.test_combination import RECORDS
from tests.db.test_steps import front

SERIES = ["G1-GN-Baseline", "G1-GN-Native", "G16-GN-Native", "G16-GN-Half", "G16-LN+PN-Native", "G16-LN+PN-Half"]
OWN = (
    "fashion-mnist, 12,000 training images, 2,000 test images, 6,000 validation images on "
    "Intel(R) Xeon(R) Platinum 8481C, 1 thread, fp32"
)


@pytest.fixture
def published(reader):
    return reader.points("train", "best", filter_text="source=published")


@pytest.fixture
def own(reader):
    return reader.points("train", "best", filter_text=f"slot_kind=cpu {comparing.filter_of(*SERIES)}")


# what is drawn --------------------------------------------------------------------------------------------------------


def test_every_point_is_drawn_with_its_own_numbers(published):
    points = side_points(published, "train")
    assert len(points) == 36
    assert list(points["top1"]) == [row["top1_mean"] for row in published]
    assert list(points["images_per_second"]) == [row["images_per_second"] for row in published]
    assert list(points["macs"]) == [row["train_macs"] for row in published]
    assert points["point"].is_unique
    assert points["line"].nunique() == 6
    assert set(points["size"]) == {f"B{number}" for number in range(6)}


def spec_of(published, own, **options):
    sides = [Side(side_points(rows, "train"), words) for rows, words in ((published, "Theirs"), (own, "Ours")) if rows]
    options = {"mode": "train", "series": SERIES, "same_y": False, "palette": LIGHT, **options}
    return published_figure(sides, **options).to_dict(validate=False)


def panels(spec):
    return [panel for row in spec["vconcat"] for panel in row.get("hconcat", row.get("vconcat"))]


def test_published_and_measured_throughput_never_share_a_panel(published, own):
    spec = spec_of(published, own)
    shown = panels(spec)
    assert [(panel["title"]["text"], panel["title"]["subtitle"]) for panel in shown] == [
        ("Theirs", "In theory"),
        ("Theirs", "Training throughput"),
        ("Ours", "In theory"),
        ("Ours", "Training throughput"),
    ]
    for row, rows in zip(spec["vconcat"], (published, own), strict=True):
        assert len(spec["datasets"][row["data"]["name"]]) == len(rows)
        assert not [part for panel in row["hconcat"] for part in (panel, *panel["layer"]) if "data" in part]


def test_a_family_looks_alike_in_all_panels_and_the_baseline_is_dashed_and_square(published, own):
    for palette in (LIGHT, DARK):
        shown = panels(spec_of(published, own, palette=palette))
        encodings = [layer["encoding"] for panel in shown for layer in (panel["layer"][0], panel["layer"][2])]
        for channel in ("color", "shape", "strokeDash"):
            assert len({str(one[channel]["scale"]) for one in encodings if channel in one}) == 1
        line, marks = shown[0]["layer"][0]["encoding"], shown[0]["layer"][2]["encoding"]
        assert line["color"]["scale"]["domain"] == SERIES
        assert line["color"]["scale"]["range"][0] == palette.ink
        assert line["strokeDash"]["scale"]["range"][:2] == [[6, 4], [1, 0]]
        assert marks["shape"]["scale"]["range"][0] == "square"
        assert len(set(marks["shape"]["scale"]["range"])) == len(SERIES)


def domain(panel):
    return panel["layer"][0]["encoding"]["y"]["scale"]["domain"]


def test_accuracies_share_an_axis_only_where_they_are_of_the_same_data(published, own):
    theirs, _, ours, _ = map(domain, panels(spec_of(published, own)))
    assert theirs != ours
    assert theirs[0] < 77
    theirs, _, ours, _ = map(domain, panels(spec_of(published, published[:9], same_y=True)))
    assert theirs == ours


def test_pointing_at_a_network_marks_it_in_every_panel(published, own):
    spec = spec_of(published, own)
    (hover,) = spec["params"]
    assert hover["name"] == "hover"
    for panel in panels(spec):
        assert set(hover["views"]) & {layer.get("name") for layer in panel["layer"]}


def test_the_figure_is_valid_alone_on_a_phone_and_without_operation_counts(published, own):
    for palette, stacked, ours in ((LIGHT, False, own), (DARK, True, [])):
        spec = spec_of(published, ours, palette=palette, stacked=stacked)
        assert alt.Chart.from_dict(spec, validate=True)
        assert len(panels(spec)) == (4 if ours else 2)
    without = [{**row, "train_macs": None} for row in published]
    assert len(panels(spec_of(without, []))) == 1


# what is said ---------------------------------------------------------------------------------------------------------


def test_the_first_baseline_is_the_plainest_family_that_both_have():
    assert beside.baseline(SERIES, ["G16-LN+PN-Half", "G1-GN-Native"]) == "G1-GN-Native"
    assert beside.baseline(SERIES, []) == "G1-GN-Baseline"


def test_the_headline_prefers_what_was_measured_here():
    plain = front((80, 100), (82, 50))
    theirs = {"A": speedup(plain, front((80, 300), (82, 140))), "B": speedup(plain, front((80, 200), (82, 90)))}
    rows = beside.table(["A", "B"], theirs, {"B": speedup(plain, front((80, 170), (82, 80)))})
    assert beside.headline("Z", rows) == (
        "Published: B is up to 2.00× as fast as Z at 80.00 % top-1. Here: 1.70× at 80.00 % top-1."
    )
    assert rows[0]["note"] == "not measured here"
    assert beside.headline("Z", rows[:1]) == "Published: A is up to 3.00× as fast as Z at 80.00 % top-1."


def test_no_accuracy_in_common_is_a_note():
    plain, high = front((80, 100), (82, 50)), front((85, 100), (86, 50))
    (row,) = beside.table(["A"], {"A": speedup(plain, high)}, {"A": speedup(plain, high)})
    assert row["published_largest"] is row["yours_mean"] is None
    assert row["note"].startswith("published: no accuracy in common")
    assert "; here: no accuracy in common" in row["note"]
    assert beside.headline("Z", [row]).startswith("No family of the publication")


# the page -------------------------------------------------------------------------------------------------------------


def test_the_page_shows_the_papers_speed_ups_as_they_are_computed_from_the_stored_rows(open_page, seeded_url, reader):
    app = open_page("published", seeded_url, over="G1-GN-Baseline")
    table = app.dataframe[0].value
    assert list(table["series"]) == SERIES[1:]
    for _, row in table.iterrows():
        texts = [f"source=published series={name}" for name in ("G1-GN-Baseline", row["series"])]
        expected = compare(reader, baseline=texts[0], candidate=texts[1], mode="train")
        assert row["published_largest"] == expected.maximum.speedup
        assert row["published_at_top1"] == expected.maximum.top1
        assert row["published_mean"] == expected.geometric_mean
    assert "Published: G16-LN+PN-Half is up to 6.84× as fast as G1-GN-Baseline at 82.84 % top-1." in said(app)
    assert list(table["note"]) == ["not measured here"] * 5


def test_ones_own_speed_ups_stand_beside_for_the_same_pairs(open_page, seeded_url, reader):
    app = open_page("published", seeded_url, beside=OWN)
    assert app.selectbox(key="over").value == "G1-GN-Native"
    table = app.dataframe[0].value.set_index("series")
    sides = [f"slot_kind=cpu series={name}" for name in ("G1-GN-Native", "G16-LN+PN-Half")]
    expected = compare(reader, baseline=sides[0], candidate=sides[1], mode="train")
    row = table.loc["G16-LN+PN-Half"]
    assert row["yours_largest"] == expected.maximum.speedup
    assert (row["yours_low"], row["yours_high"]) == (expected.maximum.low, expected.maximum.high)
    assert table.loc["G16-GN-Native", "note"] == "not measured here"
    assert round(table.loc["G16-GN-Native", "published_largest"], 2) == 2.86
    assert "of these. 5 families measured here are not in the publication and not drawn." in said(app)
    assert len(charts(app)) == 1


def test_published_accuracies_on_throughput_measured_here_come_first(open_page, measured_url):  # noqa: F811
    app = open_page("published", measured_url)
    assert app.selectbox(key="beside").value == "Accuracies of paper on Xeon, 1 thread, fp32"
    assert app.selectbox(key="over").value == "G1-GN-Baseline"
    assert "Published: G16-LN+PN-Half is up to 6.84×" in said(app)
    assert "36 published points of 6 families; here, 30 points of 6 of these." in said(app)
    assert app.dataframe[0].value["yours_largest"].notna().all()


def test_without_published_results_the_page_says_how_to_get_them(open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/results.db"
    store = open_store(url)
    sweep = Sweep(store)
    sweep.evaluate(sweep.train(0))
    sweep.measure()
    store.close()
    app = open_page("published", url)
    assert "orchestrator import --published examples/published_results.csv" in said(app)
    assert not charts(app)


def test_an_empty_database_names_both_commands(open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/empty.db"
    open_store(url).close()
    words = said(open_page("published", url))
    assert "orchestrator import --published examples/published_results.csv" in words
    assert "orchestrator launch examples/quickstart.yaml" in words


def test_a_publication_alone_is_shown_with_what_to_do_next(open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/published.db"
    store = open_store(url)
    store.put_publication("paper", "imagenet", RECORDS)
    store.close()
    app = open_page("published", url)
    assert "6.84×" in said(app)
    assert "Nothing was measured here yet" in said(app)
    assert len(charts(app)) == 1


def test_an_inference_throughput_that_nobody_published_is_told(open_page, seeded_url):
    app = open_page("published", seeded_url, mode="Inference")
    assert "only that of training: choose Training" in said(app)


PANELS = [f"g.concat_{row}_concat_{column}_layer_5_marks path" for row in (0, 1) for column in (0, 1)]


@pytest.mark.browser
def test_a_network_that_is_pointed_at_is_found_in_every_panel(visit, serve, measured_url):  # noqa: F811
    seen = visit(viewport={"width": 1280, "height": 1500}).go(f"{serve(measured_url)}/published")
    for panel, points in zip(PANELS, (36, 36, 30, 30), strict=True):
        seen.count(panel, points)
    told = seen.point_at(seen.page.locator(PANELS[0]).last)  # the least accurate: b0
    expect(told).to_contain_text("G1-GN-Baseline")
    seen.rings(1, 1, 1, 1, panels=PANELS)

"""Every page on every kind of database, run by Streamlit itself without a browser."""

from __future__ import annotations

import sqlite3

import pytest

from dashboard.words import coverage
from db import sqlite_engine
from db.reader import Reader
from db.store import open_store
from tests.dashboard.seeded import seed_without_validation

PAGES = (
    "sweep",
    "training_front",
    "inference_front",
    "speedup",
    "results",
    "result",
    "compare",
    "sql",
    "resolution",
    "published",
)
FIRST_STEP = "orchestrator launch examples/quickstart.yaml"


def said(app):
    """Return all words of a page."""
    elements = [*app.title, *app.header, *app.markdown, *app.caption, *app.error, *app.info, *app.warning, *app.code]
    return "\n".join(str(element.value) for element in elements)


def charts(app):
    return app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_a_full_database(page, open_page, seeded_url):
    app = open_page(page, seeded_url)
    assert app.title
    assert not app.error
    assert app.dataframe


@pytest.mark.parametrize("page", PAGES)
def test_a_database_without_results_names_the_next_command(page, open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/empty.db"
    open_store(url).close()
    app = open_page(page, url)
    assert len(app.title) == 1
    assert app.info
    assert FIRST_STEP in said(app)
    assert not charts(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_database_is_told_in_a_sentence_and_not_created(page, open_page, tmp_path):
    path = tmp_path / "nowhere.db"
    app = open_page(page, f"sqlite:///{path}")
    assert "There is no database at" in app.error[0].value
    assert FIRST_STEP in said(app)
    assert not path.exists()


def test_a_database_of_a_newer_release_is_told_in_a_sentence(open_page, tmp_path):
    path = tmp_path / "newer.db"
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE frontsweep_alembic_version SET version_num = '9999'")
    connection.close()
    app = open_page("results", f"sqlite:///{path}")
    assert "newer" in app.error[0].value
    assert "Traceback" not in said(app)


def test_a_locked_database_is_told_in_a_sentence(open_page, tmp_path, monkeypatch):
    path = tmp_path / "locked.db"
    open_store(f"sqlite:///{path}").close()
    monkeypatch.setattr(sqlite_engine, "BUSY_TIMEOUT_SECONDS", 0.1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        app = open_page("results", f"sqlite:///{path}")
    finally:
        holder.close()
    assert "locked by another process" in app.error[0].value


def test_a_password_is_never_shown(open_page):
    app = open_page("results", "postgresql://me:s3cret@127.0.0.1:1/none")
    assert app.error
    assert "s3cret" not in said(app)


def test_a_filter_leaves_out_results_from_the_table(open_page, seeded_url):
    app = open_page("training_front", seeded_url)
    before = len(app.dataframe[0].value)
    app.text_input(key="filter").set_value("group_size=16").run()
    after = app.dataframe[0].value
    assert 0 < len(after) < before
    assert set(after["series"]) == {"G16-BN-Half", "G16-BN-Native", "G16-LN+PN-Half", "G16-LN+PN-Native"}


def test_a_filter_that_cannot_be_understood_is_told_where_and_how(open_page, seeded_url):
    app = open_page("training_front", seeded_url, filter="grupo_size=16")
    assert "grupo" in app.error[0].value
    assert "group" in app.error[0].value.split("\n", 1)[1]


def test_a_filter_that_leaves_nothing_is_told(open_page, seeded_url):
    app = open_page("inference_front", seeded_url, filter="group_size=99")
    assert "No result is left" in app.info[0].value


def test_a_front_page_shows_the_points_of_the_reader_and_counts_the_others(open_page, seeded_url, reader):
    app = open_page("training_front", seeded_url)
    rows = [row for row in reader.points("train", "best") if row["slot_kind"] == "cpu"]
    table = app.dataframe[0].value[: len(rows)]
    assert list(table["top1_mean"]) == [row["top1_mean"] for row in rows]
    assert list(table["on_front"]) == [row["on_front"] for row in rows]
    assert list(table["train_throughput_cv"]) == pytest.approx([100 * row["train_throughput_cv"] for row in rows])
    assert f"{len(rows)} of 50 tested configurations shown" in said(app)
    assert "4 disturbed by other programs while measured" in said(app)


def test_a_front_page_shows_the_validation_accuracy_that_chose(open_page, seeded_url, reader):
    app = open_page("training_front", seeded_url)
    rows = [row for row in reader.points("train", "best") if row["slot_kind"] == "cpu"]
    assert list(app.dataframe[0].value["validation_top1_mean"][: len(rows)]) == [
        row["validation_top1_mean"] for row in rows
    ]
    assert None not in {row["validation_top1_mean"] for row in rows}
    assert "chosen on the test images" not in said(app)
    assert app.selectbox(key="dataset").value == (
        "fashion-mnist, 12,000 training images, 2,000 test images, 6,000 validation images"
    )
    assert "best accuracy on held-out training images" in app.selectbox(key="tested").help


def test_resolutions_that_the_test_images_chose_are_told(open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/without.db"
    seed_without_validation(url)
    for page in ("training_front", "inference_front", "speedup"):
        assert "the best test resolution was chosen on the test images" in said(open_page(page, url))
        native = open_page(page, url, tested="Native resolution")
        assert "chosen on the test images" not in said(native)


def test_another_device_is_another_front(open_page, seeded_url, reader):
    app = open_page("training_front", seeded_url, device="NVIDIA H200, 1 thread, fp32")
    rows = [row for row in reader.points("train", "best") if row["slot_kind"] == "cuda"]
    assert len(app.dataframe[0].value) == len(rows) > 0
    assert app.dataframe[0].value["images_per_second"].min() > 5_000


def test_a_link_sets_every_choice(open_page, seeded_url):
    query = {"sweep": "fashion-families", "tested": "Native resolution", "filter": "width<1", "dataset": "imagenet"}
    app = open_page("inference_front", seeded_url, **query)
    assert app.selectbox(key="sweep").value == "fashion-families"
    assert app.selectbox(key="tested").value == "Native resolution"
    assert app.text_input(key="filter").value == "width<1"


def test_the_published_points_give_the_speedup_of_the_study(open_page, seeded_url):
    app = open_page("speedup", seeded_url, dataset="imagenet")
    assert app.selectbox(key="baseline").placeholder == 'series="G1-GN-Baseline"'
    assert app.selectbox(key="candidate").placeholder == 'series="G16-LN+PN-Half"'
    assert app.header[0].value == "The candidate is 6.84× as fast at 82.84 % top-1."


def test_choosing_another_data_set_chooses_families_that_are_there(open_page, seeded_url):
    app = open_page("speedup", seeded_url)
    assert "95 % interval" in app.header[0].value
    app.selectbox(key="dataset").set_value("imagenet").run()
    assert "6.84×" in app.header[0].value


def test_fronts_without_an_accuracy_in_common_have_no_speedup(open_page, seeded_url):
    sides = {"baseline": "series=G1-BN-Half width=0.25", "candidate": "series=G16-LN+PN-Native width=1"}
    app = open_page("speedup", seeded_url, **sides)
    assert app.header[0].value.startswith("No speed-up to report: no accuracy in common")
    assert charts(app)


def test_the_sweep_page_tells_progress_and_failures(open_page, seeded_url):
    app = open_page("sweep", seeded_url, watch="fashion-more-norms")
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["State"] == "running"
    assert metrics["Jobs finished"] == "10 of 48"
    assert metrics["Failed for good"] == "2"
    assert metrics["Time left"].startswith("about ")
    slots, failures, events, latest = (table.value for table in app.dataframe)
    assert list(slots["slot"]) == ["cpu-0", "cpu-1"]
    assert list(failures["jobs"]) == [2, 1]
    assert len(events) == 10
    assert len(latest) == 3
    assert "orchestrator retry fashion-more-norms --failed" in said(app)


def test_a_finished_sweep_tells_how_long_it_took(open_page, seeded_url):
    app = open_page("sweep", seeded_url, watch="fashion-families")
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["State"] == "finished"
    assert "h" in metrics["Took"]


def test_the_results_page_shows_the_validation_accuracy_beside_the_test_one(open_page, seeded_url, reader):
    table = open_page("results", seeded_url, filter="seed=1", sweep="fashion-families").dataframe[0].value
    assert list(table)[9:12] == ["top1", "validation_top1", "top1_before_fine_tune"]
    expected = [
        row["validation_top1"] for row in reader.view("results", sweep="fashion-families", filter_text="seed=1")
    ]
    assert sorted(table["validation_top1"]) == sorted(expected)


def test_the_results_page_filters_and_counts(open_page, seeded_url, reader):
    app = open_page("results", seeded_url, filter="seed=1 slot_kind=cpu", sweep="fashion-families")
    expected = reader.view("results", sweep="fashion-families", filter_text="seed=1 slot_kind=cpu")
    assert len(app.dataframe[0].value) == len(expected) > 0
    assert f"{len(expected)} of {len(reader.view('results'))} rows shown" in said(app)


def test_a_long_table_of_results_shows_the_newest_and_says_so(open_page, seeded_url, reader, monkeypatch):
    every = reader.view("results", sort=["-finished_at", "series"])
    monkeypatch.setattr(coverage, "SHOWN", 20)
    app = open_page("results", seeded_url)
    table = app.dataframe[0].value
    assert list(table["series"]) == [row["series"] for row in every[:20]]
    assert list(table["finished_at"]) == [row["finished_at"] for row in every[:20]]
    assert f"The newest 20 of {len(every)} rows shown: narrow the filter, or download all of them." in said(app)


@pytest.mark.parametrize("tested", ["Best test resolution", "Every test resolution"])
def test_a_crowded_front_shows_all_of_the_front_and_says_what_it_leaves_out(
    open_page, seeded_url, reader, monkeypatch, tested
):
    monkeypatch.setattr(coverage, "DRAWN", 3)
    app = open_page("inference_front", seeded_url, tested=tested, grey="false")
    points = reader.points("inference", {"B": "best", "E": "all"}[tested[0]], filter_text="slot_kind=cpu")
    table = app.dataframe[0].value
    front = [row["top1_mean"] for row in points if row["on_front"]]
    assert list(table[table["on_front"]]["top1_mean"]) == front
    assert len(table) == len(front) + 3
    assert f"{len(points) - len(table)} further from the front" in said(app)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_reads_everything_before_somebody_asks_for_it(page, open_page, seeded_url, monkeypatch):
    view = Reader.view

    def first_rows(self, *arguments, **options):
        assert options["limit"] is not None
        return view(self, *arguments, **options)

    def never(*_arguments, **_options):
        raise AssertionError("all points")

    monkeypatch.setattr(Reader, "view", first_rows)
    monkeypatch.setattr(Reader, "points", never)
    assert open_page(page, seeded_url).title

"""Published accuracy with throughput measured here, and sweeps that only measure, on the pages."""

from __future__ import annotations

import pytest

from db.store import open_store
from tests.db.example_rows import Sweep
from tests.db.test_combination import RECORDS, measure_the_paper

COMBINED = "Published (paper), with throughput measured here"


@pytest.fixture(scope="module")
def measured_url(tmp_path_factory):
    """URL of a database with the paper's results and its networks up to b4, measured; nothing was trained."""
    url = f"sqlite:///{tmp_path_factory.mktemp('measured')}/results.db"
    store = open_store(url)
    store.put_publication("paper", "imagenet", RECORDS)
    sweep = Sweep(store, name="throughput")
    measure_the_paper(sweep, "01234")
    store.set_sweep_state(sweep.sweep_id, "finished")
    store.close()
    return url


def said(app) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.info))


def test_the_speed_up_of_published_accuracies_on_this_machine_is_a_choice(open_page, measured_url):
    app = open_page("speedup", measured_url, accuracy=COMBINED)
    assert app.selectbox(key="accuracy").value == COMBINED
    assert app.selectbox(key="device").value == "Xeon, 1 thread, fp32"
    assert app.header[0].value.startswith("The candidate is ")
    assert "10 of 12 published results of these families have a throughput measured here" in said(app)
    assert "measures the others" in said(app)


def test_the_papers_own_throughput_stays_the_first_choice(open_page, measured_url):
    app = open_page("speedup", measured_url)
    assert "6.84×" in app.header[0].value


def test_a_publication_that_nobody_measured_says_how(open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/results.db"
    store = open_store(url)
    store.put_publication("paper", "imagenet", RECORDS)
    store.close()
    app = open_page("speedup", url, accuracy=COMBINED)
    assert "orchestrator launch examples/measure-the-papers-networks.yaml" in said(app)


def test_a_sweep_that_only_measures_shows_its_measurements(open_page, measured_url):
    app = open_page("sweep", measured_url, watch="throughput")
    assert {metric.label: metric.value for metric in app.metric}["Jobs finished"] == "25 of 25"
    (latest,) = (table.value for table in app.dataframe if "verdict" in table.value)
    assert len(latest) == 10
    assert set(latest["mode"]) == {"train"}
    assert latest["images_per_second"].notna().all()
    headings = [heading.value for heading in app.header]
    assert "Latest measurements" in headings
    assert "Latest results" not in headings

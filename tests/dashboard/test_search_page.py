"""The page of a search."""

from __future__ import annotations

import json
import shutil

import pytest
from playwright.sync_api import expect

from dashboard.data import search_reading
from dashboard.parts import result_links
from dashboard.words import coverage
from dashboard.words.search_account import account
from db.reader import open_reader
from db.search_records import TrialEnd
from db.store import open_store
from tests.dashboard.searched import BEGUN, BUDGET, FINISHED, RUNNING, STORED, seed_searches
from tests.dashboard.seeded import DRIVER
from tests.dashboard.test_pages import charts, said
from tests.dashboard.visit import CHART, PHONE


@pytest.fixture(scope="module")
def searched_url(tmp_path_factory):
    """URL of a database with three searches; nobody writes to it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('searched')}/results.db"
    seed_searches(url)
    return url


@pytest.fixture
def own_url(searched_url, tmp_path):
    """URL of such a database of the test's own."""
    copy = shutil.copy(searched_url.removeprefix("sqlite:///"), tmp_path)
    return f"sqlite:///{copy}"


def stored(url, name):
    reader = open_reader(url)
    sweep = next(one for one in reader.searches() if one.name == name)
    trials = reader.search(sweep.sweep_id).trials()
    reader.close()
    return sweep.sweep_id, trials


def headings(app):
    return [one.value for one in app.header]


def test_a_search_for_two_objectives_shows_its_front_and_how_it_came_to_it(open_page, searched_url):
    app = open_page("search", searched_url, search=RUNNING)
    _, trials = stored(searched_url, RUNNING)
    assert headings(app) == ["Front", "On the way", "What is best where", "What matters", "Trials"]
    assert len(charts(app)) == 4
    metrics = {metric.label: metric.value for metric in app.metric}
    over = [one for one in trials if one.state != "open"]
    assert metrics["State"] == "running"
    assert metrics["Trials over"] == str(len(over))
    assert metrics["Time left"].startswith("about ")
    words = said(app)
    assert "Looks for the best trade\\-offs between top\\-1 accuracy and training throughput" in words
    assert f"{STORED} of them stored before" in words
    assert f"{len(trials)} trials: **2 open**" in words
    proposed = sum(one.origin == "sampler" for one in over)
    assert f"{proposed} of {BUDGET} proposed trials" in app.get("progress")[0].proto.text
    table = app.dataframe[0].value
    assert list(table["number"]) == [one.number for one in reversed(trials)]
    assert set(table["state"]) == {"open", "complete", "infeasible", "skipped", "failed"}
    rates = table["train_images_per_second"].dropna()
    assert all(rate == float(f"{rate:.4g}") for rate in rates)
    headed = {
        name: one["label"] for name, one in json.loads(app.dataframe[0].proto.columns).items() if one.get("label")
    }
    assert headed["train_resolution"] == "train resolution, px"


def test_a_search_for_one_objective_shows_its_best_and_what_it_gave_up(open_page, searched_url):
    app = open_page("search", searched_url, search=FINISHED)
    _, trials = stored(searched_url, FINISHED)
    assert headings(app) == ["Best so far", "Given up on the way", "What is best where", "What matters", "Trials"]
    best = max((one for one in trials if one.state == "complete"), key=lambda one: one.values[0])
    assert f"Best so far\\: {best.values[0]:.2f} %, trial {best.number}\\:" in said(app)
    assert "Proposes nothing more\\: the budget of 24 trials is used up." in said(app)
    assert list(app.dataframe[0].value.query("`on front`")["number"]) == [best.number]
    assert not app.toggle
    assert {metric.label for metric in app.metric} >= {"Took"}


def test_a_search_that_has_just_begun_shows_what_is_known(open_page, searched_url):
    app = open_page("search", searched_url, search=BEGUN)
    assert "No trial is complete yet" in said(app)
    assert not charts(app)
    assert list(app.dataframe[0].value["state"]) == ["open"]
    assert next(one.value for one in app.metric if one.label == "Time left") == "not known yet"


def test_the_newest_search_is_shown_first_and_a_link_chooses_another(open_page, searched_url):
    assert open_page("search", searched_url).selectbox(key="search").value == BEGUN
    app = open_page(
        "search", searched_url, search=RUNNING, coloured="Norm", against="Slot-hours paid", only="norm = bn"
    )
    assert app.selectbox(key="search").options == [BEGUN, RUNNING, FINISHED]
    chosen = {key: app.selectbox(key=key).value for key in ("search", "coloured", "against", "only")}
    assert chosen == {"search": RUNNING, "coloured": "Norm", "against": "Slot-hours paid", "only": "norm = bn"}


def test_rows_and_columns_of_the_heat_map_are_never_the_same_axis(open_page, searched_url):
    app = open_page("search", searched_url, search=RUNNING, across="Test resolution, px")
    assert app.selectbox(key="across").value == "Test resolution, px"
    assert app.selectbox(key="up").options == ["Train resolution, px", "Norm"]
    app.selectbox(key="up").set_value("Norm").run()
    assert app.selectbox(key="only").options[1:] == [f"train resolution = {one}" for one in (16, 20, 24, 28)]


def test_selected_trials_lead_to_their_results_and_to_a_comparison(open_page, searched_url):
    sweep_id, trials = stored(searched_url, RUNNING)
    reader = open_reader(searched_url)
    jobs = reader.search(sweep_id).trial_jobs()
    reader.close()
    complete = [one.number for one in trials if one.state == "complete"][:2]
    skipped = next(one for one in trials if one.state == "skipped")
    app = open_page("search", searched_url, search=RUNNING, points=",".join(map(str, [*complete, skipped.number])))
    links = [(one.proto.label, one.proto.page, one.proto.query_string) for one in app.get("page_link")]
    tested = {
        number: [job["fingerprint"] for job in jobs if job["number"] == number and job["stage"] == "evaluate"]
        for number in complete
    }
    opened = [query.removeprefix("result=") for label, _, query in links if label.startswith("Open result")]
    assert opened == [one for number in complete for one in tested[number]]
    (compared,) = (query for label, _, query in links if label.startswith("Compare 2 trials"))
    assert compared.replace("%2C", ",") == f"results={tested[complete[0]][0]},{tested[complete[1]][0]}"
    assert "no result to open" in said(app)
    assert f"**Trial {skipped.number}** · " in said(app)


def test_results_of_a_trial_beyond_those_with_a_link_are_counted(open_page, searched_url, monkeypatch):
    _, trials = stored(searched_url, RUNNING)
    complete = next(one.number for one in trials if one.state == "complete")
    monkeypatch.setattr(result_links, "_SEEDS", 1)
    monkeypatch.setattr(result_links, "FEWEST", 1)
    monkeypatch.setattr(result_links, "MOST", 1)
    app = open_page("search", searched_url, search=RUNNING, points=str(complete))
    labels = [one.proto.label for one in app.get("page_link")]
    assert len([label for label in labels if label.startswith("Open result")]) == 1
    assert "and 1 more: the page of each leads to them" in said(app)
    assert "Compare 1 of its 2 results" in labels


def test_a_trial_of_another_search_is_not_among_those_that_are_selected(open_page, searched_url):
    assert "1 selected trial not among those of this search" in said(
        open_page("search", searched_url, search=RUNNING, points="4711")
    )


def test_charts_stay_as_they_are_until_the_reader_asks_for_more(open_page, own_url):
    app = open_page("search", own_url, search=RUNNING)
    sweep_id, trials = stored(own_url, RUNNING)
    store = open_store(own_url)
    opened = [one.number for one in trials if one.state == "open"]
    store.search(sweep_id).finish_trial(opened[0], TrialEnd(state="complete", values=(99.0, 9999.0)))
    app.run()
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Trials over"] == str(len(trials) - 1)
    assert "Front\\: 1 trial." in said(app)
    assert "**1 more trial over** than the charts below show." in said(app)
    assert list(app.dataframe[0].value["state"])[:2] == ["open", "open"]
    app.button(key="show-news").click().run()
    assert sorted(app.dataframe[0].value["state"][:2]) == ["complete", "open"]
    assert "more trial" not in said(app)
    app.toggle(key="follow").set_value(True).run()
    store.search(sweep_id).finish_trial(opened[1], TrialEnd(state="complete", values=(99.5, 9999.0)))
    store.close()
    app.run()
    assert list(app.dataframe[0].value["state"])[:2] == ["complete", "complete"]


def test_a_page_that_nothing_changed_for_reads_no_trial_anew(open_page, searched_url, monkeypatch):
    app = open_page("search", searched_url, search=RUNNING)
    monkeypatch.setattr(search_reading.search_account, "account", lambda *_: pytest.fail("read"))
    app.run()
    assert not app.exception
    assert charts(app)


def test_a_long_table_has_the_front_and_the_newest_and_says_so(open_page, searched_url, monkeypatch):
    monkeypatch.setattr(coverage, "SHOWN", 8)
    app = open_page("search", searched_url, search=RUNNING)
    table = app.dataframe[0].value
    _, trials = stored(searched_url, RUNNING)
    assert len(table) == 8
    assert table["on front"].sum() == len(account_of(searched_url).front)
    assert table["number"][0] == trials[-1].number
    assert f"8 of {len(trials)} trials shown: the front and the newest of the others" in said(app)


def account_of(url, name=RUNNING):
    reader = open_reader(url)
    sweep_id = next(one.sweep_id for one in reader.searches() if one.name == name)
    found = reader.search(sweep_id)
    known = account(found.row(), found.trials())
    reader.close()
    return known


def test_a_search_that_nobody_runs_promises_no_time_and_says_how_to_go_on(open_page, own_url):
    store = open_store(own_url)
    store.end_driver(DRIVER)
    store.close()
    app = open_page("search", own_url, search=RUNNING)
    assert "It can go on\\: the same command proposes more." in said(app)
    assert "Time left" not in {metric.label for metric in app.metric}


def test_without_a_search_the_page_says_how_to_begin_one(open_page, seeded_url, tmp_path):
    empty = f"sqlite:///{tmp_path}/empty.db"
    open_store(empty).close()
    for url in (seeded_url, empty):
        app = open_page("search", url)
        assert "There is no search here yet" in app.info[0].value
        assert app.code[0].value == "orchestrator search examples/search.yaml"
    missing = open_page("search", f"sqlite:///{tmp_path}/nowhere.db")
    assert "There is no database at" in missing.error[0].value


def test_the_page_of_a_sweep_leads_to_its_search_and_only_where_it_is_one(open_page, searched_url):
    def links(name):
        return [one.proto.query_string for one in open_page("sweep", searched_url, watch=name).get("page_link")]

    assert f"search={RUNNING}" in links(RUNNING)
    assert not links("fashion-before")


def test_the_page_of_a_sweep_promises_no_end_of_a_search_that_asks_for_more(open_page, searched_url):
    app = open_page("sweep", searched_url, watch=RUNNING)
    assert "Time left" not in {metric.label for metric in app.metric}
    assert "Finished about" not in said(app)


# In the browser -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(serve, searched_url):
    return serve(searched_url)


@pytest.mark.browser
@pytest.mark.parametrize("name", [RUNNING, FINISHED, BEGUN])
def test_every_search_opens_without_a_complaint(name, visit, address):
    seen = visit().go(f"{address}/search?search={name}", "Search")
    seen.page.locator("[data-testid=stDataFrame] canvas").first.wait_for(state="attached")
    if name != BEGUN:
        seen.page.locator(f"{CHART} g.mark-symbol.role-mark path").first.wait_for(state="attached")
    assert seen.page.locator("[data-testid=stException]").count() == 0
    assert seen.complaints == []


@pytest.mark.browser
def test_a_click_on_a_trial_offers_its_results_and_is_in_the_link(visit, address):
    seen = visit().go(f"{address}/search?search={RUNNING}")
    seen.page.locator(f"{CHART} svg").nth(3).wait_for()  # all charts: none moves any more
    mark = seen.page.locator(".st-key-front g:nth-last-child(1 of .mark-symbol.role-mark) path").nth(3)
    expect(seen.point_at(mark)).to_contain_text("Trial")
    mark.click(force=True)
    opened = seen.page.get_by_role("link", name="Open result 1")
    opened.wait_for()
    seen.page.wait_for_url("**points=*")
    again = visit().go(seen.page.url)
    again.page.get_by_role("link", name="Open result 1").wait_for()
    opened.click()
    seen.page.wait_for_url("**/result?result=*")


@pytest.mark.browser
def test_a_search_fits_on_a_phone(visit, address):
    seen = visit(viewport={"width": 400, "height": 800}, is_mobile=True, user_agent=PHONE)
    for name in (RUNNING, FINISHED):
        seen.go(f"{address}/search?search={name}", "Search")
        for number in range(4):
            seen.within(seen.page.locator(f"{CHART} svg").nth(number), 400)


@pytest.mark.browser
def test_the_head_is_kept_up_to_date_and_the_charts_wait_for_the_reader(visit, serve, own_url):
    seen = visit().go(f"{serve(own_url)}/search?search={RUNNING}", "Search")
    sweep_id, trials = stored(own_url, RUNNING)
    expect(seen.page.get_by_text("trials: 2 open", exact=False)).to_be_visible()
    chart = seen.page.locator(f"{CHART} svg").first.element_handle()
    opened = next(one.number for one in trials if one.state == "open")
    store = open_store(own_url)
    store.search(sweep_id).finish_trial(opened, TrialEnd(state="complete", values=(99.0, 9999.0)))
    store.close()
    expect(seen.page.get_by_text("1 more trial over")).to_be_visible()
    assert chart.evaluate("chart => chart.isConnected")
    seen.page.get_by_role("button", name="Show them").click()
    expect(seen.page.get_by_text("1 more trial over")).to_have_count(0)
    assert seen.complaints == []

"""The pages of the two fronts: what competes, what is drawn beside it, selections, and results that arrive."""

from __future__ import annotations

import random
import re
import shutil
from urllib.parse import parse_qs

import pytest

from dashboard.figures import families
from dashboard.parts import result_links, selection
from dashboard.words import coverage
from db.store import open_store
from tests.dashboard.seeded import FAMILIES, Clock, Seeder, accuracy_jobs, measure_jobs
from tests.dashboard.test_pages import charts, said
from workers.protocol.jobs import TrainJob

PLACE = "slot_kind=cpu source=measured"


@pytest.fixture
def own_url(seeded_url, tmp_path):
    """URL of a copy of the seeded database, to write into."""
    path = shutil.copy(seeded_url.removeprefix("sqlite:///"), tmp_path / "own.db")
    return f"sqlite:///{path}"


def table(app):
    return app.dataframe[0].value


def test_noisy_measurements_compete_when_the_reader_lets_them(open_page, seeded_url, reader):
    without = open_page("training_front", seeded_url, grey="false")
    let_in = open_page("training_front", seeded_url, grey="false", noisy="true")
    for app, noisy in ((without, False), (let_in, True)):
        rows = reader.points("train", "best", filter_text=PLACE, noisy=noisy)
        assert list(table(app)["top1_mean"]) == [row["top1_mean"] for row in rows]
        assert list(table(app)["on_front"]) == [row["on_front"] for row in rows]
    assert "noisy" not in set(table(without)["train_verdict"])
    assert "noisy" in set(table(let_in)["train_verdict"])
    assert "4 noisy (`orchestrator remeasure --noisy`" in said(without)
    assert "2 noisy." in said(let_in)


def test_what_does_not_compete_is_listed_in_grey_until_it_is_hidden(open_page, seeded_url, reader):
    app = open_page("training_front", seeded_url)
    part = reader.part("train", "best", filter_text=PLACE)
    greyed = part.greyed(part.scopes(), 99)
    assert {row["train_verdict"] for row in greyed} == {"noisy", "contended"}
    shown = table(app)
    assert list(shown["top1_mean"][-len(greyed) :]) == [row["top1_mean"] for row in greyed]
    assert f"{len(greyed)} points in grey do not compete" in said(app)
    app.toggle(key="grey").set_value(False).run()
    assert len(table(app)) == len(shown) - len(greyed)
    assert "in grey do not" not in said(app)


def test_a_place_where_nothing_competes_is_shown_in_grey_and_says_why(open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/noisy.db"
    seeder = Seeder(url)
    family = list(FAMILIES)[:1]
    jobs = [*accuracy_jobs(family), *measure_jobs(family)]
    seeder.begin("loud", jobs)
    for job in jobs:
        seeder.do(job, "noisy")
    seeder.store.close()
    app = open_page("training_front", url)
    assert charts(app)
    assert not table(app)["on_front"].any()
    assert "0 of 12 tested configurations shown; left out: 12 noisy (`orchestrator remeasure --noisy`" in said(app)
    app.toggle(key="grey").set_value(False).run()
    assert "Nothing competes here" in app.info[0].value


def test_a_sweep_that_has_measured_nothing_yet_says_so(open_page, seeded_url):
    app = open_page("training_front", seeded_url, sweep="fashion-more-norms")
    assert "Nothing of this sweep is both tested (as chosen above) and measured yet." in app.info[0].value


@pytest.mark.parametrize("colour", list(families.PARTS))
def test_the_front_of_each_colour_can_be_drawn_by_everything_that_a_colour_stands_for(open_page, seeded_url, colour):
    app = open_page("inference_front", seeded_url, colour=colour, lines="The front of each colour")
    spec = charts(app)[0].proto.spec
    assert "datum.leads_macs" in spec
    assert "datum.leads_images_per_second" in spec
    assert not app.error


def test_whatever_is_cut_is_told_with_what_there_is(open_page, seeded_url, monkeypatch):
    whole = said(open_page("training_front", seeded_url, lines="The front of each colour"))
    assert "Drawn in part" not in whole
    monkeypatch.setattr(coverage, "DRAWN", 2)
    monkeypatch.setattr(coverage, "GREYED", 1)
    words = said(open_page("training_front", seeded_url, lines="The front of each colour"))
    assert re.search(r"\d+ further from the front", words)
    assert re.search(r"1 of \d+ points that do not compete are drawn in grey", words)
    for front in ("their colour by throughput", "their colour by multiply-accumulates", "all by multiply-accumulates"):
        [(shown, there)] = re.findall(rf"(\d+) of (\d+) points that lead {front}", words)
        assert int(shown) == 2 < int(there)


def test_the_page_says_what_theory_would_have_found(open_page, seeded_url, reader):
    app = open_page("training_front", seeded_url)
    part = reader.part("train", "best", filter_text=PLACE)
    theory = part.leaders(part.scopes(), by=[], cost="macs", most=99)
    front = part.nearest(part.scopes(), 0)
    both = {families.identity(row) for row in front} & {families.identity(row) for row in theory}
    assert f"{len(front)} points are on the measured front; by multiply-accumulates alone" in said(app)
    assert f"would have found {len(both)} of them" in said(app)


def links(app):
    """Return the label and the query of every link to another page."""
    return [(link.label, parse_qs(link.proto.query_string)) for link in app.page_link]


def test_a_link_selects_points_and_leads_to_their_results(open_page, seeded_url, reader):
    rows = reader.points("train", "best", filter_text=PLACE)
    chosen, pooled = rows[:2], reader.evaluations_of(rows[:2])
    named = ",".join(families.identity(row) for row in chosen)
    app = open_page("training_front", seeded_url, points=named)
    expected = [
        (f"Open seed {one['seed']}", {"result": [one["evaluation"]]}) for evaluations in pooled for one in evaluations
    ]
    firsts = ",".join(evaluations[0]["evaluation"] for evaluations in pooled)
    assert links(app) == [*expected, ("Compare 2 points, by their first seeds", {"results": [firsts]})]
    assert all(selection.described(row) in said(app) for row in chosen)
    assert f'"value": [{{"point": "{named.split(",")[0]}"}}' in charts(app)[0].proto.spec


def test_the_seeds_of_one_selected_point_can_be_compared(open_page, seeded_url, reader):
    [row] = reader.points("train", "best", filter_text=PLACE)[:1]
    app = open_page("training_front", seeded_url, points=families.identity(row))
    [evaluations] = reader.evaluations_of([row])
    both = ",".join(one["evaluation"] for one in evaluations)
    assert links(app)[-1] == ("Compare 2 seeds", {"results": [both]})


def test_seeds_beyond_those_with_a_link_are_counted(open_page, seeded_url, reader, monkeypatch):
    monkeypatch.setattr(result_links, "_SEEDS", 1)
    [row] = reader.points("train", "best", filter_text=PLACE)[:1]
    app = open_page("training_front", seeded_url, points=families.identity(row))
    assert len([label for label, _ in links(app) if label.startswith("Open seed")]) == 1
    assert "and 1 more: the page of each leads to them" in said(app)
    seeds = [{"evaluation": f"{number}"} for number in range(10)]
    assert selection.compared([seeds]) == (["0", "1", "2", "3", "4", "5"], "Compare 6 of 10 seeds")


def test_a_selected_point_that_is_not_shown_is_told(open_page, seeded_url):
    app = open_page("training_front", seeded_url, points="0123456789")
    assert "1 selected point not among those shown." in said(app)
    assert links(app) == []


def test_a_published_point_leads_nowhere_and_says_so(open_page, seeded_url, reader):
    [row] = reader.points("train", "best", filter_text="source=published")[:1]
    app = open_page("training_front", seeded_url, points=families.identity(row), dataset="imagenet")
    assert "published: nothing but this is known" in said(app)
    assert links(app) == []


def test_more_points_than_can_be_compared_are_told(open_page, seeded_url, reader):
    rows = reader.points("train", "best", filter_text=PLACE)[: result_links.MOST + 1]
    app = open_page("training_front", seeded_url, points=",".join(map(families.identity, rows)))
    assert "7 points are selected; at most 6 can be compared." in said(app)
    assert not [label for label, _ in links(app) if label.startswith("Compare")]


class Later(Seeder):
    """The driver that filled the database goes on."""

    def __init__(self, url):
        self.clock, self.random = Clock(), random.Random(11)
        self.store = open_store(url, self.clock)


def add_results(url):
    """Let one more family come in, as another sweep; return how many results it brings."""
    seeder = Later(url)
    family = [(4, 6, "gn")]
    jobs = [*accuracy_jobs(family), *measure_jobs(family)]
    seeder.begin("one more family", jobs)
    for job in jobs:
        seeder.do(job)
    seeder.store.close()
    return sum(not isinstance(job, TrainJob) for job in jobs)


def test_results_that_arrive_are_told_and_shown_when_asked_for(open_page, own_url):
    app = open_page("training_front", own_url)
    before, shown = table(app), said(app)
    assert not app.button
    further = add_results(own_url)
    app.run()
    assert table(app).equals(before)
    assert f"**{further} new results**" in said(app)
    assert said(app).replace(f"**{further} new results**", "").split() == shown.split()
    app.button(key="show-news").click().run()
    assert len(table(app)) > len(before)
    assert "new result" not in said(app)


def test_a_page_without_anything_to_see_shows_what_comes_first(open_page, own_url):
    app = open_page("training_front", own_url, filter="group_size=4")
    assert "No result is left" in app.info[0].value
    add_results(own_url)
    app.run()
    assert {name.partition("-")[2] for name in table(app)["series"]} == {"GN-Half", "GN-Native"}


def test_another_choice_shows_what_has_arrived(open_page, own_url):
    app = open_page("training_front", own_url)
    before = len(table(app))
    add_results(own_url)
    app.text_input(key="filter").set_value("small_images=true").run()
    assert len(table(app)) > before
    assert "new result" not in said(app)


def test_a_change_that_brings_no_results_is_not_told(open_page, own_url):
    app = open_page("training_front", own_url)
    store = open_store(own_url)
    store.set_sweep_state(1, "stopped")
    store.close()
    app.run()
    assert not app.button

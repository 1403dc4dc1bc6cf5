"""The page of a search: what it has come to, what is drawn and said, and the page itself."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
import shutil

import pytest
from playwright.sync_api import expect

from dashboard.data import search_reading
from dashboard.figures import heat_figure, importance_figure, trial_points
from dashboard.figures.early_figure import early_figure
from dashboard.figures.heat_figure import Table
from dashboard.figures.palette import DARK, LIGHT
from dashboard.figures.trial_figure import best_figure, front_figure
from dashboard.figures.way_figure import way_figure
from dashboard.parts import result_links
from dashboard.words import coverage, search_words
from dashboard.words.search_account import SHARES, STEPS, account
from db.hypervolume import hypervolumes
from db.reader import open_reader
from db.search_records import SearchRow, TrialEnd, TrialRow
from db.store import open_store
from tests.dashboard.searched import BEGUN, BUDGET, FINISHED, RUNNING, STORED, search_settings, seed_searches
from tests.dashboard.seeded import DRIVER
from tests.dashboard.test_pages import charts, said
from tests.dashboard.visit import CHART, PHONE

START = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)
AXES = {"train_resolution": (64, 96, 128), "test_resolution": (64, 96, 128, 160), "norm": ("bn", "ln+pn")}
TWO = ["top1", "train_images_per_second"]
POINTS = [dict(zip(AXES, values, strict=True)) for values in itertools.product(*AXES.values())]


def trial(number, values=(), state="complete", **changes):
    """A trial that was over a minute after the one before it, and cost six slot-minutes."""
    over = None if state == "open" else START + dt.timedelta(minutes=number + 1)
    row = {
        "number": number,
        "params": POINTS[number % len(POINTS)],
        "origin": "sampler",
        "state": state,
        "values": values,
        "jobs": 4,
        "reused": 1,
        "slot_seconds": 360.0,
        "created_at": START + dt.timedelta(minutes=number),
        "finished_at": over,
    }
    return TrialRow(**{**row, **changes})


def search(trials, objectives=TWO, *, ended="", importances=None, **settings):
    """What a search over these trials has come to."""
    row = SearchRow(
        sweep_id=1,
        settings=search_settings(AXES, objectives, **settings),
        importances=importances or {},
        ended=ended,
        created_at=START,
    )
    return account(row, trials)


#: The first two make a front; the third is beaten by the second, the fifth beats the first.
VALUES = ((80.0, 900.0), (85.0, 500.0), (84.0, 400.0), None, (81.0, 950.0))
SOME = [
    trial(number, values) if values else trial(number, (None, 450.0), "infeasible", reason="a floor")
    for number, values in enumerate(VALUES)
]


# What it has come to --------------------------------------------------------------------------------------------------


def test_the_front_is_what_no_complete_trial_beats():
    drawn = random.Random(1)
    values = [(drawn.randint(0, 30) / 2, float(drawn.randint(1, 40))) for _ in range(300)]
    found = search([trial(number, one) for number, one in enumerate(values)])
    best = {
        one for one in values if not any(other != one and other[0] >= one[0] and other[1] >= one[1] for other in values)
    }
    front = [values[number] for number in found.front]
    assert front == sorted(best)
    assert len(front) > 2


def test_only_complete_trials_make_a_front():
    worse = [trial(5, (99.0, 9999.0), "infeasible"), trial(6, (99.0, None), "pruned"), trial(7, (), "open")]
    assert search([*SOME, *worse]).front == search(SOME).front == (4, 1)


def test_of_trials_that_are_as_good_the_first_stays():
    found = search([trial(0, (80.0,)), trial(1, (82.0,)), trial(2, (82.0,)), trial(3, (81.0,))], ["top1"])
    assert found.front == (1,)
    assert found.best().number == 1


def test_fronts_on_the_way_are_those_of_the_trials_that_were_over_first():
    late_first = [*reversed([trial(number, values or (1.0, 1.0)) for number, values in enumerate(VALUES)])]
    found = search(sorted(late_first, key=lambda one: one.number))
    assert found.fronts == {0.25: (0,), 0.5: (0, 1), 0.75: (0, 1), 1.0: (4, 1)}


def test_the_order_is_that_of_finishing_and_costs_add_up():
    slow = trial(0, (80.0,), finished_at=START + dt.timedelta(hours=1), slot_seconds=3600.0)
    found = search([slow, trial(1, (81.0,)), trial(2, (82.0,))], ["top1"])
    assert [one.number for one in found.over] == [1, 2, 0]
    assert found.slot_hours == pytest.approx((0.1, 0.2, 1.2))


def test_the_hypervolume_grows_as_the_store_computes_it():
    drawn = random.Random(2)
    values = [(drawn.uniform(70, 90), drawn.uniform(100, 900)) for _ in range(200)]
    found = search([trial(number, one) for number, one in enumerate(values)])
    assert [step.value for step in found.steps] == pytest.approx(hypervolumes(values))
    assert [step.over for step in found.steps] == list(range(1, 201))
    assert found.reference == (min(one for one, _ in values), min(one for _, one in values))


def test_the_best_so_far_never_falls_and_starts_with_the_first_complete_trial():
    found = search([trial(0, (None,), "failed"), trial(1, (80.0,)), trial(2, (79.0,)), trial(3, (82.0,))], ["top1"])
    assert [(step.over, step.value) for step in found.steps] == [(2, 80.0), (3, 80.0), (4, pytest.approx(82.0))]


def test_a_long_search_has_no_more_steps_than_a_chart_needs():
    found = search([trial(number, (float(number),)) for number in range(3000)], ["top1"])
    assert len(found.steps) <= STEPS + len(SHARES)
    assert found.steps[-1].over == 3000
    told = search_words.progress(len(found.steps), len(found.over))
    assert told == f"The line has {len(found.steps):,} points for 3,000 trials, evenly spread among them."
    assert search_words.progress(STEPS - 1, STEPS) == ""
    assert found.steps[-1].value == 2999.0


def test_before_the_first_complete_trial_there_is_nothing():
    found = search([trial(0, (), "open")])
    assert (found.front, found.steps, found.hypervolume, found.best()) == ((), (), 0.0, None)
    assert search([]).over == ()


# Words ----------------------------------------------------------------------------------------------------------------


def test_the_aim_names_objectives_floors_axes_and_sampler():
    floors = {"top1": 70, "inference_images_per_second": 5000}
    assert search_words.aim(search([], floors=floors).terms) == (
        "Looks for the best trade-offs between top-1 accuracy and training throughput where top-1 accuracy is at least "
        "70.00 % and inference throughput is at least 5,000 images/s. Chooses among 24 combinations of train "
        "resolution (3 values), test resolution (4 values) and norm (2 values), by NSGA-II."
    )
    words = search_words.aim(search([], ["speedup"], sampler="tpe", pruner="hyperband", points=None).terms)
    assert words.startswith("Looks for the highest speed-up. Chooses train resolution (3 values)")
    assert words.endswith("by TPE; Hyperband gives hopeless trainings up.")


def test_trials_are_counted_by_state_and_origin():
    trials = [
        trial(0, (80.0, 1.0), origin="stored", jobs=4, reused=4),
        trial(1, (80.0, 2.0), origin="companion"),
        *SOME[2:4],
        trial(4, (), "open", jobs=0, reused=0),
    ]
    assert search_words.tally(search(trials)) == (
        "5 trials: **1 open**, **3 complete** (1 of them stored before and 1 a companion) and **1 infeasible**. "
        "Of 16 jobs in all, 7 were there already."
    )
    assert search_words.tally(search([])) == "No trial yet."


def test_the_result_is_the_best_trial_or_the_front_with_what_it_covers():
    assert search_words.result(search(SOME)) == (
        "Front: 2 trials. Hypervolume: 950 %·images/s above the worst values among complete trials (80.00 % and 400 "
        "images/s)."
    )
    assert search_words.result(search([trial(1, (81.5,))], ["top1"])) == (
        "Best so far: 81.50 %, trial 1: train resolution 64, test resolution 64, norm ln+pn."
    )


def test_a_budget_of_trials_counts_what_the_sampler_proposed():
    trials = [trial(0, (1.0, 1.0), origin="stored", slot_seconds=0.0), trial(1, (2.0, 1.0)), trial(2, (), "open")]
    budget = {"trials": 4, "slot_hours": 0.8, "hours": None}
    found = search(trials, budget=budget)
    assert search_words.budget_used(found, 1.0) == "1 of 4 proposed trials and 0.1 of 0.8 slot-hours"
    assert search_words.share_used(found, 1.0) == pytest.approx(0.25)
    assert search_words.share_used(search(trials, budget={"trials": None}), 1.0) is None


def test_why_a_search_ended_is_told_and_what_still_runs():
    found = search([trial(0, (), "open")], ended="its 2 slot-hours are used up")
    assert search_words.state(found, "running") == (
        "Proposes nothing more: its 2 slot-hours are used up. 1 trial is still running."
    )
    assert search_words.state(search(SOME), "running") == ""
    assert "go on" in search_words.state(search(SOME), "stopped")


def test_a_row_of_the_file_has_what_a_floor_is_missed_by_and_the_last_accuracy_of_a_pruned_trial():
    pruned = trial(0, (71.5,), "pruned", curve={1: 60.0, 2: 71.5}, violations=(-5.0,))
    found = search([pruned], ["top1"], floors={"train_images_per_second": 10}, pruner="asha")
    row = search_words.file_row(pruned, found)
    assert row["train_images_per_second_missing"] == -5.0
    assert (row["last_epoch"], row["top1_then"], row["top1"], row["jobs"], row["reused"]) == (2, 71.5, 71.5, 4, 1)


# What is drawn --------------------------------------------------------------------------------------------------------


def records(found):
    return trial_points.trial_records(found, trial_points.drawn(found, found.front))


def test_every_trial_with_a_known_value_is_drawn_and_the_front_marked():
    found = search([*SOME, trial(5, (), "open"), trial(6, (None, None), "failed")])
    drawn = records(found)
    assert list(drawn["point"]) == ["0", "1", "2", "3", "4"]
    assert list(drawn["on_front"]) == [False, True, False, False, True]
    assert list(drawn["counts"]) == [True, True, True, False, True]
    assert drawn["value0"].isna().tolist() == [False, False, False, True, False]
    assert list(drawn["place"]) == [1, 2, 3, 4, 5]
    assert drawn["State"][3] == "infeasible: a floor"
    assert search_words.drawn(len(drawn), found).startswith("5 of 7 trials shown; not shown: 2 without a known value")


def test_a_long_search_is_thinned_evenly_and_keeps_its_front(monkeypatch):
    monkeypatch.setattr(trial_points, "DRAWN", 10)
    values = [(80.0 + (number == 7) + (number % 2) / 9, 500.0 - number) for number in range(1000)]
    found = search([trial(number, one) for number, one in enumerate(values)])
    drawn = trial_points.drawn(found, found.front)
    places = [place for place, _ in drawn]
    assert {one.number for _, one in drawn} >= set(found.front)
    assert len(drawn) == 10 + len(found.front)
    assert places[-1] == 1000
    assert max(later - earlier for earlier, later in itertools.pairwise(places)) <= 101
    assert f"{1000 - len(drawn)} left out evenly" in search_words.drawn(len(drawn), found)


def test_below_the_steps_of_a_front_lies_what_the_hypervolume_counts():
    found = search(SOME)
    steps = trial_points.front_records(found)
    last = steps[steps["share"] == 1.0]
    corners = list(zip(last["value0"], last["value1"], strict=True))
    assert corners == [(80.0, 950.0), (81.0, 950.0), (81.0, 500.0), (85.0, 500.0), (85.0, 400.0)]
    assert list(dict.fromkeys(steps["after"])) == [
        "1 trial (25%)",
        "2 trials (50%)",
        "4 trials (75%)",
        "5 trials (100%)",
    ]
    area = sum(
        (right - left) * (height - 400.0)
        for (left, height), (right, same) in itertools.pairwise(corners)
        if height == same
    )
    assert area == pytest.approx(found.hypervolume)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("narrow", [False, True])
def test_every_chart_is_valid(palette, narrow):
    two, curve = search(SOME), {1: 60.0, 4: 70.0}
    one = search([trial(0, (80.0,), curve=curve), trial(1, (70.0,), "pruned", curve=curve)], ["top1"], pruner="asha")
    table = Table(two.terms.axes[0], two.terms.axes[1], 0, {})
    shares = importance_figure.importance_records({"top1": {"norm": 0.4, "train_resolution": 0.6}}, two.terms)
    curves = trial_points.curve_records(one, trial_points.curve_trials(one))
    figures = [
        front_figure(records(two), two, palette=palette, stacked=narrow),
        front_figure(records(two), two, palette=palette, by=two.terms.axes[2], stacked=narrow, picked=("1",)),
        best_figure(records(one), one, against="over", palette=palette, stacked=narrow),
        best_figure(records(one), one, against="slot_hours", palette=palette, by=one.terms.axes[0], stacked=narrow),
        way_figure(two, against="over", palette=palette, stacked=narrow),
        way_figure(two, against="slot_hours", palette=palette, stacked=narrow),
        early_figure(curves, palette=palette, narrow=narrow),
        heat_figure.heat_figure(heat_figure.heat_records(two, table), two, table, palette=palette, narrow=narrow),
        importance_figure.importance_figure(shares, palette=palette, narrow=narrow),
    ]
    for figure in figures:
        spec = figure.to_dict(validate=False)
        assert type(figure).from_dict(spec, validate=True)
        assert spec["description"]


def test_accuracy_is_drawn_upwards_whatever_its_place_and_throughput_on_a_logarithmic_axis():
    turned = [trial(number, values[::-1]) for number, values in enumerate(VALUES) if values]
    for found, accuracy in ((search(SOME), "value0"), (search(turned, TWO[::-1]), "value1")):
        layer = front_figure(records(found), found, palette=LIGHT).to_dict(validate=False)["layer"][-1]
        assert layer["encoding"]["y"]["field"] == accuracy
        assert layer["encoding"]["x"]["scale"]["type"] == "log"
        assert layer["encoding"]["y"]["title"] == "Top-1 accuracy, %"


def test_only_the_first_of_many_axis_values_get_colours_of_their_own():
    axes = {"train_resolution": tuple(range(64, 192, 8)), "norm": ("bn", "gn")}
    row = SearchRow(sweep_id=1, settings=search_settings(axes, TWO), importances={}, ended="", created_at=START)
    trials = [
        trial(number, (80.0 + number, 900.0 - number), params={"train_resolution": 64 + 8 * number, "norm": "bn"})
        for number in range(9)
    ]
    found = account(row, trials)
    kinds = {}
    for axis in found.terms.axes:
        spec = front_figure(records(found), found, palette=LIGHT, by=axis).to_dict(validate=False)
        kinds[axis.name] = spec["layer"][-2]["encoding"]["color"]["type"]
    assert kinds == {"train_resolution": "quantitative", "norm": "nominal"}


def heat(found, **changes):
    """Cells by column and row: value, and what is written."""
    first, second, _ = found.terms.axes
    table = Table(first, second, changes.get("objective", 0), changes.get("only", {}))
    cells = heat_figure.heat_records(found, table)
    return {
        (one.column, one.row): (None if one.value != one.value else one.value, one.words) for one in cells.itertuples()
    }


def test_a_heat_map_has_the_best_of_each_cell_and_leaves_empty_what_nobody_tried():
    at = {"train_resolution": 64, "test_resolution": 96}
    trials = [
        trial(0, (80.0, 900.0), params={**at, "norm": "bn"}),
        trial(1, (82.0, 700.0), params={**at, "norm": "ln+pn"}),
        trial(2, (None, 700.0), "skipped", params={"train_resolution": 128, "test_resolution": 64, "norm": "bn"}),
    ]
    cells = heat(search(trials))
    assert len(cells) == 3 * 4
    assert cells["64", "96"] == (82.0, "82.00")
    assert cells["128", "64"] == (None, "skipped")
    assert cells["96", "96"] == (None, "")
    assert heat(search(trials), objective=1)["64", "96"] == (900.0, "900")
    assert heat(search(trials), only={"norm": "bn"})["64", "96"] == (80.0, "80.00")


def test_a_heat_map_of_very_many_cells_draws_the_best_that_were_tried(monkeypatch):
    monkeypatch.setattr(heat_figure, "MOST", 3)
    found = search([trial(number, (80.0 + number, 1.0)) for number in range(0, 24, 2)])
    first, second, _ = found.terms.axes
    cells = heat_figure.heat_records(found, Table(first, second, 0, {}))
    shown = heat_figure.drawn(cells)
    assert list(shown["value"]) == [102.0, 100.0, 98.0]
    words = search_words.heat(cells["tried"].tolist(), cells["value"].notna().tolist(), len(shown))
    assert "Drawn are the 3 best" in words


def test_importances_are_drawn_for_each_objective_the_axis_that_matters_most_first():
    shares = {"top1": {"train_resolution": 0.2, "norm": 0.1}, TWO[1]: {"norm": 0.9, "train_resolution": 0.1}}
    bars = importance_figure.importance_records(shares, search([]).terms)
    assert list(bars["axis"]) == ["norm", "norm", "train resolution", "train resolution"]
    assert list(bars["words"]) == ["10%", "90%", "20%", "10%"]
    assert importance_figure.importance_records({}, search([]).terms).empty


def test_learning_curves_are_those_of_the_best_and_of_the_newest_others(monkeypatch):
    monkeypatch.setattr(trial_points, "CURVES", 2)
    trials = [trial(number, (90.0 - number,), curve={1: 50.0, 2: 60.0 + number}) for number in range(5)]
    found = search([*trials, trial(5, (None,), "infeasible")], ["top1"], pruner="asha")
    shown = trial_points.curve_trials(found)
    assert [one.number for one in shown] == [3, 4, 0]
    curves = trial_points.curve_records(found, shown)
    assert list(curves["kind"]) == ["complete"] * 4 + ["best"] * 2
    assert list(curves["is_last"]) == [False, True] * 3
    assert "3 of 5 trials shown" in search_words.curves(len(shown), 5)


# The page -------------------------------------------------------------------------------------------------------------


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

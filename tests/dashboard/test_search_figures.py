"""What a search has come to, as it is said and drawn, without a page."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pytest

from dashboard.figures import heat_figure, importance_figure, trial_points
from dashboard.figures.early_figure import early_figure
from dashboard.figures.heat_figure import Table
from dashboard.figures.palette import DARK, LIGHT
from dashboard.figures.trial_figure import best_figure, front_figure
from dashboard.figures.way_figure import way_figure
from dashboard.words import search_words
from dashboard.words.search_account import SHARES, STEPS, account
from db.hypervolume import hypervolumes
from db.search_records import SearchRow, TrialRow
from tests.dashboard.searched import search_settings

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

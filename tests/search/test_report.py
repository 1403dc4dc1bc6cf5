"""How a search is told to stand."""

from __future__ import annotations

import datetime as dt

import pytest

from db.search_records import SearchRow, TrialRow
from orchestrator.search.report import Report, print_report

BEGAN = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)
SETTINGS = {
    "axes": [{"name": "norm", "values": ["gn", "ln"]}, {"name": "train_resolution", "values": [20, 28]}],
    "objectives": ["top1", "train_images_per_second"],
    "budget": {"trials": 6, "slot_hours": None, "hours": None},
}


def trial(number, *values, state="complete", origin="sampler", norm="gn", **fields):
    ended = None if state == "open" else BEGAN + dt.timedelta(minutes=number + 1)
    fields = {"jobs": 3, "reused": 1, "slot_seconds": 60.0, **fields}
    return TrialRow(
        number=number,
        params={"norm": norm, "train_resolution": 20 + number},
        origin=origin,
        state=state,
        values=values,
        created_at=BEGAN,
        finished_at=ended,
        **fields,
    )


def report(*trials, state="running", ended="", **settings):
    row = SearchRow(sweep_id=1, settings={**SETTINGS, **settings}, importances={}, ended=ended, created_at=BEGAN)
    return Report("look", state, row, trials)


FRONT = (
    trial(0, 70.0, 100.0),
    trial(1, 60.0, 90.0),
    trial(2, 80.0, 50.0, norm="ln"),
    trial(3, state="open"),
    trial(4, 70.0, 100.0, origin="companion"),
)


def test_the_front_has_what_no_other_trial_beats_equal_ones_too():
    assert [one.number for one in report(*FRONT).best] == [2, 0, 4]


def test_of_one_objective_there_is_one_best():
    found = report(trial(0, 70.0), trial(1, 71.0), trial(2, 71.0), objectives=["top1"])
    assert [one.number for one in found.best] == [1]


def test_the_hypervolume_grows_to_all_of_it():
    covered = report(*FRONT).covered
    assert covered == sorted(covered)
    assert covered[-1] == 1
    assert len(covered) == 4


def test_the_time_left_is_predicted_while_it_runs():
    # Of four trials two more were proposed in four minutes, and three are left.
    assert report(*FRONT).seconds_left == pytest.approx(3 * 120)
    assert report(*FRONT, state="finished").seconds_left is None
    assert report(*FRONT, ended="its 6 trials are made").seconds_left is None
    assert report(trial(0, state="open")).seconds_left is None


def test_json_tells_everything():
    told = report(*FRONT, ended="its 6 trials are made").to_json()
    assert told["trials"] == {"complete": 4, "open": 1}
    assert told["origins"] == {"sampler": 4, "companion": 1}
    assert (told["jobs"], told["jobs_reused"], told["slot_seconds"]) == (15, 5, 300.0)
    assert told["best"][0] == {
        "trial": 2,
        "norm": "ln",
        "train_resolution": 22,
        "top1": 80.0,
        "train_images_per_second": 50.0,
        "origin": "sampler",
        "state": "complete",
        "slot_seconds": 60.0,
        "reason": "",
    }
    assert [one["trial"] for one in told["hypervolume"]] == [0, 1, 2, 4]


def test_for_a_person_it_says_state_cost_and_front(capsys):
    print_report(report(*FRONT))
    out = capsys.readouterr().out
    assert "look: running; 5 trial(s): 4 complete, 1 open, 1 of trainings that were paid for" in out
    assert "10 job(s) asked for and 5 reused; 0.08 slot-hours" in out
    assert "about 6 min left to the end of its budget" in out
    assert "trials that no other one beats" in out
    assert "hypervolume of the front, of today's:" in out


def test_where_no_floor_is_met_the_nearest_is_told(capsys):
    far = trial(0, 50.0, 9.0, state="infeasible", violations=(0.5, -0.1), reason="top-1 is low")
    near = trial(1, 60.0, 9.0, state="infeasible", violations=(0.1, -0.9), reason="top-1 is nearly there")
    print_report(report(far, near, state="finished", ended="everything has been tried"))
    out = capsys.readouterr().out
    assert "look: finished, since everything has been tried" in out
    assert "nearest was trial 1 (norm gn, train_resolution 21): infeasible: 60.00 % top-1" in out
    assert "nearly there" in out


def test_before_the_first_result_it_says_so(capsys):
    print_report(report())
    assert "no trial yet" in capsys.readouterr().out

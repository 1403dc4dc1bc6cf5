"""How long a search is said to run on."""

from __future__ import annotations

import datetime as dt

import pytest

from db.search_pace import ended, seconds_left
from db.search_records import TrialRow

BEGAN = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)


def trial(number, *, origin="sampler", slot_seconds=360.0, minutes=None):
    """A trial that was over so many minutes after the beginning; by default one a minute."""
    after = number + 1 if minutes is None else minutes
    return TrialRow(
        number=number,
        params={},
        origin=origin,
        state="complete",
        values=(1.0, 1.0),
        jobs=1,
        reused=0,
        slot_seconds=slot_seconds,
        created_at=BEGAN,
        finished_at=BEGAN + dt.timedelta(minutes=after),
    )


SIX = [trial(number) for number in range(6)]


def test_the_time_left_is_told_by_what_ends_first():
    assert seconds_left(SIX, {"trials": 10}, 1.0) == pytest.approx(4 * 60)
    assert seconds_left(SIX, {"slot_hours": 0.8, "trials": None}, 1.0) == pytest.approx(2 * 60)
    assert seconds_left(SIX, {"trials": 10, "slot_hours": 0.8, "hours": 1.01}, 1.0) == pytest.approx(36)
    assert seconds_left(SIX, {"trials": 6}, 1.0) == 0


def test_nothing_is_told_by_too_few_trials_or_without_a_budget():
    assert seconds_left(SIX[:2], {"trials": 10}, 1.0) is None
    assert seconds_left(SIX, {}, 1.0) is None
    assert seconds_left([], {"hours": 2.0}, 0.5) == pytest.approx(1.5 * 3600)


def test_trials_that_cost_nothing_do_not_make_the_time_left_shorter():
    free = [trial(number, origin="stored", slot_seconds=0.0) for number in range(5)]
    paid = [trial(number) for number in range(5, 11)]
    assert seconds_left([*free, *paid], {"trials": 10}, 1.0) == pytest.approx(4 * 60)


def test_only_the_last_trials_tell():
    slow = [trial(number, minutes=100 * number) for number in range(10)]
    quick = [trial(number, minutes=1000 + number) for number in range(10, 40)]
    assert seconds_left([*slow, *quick], {"trials": 50}, 0.0) == pytest.approx(10 * 60)


def test_trials_are_told_in_the_order_of_finishing():
    late, soon = trial(0, minutes=9), trial(1, minutes=2)
    assert ended([late, soon]) == [soon, late]

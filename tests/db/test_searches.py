"""Searches and their trials in the store, on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from db.errors import StoreError
from db.search_records import NewTrial, TrialEnd
from tests.db.example_rows import job, training

SETTINGS = {"axes": [{"name": "norm", "values": ["gn", "ln"]}], "objectives": ["top1"], "budget": {"trials": 3}}
TRAIN = job("train")
TEST, OTHER_TEST = (job(name, "evaluate", depends_on=TRAIN.fingerprint) for name in ("test", "other test"))


@pytest.fixture
def search(store, sweep):
    """The writer of a search."""
    writer = store.search(sweep.sweep_id)
    writer.put(SETTINGS)
    return writer


@pytest.fixture
def stored(reader, sweep, search):  # noqa: ARG001  # what is read was written
    return reader.search(sweep.sweep_id)


def trial(number=0, **fields):
    return NewTrial(**{"number": number, "params": {"norm": "gn", "width": number}, "origin": "sampler", **fields})


def linked(reader, sweep):
    return [row.fingerprint for row in reader.jobs_of(sweep.sweep_id)]


def test_a_sweep_is_no_search_until_it_is_made_one(store, reader, sweep):
    assert reader.search(sweep.sweep_id).row() is None
    assert reader.searches() == []
    store.search(sweep.sweep_id).put(SETTINGS)
    row = reader.search(sweep.sweep_id).row()
    assert (row.settings, row.importances, row.ended) == (SETTINGS, {}, "")
    assert [one.sweep_id for one in reader.searches()] == [sweep.sweep_id]


def test_a_trial_comes_with_its_jobs_and_goes_with_its_values(search, stored, reader, sweep):
    search.add_trial(trial(attributes={"generation": 2}), [TRAIN, TEST])
    (row,) = stored.trials()
    assert (row.state, row.params, row.attributes) == ("open", {"norm": "gn", "width": 0}, {"generation": 2})
    assert (row.jobs, row.reused, row.slot_seconds, row.finished_at) == (2, 0, 0.0, None)
    assert linked(reader, sweep) == [TRAIN.fingerprint, TEST.fingerprint]
    assert search.finish_trial(0, TrialEnd(state="complete", values=(71.5, None), violations=(-0.1,)))
    (row,) = stored.trials()
    assert (row.state, row.values, row.violations) == ("complete", (71.5, None), (-0.1,))
    assert row.finished_at is not None


def test_a_trial_ends_once(search, stored):
    search.add_trial(trial(), [])
    assert search.finish_trial(0, TrialEnd(state="complete", values=(1.0,)))
    assert not search.finish_trial(0, TrialEnd(state="failed", reason="late"))
    assert stored.trials()[0].state == "complete"


def test_the_same_point_or_number_is_no_second_trial(search, stored):
    search.add_trial(trial(), [])
    for again in (trial(1, params=trial().params), trial(0, params={"norm": "ln"})):
        with pytest.raises((IntegrityError, StoreError)):
            search.add_trial(again, [])
    assert len(stored.trials()) == 1


def test_a_trial_that_is_told_twice_is_kept_once(search, stored):
    for _ in range(2):
        search.add_trial(trial(), [TRAIN, TEST])
    (row,) = stored.trials()
    assert (row.jobs, row.reused) == (2, 0)


def test_a_job_that_an_earlier_trial_asked_for_is_reused(search, stored):
    search.add_trial(trial(), [TRAIN, TEST])
    search.add_trial(trial(1), [TRAIN, OTHER_TEST])
    search.extend_trial(1, [TRAIN, OTHER_TEST, TEST])
    assert [(row.jobs, row.reused) for row in stored.trials()] == [(2, 0), (3, 2)]
    assert [(row["number"], row["reused"]) for row in stored.trial_jobs()].count((1, True)) == 2


def test_what_was_done_before_the_search_is_reused_and_costs_nothing(search, stored, sweep):
    sweep.train("before")
    search.add_trial(trial(), sweep.jobs)
    assert [(row.jobs, row.reused, row.slot_seconds) for row in stored.trials()] == [(1, 1, 0.0)]
    assert stored.slot_seconds() == 0.0


def test_the_time_of_attempts_is_the_cost_of_the_trial_that_asked_first(search, stored, reader, sweep):
    search.add_trial(trial(), [TRAIN])
    search.add_trial(trial(1), [TRAIN])
    attempt = sweep.claim(TRAIN)
    sweep.store.finish_training(TRAIN.fingerprint, attempt, training())
    tried = reader.attempts_of(TRAIN.fingerprint)[0]
    seconds = (tried.ended_at - tried.started_at).total_seconds()
    assert [row.slot_seconds for row in stored.trials()] == [pytest.approx(seconds, abs=1e-3), 0.0]
    assert stored.slot_seconds() == pytest.approx(seconds, abs=1e-3)
    assert seconds > 0


def test_withdrawn_jobs_leave_the_sweep_and_stay_queued(search, stored, store, reader, sweep):
    both = [TRAIN.fingerprint, TEST.fingerprint]
    search.add_trial(trial(), [TRAIN, TEST])
    search.finish_trial(0, TrialEnd(state="pruned", values=(50.0,)), both)
    assert linked(reader, sweep) == []
    assert set(store.job_states(both).values()) == {"queued"}
    assert stored.trials()[0].jobs == 2, "what it asked for is still known"


def test_a_curve_is_kept_while_the_trial_is_open(search, stored):
    search.add_trial(trial(), [])
    search.record_curve(0, {1: 40.0, 2: 55.5})
    assert stored.trials()[0].curve == {1: 40.0, 2: 55.5}
    search.finish_trial(0, TrialEnd(state="pruned", values=(55.5,)))
    search.record_curve(0, {3: 60.0})
    assert stored.trials()[0].curve == {1: 40.0, 2: 55.5}


def test_only_a_failed_trial_is_opened_again(search, stored):
    search.add_trial(trial(), [])
    search.add_trial(trial(1), [])
    search.finish_trial(0, TrialEnd(state="failed", reason="crashed"))
    search.finish_trial(1, TrialEnd(state="complete", values=(1.0,)))
    search.reopen_trial(0)
    search.reopen_trial(1)
    assert [(row.state, row.reason, row.finished_at is None) for row in stored.trials()] == [
        ("open", "", True),
        ("complete", "", False),
    ]


def test_why_it_ended_is_forgotten_when_it_goes_on(search, stored):
    search.end("its 3 trials are made")
    assert stored.row().ended == "its 3 trials are made"
    search.set_importances({"top1": {"norm": 0.75}})
    search.put(SETTINGS)
    assert stored.row().ended == ""
    assert stored.row().importances == {"top1": {"norm": 0.75}}


def test_readers_notice_every_change(search, reader):
    seen = {reader.data_version()}
    for change in (
        lambda: search.add_trial(trial(), []),
        lambda: search.finish_trial(0, TrialEnd(state="complete", values=(1.0,))),
        lambda: search.end("done"),
    ):
        change()
        version = reader.data_version()
        assert version not in seen
        seen.add(version)


def test_right_answers_of_evaluations(stored, sweep):
    tested = sweep.evaluate(
        sweep.train("one"),
        images=400,
        correct=300,
        correct_before_fine_tune=9,
        validation_images=40,
        validation_correct=31,
    )
    (counts,) = stored.counts_of([tested, "f" * 32])
    assert counts == {"images": 400, "correct": 300, "validation_images": 40, "validation_correct": 31}

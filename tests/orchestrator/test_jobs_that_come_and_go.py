"""The scheduler while jobs are added and withdrawn, as a search does."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.scheduling.events import (
    Added,
    EndAttempt,
    Ended,
    Outcome,
    Running,
    SeenElsewhere,
    SlotUp,
    Start,
    StopAttempt,
    Withdrawn,
)
from orchestrator.scheduling.scheduler import FINAL_STATES, Scheduler
from tests.orchestrator.test_scheduler import evaluation, measurement, slot, started, training


def up(*tasks, slots=1):
    scheduler = Scheduler(tasks)
    actions = [action for number in range(slots) for action in scheduler.handle(SlotUp(slot(number)), 0.0)]
    for fingerprint, _ in started(actions):
        scheduler.handle(Running(fingerprint, 1), 0.0)
    return scheduler, actions


def test_a_job_that_is_added_starts_where_there_is_room():
    scheduler, _ = up()
    assert scheduler.settled
    actions = scheduler.handle(Added((training(), evaluation())), 1.0)
    assert started(actions) == [("t", "cpu-a-0")]
    scheduler.handle(Running("t", 1), 1.0)
    assert not scheduler.settled
    assert started(scheduler.handle(Ended("t", 1, Outcome.DONE), 2.0)) == [("e", "cpu-a-0")]


def test_an_evaluation_may_be_added_after_its_training_is_done():
    scheduler, _ = up(training(state="done"))
    assert started(scheduler.handle(Added((evaluation(),)), 1.0)) == [("e", "cpu-a-0")]


def test_adding_a_running_job_again_changes_nothing():
    scheduler, _ = up(training())
    before = scheduler.running
    assert started(scheduler.handle(Added((training(state="running"),)), 1.0)) == []
    assert scheduler.running == before
    assert not scheduler.elsewhere


def test_a_job_that_another_driver_runs_is_waited_for():
    scheduler, _ = up()
    assert started(scheduler.handle(Added((training(state="running"),)), 1.0)) == []
    assert scheduler.elsewhere == {"t"}
    assert not scheduler.settled
    scheduler.handle(SeenElsewhere("t", "done"), 2.0)
    assert scheduler.tasks["t"].state == "done"


def test_a_withdrawn_job_is_stopped_and_left_queued_for_others():
    scheduler, _ = up(training(), evaluation())
    actions = scheduler.handle(Withdrawn("t", "it lags"), 3.0)
    assert actions == [
        StopAttempt("cpu-a-0", "t", 1),
        EndAttempt("t", 1, "stopped", "queued", "it lags"),
    ]
    assert not scheduler.tasks
    assert scheduler.settled
    assert scheduler.handle(Ended("t", 1, Outcome.DONE), 4.0) == [], "what it still says is too late"
    assert scheduler.handle(SeenElsewhere("t", "queued"), 5.0) == []


def test_a_withdrawn_job_gives_its_slot_to_the_next():
    scheduler, _ = up(training(), training("next", 1))
    actions = scheduler.handle(Withdrawn("t", "it lags"), 3.0)
    assert started(actions) == [("next", "cpu-a-0")]


def test_what_was_withdrawn_may_come_again():
    scheduler, _ = up(training())
    scheduler.handle(Withdrawn("t", "it lags"), 3.0)
    assert started(scheduler.handle(Added((training(),)), 4.0)) == [("t", "cpu-a-0")]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_however_jobs_come_and_go_no_slot_has_two_and_all_that_stay_are_decided(seed):
    """Jobs are added and withdrawn at random while attempts end; then everything runs to its end."""
    dice = random.Random(seed)
    scheduler, actions = up(slots=2)
    attempts, added = {}, 0

    def take(actions):
        for action in actions:
            if isinstance(action, Start):
                attempts[action.fingerprint] = attempts.get(action.fingerprint, 0) + 1
                take(scheduler.handle(Running(action.fingerprint, attempts[action.fingerprint]), 0.0))

    take(actions)
    for _ in range(60):
        running = scheduler.running
        slots = [one.slot_id for one, _ in running.values()]
        assert len(slots) == len(set(slots))
        measuring = [key for key in running if scheduler.tasks[key].stage == "measure"]
        assert not measuring or len(running) == 1
        choice = dice.random()
        if choice < 0.4:
            name = f"t{added}"
            added += 1
            tasks = (training(name, added), evaluation(f"e{name}", name, added), measurement(f"m{name}", added))
            take(scheduler.handle(Added(tasks[: dice.randint(1, 3)]), 0.0))
        elif choice < 0.55 and scheduler.tasks:
            take(scheduler.handle(Withdrawn(dice.choice(sorted(scheduler.tasks)), "over"), 0.0))
        elif running:
            fingerprint, (_, number) = dice.choice(sorted(running.items(), key=lambda item: item[0]))
            outcome = dice.choice([Outcome.DONE, Outcome.DONE, Outcome.FAILED])
            take(scheduler.handle(Ended(fingerprint, number, outcome), 0.0))
    while scheduler.running:
        fingerprint, (_, number) = next(iter(scheduler.running.items()))
        take(scheduler.handle(Ended(fingerprint, number, Outcome.DONE), 0.0))
    assert scheduler.settled
    assert all(task.state in FINAL_STATES for task in scheduler.tasks.values())

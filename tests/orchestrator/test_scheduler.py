"""The scheduler's rules, one by one, and a simulation that checks its invariants under random faults."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.scheduling.events import (
    Drain,
    EndAttempt,
    Ended,
    Outcome,
    Paused,
    Policy,
    Resumed,
    RetireSlot,
    Running,
    SeenElsewhere,
    SetState,
    SignOfLife,
    Slot,
    SlotLost,
    SlotUp,
    Start,
    StartRefused,
    StopAttempt,
    StopNow,
    Task,
    Tick,
)
from orchestrator.scheduling.scheduler import FINAL_STATES, Scheduler

CPU = frozenset({"cpu"})
KEY = "this-cpu"


def slot(number=0, *, node="a", kind="cpu", key=KEY):
    return Slot(slot_id=f"{kind}-{node}-{number}", kind=kind, node=node, environment_key=key)


def training(name="t", ordinal=0, **fields):
    return Task(fingerprint=name, stage="train", ordinal=ordinal, slot_kinds=CPU, **fields)


def evaluation(name="e", of="t", ordinal=1, **fields):
    return Task(fingerprint=name, stage="evaluate", ordinal=ordinal, slot_kinds=CPU, depends_on=of, **fields)


def measurement(name="m", ordinal=2, **fields):
    return Task(fingerprint=name, stage="measure", ordinal=ordinal, slot_kinds=CPU, environment_key=KEY, **fields)


def started(actions):
    return [(one.fingerprint, one.slot_id) for one in actions if isinstance(one, Start)]


def scheduler_running(*tasks, slots=1, policy=None):
    """A scheduler whose first ``slots`` startable jobs run as attempt 1."""
    scheduler = Scheduler(tasks, policy)
    actions = [action for number in range(slots) for action in scheduler.handle(SlotUp(slot(number)), 0.0)]
    for fingerprint, _ in started(actions):
        scheduler.handle(Running(fingerprint, 1), 0.0)
    return scheduler


def test_an_evaluation_waits_for_its_training():
    scheduler = scheduler_running(evaluation(), training(), slots=2)
    assert set(scheduler.running) == {"t"}
    assert started(scheduler.handle(Ended("t", 1, Outcome.DONE), 1.0)) == [("e", slot(0).slot_id)]


def test_a_training_that_is_stored_already_lets_its_evaluation_start():
    scheduler = Scheduler([training(state="done"), evaluation()])
    assert started(scheduler.handle(SlotUp(slot()), 0.0)) == [("e", slot().slot_id)]


def test_evaluations_go_before_trainings_and_trainings_in_file_order():
    scheduler = Scheduler(
        [training("t0", 0), training("t1", 1), training("d", 2, state="done"), evaluation(of="d", ordinal=3)]
    )
    assert started(scheduler.handle(SlotUp(slot(0)), 0.0)) == [("e", slot(0).slot_id)]
    assert started(scheduler.handle(SlotUp(slot(1)), 0.0)) == [("t0", slot(1).slot_id)]


def test_a_measurement_starts_only_when_its_node_is_idle():
    scheduler = scheduler_running(training(), measurement(), slots=2)
    assert set(scheduler.running) == {"t"}, "one of two slots stays free rather than disturb the measurement"
    assert started(scheduler.handle(Ended("t", 1, Outcome.DONE), 1.0)) == [("m", slot(0).slot_id)]


def test_nothing_starts_beside_a_measurement():
    scheduler = scheduler_running(measurement("m0"), measurement("m1"), slots=2)
    assert set(scheduler.running) == {"m0"}
    assert started(scheduler.handle(Tick(), 1.0)) == []


def test_measurements_take_turns_round_by_round():
    scheduler = scheduler_running(*(measurement(name, ordinal) for ordinal, name in enumerate("abc")))
    seen, left = ["a"], {"a": 3, "b": 2, "c": 3}  # rounds
    while scheduler.running:
        ((now, (_, attempt)),) = scheduler.running.items()
        left[now] -= 1
        outcome = Outcome.ROUND_DONE if left[now] else Outcome.DONE
        for fingerprint, _ in started(scheduler.handle(Ended(now, attempt, outcome), 1.0)):
            scheduler.handle(Running(fingerprint, attempt + 1), 1.0)
            seen.append(fingerprint)
    assert "".join(seen) == "abcabcac"
    assert scheduler.settled
    assert {task.state for task in scheduler.tasks.values()} == {"done"}


def test_a_measurement_that_is_behind_after_a_restart_catches_up_first():
    scheduler = scheduler_running(measurement("a", 0, rounds_done=2), measurement("b", 1, rounds_done=1))
    assert set(scheduler.running) == {"b"}


def test_a_measurement_on_one_node_does_not_hold_up_another_node():
    scheduler = scheduler_running(measurement(), training("t0"), training("t1"))
    actions = scheduler.handle(SlotUp(slot(node="b")), 1.0)
    assert started(actions) == [("t1", slot(node="b").slot_id)]


def test_a_measurement_runs_only_in_the_environment_that_it_is_about():
    scheduler = Scheduler([measurement()])
    actions = scheduler.handle(SlotUp(slot(key="another-cpu")), 0.0)
    assert [(one.fingerprint, one.state) for one in actions if isinstance(one, SetState)] == [("m", "blocked")]
    actions = scheduler.handle(SlotUp(slot(1)), 1.0)
    assert [(one.fingerprint, one.state) for one in actions if isinstance(one, SetState)] == [("m", "queued")]
    assert started(actions) == [("m", slot(1).slot_id)]


def test_a_job_for_a_kind_of_slot_that_is_not_here_is_blocked_and_settles_the_run():
    scheduler = Scheduler([Task(fingerprint="t", stage="train", ordinal=0, slot_kinds=frozenset({"ipu"}))])
    actions = scheduler.handle(SlotUp(slot()), 0.0)
    assert actions == [SetState("t", "blocked", "no ipu slot of the kind it needs is here")]
    assert scheduler.settled


@pytest.mark.parametrize(("outcome", "state"), [(Outcome.DIVERGED, "diverged"), (Outcome.FAILED, "failed")])
def test_an_end_that_would_come_again_is_final_and_cancels_the_evaluations(outcome, state):
    scheduler = scheduler_running(training(), evaluation())
    actions = scheduler.handle(Ended("t", 1, outcome, "why"), 1.0)
    assert EndAttempt("t", 1, state, state, "why") in actions
    assert [one.fingerprint for one in actions if isinstance(one, SetState) and one.state == "cancelled"] == ["e"]
    assert scheduler.settled


def test_a_crash_is_tried_again_after_a_wait_that_doubles_and_then_quarantined():
    scheduler = scheduler_running(training(), policy=Policy(crashes=3, backoff_seconds=2.0))
    first = scheduler.handle(Ended("t", 1, Outcome.CRASHED, "signal 11"), 10.0)
    assert [one.next_state for one in first if isinstance(one, EndAttempt)] == ["queued"]
    assert started(scheduler.handle(Tick(), 11.9)) == []
    assert started(scheduler.handle(Tick(), 12.0)) == [("t", slot().slot_id)]
    scheduler.handle(Running("t", 2), 12.0)
    scheduler.handle(Ended("t", 2, Outcome.CRASHED, "signal 11"), 20.0)
    assert started(scheduler.handle(Tick(), 23.9)) == []
    scheduler.handle(Tick(), 24.0)
    scheduler.handle(Running("t", 3), 24.0)
    last = scheduler.handle(Ended("t", 3, Outcome.CRASHED, "signal 11"), 30.0)
    assert [one.next_state for one in last if isinstance(one, EndAttempt)] == ["quarantined"]
    assert scheduler.settled


def test_out_of_memory_alone_on_a_node_is_final():
    scheduler = scheduler_running(training())
    actions = scheduler.handle(Ended("t", 1, Outcome.OUT_OF_MEMORY, "12 GB"), 1.0)
    assert [one.next_state for one in actions if isinstance(one, EndAttempt)] == ["failed"]


def test_out_of_memory_beside_another_job_is_tried_once_more():
    scheduler = scheduler_running(training("t0"), training("t1"), slots=2)
    actions = scheduler.handle(Ended("t0", 1, Outcome.OUT_OF_MEMORY, "12 GB"), 1.0)
    assert [one.next_state for one in actions if isinstance(one, EndAttempt)] == ["queued"]
    scheduler.handle(Tick(), 10.0)
    scheduler.handle(Running("t0", 2), 10.0)
    actions = scheduler.handle(Ended("t0", 2, Outcome.OUT_OF_MEMORY, "12 GB"), 11.0)
    assert [one.next_state for one in actions if isinstance(one, EndAttempt)] == ["failed"]


def test_the_job_of_a_lost_slot_is_left_alone_until_the_lease_is_over():
    scheduler = scheduler_running(training(), policy=Policy(lease_seconds=30.0))
    assert scheduler.handle(SlotLost(slot().slot_id), 10.0) == []
    assert started(scheduler.handle(SlotUp(slot()), 20.0)) == [], "its old worker may still be running"
    assert scheduler.handle(Tick(), 39.9) == []
    actions = scheduler.handle(Tick(), 40.0)
    assert [one.outcome for one in actions if isinstance(one, EndAttempt)] == ["lost"]
    assert started(actions) == [("t", slot().slot_id)]


def test_a_result_that_comes_within_the_lease_counts():
    scheduler = scheduler_running(training())
    scheduler.handle(SlotLost(slot().slot_id), 10.0)
    scheduler.handle(Ended("t", 1, Outcome.DONE), 20.0)
    assert scheduler.tasks["t"].state == "done"
    assert scheduler.settled


def test_a_silent_attempt_is_stopped_and_tried_again_then_failed():
    scheduler = scheduler_running(training(), policy=Policy(silence_seconds=60.0, timeouts=2))
    scheduler.handle(SignOfLife("t", 1), 50.0)
    assert scheduler.handle(Tick(), 109.0) == []
    actions = scheduler.handle(Tick(), 110.0)
    assert StopAttempt(slot().slot_id, "t", 1) in actions
    assert started(actions) == [("t", slot().slot_id)]
    scheduler.handle(Running("t", 2), 111.0)
    actions = scheduler.handle(Tick(), 200.0)
    assert [one.next_state for one in actions if isinstance(one, EndAttempt)] == ["failed"]


@pytest.mark.parametrize(("kind", "patience"), [("cpu", 60.0), ("ipu", 600.0)])
def test_an_attempt_on_ipus_may_be_silent_for_longer_since_it_compiles(kind, patience):
    there = Slot(slot_id=f"{kind}-0", kind=kind, node="n", environment_key="e")
    task = Task(fingerprint="t", stage="train", ordinal=0, slot_kinds=frozenset({kind}))
    scheduler = Scheduler([task], Policy(silence_seconds=60.0, silence_on_ipus_seconds=600.0))
    scheduler.handle(SlotUp(there), 0.0)
    scheduler.handle(Running("t", 1), 0.0)
    assert scheduler.handle(Tick(), patience - 1.0) == []
    assert StopAttempt(there.slot_id, "t", 1) in scheduler.handle(Tick(), patience)


def test_what_an_attempt_says_after_its_end_is_ignored():
    scheduler = scheduler_running(training(), policy=Policy(silence_seconds=60.0))
    scheduler.handle(Tick(), 60.0)
    scheduler.handle(Running("t", 2), 61.0)
    assert scheduler.handle(Ended("t", 1, Outcome.FAILED, "late"), 62.0) == []
    assert scheduler.running["t"][1] == 2


def test_a_job_that_another_driver_has_is_waited_for_and_its_end_is_followed():
    scheduler = Scheduler([training(), evaluation()])
    scheduler.handle(SlotUp(slot()), 0.0)
    assert started(scheduler.handle(StartRefused("t"), 0.0)) == []
    assert scheduler.elsewhere == {"t"}
    assert not scheduler.settled
    assert started(scheduler.handle(SeenElsewhere("t", "done"), 5.0)) == [("e", slot().slot_id)]


def test_a_job_that_another_driver_gave_back_is_started_here():
    scheduler = Scheduler([training()], elsewhere=["t"])
    assert started(scheduler.handle(SlotUp(slot()), 0.0)) == []
    assert started(scheduler.handle(SeenElsewhere("t", "queued"), 5.0)) == [("t", slot().slot_id)]


def test_cancelling_a_running_job_stops_it_and_what_depends_on_it():
    scheduler = scheduler_running(training(), evaluation())
    actions = scheduler.handle(SeenElsewhere("t", "cancelled"), 1.0)
    assert StopAttempt(slot().slot_id, "t", 1) in actions
    assert SetState("e", "cancelled", "its training run was cancelled") in actions


def test_draining_lets_running_jobs_end_and_starts_no_more():
    scheduler = scheduler_running(training("t0"), training("t1"))
    scheduler.handle(Drain(), 1.0)
    assert not scheduler.settled
    assert scheduler.handle(Ended("t0", 1, Outcome.DONE), 2.0) == []
    assert scheduler.settled


def test_stopping_gives_running_jobs_back_without_charging_them():
    scheduler = scheduler_running(training())
    actions = scheduler.handle(StopNow(), 1.0)
    assert actions == [
        StopAttempt(slot().slot_id, "t", 1),
        EndAttempt("t", 1, "stopped", "queued", "stopped by the user"),
    ]
    assert scheduler.settled
    assert scheduler.tasks["t"].crashes == 0


def test_a_paused_sweep_starts_nothing_until_it_is_resumed_and_is_not_settled_meanwhile():
    scheduler = scheduler_running(training("t0"), evaluation(of="t0"), training("t1"))
    assert scheduler.handle(Paused(interrupts=False, reason="paused by ann"), 1.0) == []
    assert set(scheduler.running) == {"t0"}, "what runs goes on"
    assert started(scheduler.handle(Ended("t0", 1, Outcome.DONE), 2.0)) == []
    assert started(scheduler.handle(SlotUp(slot(1)), 3.0)) == []
    assert started(scheduler.handle(Tick(), 1e6)) == []
    assert not scheduler.settled
    assert started(scheduler.handle(Resumed(), 1e6)) == [("e", slot(0).slot_id), ("t1", slot(1).slot_id)]


def test_a_pause_that_interrupts_gives_running_jobs_back_without_charging_them():
    scheduler = scheduler_running(training())
    actions = scheduler.handle(Paused(interrupts=True, reason="paused by ann"), 1.0)
    assert actions == [
        StopAttempt(slot().slot_id, "t", 1),
        EndAttempt("t", 1, "stopped", "queued", "paused by ann"),
    ]
    task = scheduler.tasks["t"]
    assert (task.crashes, task.losses, task.timeouts, task.state) == (0, 0, 0, "queued")
    assert not scheduler.draining
    assert started(scheduler.handle(Resumed(), 2.0)) == [("t", slot().slot_id)]


def test_a_pause_may_be_made_one_that_interrupts():
    scheduler = scheduler_running(training())
    scheduler.handle(Paused(interrupts=False, reason="paused by ann"), 1.0)
    actions = scheduler.handle(Paused(interrupts=True, reason="paused by ann"), 2.0)
    assert StopAttempt(slot().slot_id, "t", 1) in actions


def test_a_paused_sweep_ends_when_its_running_jobs_were_the_last_and_when_somebody_stops_it():
    scheduler = scheduler_running(training("t0"))
    scheduler.handle(Paused(interrupts=False, reason="paused by ann"), 1.0)
    scheduler.handle(Ended("t0", 1, Outcome.DONE), 2.0)
    assert scheduler.settled
    waiting = scheduler_running(training("t0"), training("t1"))
    waiting.handle(Paused(interrupts=True, reason="paused by ann"), 1.0)
    assert not waiting.settled
    waiting.handle(StopNow(), 2.0)
    assert waiting.settled


def test_a_silent_attempt_is_stopped_in_a_pause_too_and_waits_for_its_end():
    scheduler = scheduler_running(training(), policy=Policy(silence_seconds=60.0, timeouts=2))
    scheduler.handle(Paused(interrupts=False, reason="paused by ann"), 1.0)
    actions = scheduler.handle(Tick(), 60.0)
    assert StopAttempt(slot().slot_id, "t", 1) in actions
    assert started(actions) == []
    assert started(scheduler.handle(Resumed(), 1e6)) == [("t", slot().slot_id)]
    scheduler.handle(Running("t", 2), 1e6)
    assert scheduler.handle(Tick(), 1e6 + 59.0) == [], "the pause counts as no silence"


def test_a_job_on_a_broken_slot_is_lost_and_the_slot_gets_nothing_more():
    scheduler = scheduler_running(training())
    actions = scheduler.handle(Ended("t", 1, Outcome.SLOT_BROKEN, "link error"), 1.0)
    assert actions == [
        EndAttempt("t", 1, "lost", "queued", "link error"),
        RetireSlot(slot().slot_id, "link error"),
    ]
    assert (scheduler.tasks["t"].losses, scheduler.tasks["t"].crashes) == (1, 0)
    assert started(scheduler.handle(SlotUp(slot()), 2.0)) == [], "the broken slot says it is up again"
    assert started(scheduler.handle(SlotUp(slot(1)), 3.0)) == [("t", slot(1).slot_id)]


def test_a_job_that_breaks_one_slot_after_the_other_is_given_up():
    scheduler = scheduler_running(training(losses=1), policy=Policy(losses=2))
    (end, retired) = scheduler.handle(Ended("t", 1, Outcome.SLOT_BROKEN, "link error"), 1.0)
    assert (end.next_state, retired.slot_id) == ("quarantined", slot().slot_id)


def test_a_job_whose_kind_of_slot_is_all_broken_waits_for_another_one():
    scheduler = Scheduler([replace(training(), slot_kinds=frozenset({"ipu"})), training("other", 1)])
    scheduler.handle(SlotUp(slot(kind="ipu")), 0.0)
    scheduler.handle(SlotUp(slot()), 0.0)
    scheduler.handle(Running("t", 1), 0.0)
    actions = scheduler.handle(Ended("t", 1, Outcome.SLOT_BROKEN, "link error"), 1.0)
    assert SetState("t", "blocked", "no ipu slot of the kind it needs is here") in actions


# ---- under random faults ----------------------------------------------------------------------------------------


@dataclass
class World:
    """Slots and a store that answer the scheduler's actions, and fail at random."""

    random: random.Random
    slots: dict[str, Slot]
    attempts: dict[str, int] = field(default_factory=dict)
    running: dict[str, tuple[str, int]] = field(default_factory=dict)
    results: dict[str, int] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)

    def carry_out(self, scheduler, actions, now):
        for action in actions:
            if isinstance(action, Start):
                self.check_start(scheduler, action)
                attempt = self.attempts[action.fingerprint] = self.attempts.get(action.fingerprint, 0) + 1
                self.running[action.fingerprint] = (action.slot_id, attempt)
                self.carry_out(scheduler, scheduler.handle(Running(action.fingerprint, attempt), now), now)
            elif isinstance(action, (EndAttempt, StopAttempt)):
                self.running.pop(action.fingerprint, None)
            elif isinstance(action, RetireSlot):
                self.retired.add(action.slot_id)
                new = replace(self.slots[action.slot_id], slot_id=f"{action.slot_id}+")
                self.slots[new.slot_id] = new  # somebody puts a whole one in its place
                self.carry_out(scheduler, scheduler.handle(SlotUp(new), now), now)

    def check_start(self, scheduler, action):
        task = scheduler.tasks[action.fingerprint]
        here = self.slots[action.slot_id]
        assert not scheduler.paused, "nothing starts in a pause"
        assert task.fits(here)
        assert action.slot_id not in self.retired, "a broken slot gets nothing more"
        assert action.fingerprint not in self.running, "a job has one attempt at a time"
        assert all(other != action.slot_id for other, _ in self.running.values()), "a slot has one job at a time"
        if task.depends_on:
            assert task.depends_on in self.results
        beside = [key for key, (other, _) in self.running.items() if self.slots[other].node == here.node]
        if task.stage == "measure":
            assert not beside, "a measurement has its node to itself"
        assert not any(scheduler.tasks[key].stage == "measure" for key in beside)

    def somebody_steers(self):
        if self.random.random() < 0.9:
            return None
        return self.random.choice([Paused(False, "ann"), Paused(True, "ann"), Resumed(), Resumed()])

    def something_happens(self):
        if not self.running:
            return self.random.choice([Tick(), Resumed()])
        fingerprint = self.random.choice(sorted(self.running))
        slot_id, attempt = self.running[fingerprint]
        dice = self.random.random()
        if dice < 0.6:
            del self.running[fingerprint]
            self.results[fingerprint] = self.results.get(fingerprint, 0) + 1
            return Ended(fingerprint, attempt, Outcome.DONE)
        if dice < 0.75:
            del self.running[fingerprint]
            return Ended(fingerprint, attempt, self.random.choice(list(Outcome)[1:]), "planted")
        if dice < 0.85:
            return SlotLost(slot_id)
        if dice < 0.95:
            return SlotUp(self.slots[slot_id])
        return Tick()


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9), trainings=st.integers(1, 5), evaluations=st.integers(0, 3), nodes=st.integers(1, 3))
def test_under_random_faults_every_job_ends_and_no_rule_is_broken(seed, trainings, evaluations, nodes):
    dice = random.Random(seed)
    slots = {one.slot_id: one for node in range(nodes) for one in (slot(0, node=str(node)), slot(1, node=str(node)))}
    tasks = [training(f"t{number}", number) for number in range(trainings)]
    tasks += [
        evaluation(f"e{t}.{number}", f"t{t}", 100 + number) for t in range(trainings) for number in range(evaluations)
    ]
    tasks += [measurement(f"m{number}", 200 + number) for number in range(3)]
    scheduler = Scheduler(tasks, Policy(lease_seconds=5.0, silence_seconds=50.0, losses=4))
    world = World(dice, slots)
    now = 0.0
    for one in list(slots.values()):
        world.carry_out(scheduler, scheduler.handle(SlotUp(one), now), now)
    for _ in range(3000):
        if scheduler.settled:
            break
        now += 1.0
        event = world.somebody_steers() or world.something_happens()
        world.carry_out(scheduler, scheduler.handle(event, now), now)
        world.carry_out(scheduler, scheduler.handle(Tick(), now), now)
        if isinstance(event, SlotLost):
            world.carry_out(scheduler, scheduler.handle(SlotUp(slots[event.slot_id]), now), now)
    assert scheduler.settled
    assert {task.state for task in scheduler.tasks.values()} <= FINAL_STATES
    done = {key for key, task in scheduler.tasks.items() if task.state == "done"}
    assert done <= set(world.results)
    assert all(count == 1 for count in world.results.values()), "nothing finished runs again"

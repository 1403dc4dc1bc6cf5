"""Which trial comes when, which jobs it asks for, and how it ends."""

from __future__ import annotations

import pytest

from orchestrator.search.goal import Goal
from orchestrator.search.searching import Begin, Extend, Finish, Reopen
from tests.search.example_search import NOW, SEARCH, Ledger, World, outline, run, search_over, space_of

FAST = "train_images_per_second"


@pytest.fixture
def space():
    return space_of()


@pytest.fixture
def world():
    return World()


def stages(actions):
    return [[job.stage for job in action.jobs] for action in actions]


def known_in(world, space, *points):
    """Let these points be stored already."""
    for point in points:
        world.ask(space.points[point].jobs)
    world.do()


def test_a_search_makes_as_many_proposals_as_it_may_and_tests_each_training_elsewhere_too(space, world):
    search = search_over(space, proposed=3)
    run(search, world)
    assert {trial.state for trial in search.trials} == {"complete"}
    proposed = [trial for trial in search.trials if trial.origin == "sampler"]
    assert len(proposed) == 3
    assert search.ended == "its 3 trials are made"
    trained = {key for key in search.trials[0].params if key != "test_offset"}
    kinds = {tuple(trial.params[key] for key in trained) for trial in proposed}
    assert len(search.trials) == 3 * len(kinds), "each training at every test resolution"
    assert len({tuple(trial.params.items()) for trial in search.trials}) == len(search.trials)


def test_values_are_those_of_all_seeds_in_the_order_of_the_objectives(space, world):
    search = search_over(space, proposed=1)
    run(search, world)
    first = search.trials[0]
    point = space.at(first.params)
    assert len(point.evaluations) == 2
    assert first.values == (world.top1(point.evaluations), world.throughput(point.measurements["train"]))


def test_one_slot_has_one_trial_at_a_time_and_several_have_more(space, world):
    search = search_over(space)
    Ledger().follow(search, world, room=1)
    assert len(search.open_trials) == 1
    search = search_over(space)
    Ledger().follow(search, world, room=4)
    assert len(search.open_trials) == 4


def test_with_nothing_to_be_skipped_all_jobs_are_asked_for_at_once(space, world):
    (begin,) = search_over(space).advance(world, 1, NOW)
    assert stages([begin]) == [["measure", "train", "train", "evaluate", "evaluate"]]


def test_no_further_tests_are_made_of_a_training_where_none_are_wanted(space, world):
    search = search_over(space, proposed=4, companions=0)
    run(search, world)
    assert {trial.origin for trial in search.trials} == {"sampler"}


def test_the_nearest_further_tests_come_first(space, world):
    search = search_over(space, proposed=1, companions=1)
    run(search, world)
    offsets = [trial.params["test_offset"] for trial in search.trials]
    assert abs(offsets[1] - offsets[0]) == 8
    assert len(offsets) == 2


# ---- what is there already -----------------------------------------------------------------------------------------


def test_what_is_stored_costs_nothing_and_is_known_before_the_first_proposal(space, world):
    known_in(world, space, (1, "gn", 12, 8), (16, "ln+pn", 28, 0))
    search = search_over(space, proposed=2)
    actions = search.advance(world, 1, NOW)
    assert [(one.trial.origin, one.ending.state) for one in actions] == [("stored", "complete")] * 2
    run(search, world)
    assert sum(trial.origin == "sampler" for trial in search.trials) == 2, "stored trials are no part of the budget"
    assert not any(trial.origin == "sampler" and trial.number < 2 for trial in search.trials)


def test_a_search_over_a_whole_stored_grid_asks_for_nothing(space, world):
    known_in(world, space, *space.points)
    search = search_over(space)
    ledger = Ledger()
    ledger.follow(search, world)
    assert len(search.trials) == len(space.points)
    assert search.ended == "everything has been tried"
    assert not world.do()


# ---- measured before it is trained ---------------------------------------------------------------------------------


def test_under_a_floor_of_throughput_the_measurement_comes_first_and_may_be_all(space, world):
    goal = Goal(objectives=("top1",), floors={FAST: 3000.0})
    search = search_over(space, goal, proposed=12, companions=0)
    ledger = Ledger()
    (begin,) = search.advance(world, 1, NOW)
    assert stages([begin]) == [["measure"]]
    ledger.take(begin, search, world)
    run(search, world, ledger)
    for trial in search.trials:
        point = space.at(trial.params)
        fast = world.throughput(point.measurements["train"]) >= 3000
        assert trial.state == ("complete" if fast else "infeasible")
        trained = {job.fingerprint for job in point.trainings} <= set(world.state)
        assert trained == fast, "what is too slow is not trained"
        assert (trial.violations[0] > 0) != fast
    slow = next(trial for trial in search.trials if trial.state == "infeasible")
    assert "below the floor, 3,000" in slow.reason
    assert slow.values == (None,)


def test_what_is_slower_than_a_result_that_is_accurate_enough_is_not_trained(space, world):
    goal = Goal(objectives=(FAST,), floors={"top1": 60.0})
    search = search_over(space, goal, proposed=30, companions=0)
    run(search, world)
    skipped = [trial for trial in search.trials if trial.state == "skipped"]
    assert skipped
    for trial in skipped:
        better = next(one for one in search.trials if trial.reason.endswith(f" trial {one.number}"))
        assert better.state == "complete"
        assert better.values >= trial.values
        assert not {job.fingerprint for job in space.at(trial.params).trainings} <= world.state.keys() or any(
            space.at(one.params).trainings == space.at(trial.params).trainings and one.state != "skipped"
            for one in search.trials
        )


def test_with_two_objectives_only_a_ceiling_can_make_a_training_needless(space):
    objectives = ("top1", FAST)
    for ceiling, expected in ((100.0, False), (60.0, True)):
        here = World()
        search = search_over(space, Goal(objectives=objectives, top1_ceiling=ceiling), proposed=20)
        run(search, here)
        assert any(trial.state == "skipped" for trial in search.trials) == expected


def test_accuracy_below_its_floor_is_infeasible_after_the_training(space, world):
    search = search_over(space, Goal(objectives=("top1", FAST), floors={"top1": 70.0}), proposed=12)
    run(search, world)
    for trial in search.trials:
        assert (trial.state == "complete") == (trial.values[0] >= 70)
    assert {trial.state for trial in search.trials} == {"complete", "infeasible"}


# ---- what goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["failed", "diverged", "quarantined", "cancelled"])
def test_a_trial_ends_when_one_of_its_jobs_brings_no_result_and_takes_the_others_with_it(state, space, world):
    search = search_over(space, proposed=2)
    ledger = Ledger()
    ledger.follow(search, world)
    training = next(key for key, job in world.jobs.items() if job.stage == "train")
    world.state[training] = state
    (finish, *_) = search.advance(world, 1, NOW)
    assert isinstance(finish, Finish)
    assert finish.ending.state == "failed"
    assert "seed 0" in finish.ending.reason
    assert set(finish.withdrawn) == set(world.jobs) - {training}


def test_jobs_that_another_trial_waits_for_stay(space, world):
    search = search_over(space, proposed=36)
    Ledger().follow(search, world, room=36)
    trainings = space.at(search.open_trials[0].params).trainings
    shared = {job.fingerprint for job in trainings}
    *others, last = [trial for trial in search.open_trials if space.at(trial.params).trainings == trainings]
    assert len(others) == 2
    for trial in others:
        assert not shared & set(search.stop(trial.number, "it lags", world, NOW).withdrawn)
    assert shared <= set(search.stop(last.number, "it lags", world, NOW).withdrawn)


def test_a_search_whose_first_trials_all_fail_gives_up(space, world):
    search = search_over(space, proposed=30)
    ledger = Ledger()
    while ledger.follow(search, world):
        world.do("train", "failed")
    assert search.ended == "its first 5 trials failed"
    assert len(search.trials) == 5


def test_a_failed_trial_has_another_chance_when_its_jobs_have_one(space, world):
    search = search_over(space, proposed=1)
    ledger = Ledger()
    ledger.follow(search, world)
    world.do("train", "failed")
    ledger.follow(search, world)
    assert search.trials[0].state == "failed"
    same = search_over(space, proposed=1, trials=ledger.trials.values(), asked=ledger.asked)
    assert not Ledger().follow(same, world), "nobody queued its jobs again"
    for key, state in world.state.items():
        world.state[key] = "queued" if state == "failed" else state
    again = search_over(space, proposed=1, trials=ledger.trials.values(), asked=ledger.asked)
    assert again.advance(world, 1, NOW) == [Reopen(0)]
    run(again, world, ledger)
    assert again.trials[0].state == "complete"


def test_an_open_trial_whose_combination_a_rule_excludes_now_is_over(space, world):
    search = search_over(space, proposed=1)
    ledger = Ledger()
    ledger.follow(search, world)
    params = search.trials[0].params
    rule = f"exclude=[\"group_size == {params['group_size']} and norm == '{params['norm']}'\"]"
    smaller = space_of(SEARCH, rule)
    rest = search_over(smaller, proposed=1, trials=ledger.trials.values(), asked=ledger.asked)
    (finish,) = rest.advance(world, 1, NOW)
    assert finish.ending.state == "failed"
    assert "not among the combinations" in finish.ending.reason


# ---- killed and started again --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["gp", "nsga2", "tpe", "random"])
@pytest.mark.parametrize("room", [1, 3])
def test_a_search_that_is_killed_at_any_action_goes_on_as_if_nothing_had_happened(sampler, room, space):
    whole_world = World()
    whole = search_over(space, proposed=8, companions=1, sampler=sampler)
    run(whole, whole_world, room=room)
    expected = outline(whole.trials)
    for kill_after in (7,) if sampler == "gp" else range(1, 24, 3):
        world, ledger, count = World(), Ledger(), 0
        while len(ledger.trials) < len(expected) or any(trial.state == "open" for trial in ledger.trials.values()):
            search = search_over(
                space,
                proposed=8,
                companions=1,
                sampler=sampler,
                trials=ledger.trials.values(),
                asked=ledger.asked,
            )
            count = _until_killed(search, world, ledger, room, kill_after)
            if not count:
                break
        assert outline(ledger.trials.values()) == expected, f"killed after every {kill_after} actions"


def _until_killed(search, world, ledger, room, kill_after):
    """Carry out so many actions at most, then forget everything that is not stored."""
    count = 0
    while True:
        actions = search.advance(world, room, NOW)
        if not actions and not world.do():
            return 0
        for action in actions:
            if count == kill_after:
                return count
            ledger.take(action, search, world)
            count += 1


def test_a_trial_whose_jobs_were_asked_for_only_in_part_asks_for_the_rest(space, world):
    goal = Goal(objectives=("top1",), floors={FAST: 1.0})
    search = search_over(space, goal, proposed=1)
    ledger = Ledger()
    ledger.follow(search, world)
    world.do("measure")
    again = search_over(space, goal, proposed=1, trials=ledger.trials.values(), asked=ledger.asked)
    (extend,) = again.advance(world, 1, NOW)
    assert isinstance(extend, Extend)
    assert [job.stage for job in extend.jobs] == ["train", "train", "evaluate", "evaluate"]


def test_begin_names_every_axis(space, world):
    (begin,) = search_over(space).advance(world, 1, NOW)
    assert isinstance(begin, Begin)
    assert list(begin.trial.params) == [axis.name for axis in space.axes]

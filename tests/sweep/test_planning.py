"""What is to run, what exists already, and how long it takes."""

import pytest

from orchestrator.expansion import Expansion, expand
from orchestrator.planning import GROUPS, PastJob, Plan, make_plan, work
from tests.sweep.example_sweep import SMALL, SWEEP, sweep_of
from workers.protocol.jobs import Job

CPU = {"cpu": 2}


def expansion_of(text: str, *overrides: str) -> Expansion:
    return expand(sweep_of(text, *overrides), {"cpu": ["xeon"]})


def states_of(jobs: tuple[Job, ...], state: str = "done") -> dict[str, str]:
    return {job.fingerprint: state for job in jobs}


def counts(plan: Plan, stage: str) -> dict[str, int]:
    return {group: plan.stages[stage].count(group) for group in GROUPS if plan.stages[stage].count(group)}


def test_a_new_sweep_is_to_be_run_whole():
    expansion = expansion_of(SWEEP)
    plan = make_plan(expansion, {}, CPU)
    assert plan.to_run == expansion.jobs
    assert plan.impossible == 0
    stages = plan.to_json()
    assert list(stages) == ["train", "evaluate", "measure"]
    assert stages["train"]["to_run"] == 28
    assert stages["train"]["reused"] == 0
    assert stages["train"]["excluded"] == 4
    assert stages["train"]["impossible"] == 0
    (rule,) = stages["train"]["excluded_by"].items()
    assert rule == ("norm == 'gn' and group_size == 16 and train_resolution == 20", 4)


def test_a_finished_sweep_runs_nothing():
    expansion = expansion_of(SWEEP)
    plan = make_plan(expansion, states_of(expansion.jobs), CPU)
    assert plan.to_run == ()
    assert counts(plan, "evaluate") == {"reused": 112}
    assert plan.predicted_seconds == 0.0


def test_an_added_test_resolution_trains_nothing():
    done = states_of(expansion_of(SMALL).jobs)
    plan = make_plan(expansion_of(SMALL, "test_resolution=[native, 32]"), done, CPU)
    assert counts(plan, "train") == {"reused": 1}
    assert counts(plan, "evaluate") == {"to_run": 1, "reused": 1}
    assert counts(plan, "measure") == {"to_run": 1, "reused": 2}


def test_an_added_seed_measures_nothing():
    done = states_of(expansion_of(SMALL).jobs)
    plan = make_plan(expansion_of(SMALL, "grid.seed=[0, 1]"), done, CPU)
    assert counts(plan, "train") == {"to_run": 1, "reused": 1}
    assert counts(plan, "measure") == {"reused": 2}


@pytest.mark.parametrize("state", ["queued", "running", "blocked"])
def test_what_has_begun_is_still_to_be_run(state):
    expansion = expansion_of(SMALL)
    assert make_plan(expansion, states_of(expansion.jobs, state), CPU).to_run == expansion.jobs


@pytest.mark.parametrize(
    ("state", "group"), [("failed", "held"), ("quarantined", "held"), ("cancelled", "held"), ("diverged", "diverged")]
)
@pytest.mark.parametrize("evaluation", ["queued", "cancelled", None])
def test_a_training_without_weights_has_no_evaluations_to_run(state, group, evaluation):
    expansion = expansion_of(SMALL, "test_resolution=[28, 32]")
    states = states_of(expansion.trainings, state)
    states |= states_of(expansion.evaluations, evaluation) if evaluation else {}
    plan = make_plan(expansion, states, CPU)
    assert counts(plan, "train") == {group: 1}
    assert counts(plan, "evaluate") == {group: 2}
    assert {job.stage for job in plan.to_run} == {"measure"}


def test_a_result_stays_though_its_training_was_held_later():
    expansion = expansion_of(SMALL)
    states = states_of(expansion.trainings, "failed") | states_of(expansion.evaluations)
    assert counts(make_plan(expansion, states, CPU), "evaluate") == {"reused": 1}


def test_lost_weights_are_trained_again_only_where_a_test_needs_them():
    expansion = expansion_of(SMALL, "grid.seed=[0, 1]", "test_resolution=[28, 32]")
    first, second = expansion.trainings
    missing = {first.fingerprint, second.fingerprint}
    tested = tuple(job for job in expansion.evaluations if job.training == first)
    plan = make_plan(expansion, states_of((first, second, *tested)), CPU, checkpoints_missing=missing)
    assert plan.stages["train"].jobs["to_run"] == (second,)
    assert plan.stages["train"].jobs["reused"] == (first,)
    assert counts(plan, "evaluate") == {"to_run": 2, "reused": 2}


def test_without_slots_nothing_is_possible_but_what_exists_is_reused():
    expansion = expansion_of(SMALL)
    plan = make_plan(expansion, states_of(expansion.trainings), {"cpu": 0})
    assert counts(plan, "train") == {"reused": 1}
    assert counts(plan, "evaluate") == {"impossible": 1}
    assert counts(plan, "measure") == {"impossible": 2}
    assert plan.impossible == 3


def test_measurements_on_a_kind_that_is_not_here_are_impossible():
    plan = make_plan(expansion_of(SMALL, "slots={cpu: {}, ipu: {python: python3.8}}"), {}, CPU)
    assert counts(plan, "measure") == {"to_run": 2, "impossible": 2}
    assert counts(plan, "train") == {"to_run": 1}


def test_every_job_is_in_one_group():
    expansion = expansion_of(SWEEP)
    states = {job.fingerprint: ("done", "failed", "diverged", "queued")[n % 4] for n, job in enumerate(expansion.jobs)}
    plan = make_plan(expansion, states, CPU)
    listed = [job for stage in plan.stages.values() for jobs in stage.jobs.values() for job in jobs]
    assert sorted(job.fingerprint for job in listed) == sorted(job.fingerprint for job in expansion.jobs)


# ---- time ---------------------------------------------------------------------------------------------------------


def test_without_history_there_is_no_prediction():
    plan = make_plan(expansion_of(SMALL), {}, CPU)
    assert plan.predicted_seconds is None
    assert plan.to_json()["train"]["predicted_seconds"] is None


def test_work_grows_with_images_epochs_and_pixels():
    (small,) = expansion_of(SMALL, "grid.train_resolution=16", "recipe.epochs=1").trainings
    (longer,) = expansion_of(SMALL, "grid.train_resolution=16", "recipe.epochs=3").trainings
    (fewer,) = expansion_of(SMALL, "grid.train_resolution=16", "recipe.epochs=1", "dataset.train_images=6000").trainings
    (larger,) = expansion_of(SMALL, "grid.train_resolution=32", "recipe.epochs=1").trainings
    assert work(longer) == 3 * work(small)
    assert work(fewer) == pytest.approx(work(small) * 6000 / 54_000)
    assert work(larger) == pytest.approx(4 * work(small), rel=0.02)


def test_a_test_without_fine_tuning_is_less_work():
    (tuned,) = expansion_of(SMALL).evaluations
    (plain,) = expansion_of(SMALL, "fine_tune=none").evaluations
    assert work(tuned) == pytest.approx(work(plain) * (6000 + 2 * 10_000 + 2 * 54_000) / (6000 + 10_000))


def test_held_out_images_are_tested_and_not_trained_on():
    some, none = expansion_of(SMALL), expansion_of(SMALL, "dataset.validation_images=0")
    assert work(some.trainings[0]) == pytest.approx(work(none.trainings[0]) * 54_000 / 60_000)
    (some,), (none,) = (
        expansion_of(
            SMALL,
            "fine_tune=none",
            f"dataset={{name: fashion-mnist, train_images: 100, validation_images: {n}}}",
            "recipe.batch_size=32",
        ).evaluations
        for n in (1000, 0)
    )
    assert work(some) == pytest.approx(work(none) * 11_000 / 10_000)


def test_statistics_take_one_pass_over_the_training_images():
    settings = ["grid.norm=bn", "dataset={name: fashion-mnist, train_images: 5000, validation_images: 1000}"]
    arms = "fine_tune={layers: [none, batch-norm-statistics], epochs: 7}"
    plain, statistics = expansion_of(SMALL, *settings, arms).evaluations
    assert work(statistics) == pytest.approx(work(plain) * (1000 + 2 * 10_000 + 5000) / (1000 + 10_000))


def test_a_stage_takes_its_work_over_what_all_slots_do_together():
    expansion = expansion_of(SMALL, "grid.seed=[0, 1, 2, 3]")
    past = expansion.trainings[0]
    history = [PastJob(past, "cpu", seconds) for seconds in (90.0, 100.0, 1000.0)]  # the median counts
    plan = make_plan(expansion, {}, {"cpu": 2}, history)
    assert plan.stages["train"].predicted_seconds == pytest.approx(4 * 100 / 2)
    assert plan.stages["evaluate"].predicted_seconds is None
    assert plan.predicted_seconds is None
    mixed = make_plan(expansion, {}, {"cpu": 2, "cuda": 1}, [*history, PastJob(past, "cuda", 25.0)])
    assert mixed.stages["train"].predicted_seconds == pytest.approx(4 * 100 / (2 + 4))


def test_the_longest_job_bounds_the_time():
    expansion = expansion_of(SMALL)
    plan = make_plan(expansion, {}, {"cpu": 100}, [PastJob(expansion.trainings[0], "cpu", 60.0)])
    assert plan.stages["train"].predicted_seconds == pytest.approx(60)


def test_measurements_go_one_after_the_other_and_their_time_has_history_too():
    expansion = expansion_of(SMALL, "test_resolution=[20, 28, 32]")
    plan = make_plan(expansion, {}, {"cpu": 8}, [PastJob(expansion.measurements[0], "cpu", 12.0)])
    assert plan.stages["measure"].predicted_seconds == pytest.approx(4 * 3 * 12), "history tells of rounds"


def test_the_whole_is_the_sum_of_its_stages():
    expansion = expansion_of(SMALL)
    history = [PastJob(job, "cpu", 10.0) for job in expansion.jobs]
    assert make_plan(expansion, {}, {"cpu": 1}, history).predicted_seconds == pytest.approx(10 + 10 + 60)
    done = states_of(expansion.trainings)
    assert make_plan(expansion, done, {"cpu": 1}, history).predicted_seconds == pytest.approx(10 + 60)
    assert (
        make_plan(expansion, {}, {"cpu": 1}, [PastJob(job, "cuda", 1.0) for job in expansion.jobs]).predicted_seconds
        is None
    )


def test_unknown_numbers_of_images_are_not_guessed(tmp_path):
    for part in ("train/a", "train/b", "val/a", "val/b"):
        (tmp_path / part).mkdir(parents=True)
    folder = ["model.small_images=false", "test_resolution=64"]
    expansion = expansion_of(SMALL, f"dataset={{name: image-folder, root: {tmp_path}}}", *folder)
    assert work(expansion.trainings[0]) is None
    assert work(expansion.evaluations[0]) is None
    history = [PastJob(expansion.trainings[0], "cpu", 10.0), PastJob(expansion_of(SMALL).trainings[0], "cpu", 10.0)]
    assert make_plan(expansion, {}, CPU, history).stages["train"].predicted_seconds is None


def test_an_image_folder_whose_counts_are_written_has_a_prediction(tmp_path):
    for part in ("train/a", "train/b", "val/a", "val/b"):
        (tmp_path / part).mkdir(parents=True)
    counts = "train_images: 4000, test_images: 500, validation_images: 100"
    folder = [f"dataset={{name: image-folder, root: {tmp_path}, {counts}}}", "model.small_images=false"]
    expansion = expansion_of(SMALL, *folder, "fine_tune=none")
    forward = work(expansion.evaluations[0]) / (500 + 100)
    assert work(expansion.trainings[0]) == pytest.approx(3 * 4 * 4000 * forward)

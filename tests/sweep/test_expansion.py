"""From a sweep to its jobs."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import InputError
from orchestrator.expansion import Expansion, expand
from tests.sweep.example_sweep import SMALL, SWEEP, sweep_of
from workers.protocol.jobs import Loading, MeasureJob
from workers.protocol.recipe import PRESETS

CPU = {"cpu": ["xeon"]}


def expansion_of(text: str, *overrides: str, environments: dict[str, list[str]] | None = None) -> Expansion:
    return expand(sweep_of(text, *overrides), CPU if environments is None else environments)


def fingerprints(expansion: Expansion) -> set[str]:
    return {job.fingerprint for job in expansion.jobs}


def resolutions(expansion: Expansion) -> list[tuple[int, int]]:
    """Return the pairs of train and test resolution."""
    return [(job.training.resolution, job.test_resolution) for job in expansion.evaluations]


def test_the_documented_sweep_has_the_jobs_that_arithmetic_says():
    expansion = expansion_of(SWEEP)
    trainings = 2 * 2 * 2 * 2 * 2 - 2 * 2  # width × group size × norm × resolution × seed, less the rule's
    assert len(expansion.trainings) == trainings
    assert len(expansion.evaluations) == trainings * 4
    # Of 8 networks at 2 train resolutions the rule leaves 14; each of the 8 is tested at 4.
    assert [job.mode for job in expansion.measurements].count("train") == 14
    assert [job.mode for job in expansion.measurements].count("inference") == 8 * 4
    assert expansion.excluded == {"train": 4, "evaluate": 16, "measure": 2}
    assert [(rule.trainings, rule.evaluations) for rule in expansion.rules] == [(4, 0)]
    assert expansion.notes == ()


def test_every_job_is_there_once():
    jobs = expansion_of(SWEEP).jobs
    assert len({job.fingerprint for job in jobs}) == len(jobs)


def test_a_training_is_before_what_needs_it():
    expansion = expansion_of(SWEEP)
    assert {job.training for job in expansion.evaluations} == set(expansion.trainings)
    assert expansion.jobs[: len(expansion.trainings)] == expansion.trainings


def test_auto_takes_the_papers_expansions():
    variants = {job.variant for job in expansion_of(SWEEP).trainings}
    assert {(variant.group_size, variant.expansion) for variant in variants} == {(1, 6), (16, 4)}


def test_a_named_expansion_serves_any_group_size():
    variants = [job.variant for job in expansion_of(SMALL, "grid.group_size=[1, 8]", "grid.expansion=[4, 5]").trainings]
    assert {(one.group_size, one.expansion) for one in variants} == {(1, 4), (1, 5), (8, 4), (8, 5)}


def test_native_and_half_are_the_sizes_own():
    large = ["model={size: [b0, b2, b6]}", "dataset.name=cifar10", "grid.train_resolution=[half, native]"]
    expansion = expansion_of(SMALL, *large, "test_resolution=[native]")
    assert resolutions(expansion) == [(160, 224), (224, 224), (196, 260), (260, 260), (368, 528), (528, 528)]


def test_native_is_the_images_own_size_for_networks_made_for_small_images():
    assert resolutions(expansion_of(SMALL)) == [(28, 28)]
    assert resolutions(expansion_of(SMALL, "dataset.name=cifar10", "grid.train_resolution=half")) == [(24, 32)]


def test_steps_begin_at_the_train_resolution():
    expansion = expansion_of(SMALL, "grid.train_resolution=[20, 28]", "test_resolution=[+0, +8, 28]")
    assert resolutions(expansion) == [(20, 20), (20, 28), (28, 28), (28, 36)]


def test_zipped_lists_advance_together_and_are_crossed_with_the_rest():
    text = SMALL.replace("grid: {group_size: 1, norm: gn,", "grid: {norm: [gn, ln],")
    expansion = expansion_of(
        text, "zip=[{group_size: [1, 8], expansion: [6, 5], seed: [3, 4]}, {precision: [fp32, bf16]}]"
    )
    found = {
        (job.variant.norm, job.variant.group_size, job.variant.expansion, job.seed, job.precision)
        for job in expansion.trainings
    }
    pairs = [(1, 6, 3), (8, 5, 4)]
    assert found == {
        (norm, *pair, precision) for norm in ("gn", "ln") for pair in pairs for precision in ("fp32", "bf16")
    }


def test_every_axis_can_be_zipped():
    text = "name: z\ndataset: {name: cifar10}\nzip: [{size: [b0, b1], width: [1, 2], small_images: [true, false], "
    text += (
        "group_size: [1, 16], expansion: [6, 4], norm: [gn, ln], train_resolution: [half, 64], precision: [fp32, bf16]"
    )
    expansion = expansion_of(text + ", seed: [1, 2]}]\n")
    assert [job.label for job in expansion.trainings] == ["b0 G1 e6 gn @24 seed 1", "b1×2 G16 e4 ln @64 seed 2"]


def test_seeds_do_not_multiply_measurements():
    one, many = expansion_of(SMALL), expansion_of(SMALL, "grid.seed=[0, 1, 2]")
    assert len(many.trainings) == 3
    assert many.measurements == one.measurements


def test_measurements_train_at_train_resolutions_and_infer_at_test_resolutions():
    expansion = expansion_of(SMALL, "grid.train_resolution=[20, 28]", "test_resolution=[28, 32]")
    modes = [(job.mode, job.resolution, job.optimizer) for job in expansion.measurements]
    assert sorted(modes, key=str) == [
        ("inference", 28, None),
        ("inference", 32, None),
        ("train", 20, "rmsprop"),
        ("train", 28, "rmsprop"),
    ]


def test_measurements_say_what_the_file_says():
    measure = "measure={modes: inference, batch_size: 64, memory_format: contiguous, blocks: 9, block_seconds: 0.5}"
    (job,) = expansion_of(SMALL, measure, "grid.precision=bf16").measurements
    assert isinstance(job, MeasureJob)
    assert (job.batch_size, job.memory_format, job.blocks, job.block_seconds) == (64, "contiguous", 9, 0.5)
    assert (job.precision, job.channels, job.classes, job.environment_key) == ("bf16", 1, 10, "xeon")
    (train, inference) = expansion_of(SMALL).measurements
    assert train.batch_size is None
    assert train.memory_format is None
    assert (train.rounds, train.compile) == (3, False)
    assert inference.loading == Loading(train.loading.dataset)


def test_rounds_compilation_and_loading_are_what_the_file_says():
    measure = "measure={modes: train, rounds: 5, compile: auto}"
    recipe = "recipe={augmentation: crop-flip, augmentation_policy: randaugment, mixup: auto, cutmix: 0.5}"
    (job,) = expansion_of(SMALL, measure, recipe).measurements
    assert (job.rounds, job.compile) == (5, None)
    dataset = expansion_of(SMALL).trainings[0].dataset
    assert job.loading == Loading(dataset, "crop-flip", "randaugment", mixup=0.1, cutmix=0.5)
    (job,) = expansion_of(SMALL, "measure={modes: train, compile: true, end_to_end: false}").measurements
    assert (job.compile, job.loading) == (True, None)


def test_each_environment_is_measured_and_a_kind_that_is_not_there_is_counted():
    slots = "slots={cpu: {}, cuda: {}}"
    here = expansion_of(SMALL, slots, environments={"cpu": ["xeon", "epyc"], "ipu": ["mk2"]})
    assert [job.environment_key for job in here.measurements] == ["xeon", "xeon", "epyc", "epyc"]
    assert here.unplaced == {"cuda": 2}
    assert here.slot_kinds == {"xeon": "cpu", "epyc": "cpu", "mk2": "ipu"}
    whatever = expansion_of(SMALL, environments={"cpu": ["xeon"], "ipu": ["mk2"]})
    assert {job.environment_key for job in whatever.measurements} == {"xeon", "mk2"}
    assert expansion_of(SMALL, environments={}).unplaced == {"any": 2}


def test_without_measuring_there_are_no_measurements():
    assert expansion_of(SMALL, "measure=false", environments={}).unplaced == {}


def test_rules_are_counted_one_by_one_and_an_idle_one_is_noted():
    rules = ["norm == 'gn'", "norm == 'gn' and seed == 0", "seed == 7"]
    expansion = expansion_of(SMALL, "grid.norm=[gn, ln]", "grid.seed=[0, 1]", f"exclude={rules}")
    assert [rule.trainings for rule in expansion.rules] == [2, 1, 0]
    assert len(expansion.trainings) == 2
    assert expansion.notes == ('--set exclude: exclude[2]: "seed == 7" excludes nothing',)


def test_a_rule_about_the_test_resolution_leaves_out_evaluations_only():
    axes = ["grid.train_resolution=[20, 28]", "test_resolution=[20, 24, 28]"]
    expansion = expansion_of(SMALL, *axes, "exclude=['test_resolution < train_resolution']")
    assert resolutions(expansion) == [(20, 20), (20, 24), (20, 28), (28, 28)]
    assert expansion.excluded == {"train": 0, "evaluate": 2, "measure": 0}
    assert [(rule.trainings, rule.evaluations) for rule in expansion.rules] == [(0, 2)]


def test_a_training_whose_tests_are_all_excluded_is_noted():
    expansion = expansion_of(SMALL, "exclude=['test_resolution > 8']")
    assert expansion.notes == ("1 training(s) are tested nowhere: rules exclude all their evaluations",)


ARMS = "fine_tune={layers: [none, head, batch-norm-statistics]}"


def arms(expansion: Expansion) -> list[tuple[str, int, str]]:
    return [(job.training.variant.norm, job.test_resolution, job.fine_tune.layers) for job in expansion.evaluations]


def test_each_way_of_fine_tuning_is_an_evaluation_of_the_same_training():
    expansion = expansion_of(SMALL, "grid.norm=bn", "test_resolution=[28, 32]", ARMS)
    assert len(expansion.trainings) == 1
    ways = ("none", "head", "batch-norm-statistics")
    assert arms(expansion) == [("bn", pixels, layers) for pixels in (28, 32) for layers in ways]
    assert expansion.notes == ()


def test_ways_of_fine_tuning_multiply_no_measurements():
    norm = "grid.norm=[bn, gn]"
    assert expansion_of(SMALL, norm, ARMS).measurements == expansion_of(SMALL, norm).measurements


def test_labels_tell_the_ways_of_fine_tuning_apart():
    labels = [job.label for job in expansion_of(SMALL, "grid.norm=bn", "test_resolution=[28, 32]", ARMS).evaluations]
    assert labels[:2] == ["b0×0.25 G1 e6 bn @28 seed 0 → 28", "b0×0.25 G1 e6 bn @28 seed 0 → 28 head"]
    assert len(set(labels)) == len(labels) == 6


def test_statistics_are_left_out_and_counted_for_networks_without_batch_norms():
    expansion = expansion_of(SMALL, "grid.norm=[bn, gn, ln+pn]", "grid.seed=[0, 1]", ARMS)
    counted = Counter((norm, layers) for norm, _, layers in arms(expansion))
    both = {(norm, layers): 2 for norm in ("bn", "gn", "ln+pn") for layers in ("none", "head")}
    assert counted == {**both, ("bn", "batch-norm-statistics"): 2}
    reason = "their networks have no batch norms"
    assert expansion.notes == (f"4 of 6 training(s) are not tested with batch-norm-statistics: {reason}",)
    assert expansion.excluded == {"train": 0, "evaluate": 0, "measure": 0}


def test_a_rule_about_the_fine_tuning_leaves_out_evaluations_only():
    rule = "exclude=[\"fine_tune_layers == 'head' and test_resolution > train_resolution and norm == 'bn'\"]"
    expansion = expansion_of(
        SMALL, "grid.norm=[bn, gn]", "test_resolution=[28, 32]", "fine_tune.layers=[none, head]", rule
    )
    left_out = {("bn", 32, "head")}
    everything = {(norm, pixels, layers) for norm in ("bn", "gn") for pixels in (28, 32) for layers in ("none", "head")}
    assert set(arms(expansion)) == everything - left_out
    assert len(expansion.trainings) == 2
    assert expansion.excluded == {"train": 0, "evaluate": 1, "measure": 0}
    assert [(one.trainings, one.evaluations) for one in expansion.rules] == [(0, 1)]


def test_a_test_resolution_without_any_way_left_is_not_measured():
    rule = "exclude=[\"fine_tune_layers in ['none', 'head'] and test_resolution == 32\"]"
    expansion = expansion_of(SMALL, "test_resolution=[28, 32]", "fine_tune.layers=[none, head]", rule)
    assert [(job.mode, job.resolution) for job in expansion.measurements] == [("train", 28), ("inference", 28)]
    assert expansion.excluded == {"train": 0, "evaluate": 2, "measure": 1}


def test_adding_a_way_of_fine_tuning_keeps_every_earlier_job():
    before, after = expansion_of(SWEEP), expansion_of(SWEEP, "fine_tune.layers=[head, last-block]")
    assert fingerprints(after) > fingerprints(before)
    assert after.trainings == before.trainings


def test_one_recipe_serves_sizes_with_settings_of_their_own():
    expansion = expansion_of(SMALL, "model={size: [b0, b5]}", "recipe=paper")
    assert {job.recipe for job in expansion.trainings} == {PRESETS["paper"]}


def test_what_cannot_be_built_may_be_asked_for_when_a_rule_leaves_it_out():
    axes = ["model={size: [b5, b6]}", "grid.group_size=[1, 16]", "grid.train_resolution=64", "test_resolution=64"]
    with pytest.raises(InputError, match=r"b6 G16 e4 gn cannot be built"):
        expansion_of(SMALL, *axes)
    expansion = expansion_of(SMALL, *axes, "exclude=[\"size == 'b6' and group_size == 16\"]")
    assert {(job.variant.size, job.variant.group_size) for job in expansion.trainings} == {
        ("b5", 1),
        ("b5", 16),
        ("b6", 1),
    }
    unknown = expansion_of(SMALL, "grid.group_size=[1, 8]", "exclude=['group_size == 8']")
    assert [job.variant.group_size for job in unknown.trainings] == [1]


def test_a_repeated_combination_is_trained_once():
    expansion = expansion_of(SMALL, "grid.train_resolution=[28, native]", "grid.seed=[5, 5]")
    assert len(expansion.trainings) == 1
    assert expansion.notes == ("3 of 4 combinations repeat another one and are trained once",)


def test_an_image_folder_has_no_native_resolution_for_small_image_networks(tmp_path):
    for part in ("train/a", "train/b", "val/a", "val/b"):
        (tmp_path / part).mkdir(parents=True)
    folder = f"dataset={{name: image-folder, root: {tmp_path}}}"
    with pytest.raises(InputError) as caught:
        expansion_of(SMALL, folder)
    message = "image-folder images with small_images have no native or half resolution: write pixels"
    assert str(caught.value).splitlines() == [
        f"sweep.yaml:1: test_resolution: {message}",
        f"sweep.yaml:4: grid.train_resolution: {message}",
    ]
    assert resolutions(expansion_of(SMALL, folder, "model.small_images=false")) == [(224, 224)]


def test_more_jobs_than_usual_have_to_be_meant():
    axes = ["grid.seed=" + str(list(range(300))), "test_resolution=" + str(list(range(8, 400)))]
    sweep = sweep_of(SMALL, *axes)
    with pytest.raises(InputError, match="more than 100,000 jobs"):
        expand(sweep, CPU)
    assert len(expand(sweep, CPU, allow_many=True).evaluations) == 300 * 392
    axes = ["grid.seed=" + str(list(range(9000))), "grid.precision=[fp32, bf16]", "test_resolution=[28, 32]"]
    with pytest.raises(InputError, match=r"18,000 trainings and 108,000 evaluations"):
        expand(sweep_of(SMALL, *axes, "grid.norm=bn", ARMS), CPU)


def test_adding_a_test_resolution_adds_no_training():
    before, after = expansion_of(SWEEP), expansion_of(SWEEP, "test_resolution=[20, 24, 28, 32, 36]")
    assert after.trainings == before.trainings
    assert set(after.evaluations) > set(before.evaluations)
    assert len(after.evaluations) - len(before.evaluations) == len(after.trainings)


def test_adding_seeds_keeps_every_earlier_job():
    before, after = expansion_of(SWEEP), expansion_of(SWEEP, "grid.seed=[0, 1, 2]")
    assert fingerprints(after) > fingerprints(before)
    assert len(after.trainings) == len(before.trainings) * 3 // 2


def test_hardware_is_in_the_fingerprints_of_measurements_only():
    here, there = expansion_of(SWEEP), expansion_of(SWEEP, environments={"cpu": ["other"]})
    assert (here.trainings, here.evaluations) == (there.trainings, there.evaluations)
    assert not fingerprints(here) & {job.fingerprint for job in there.measurements}


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_the_order_of_a_file_does_not_change_what_it_asks_for(data):
    head, grid, tail = SWEEP.partition("grid:\n")[0], SWEEP.partition("grid:\n")[2].partition("zip:")[0], "zip: []\n"
    tail += SWEEP.partition("zip: []\n")[2]
    axes = data.draw(st.permutations(grid.splitlines()))
    sections = data.draw(st.permutations([*head.splitlines(), "grid:\n" + "\n".join(axes), *tail.splitlines()]))
    shuffled = "\n".join(sections) + "\n"
    norms = data.draw(st.permutations(["gn", "ln+pn"]))
    tests = data.draw(st.permutations([20, 24, 28, 32]))
    again = expansion_of(shuffled, f"grid.norm={norms}", f"test_resolution={tests}")
    assert fingerprints(again) == fingerprints(expansion_of(SWEEP))

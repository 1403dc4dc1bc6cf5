"""Sweeps that train nothing: what they measure, how their plan reads, and what they refuse."""

import pytest

from orchestrator.expansion import Expansion, expand
from orchestrator.launching import plan_summary
from orchestrator.planning import make_plan
from tests.sweep.example_sweep import SMALL, SWEEP, refusal, sweep_of

MEASURING = """\
name: throughput
dataset: {channels: 3, classes: 1000}
model: {size: [b0, b1]}
grid: {group_size: [1, 16], norm: gn, train_resolution: [native, half]}
test_resolution: [native, +32]
recipe: none
"""
CPU = {"cpu": ["xeon"]}


def expansion_of(text: str = MEASURING, *overrides: str) -> Expansion:
    return expand(sweep_of(text, *overrides), CPU)


def measured(expansion: Expansion, mode: str) -> set[tuple[str, int, int]]:
    return {
        (job.variant.size, job.variant.group_size, job.resolution) for job in expansion.measurements if job.mode == mode
    }


def test_nothing_is_trained_and_every_network_is_measured_at_its_resolutions():
    expansion = expansion_of()
    assert expansion.trainings == expansion.evaluations == expansion.notes == ()
    sides = {"b0": (224, 160), "b1": (240, 176)}
    assert measured(expansion, "train") == {
        (size, group, px) for size in sides for group in (1, 16) for px in sides[size]
    }
    tested = {size: {native, native + 32, half + 32} for size, (native, half) in sides.items()}
    assert measured(expansion, "inference") == {
        (size, group, px) for size in sides for group in (1, 16) for px in tested[size]
    }
    assert len(expansion.measurements) == 2 * 2 * (2 + 3)


def test_the_training_step_is_that_of_the_papers_optimizer_on_images_of_the_given_shape():
    for job in expansion_of().measurements:
        assert (job.channels, job.classes) == (3, 1000)
        assert job.optimizer == ("rmsprop" if job.mode == "train" else None)


@pytest.mark.parametrize("off", ["none", "false", "'none'"])
def test_none_and_false_are_the_absence_of_a_recipe(off):
    assert not sweep_of(MEASURING.replace("recipe: none", f"recipe: {off}")).spec.trains
    assert not sweep_of(SMALL, f"recipe={off}").spec.trains


def test_a_sweep_that_trains_on_the_data_set_makes_the_same_measurements():
    trained = expand(sweep_of(SMALL, "measure.end_to_end=false"), CPU)
    only_measured = expand(sweep_of(SMALL, "recipe=none"), CPU)
    assert {job.fingerprint for job in only_measured.jobs} == {job.fingerprint for job in trained.measurements}


def test_there_are_no_images_to_load_where_nothing_is_trained():
    assert {job.loading for job in expansion_of().measurements} == {None}
    assert None not in {job.loading for job in expand(sweep_of(SMALL), CPU).measurements}


def test_a_plan_speaks_of_measurements_alone():
    plan = make_plan(expansion_of(), {}, {"cpu": 1})
    assert plan_summary(plan) == "to run: 20 measure; reused: 0"
    assert [stage.jobs_in_all for stage in plan.stages.values()] == [0, 0, 20]


def test_measurements_that_are_there_are_reused():
    expansion = expansion_of()
    states = {job.fingerprint: "done" for job in expansion.measurements[:3]}
    assert plan_summary(make_plan(expansion, states, {"cpu": 1})) == "to run: 17 measure; reused: 3"


def test_rules_count_the_measurements_that_each_leaves_out():
    rules = ["size == 'b1'", "test_resolution > native_resolution", "group_size == 2"]
    expansion = expansion_of(MEASURING + f"exclude: {rules}\n")
    assert [(rule.trainings, rule.evaluations, rule.measurements) for rule in expansion.rules] == [
        (0, 0, 10),
        (0, 0, 4),
        (0, 0, 0),
    ]
    assert expansion.excluded == {"train": 0, "evaluate": 0, "measure": 10 + 2}
    assert len(expansion.notes) == 1
    assert '"group_size == 2" excludes nothing' in expansion.notes[0]
    measure = make_plan(expansion, {}, {"cpu": 1}).to_json()["measure"]
    assert measure["excluded_by"] == {rules[0]: 10, rules[1]: 4}


def test_a_sweep_that_trains_counts_its_rules_as_before():
    assert [rule.measurements for rule in expand(sweep_of(SWEEP), CPU).rules] == [0]


REFUSED = {
    "seeds": ("norm: gn", "norm: gn, seed: [0, 1]", "4: grid.seed: has no effect with recipe none"),
    "seeds in zip": (
        "recipe: none",
        "recipe: none\nzip: [{seed: [0, 1], precision: [fp32, bf16]}]",
        "7: zip[0].seed: has no effect with recipe none",
    ),
    "fine-tuning": ("recipe: none", "recipe: none\nfine_tune: {epochs: 1}", "7: fine_tune: has no effect with recipe"),
    "images to load": (
        "recipe: none",
        "recipe: none\nmeasure: {end_to_end: true}",
        "7: measure.end_to_end: there are no images to load",
    ),
    "images to train on": ("classes: 1000", "classes: 1000, train_images: 5", "2: dataset.train_images: has no effect"),
    "nothing to do": ("recipe: none", "recipe: none\nmeasure: false", "7: measure: nothing is left to do"),
    "no classes": (", classes: 1000", "", "2: dataset.classes: missing: name a data set, or give channels and classes"),
    "one class": ("classes: 1000", "classes: 1", "2: dataset.classes: 1 is not a whole number from 2 to"),
    "a root": (
        "classes: 1000",
        "classes: 1000, root: here",
        "2: dataset.root: belongs to a data set with name: image-",
    ),
    "classes of a named data set": (
        "{channels: 3, classes: 1000}",
        "{name: cifar10, classes: 10}",
        "2: dataset.classes: cifar10 has its own: leave it out",
    ),
    "training on a shape": ("recipe: none", "recipe: paper", "2: dataset.name: missing: the images to train on"),
    "a resolution that nothing has": (
        "size: [b0, b1]",
        "size: b0, small_images: true",
        "4: grid.train_resolution[0]: unnamed images with small_images have no native or half resolution: write pixels",
    ),
    "all excluded": (
        "recipe: none",
        "recipe: none\nexclude: [group_size > 0]",
        "7: exclude: the rules leave nothing to mea",
    ),
}


@pytest.mark.parametrize(("old", "new", "beginning"), REFUSED.values(), ids=REFUSED.keys())
def test_what_only_a_training_needs_is_refused(old, new, beginning):
    message = refusal(MEASURING.replace(old, new))
    assert message.startswith(f"sweep.yaml:{beginning}"), message


def test_a_missing_name_is_told_beside_other_problems():
    message = refusal(SMALL.replace("name: fashion-mnist", "train_images: 50").replace("norm: gn", "norm: gnn"))
    assert "dataset.name: missing" in message
    assert "grid.norm: 'gnn'" in message


def test_the_shape_of_images_is_nothing_to_train_on():
    message = refusal(SMALL.replace("{name: fashion-mnist}", "{channels: 1, classes: 10}"))
    assert "2: dataset.name: missing: the images to train on" in message
    assert "2: dataset.channels: describes images that are only measured with" in message


def test_turning_fine_tuning_off_does_no_harm():
    assert len(expansion_of(MEASURING, "fine_tune=none").measurements) == 20


def test_very_many_measurements_have_to_be_meant():
    resolutions = list(range(8, 2049))
    message = refusal(MEASURING, f"test_resolution={resolutions}", f"grid.expansion={list(range(1, 17))}")
    assert "up to 261,376 measurements before exclusion" in message

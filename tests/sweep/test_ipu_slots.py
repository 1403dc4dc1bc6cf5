"""Sweeps on Graphcore IPUs: what a file may say of them, how networks are laid out, and what runs where."""

from __future__ import annotations

import dataclasses

import pytest

from orchestrator.expansion import expand
from orchestrator.planning import IMPOSSIBLE, TO_RUN, make_plan
from orchestrator.sweep_schema import sweep_schema
from tests.sweep.example_sweep import refusal, sweep_of
from workers.protocol.ipu import IpuSettings, training_layout
from workers.protocol.jobs import job_from_dict, job_to_dict

#: Two sizes on 8 IPUs; batches of 96 images per weight update.
ON_IPUS = """\
name: on-ipus
dataset: {name: fashion-mnist}
model: {size: [b0, b1]}
grid:
  group_size: 16
  norm: gn
  train_resolution: 32
  precision: 16.16
test_resolution: 32
recipe: {batch_size: 96}
fine_tune: {batch_size: 64}
measure: {rounds: 1}
slots:
  ipu:
    python: /opt/poptorch/bin/python
    enable: [/opt/sdk/poplar/enable.sh, /opt/sdk/popart/enable.sh]
    ipus_per_replica: {b0: 1, b1: 2}
    replicas: {b0: 8, b1: 4}
    inference: {ipus_per_replica: 1}
"""
MK2 = {"ipu": ["mk2"]}
BOTH = {"ipu": ["mk2"], "cpu": ["xeon"]}
WITH_CPU = ["slots.cpu={threads: 1}"]
BATCH_NORM = [*WITH_CPU, "grid.precision=fp32", "grid.norm=[bn, gn]"]


def measured(*overrides, environments=None):
    return expand(sweep_of(ON_IPUS, *overrides), environments or MK2).measurements


def by_mode(jobs):
    return {(job.mode, job.variant.size): job for job in jobs}


def test_every_key_reaches_the_worker_s_settings():
    keys = {
        "partials": "half",
        "available_memory": "0.3",
        "stochastic_rounding": "false",
        "loss_scaling": "64",
        "data": "synthetic",
        "executable_cache": "/cache",
        "wait": "true",
        "micro_batch": "{b0: 4, b1: 3}",
        "split": "{b1: stages.5.0}",
        "inference": "{ipus_per_replica: {b0: 1, b1: 2}, micro_batch: 7, device_iterations: 9}",
    }
    overrides = [f"slots.ipu.{key}={value}" for key, value in keys.items()]
    assert sweep_of(ON_IPUS, *overrides).spec.ipu == IpuSettings(
        ipus_per_replica={"b0": 1, "b1": 2},
        replicas={"b0": 8, "b1": 4},
        micro_batch={"b0": 4, "b1": 3},
        split={"b1": ("stages.5.0",)},
        inference_ipus_per_replica={"b0": 1, "b1": 2},
        inference_micro_batch=7,
        device_iterations=9,
        partials="half",
        available_memory=0.3,
        stochastic_rounding=False,
        loss_scaling=64.0,
        data="synthetic",
        executable_cache="/cache",
        wait=True,
    )


def test_what_is_left_out_is_left_to_the_worker():
    sweep = sweep_of(ON_IPUS, "slots.ipu={python: /py}")
    assert sweep.spec.ipu == IpuSettings()


def test_the_schema_knows_every_field_of_the_settings():
    section = sweep_schema()["$defs"]["IpuSlots"]["properties"]
    inference = sweep_schema()["$defs"]["IpuInference"]["properties"]
    fields = {field.name for field in dataclasses.fields(IpuSettings)}
    assert {name.removeprefix("inference_") for name in fields if name not in section} == set(inference)


# Overrides, and how the refusal goes on after the place.
REFUSED = {
    "no interpreter": (["slots={ipu: {enable: /sdk/enable}}"], "slots.ipu.python: missing: The interpreter that"),
    "nothing at all": (["slots={ipu: }"], "slots.ipu.python: missing"),
    "a size that is none": (["slots.ipu.replicas={b9: 2}"], "replicas.b9: unknown key - did you mean"),
    "a count that is none": (["slots.ipu.replicas={b0: two}"], "replicas.b0: 'two' is not a whole number from 1 to 64"),
    "no sizes": (["slots.ipu.replicas={}"], "replicas: names no size"),
    "a size left out": (["slots.ipu.replicas={b0: 8}"], "replicas: replicas names b0, and not b1"),
    "stages left out": (
        ["slots.ipu.ipus_per_replica={b1: 2}"],
        "ipus_per_replica: ipus_per_replica names b1, and not b0",
    ),
    "no power of two": (
        ["slots.ipu.ipus_per_replica=3", "slots.ipu.replicas=2"],
        "ipus_per_replica: 3 IPUs per replica of b0 is no power of two",
    ),
    "too many": (["slots.ipu.ipus_per_replica=64", "slots.ipu.replicas=2"], "replicas: b0 would take 128 IPUs"),
    "slots of unequal size": (
        ["slots.ipu.replicas=8"],
        "replicas: sizes would use different numbers of IPUs (b0 8, b1 16)",
    ),
    "slots of unequal size that the sweep does not have": (
        ["slots.ipu.ipus_per_replica={b0: 1, b1: 2, b2: 4}", "slots.ipu.replicas={b0: 8, b1: 4, b2: 4}"],
        "replicas: sizes would use different numbers of IPUs (b0 8, b1 8, b2 16)",
    ),
    "a training batch": (
        ["recipe.batch_size=100"],
        "replicas: a batch of 100 images cannot be shared by 8 replicas of b0 (recipe.batch_size)",
    ),
    "a measured batch": (
        ["measure.batch_size=100"],
        "replicas: a batch of 100 images cannot be shared by 8 replicas of b0 (measure.batch_size)",
    ),
    "a micro-batch": (
        ["slots.ipu.micro_batch=5"],
        "micro_batch: 12 images per replica of b0 (96 / 8) are no multiple of a micro-batch of 5 (recipe.batch_size)",
    ),
    "a short pipeline": (
        ["slots.ipu.micro_batch={b0: 12, b1: 12}"],
        "micro_batch: a pipeline of 2 IPUs (b1) needs at least 3 micro-batches",
    ),
    "stages of inference": (
        ["slots.ipu.inference.ipus_per_replica=16"],
        "inference.ipus_per_replica: 16 IPUs per replica of b0 do not divide the slot's 8",
    ),
    "a short pipeline of inference": (
        ["slots.ipu.inference={ipus_per_replica: 4, device_iterations: 2}"],
        "inference.device_iterations: a pipeline of 4 IPUs (b0) needs at least 4 device iterations",
    ),
    "an optimizer that IPUs do not have": (
        ["recipe.optimizer=sgd"],
        "recipe.optimizer: sgd with momentum is Nesterov's, which PopTorch does not have",
    ),
    "a split too long": (
        ["slots.ipu.split={b1: [stages.2.0, stages.5.0]}"],
        "split: b1 has 2 stages, so split names 1 modules, not 2",
    ),
    "a stage that begins nowhere": (
        ["slots.ipu.split={b1: blocks.5}"],
        "could begin at: take one of stages.0.0 to stages.6.1, a part of one such as stages.6.1.spatial, head or class",
    ),
    "a stage that begins at a block of larger sizes": (
        ["slots.ipu.split={b0: stages.0.1}"],
        "split.b0: b0 has no module 'stages.0.1' that a stage after the first",
    ),
    "a stage that begins nowhere in a size that the sweep does not have": (
        ["slots.ipu.split={b2: stem}"],
        "split.b2: b2 has no module 'stem' that a stage after the first",
    ),
    "stages in no order": (
        ["slots.ipu.split={b1: [stages.5.0, stages.2.0.spatial]}"],
        "split.b1: stages begin in the order in which the network runs: stages.2.0.spatial, stages.5.0",
    ),
    "a stage twice": (
        ["slots.ipu.split={b1: [head, head]}"],
        "split.b1: stages begin in the order in which the network runs: head",
    ),
    "batch norm over several replicas": (
        ["grid.norm=bn", "grid.precision=fp32"],
        "micro_batch: batch norm takes its statistics over a micro-batch",
    ),
    "batch norm in a format that no other slot has": (
        [*WITH_CPU, "grid.norm=bn"],
        "micro_batch: batch norm takes its statistics over a micro-batch",
    ),
    "a variable of ours": (["slots.ipu.variables={PYTHONPATH: x}"], "variables: PYTHONPATH is set by the program"),
    "a variable that is a number": (
        ["slots.ipu.variables={POPLAR_LOG: 1}"],
        "variables: POPLAR_LOG: 1 is not text: put it in quotes ('1')",
    ),
    "compiled": (["measure.compile=true"], "measure.compile: has no effect on IPU slots"),
    "an order in memory": (["measure.memory_format=channels_last"], "measure.memory_format: has no effect on IPU"),
    "bf16": (["grid.precision=bf16"], "grid.precision: IPUs have no bf16: take fp32, 16.16 or 16.32, or name other"),
    "16.16 on processors": (
        ["slots={cpu: }"],
        "8: grid.precision: 16.16 is a number format of IPUs: name some in slots.ipu, or take fp32, bf16 or fp16",
    ),
    "16.32 on no slot": (
        ["slots={cuda: }", "grid.precision='16.32'"],
        "grid.precision: 16.32 is a number format of IPUs",
    ),
    "a format that is none": (["grid.precision=[16.23]"], "'16.23' is not one of fp32, bf16, fp16, 16.16, 16.32"),
}


@pytest.mark.parametrize(("overrides", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_one_line(overrides, expected):
    message = refusal(ON_IPUS, *overrides)
    assert expected in message
    assert len(message.splitlines()) <= 2
    assert message.startswith(("sweep.yaml:", "--set "))


def test_a_problem_names_the_line_of_the_key():
    text = ON_IPUS.replace("replicas: {b0: 8, b1: 4}", "replicas: {b0: 8, b1: 2}")
    number = text.splitlines().index("    replicas: {b0: 8, b1: 2}") + 1
    assert refusal(text).startswith(f"sweep.yaml:{number}: slots.ipu.replicas: sizes would use different numbers")


def test_a_wrong_split_names_its_line():
    text = ON_IPUS + "    split:\n      b0: []\n      b1: [blocks.5]\n"
    number = text.splitlines().index("      b1: [blocks.5]") + 1
    assert refusal(text.replace("      b0: []\n", "")).startswith(
        f"sweep.yaml:{number - 1}: slots.ipu.split.b1: b1 has"
    )


def test_number_formats_are_read_with_and_without_quotes():
    for written in ("16.16", "'16.16'", "[16.16]"):
        assert sweep_of(ON_IPUS, f"grid.precision={written}").spec.grid.precision == ("16.16",)
    rule = 'exclude=["precision == 16.16", "precision == \'16.32\'"]'
    kept = expand(sweep_of(ON_IPUS, "grid.precision=[16.16, 16.32, fp32]", rule), MK2)
    assert {job.precision for job in kept.trainings} == {"fp32"}


# ---- layouts ------------------------------------------------------------------------------------------------------


def test_measured_training_steps_are_laid_out_as_trainings_are():
    jobs = by_mode(measured())
    for size, stages, replicas, micro_batch in (("b0", 1, 8, 12), ("b1", 2, 4, 8)):
        job = jobs["train", size]
        assert (job.ipu.ipus_per_replica, job.ipu.replicas, job.ipu.micro_batch) == (stages, replicas, micro_batch)
        assert job.batch_size == job.ipu.batch_size() == 96
        assert job.ipu == training_layout(sweep_of(ON_IPUS).spec.ipu, size, 96, precision="16.16", norm="gn")


def test_a_given_batch_size_is_the_one_that_is_measured():
    jobs = by_mode(measured("measure.batch_size=192"))
    assert {job.batch_size for job in jobs.values()} == {192}
    assert jobs["train", "b0"].ipu.accumulation == 2
    assert jobs["inference", "b0"].ipu.micro_batch == 24


def test_inference_leaves_the_micro_batch_to_be_searched_unless_it_is_named():
    searched = by_mode(measured())["inference", "b0"]
    assert searched.ipu.micro_batch is None
    assert searched.batch_size is None
    named = by_mode(measured("slots.ipu.inference={micro_batch: 10}"))["inference", "b0"]
    assert named.batch_size == 80
    assert named.ipu.images_per_call() == 80 * 16


def test_synthetic_data_is_for_all_measurements_and_loads_no_images():
    assert {job.loading is None for job in measured()} == {False}
    for job in measured("slots.ipu.data=synthetic"):
        assert job.ipu.data == "synthetic"
        assert job.loading is None


def test_settings_without_effect_on_ipus_make_no_other_measurement():
    first = {job.fingerprint for job in measured(*WITH_CPU, "grid.precision=fp32")}
    other = {
        job.fingerprint
        for job in measured(*WITH_CPU, "grid.precision=fp32", "measure={rounds: 1, compile: auto, memory_format: auto}")
    }
    assert first == other
    assert {(job.memory_format, job.compile) for job in measured()} == {("contiguous", False)}


def test_another_layout_is_another_measurement_and_the_same_training():
    one, other = (expand(sweep_of(ON_IPUS, *more), MK2) for more in ([], ["slots.ipu.micro_batch=4"]))
    assert [job.fingerprint for job in one.trainings] == [job.fingerprint for job in other.trainings]
    before, after = by_mode(one.measurements), by_mode(other.measurements)
    assert before["train", "b0"].fingerprint != after["train", "b0"].fingerprint
    assert before["inference", "b0"].fingerprint == after["inference", "b0"].fingerprint


def test_a_measurement_on_ipus_goes_to_the_store_and_back():
    for job in measured():
        assert job_from_dict(job_to_dict(job)) == job


# ---- what runs where ----------------------------------------------------------------------------------------------


def test_each_number_format_is_measured_where_it_exists():
    expansion = expand(sweep_of(ON_IPUS, *WITH_CPU, "grid.precision=[fp32, bf16, 16.16]"), BOTH)
    found = {(job.environment_key, job.precision) for job in expansion.measurements}
    assert found == {("mk2", "fp32"), ("mk2", "16.16"), ("xeon", "fp32"), ("xeon", "bf16")}
    assert {job.ipu is None for job in expansion.measurements if job.environment_key == "xeon"} == {True}
    assert "nothing is trained, tested or measured in bf16 on ipu slots, which lack it" in expansion.notes
    assert "nothing is trained, tested or measured in 16.16 on cpu slots, which lack it" in expansion.notes


def test_what_needs_an_ipu_is_impossible_without_one():
    expansion = expand(sweep_of(ON_IPUS, *WITH_CPU, "grid.precision=[fp32, 16.16]"), {"cpu": ["xeon"]})
    plan = make_plan(expansion, {}, {"cpu": 2})
    for stage in ("train", "evaluate"):
        assert {job.label for job in plan.stages[stage].jobs[IMPOSSIBLE]} == {
            job.label
            for job in getattr(expansion, f"{'training' if stage == 'train' else 'evaluation'}s")
            if (job if stage == "train" else job.training).precision == "16.16"
        }
        assert len(plan.stages[stage].jobs[TO_RUN]) == 2


def test_bf16_is_impossible_on_ipus_alone():
    expansion = expand(sweep_of(ON_IPUS, *WITH_CPU, "grid.precision=bf16"), MK2)
    assert not make_plan(expansion, {}, {"ipu": 1}).to_run
    assert make_plan(expansion, {}, {"cpu": 1}).to_run


def test_batch_norm_that_cannot_be_cut_up_is_trained_on_other_slots_of_the_sweep():
    expansion = expand(sweep_of(ON_IPUS, *BATCH_NORM), BOTH)
    norms = {(job.environment_key, job.mode, job.variant.norm) for job in expansion.measurements}
    assert ("mk2", "train", "bn") not in norms
    assert {("mk2", "inference", "bn"), ("xeon", "train", "bn"), ("mk2", "train", "gn")} <= norms
    reason = "batch norm cannot share a batch between micro-batches or replicas"
    assert f"2 of 4 training(s) run on cpu slots and not on ipu: {reason}" in expansion.notes
    plan = make_plan(expansion, {}, {"ipu": 1})
    assert {job.variant.norm for job in plan.stages["train"].jobs[IMPOSSIBLE]} == {"bn"}
    assert {job.variant.norm for job in plan.stages["train"].jobs[TO_RUN]} == {"gn"}


def test_batch_norm_with_the_whole_batch_at_once_is_trained_on_an_ipu():
    sweep = sweep_of(ON_IPUS, "grid.norm=bn", "slots.ipu={python: /py, micro_batch: 96}")
    expansion = expand(sweep, MK2)
    assert {job.ipu.micro_batch for job in expansion.measurements if job.mode == "train"} == {96}


def test_a_sweep_that_only_measures_is_laid_out_by_the_recipe_s_batch():
    expansion = expand(
        sweep_of(ON_IPUS, "recipe=none", "fine_tune=none", "slots.ipu.replicas=1", "slots.ipu.ipus_per_replica=1"), MK2
    )
    assert {job.batch_size for job in expansion.measurements if job.mode == "train"} == {128}

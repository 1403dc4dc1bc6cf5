"""What a search file may say, and with which words the rest is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orchestrator.sweep_schema import SCHEMA_FILE
from tests.search.example_search import SEARCH
from tests.sweep.example_sweep import SWEEP, refusal, sweep_of

OBJECTIVES = "objectives: [top1, train_images_per_second]"
BUDGET = "budget: {trials: 6}"

# One change to the example, and how its refusal goes on after "sweep.yaml:".
BAD = {
    "an unknown objective": (
        OBJECTIVES,
        "objectives: [top1, speed]",
        "12: search.objectives[1]: 'speed' is not",
    ),
    "the same objective twice": (
        OBJECTIVES,
        "objectives: [top1, top1]",
        "12: search.objectives: names an objective",
    ),
    "three objectives": (
        OBJECTIVES,
        "objectives: [top1, train_images_per_second, inference_images_per_second]",
        "12: search.objectives: 3 objectives: one or two, the others as at_least",
    ),
    "the wrong direction": (
        OBJECTIVES,
        "objectives: {top1: minimize}",
        "12: search.objectives: 'minimize' of top1 is not a direction that makes sense: write maximize",
    ),
    "no accuracy": (
        OBJECTIVES,
        "objectives: train_images_per_second",
        "12: search.objectives: asks for no accuracy, so the smallest network at the smallest resolution would win",
    ),
    "a floor of the one objective": (
        OBJECTIVES,
        "objectives: top1\n  at_least: {top1: 70}",
        "13: search.at_least.top1: top1 is the one objective, which a floor cannot change",
    ),
    "a floor above the ceiling": (
        OBJECTIVES,
        OBJECTIVES + "\n  at_least: {top1: 95}\n  top1_ceiling: 90",
        "13: search.at_least.top1: 95 is above top1_ceiling, 90",
    ),
    "a floor of zero": (
        OBJECTIVES,
        OBJECTIVES + "\n  at_least: {train_images_per_second: 0}",
        "13: search.at_least.train_images_per_second: 0 is not a number above 0",
    ),
    "speed-up beside another": (
        OBJECTIVES,
        "objectives: [speedup, top1]\n  speedup: {baseline: norm=gn}",
        "12: search.objectives: speedup is at equal accuracy, so it stands alone",
    ),
    "speed-up over nothing": (OBJECTIVES, "objectives: speedup", "10: search.speedup: missing: over which baseline"),
    "a baseline in vain": (
        OBJECTIVES,
        OBJECTIVES + "\n  speedup: {baseline: norm=gn}",
        "13: search.speedup: has no effect",
    ),
    "no budget": (BUDGET, "", "10: search.budget: missing"),
    "an empty budget": (BUDGET, "budget: {}", "13: search.budget: names none of trials, slot_hours and hours"),
    "a budget of nothing": (BUDGET, "budget: {trials: 0}", "13: search.budget.trials: 0 is not a whole number from 1"),
    "hours of nothing": (BUDGET, "budget: {hours: 0}", "13: search.budget.hours: 0 is not a number above 0"),
    "an unknown sampler": (
        BUDGET,
        BUDGET + "\n  sampler: tpa",
        "14: search.sampler: 'tpa' is not one of auto, nsga2, tpe, gp, random - did you mean 'tpe'?",
    ),
    "a range the wrong way round": (
        "low: 12, high: 28",
        "low: 28, high: 12",
        "11: search.axes.train_resolution.high: 12 is below low, 28",
    ),
    "a step of zero": ("high: 28, step: 8", "high: 28, step: 0", "11: search.axes.train_resolution.step: 0 is not"),
    "ends of two kinds": (
        "low: +0, high: +16",
        "low: +0, high: 48",
        "11: search.axes.test_resolution.high: low and high are written alike",
    ),
    "an axis in two places": (
        "  seed: [0, 1]\n",
        "  seed: [0, 1]\n  train_resolution: [12, 20]\n",
        "12: search.axes.train_resolution: train_resolution is an axis already",
    ),
    "test resolutions in two places": (
        "recipe:",
        "test_resolution: [20]\nrecipe:",
        "12: search.axes.test_resolution: test_resolution is a list already",
    ),
    "an axis that is none of these": (
        "axes: {",
        "axes: {norm: [gn], ",
        "11: search.axes.norm: unknown key here - did you mean grid.norm",
    ),
    "pruning a front": (BUDGET, BUDGET + "\n  pruner: asha", "14: search.pruner: a front needs every result"),
    "a throughput that is not measured": (
        "search:",
        "measure: {modes: inference}\nsearch:",
        "13: search.objectives: train_images_per_second has to be measured, but measure.modes has no train",
    ),
    "throughput without measuring": (
        "search:",
        "measure: false\nsearch:",
        "13: search.objectives: train_images_per_second has to be measured, but measure is off",
    ),
}


@pytest.mark.parametrize(("old", "new", "words"), BAD.values(), ids=BAD)
def test_what_makes_no_sense_is_refused_with_its_line(old, new, words):
    assert SEARCH.count(old) == 1
    message = refusal(SEARCH.replace(old, new))
    assert message.startswith(f"sweep.yaml:{words}"), message


def test_a_pruner_needs_held_out_images_and_more_than_one_epoch():
    text = SEARCH.replace(OBJECTIVES, "objectives: top1\n  pruner: asha")
    assert "search.pruner: looks at held-out images" in refusal(text, "dataset.validation_images=0")
    assert "search.pruner: has nothing to stop" in refusal(text, "recipe.epochs=1")
    assert sweep_of(text).spec.search.pruner == "asha"


def test_the_sampler_suits_the_number_of_objectives_unless_one_is_named():
    assert sweep_of(SEARCH).spec.search.sampler_name == "gp"
    assert sweep_of(SEARCH, "search.objectives=top1").spec.search.sampler_name == "tpe"
    assert sweep_of(SEARCH, "search.sampler=nsga2").spec.search.sampler_name == "nsga2"


def test_a_direction_may_be_written_as_long_as_it_is_the_one():
    assert sweep_of(SEARCH, "search.objectives={top1: maximize}").spec.search.objectives == ("top1",)


def test_only_the_modes_that_matter_are_measured():
    assert sweep_of(SEARCH).spec.search.modes == ("train",)
    floor = "search.at_least={inference_images_per_second: 10}"
    assert sweep_of(SEARCH, floor).spec.search.modes == ("train", "inference")
    assert sweep_of(SEARCH, "search.objectives=top1").spec.search.modes == ()


def test_a_sweep_without_a_search_is_as_before():
    assert sweep_of(SWEEP).spec.search is None
    assert "grid.train_resolution: missing" in refusal(SWEEP.replace("  train_resolution: [20, 28]\n", ""))


def test_editors_know_the_section():
    schema = json.loads(Path(SCHEMA_FILE).read_text(encoding="utf-8"))
    section = schema["$defs"]["SearchSection"]["properties"]
    assert set(section) >= {"objectives", "budget", "axes", "at_least", "sampler"}
    assert all(re.search(r"\w", value["description"]) for value in section.values())

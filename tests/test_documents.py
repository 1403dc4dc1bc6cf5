"""What the documents say is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from orchestrator.cli import cli
from orchestrator.expansion import expand
from orchestrator.planning import make_plan
from orchestrator.sweep import load_sweep
from workers.protocol.recipe import PRESETS, FineTune

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")
EXAMPLES = sorted(REPOSITORY.glob("examples/*.yaml"))
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")])


def test_every_command_is_in_the_readme_and_has_help():
    for name, command in cli.commands.items():
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", README), f"{name} is not in the README"
        assert command.help, f"{name} has no help"


def test_every_command_of_the_documents_exists():
    for path in DOCUMENTS:
        for name in re.findall(r"(?:^|`)orchestrator (?:--db \S+ )?([a-z]+)", path.read_text("utf-8"), re.MULTILINE):
            assert name in cli.commands, f"{path.name} names {name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_readme_s_sweep_is_a_sweep(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "sweep.yaml").write_text(text, encoding="utf-8")
    assert load_sweep(tmp_path / "sweep.yaml").spec.name == yaml.safe_load(text)["name"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_can_be_planned(path, tmp_path):
    for place in ("train/cat", "train/dog", "val/cat", "val/dog"):
        (tmp_path / place).mkdir(parents=True)
    own_images = "image-folder" in path.read_text("utf-8")
    sweep = load_sweep(path, [f"dataset.root={tmp_path}"] if own_images else [])
    kind = "cpu" if sweep.spec.ipu is None else "ipu"
    expansion = expand(sweep, {kind: ["environment"]})
    plan = make_plan(expansion, {}, {kind: 1})
    assert plan.to_run == expansion.jobs
    stages = {"train", "evaluate", "measure"} if sweep.spec.trains else {"measure"}
    assert {job.stage for job in plan.to_run} == stages


def test_the_example_of_the_paper_is_the_papers(tmp_path):
    for place in ("train/cat", "train/dog", "val/cat", "val/dog"):
        (tmp_path / place).mkdir(parents=True)
    sweep = load_sweep(REPOSITORY / "examples" / "imagenet-half-resolution.yaml", [f"dataset.root={tmp_path}"])
    expansion = expand(sweep, {})
    assert len(expansion.trainings) == 5 * 6
    assert {job.recipe for job in expansion.trainings} == {PRESETS["paper"]}
    assert {job.fine_tune for job in expansion.evaluations} == {FineTune("head", 2, 512, 0.25)}
    assert {job.resolution for job in expansion.trainings if job.variant.size == "b2"} == {260, 196}


def test_the_files_that_architecture_names_exist():
    text = (REPOSITORY / "ARCHITECTURE.md").read_text("utf-8")
    for path in re.findall(r"`((?:orchestrator|workers|db|dashboard|tests)/[\w/.]*)`", text):
        assert (REPOSITORY / path).exists(), path


def test_no_document_names_a_place_of_one_machine():
    for path in DOCUMENTS:
        assert not re.search(r"(^|[\s`(])/(home|root|Users)/", path.read_text("utf-8")), path.name

"""What the documents say is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from orchestrator.cli import cli
from orchestrator.sweep import load_sweep

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")
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


def test_the_files_that_architecture_names_exist():
    text = (REPOSITORY / "ARCHITECTURE.md").read_text("utf-8")
    for path in re.findall(r"`((?:orchestrator|workers|db|dashboard|tests)/[\w/.]*)`", text):
        assert (REPOSITORY / path).exists(), path


def test_no_document_names_a_place_of_one_machine():
    for path in DOCUMENTS:
        assert not re.search(r"(^|[\s`(])/(home|root|Users)/", path.read_text("utf-8")), path.name

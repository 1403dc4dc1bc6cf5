"""The generic import names are ours, and an installed copy holds what it needs."""

from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

DISTRIBUTION = "frontsweep"
IMPORT_NAMES = ("orchestrator", "workers", "db", "dashboard")
REPOSITORY = Path(__file__).parents[1]


@pytest.mark.parametrize("name", IMPORT_NAMES)
def test_an_import_name_belongs_to_our_distribution_alone(name):
    owners = set(importlib.metadata.packages_distributions().get(name, [DISTRIBUTION]))
    assert owners == {DISTRIBUTION}


def test_the_import_names_share_one_root():
    roots = {Path(importlib.import_module(name).__file__).parents[1] for name in IMPORT_NAMES}
    assert len(roots) == 1


def test_the_command_line_starts_without_torch_or_ray():
    code = (
        "import sys, orchestrator.cli; print([name for name in ('torch', 'ray', 'streamlit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.strip() == "[]"


def test_a_wheel_holds_every_module_and_data_file(tmp_path):
    import zipfile

    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        ".",
    ]
    if importlib.util.find_spec("setuptools") is None:
        command.remove("--no-build-isolation")
    subprocess.run(command, check=True, cwd=REPOSITORY)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", *IMPORT_NAMES], capture_output=True, text=True, check=True, cwd=REPOSITORY
    ).stdout.split()
    assert {path for path in tracked if (REPOSITORY / path).exists()} <= held


@pytest.mark.parametrize("directory", IMPORT_NAMES)
def test_a_name_in_the_current_directory_does_not_shadow_ours(tmp_path, directory):
    (tmp_path / f"{directory}.py").write_text("raise SystemExit('the wrong one')", encoding="utf-8")
    script = Path(sys.executable).parent / "orchestrator"
    done = subprocess.run(
        [script, "describe", "b0", "--json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

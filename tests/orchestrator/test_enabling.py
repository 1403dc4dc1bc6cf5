"""How IPU workers are started: behind scripts of the Poplar SDK, with an interpreter of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import workers
from orchestrator.slots.enabling import enabled_command
from orchestrator.slots.request import slot_requests
from orchestrator.slots.worker_files import copy_of_workers, remove_copy
from orchestrator.slots.worker_process import WorkerSettings, worker_command, worker_environment
from tests.sweep.example_sweep import SMALL, sweep_of
from workers.protocol.ipu import IpuSettings, settings_from_dict

#: Stands in for the worker program: tells what it was given.
TELL = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), sys.stdin.read()]))"
AWKWARD = "a b'c\"$(touch planted);\\ü"


def started(scripts, arguments=(), *, orders="orders", python=sys.executable, import_from="/copy"):
    command = enabled_command([python, "-c", TELL, *arguments], scripts, Path(import_from))
    return subprocess.run(command, input=orders, capture_output=True, text=True, timeout=60, check=False)


def told(*given, **more):
    done = started(*given, **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def script(directory, text, name="enable.sh"):
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_scripts_are_sourced_in_order_and_what_they_export_arrives(tmp_path):
    first = script(tmp_path, "export SDK=one; export ORDER=first")
    second = script(tmp_path, 'export ORDER="$ORDER second"', "other.sh")
    _, variables, _ = told([first, second])
    assert variables["SDK"] == "one"
    assert variables["ORDER"] == "first second"


def test_scripts_neither_read_the_orders_nor_print_among_the_reports(tmp_path):
    greedy = script(tmp_path, "echo enabled; cat; read line; [ $# = 0 ] || exit 1; set -- x y")
    arguments, _, orders = told([greedy], ["--serve"])
    assert (arguments, orders) == (["--serve"], "orders")


def test_no_path_or_setting_is_read_as_shell(tmp_path):
    directory = tmp_path / AWKWARD
    directory.mkdir()
    arguments, variables, _ = told(
        [script(directory, "export OK=1")], [AWKWARD, "", "--", "*"], import_from=str(directory)
    )
    assert arguments == [AWKWARD, "", "--", "*"]
    assert variables["OK"] == "1"
    assert variables["PYTHONPATH"] == str(directory)
    assert not Path("planted").exists()


def test_our_files_come_first_whatever_the_scripts_put_on_the_path(tmp_path):
    _, variables, _ = told([script(tmp_path, "export PYTHONPATH=/sdk/python")])
    assert variables["PYTHONPATH"] == "/copy:/sdk/python"


def test_a_script_that_is_strict_does_not_end_the_worker(tmp_path):
    assert told([script(tmp_path, "set -euo pipefail")])[0] == []


@pytest.mark.parametrize("failing", ["return 3", "exit 3", "(exit 3)", "set -e; false; true"])
def test_a_script_that_fails_is_named_with_what_it_printed(tmp_path, failing):
    done = started([script(tmp_path, f"echo SDK is broken; {failing}")])
    assert done.returncode != 0
    assert done.stdout == ""
    assert "SDK is broken" in done.stderr
    assert f"slots.ipu.enable: {tmp_path}/enable.sh failed with exit code" in done.stderr


def test_a_script_or_interpreter_that_is_not_there_is_named(tmp_path):
    missing = started([str(tmp_path / "none.sh")])
    assert missing.returncode == 1
    assert missing.stderr == f"slots.ipu.enable: {tmp_path}/none.sh is not there, or cannot be read\n"
    directory = started([str(tmp_path)])
    assert "is not there, or cannot be read" in directory.stderr
    python = started([], python="/no/python3.8")
    assert python.returncode == 1
    assert python.stderr == "slots.ipu.python: /no/python3.8 is no program that can be run\n"


def test_the_copy_is_the_whole_package_made_once_and_removed():
    copy = copy_of_workers()
    assert copy_of_workers() == copy
    source = Path(workers.__file__).parent
    assert names_below(copy / "workers") == names_below(source)
    assert any(name.suffix == ".cpp" for name in names_below(copy))
    assert [one.name for one in copy.iterdir()] == ["workers"]
    remove_copy()
    assert not copy.exists()
    assert copy_of_workers() != copy


def names_below(directory):
    return {one.relative_to(directory) for one in directory.rglob("*") if "__pycache__" not in one.parts}


def test_another_interpreter_sees_nothing_of_ours_but_the_workers():
    """In an interpreter without any installed package: what is imported can only come from the copy."""
    code = "import sys, workers.protocol.ipu as found; print(found.__file__); import orchestrator"
    command = enabled_command([sys.executable, "-S", "-c", code], [], copy_of_workers())
    settings = WorkerSettings(slot_kind="ipu", threads=1, home="/unused", python=sys.executable)
    done = subprocess.run(
        command, env=worker_environment(settings), cwd="/", capture_output=True, text=True, check=False
    )
    assert done.stdout.strip().startswith(str(copy_of_workers()))
    assert "No module named 'orchestrator'" in done.stderr


def test_a_worker_on_ipus_is_told_its_settings_and_sees_no_launcher_s_variables(monkeypatch):
    for name in ("OMPI_COMM_WORLD_SIZE", "PYTHONPATH", "POPTORCH_CACHE_DIR", "ORCHESTRATOR_DB"):
        monkeypatch.setenv(name, "inherited")
    monkeypatch.setenv("POPTORCH_LOG_LEVEL", "INFO")
    partition = {"IPUOF_VIPU_API_PARTITION_ID": "p"}
    ipu = IpuSettings(replicas={"b0": 2}, split={"b0": ("blocks.3",)}, wait=True)
    settings = WorkerSettings(
        slot_kind="ipu",
        threads=3,
        home="/h",
        python="python3.8",
        variables=partition,
        ipu=ipu,
    )
    variables = worker_environment(settings)
    assert "inherited" not in variables.values()
    assert variables["POPTORCH_LOG_LEVEL"] == "INFO"
    assert variables["POPTORCH_WAIT_FOR_IPU"] == "1"
    assert variables["FRONTSWEEP_KERNELS"] == "off"
    assert variables["IPUOF_VIPU_API_PARTITION_ID"] == "p"
    command = worker_command(settings, "--serve")
    assert command[command.index("--") + 1 :][:4] == ["python3.8", "-m", "workers", "--serve"]
    assert command[-6:-1] == ["--slot-kind", "ipu", "--threads", "3", "--ipu"]
    assert settings_from_dict(json.loads(command[-1])) == ipu


def test_a_processor_slot_s_worker_is_started_as_ever():
    settings = WorkerSettings(slot_kind="cpu", threads=1, home="/h")
    expected = [sys.executable, "-m", "workers", "--probe", "--slot-kind", "cpu", "--threads", "1"]
    assert worker_command(settings, "--probe") == expected
    assert "POPTORCH_WAIT_FOR_IPU" not in worker_environment(settings)
    assert worker_environment(settings).get("FRONTSWEEP_KERNELS") == os.environ.get("FRONTSWEEP_KERNELS")


def test_a_slot_of_ipus_takes_the_ipus_of_its_settings():
    section = "slots={ipu: {python: ../py/bin/python, enable: [~/sdk/enable], ipus_per_replica: 2, replicas: {b0: 4}}}"
    sweep = sweep_of(SMALL, section, directory=Path("/sweeps"))
    (request,) = slot_requests(sweep.spec.slots, frozenset({"cpu"}), Path("/runs"))
    assert request.custom_resources == {"IPU": 8.0}
    assert request.count_on({"CPU": 4.0, "IPU": 16.0}) == 2
    assert request.count_on({"CPU": 1.0, "IPU": 16.0}) == 1
    assert request.count_on({"CPU": 4.0}) == 0
    assert request.settings.python == "/sweeps/../py/bin/python"
    assert request.settings.enable == (str(Path.home() / "sdk" / "enable"),)
    assert request.settings.ipu.executable_cache == "/runs/poplar-cache"


def test_ipus_are_not_used_unless_a_file_names_them():
    kinds = frozenset({"cpu", "ipu"})
    assert [one.kind for one in slot_requests(None, kinds, Path("/runs"))] == ["cpu"]

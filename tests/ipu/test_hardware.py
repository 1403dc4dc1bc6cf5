"""Which IPUs a worker has, and in what words it says that it has none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.environment import _SETTINGS
from workers.protocol.orders import report_from_json

STANDIN = Path(__file__).parent / "standin"


def probed(*arguments, **variables):
    """Ask a worker program for its environment."""
    unset = {*_SETTINGS, "POPLAR_SDK_ENABLED", "IPUOF_VIPU_API_PARTITION_ID", "POPTORCH_WAIT_FOR_IPU"}
    base = {name: value for name, value in os.environ.items() if name not in unset}
    base.update(OMP_NUM_THREADS="1", PYTHONPATH=str(STANDIN), POPTORCH_STANDIN_ANY_TORCH="1")
    command = [sys.executable, "-m", "workers", "--probe", "--slot-kind", "ipu", "--threads", "1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**base, **variables})


def environment(*arguments, **variables):
    done = probed(*arguments, **variables)
    assert done.returncode == 0, done.stderr
    return report_from_json(done.stdout).environment


@pytest.fixture
def gc_info(tmp_path):
    """Put a program on the path that tells of IPUs as Graphcore's does; return the path."""
    script = tmp_path / "gc-info"
    script.write_text(
        "#!/bin/sh\necho Device Info:\n"
        "echo '  id: 0'\necho '  board type: M2000'\necho '  board variant: BOW2000'\necho '  clock: 1850MHz'\n"
        "echo '  average die temp: 39.2 C'\necho '  driver version: 1.3.0'\necho '  firmware version: 2.6.8'\n"
    )
    script.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


def test_an_environment_tells_the_ipus_in_use_and_what_they_compute_with():
    found = environment("--ipu", json.dumps({"replicas": 4}))
    assert (found.slot_kind, found.device, found.threads) == ("ipu", "Graphcore IPU Mk2 (4 IPUs)", 1)
    assert {"torch", "poptorch"} <= set(found.software)
    assert found.details["ipus"] == 4
    assert found.details["host"]
    one = environment()
    assert one.device == "Graphcore IPU Mk2 (1 IPU)"
    assert one.key != found.key


def test_the_sdk_its_settings_and_the_kind_of_machine_are_part_of_an_environment(gc_info):
    sdk = "/opt/sdk/poplar-ubuntu_20_04-3.4.0+7857-b67"
    found = environment(
        PATH=gc_info,
        POPLAR_SDK_ENABLED=sdk,
        LD_LIBRARY_PATH=f"{sdk}/lib:/opt/sdk/popart-ubuntu_20_04-3.4.1+1-a/lib",
        POPLAR_ENGINE_OPTIONS='{"exchange.enablePrefetch":"false"}',
    )
    assert found.device == "Graphcore IPU BOW2000 (1 IPU)"
    versions = {name: found.software[name] for name in ("poplar", "popart", "driver", "firmware")}
    assert versions == {"poplar": "3.4.0+7857-b67", "popart": "3.4.1+1-a", "driver": "1.3.0", "firmware": "2.6.8"}
    assert found.software["settings"] == 'POPLAR_ENGINE_OPTIONS={"exchange.enablePrefetch":"false"}'
    assert found.details["ipu_info"]["clock"] == "1850MHz"
    assert "clock" not in found.software, "it changes while IPUs rest"


def test_a_simulated_ipu_is_called_one():
    assert "simulated on the host" in environment(POPTORCH_IPU_MODEL="1").device


@pytest.mark.parametrize(
    ("variables", "arguments", "words"),
    [
        ({"PYTHONPATH": ""}, (), "there is no PopTorch in "),
        ({"POPTORCH_STANDIN_NO_SDK": "1"}, (), "the Poplar SDK is not enabled: name the SDK's poplar-*/enable.sh"),
        (
            {"POPTORCH_STANDIN_NO_SDK": "1", "POPLAR_SDK_ENABLED": "/opt/sdk"},
            (),
            "does not load with the enabled SDK, /opt/sdk",
        ),
        ({"POPTORCH_STANDIN_IPUS": "0"}, (), "finds no IPU (IPUOF_VIPU_API_PARTITION_ID: not set)"),
        ({"POPTORCH_STANDIN_IPUS": "2"}, ("--ipu", '{"replicas": 4}'), "the slot takes 4 IPUs, and a program here can"),
    ],
)
def test_what_is_missing_is_said_in_one_line_with_what_to_do(variables, arguments, words):
    done = probed(*arguments, **variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_torch_that_poptorch_cannot_use_is_named():
    done = probed(POPTORCH_STANDIN_ANY_TORCH="")
    if done.returncode == 0:
        pytest.skip("this interpreter has PopTorch's torch")
    assert "has a PopTorch that cannot use its torch" in done.stderr
    assert "2.0.1" in done.stderr
    assert "Traceback" not in done.stderr

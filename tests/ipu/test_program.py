"""The worker program on a slot of IPUs."""

import dataclasses
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.ipu.runs import job as training_of
from workers.attempt import run_attempt
from workers.ipu_settings import read_ipu_settings
from workers.models.kernel_library import SWITCH, kernels
from workers.protocol.ipu import IpuSettings, settings_to_dict
from workers.protocol.jobs import EvaluateJob, MeasureJob, job_to_dict
from workers.protocol.orders import Failed, Finished, Order, Ready, Started, order_to_json, report_from_json
from workers.protocol.recipe import FineTune
from workers.reporting import ReportStream
from workers.slot import open_slot

STANDIN = Path(__file__).parent / "standin"
SETTINGS = {"replicas": 2, "inference_micro_batch": 2, "device_iterations": 2}
TRAIN = training_of()
EVALUATE = EvaluateJob(TRAIN, test_resolution=20, fine_tune=FineTune(epochs=1, batch_size=16))
MEASURE = MeasureJob(
    TRAIN.variant,
    channels=1,
    classes=8,
    mode="inference",
    resolution=16,
    environment_key="",
    blocks=2,
    block_seconds=0.02,
    warmup_seconds=0.0,
    rounds=1,
)


def variables(**further):
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(STANDIN),
        "POPTORCH_STANDIN_ANY_TORCH": "1",
        **further,
    }


def command(*arguments):
    return [sys.executable, "-m", "workers", *arguments, "--threads", "1", "--slot-kind", "ipu"]


def program(*arguments, **further):
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, env=variables(**further), timeout=300
    )


def alone(tmp_path, job, **further):
    """Do one job; return the exit code and the reports."""
    path = tmp_path / f"{job.stage}.json"
    path.write_text(json.dumps(job_to_dict(job)))
    done = program(str(path), "--ipu", json.dumps(SETTINGS), **further)
    return done.returncode, [report_from_json(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON: "),
        ("[1]", "expected a JSON object such as"),
        ('{"replica": 2}', "unknown setting replica: expected ipus_per_replica, replicas, "),
        ('{"replicas": "two"}', 'replicas: "two" is not a whole number from 1 or an object by size'),
        ('{"replicas": true}', "replicas: true is not a whole number"),
        ('{"replicas": 0}', "replicas: 0 is not a whole number from 1"),
        ('{"replicas": {"b0": 1.5}}', "replicas: "),
        ('{"partials": "double"}', 'partials: "double" is not float or half'),
        ('{"data": null}', "data: null is not generated or synthetic"),
        ('{"split": {"b0": "stages.3"}}', "split: "),
        ('{"wait": 1}', "wait: 1 is not true or false"),
        ('{"available_memory": 0}', "available_memory: 0 is not a number above 0 or null"),
    ],
)
def test_settings_that_are_none_are_refused_in_one_line(text, words):
    done = program("--probe", "--ipu", text)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--ipu: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_settings_for_another_kind_of_slot_are_refused():
    done = subprocess.run(
        [sys.executable, "-m", "workers", "--probe", "--ipu", "{}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--ipu: this is a slot of kind cpu; say --slot-kind ipu" in done.stderr


def test_what_the_orchestrator_writes_is_read_as_it_was_meant():
    settings = IpuSettings(
        ipus_per_replica={"b0": 2, "b3": 4},
        replicas={"b0": 8, "b3": 4},
        micro_batch=12,
        split={"b3": ("stages.2", "stages.4", "stages.6")},
        available_memory=0.3,
        loss_scaling=64.0,
        executable_cache="/cache",
        wait=True,
    )
    assert read_ipu_settings(json.dumps(settings_to_dict(settings))) == settings
    assert read_ipu_settings("{}") == IpuSettings()


def test_help_names_every_setting_with_its_default():
    done = program("--help")
    assert done.returncode == 0
    for name in settings_to_dict(IpuSettings()):
        assert re.search(rf"^  {name}: .*; default ", done.stdout, re.MULTILINE), name


def test_a_measurement_alone_makes_its_rounds_with_the_slots_settings(tmp_path):
    code, reports = alone(tmp_path, dataclasses.replace(MEASURE, rounds=2))
    assert code == 0
    assert sum(isinstance(report, Started) for report in reports) >= 2
    last = reports[-1].result
    assert last.complete
    assert last.conditions["ipu"]["images_per_call"] == 2 * 2 * 2
    assert len({one.attempt for one in last.rounds}) == len(last.rounds) >= 2


@pytest.fixture
def attempted(standin, monkeypatch, tmp_path):  # noqa: ARG001  # which is there to be attached to
    """Do one job in this process, on a slot where something happens; return its last report."""

    def attempt(job, **happens):
        for name, value in happens.items():
            monkeypatch.setenv(name, value)
        slot = open_slot("ipu", read_ipu_settings(json.dumps(SETTINGS)))
        return run_attempt(Order(job, 1, str(tmp_path / "attempt-1"), str(tmp_path)), slot, ReportStream(io.StringIO()))

    monkeypatch.setenv(SWITCH, "off")
    torch.set_num_threads(1)
    kernels.cache_clear()
    yield attempt
    kernels.cache_clear()


@pytest.mark.parametrize(
    ("happens", "failure"),
    [
        ({"POPTORCH_STANDIN_OOM_ABOVE": "1"}, "device_memory"),
        ({"POPTORCH_STANDIN_RECOVERABLE": "3:PARTITION_RESET"}, "device_reset"),
        ({"POPTORCH_STANDIN_UNRECOVERABLE": "3"}, "device_broken"),
        ({"POPTORCH_STANDIN_BUSY": "3"}, "device"),
    ],
)
@pytest.mark.parametrize("job", [TRAIN, MEASURE])
def test_what_happens_to_the_ipus_is_the_reports_class_of_failure(attempted, happens, failure, job):
    report = attempted(job, **happens)
    assert isinstance(report, Failed)
    assert report.failure == failure
    assert "\n" not in report.message


def test_an_attempt_that_failed_is_the_exit_code(tmp_path):
    code, reports = alone(tmp_path, TRAIN, POPTORCH_STANDIN_OOM_ABOVE="1")
    assert (code, reports[-1].failure) == (1, "device_memory")


def test_a_serving_process_does_jobs_one_after_the_other_and_ends_when_told_to(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    arguments = command("--serve", "--ipu", json.dumps(SETTINGS))
    with subprocess.Popen(arguments, text=True, env=variables(POPTORCH_STANDIN_IPUS="2"), **pipes) as process:
        ready = report_from_json(process.stdout.readline())
        assert isinstance(ready, Ready)
        assert ready.environment.slot_kind == "ipu"
        weights = str(tmp_path / "attempt-1" / "weights.pt")
        for attempt, job in enumerate((TRAIN, MEASURE, EVALUATE), start=1):
            checkpoint = {"checkpoint": weights} if job is EVALUATE else {}
            order = Order(job, attempt, str(tmp_path / f"attempt-{attempt}"), str(tmp_path), **checkpoint)
            process.stdin.write(order_to_json(order) + "\n")
            process.stdin.flush()
            last = None
            while not isinstance(last, (Finished, Failed)):
                last = report_from_json(process.stdout.readline())
            assert isinstance(last, Finished), last
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 143

"""One job in a file, done without supervisor, Ray or database."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import pytest

from tests.older import paired
from workers.protocol.jobs import job_to_dict
from workers.protocol.orders import EpochDone, Failed, Finished, Started, order_to_json, report_from_json


def alone(path, *arguments):
    command = [sys.executable, "-m", "workers", str(path), "--threads", "1", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def test_a_job_alone_needs_nothing_but_its_file(tmp_path, train_job, evaluate_job):
    (tmp_path / "train.json").write_text(json.dumps(job_to_dict(train_job)))
    (tmp_path / "evaluate.json").write_text(json.dumps(job_to_dict(evaluate_job)))
    trained = alone(tmp_path / "train.json", "--validate-after", "1,3")
    assert trained.returncode == 0
    *reports, last = map(report_from_json, trained.stdout.splitlines())
    tested = [report.validation_images for report in reports if isinstance(report, EpochDone)]
    assert tested == [40, None, 40]
    weights = tmp_path / "train.attempt-1" / last.result.checkpoint
    tested = alone(tmp_path / "evaluate.json", "--checkpoint", str(weights))
    assert tested.returncode == 0
    assert report_from_json(tested.stdout.splitlines()[-1]).result.images == 64


def test_a_measurement_alone_makes_all_its_rounds_each_in_a_process_of_its_own(tmp_path, measure_job):
    job = dataclasses.replace(measure_job, rounds=2)
    (tmp_path / "measure.json").write_text(json.dumps(job_to_dict(job)))
    done = alone(tmp_path / "measure.json")
    assert done.returncode == 0
    reports = [report_from_json(line) for line in done.stdout.splitlines()]
    attempts = [report.attempt for report in reports if isinstance(report, Started)]
    finished = [report.result for report in reports if isinstance(report, Finished)]
    assert attempts == list(range(1, len(finished) + 1))
    assert 2 <= len(finished) <= 3
    assert [one.complete for one in finished] == [False] * (len(finished) - 1) + [True]
    assert [len(one.rounds) for one in finished] == attempts
    assert finished[-1].rounds[:-1] == finished[-2].rounds
    for attempt, result in paired(attempts, finished):
        left = (tmp_path / f"measure.attempt-{attempt}" / "report.json").read_text(encoding="utf-8")
        assert report_from_json(left).result == result


def test_a_round_in_an_order_is_one_round(tmp_path, order_of, measure_job):
    (tmp_path / "order.json").write_text(order_to_json(order_of(measure_job, 5)))
    done = alone(tmp_path / "order.json")
    [result] = [one.result for one in map(report_from_json, done.stdout.splitlines()) if isinstance(one, Finished)]
    assert [one.attempt for one in result.rounds] == [5]
    assert not result.complete


def test_a_measurement_alone_that_fails_is_not_tried_again(tmp_path, measure_job):
    job = dataclasses.replace(measure_job, precision="fp16")
    (tmp_path / "measure.json").write_text(json.dumps(job_to_dict(job)))
    done = alone(tmp_path / "measure.json")
    assert done.returncode == 1
    assert "fp16 needs a GPU" in done.stderr
    assert sum(isinstance(report_from_json(line), Failed) for line in done.stdout.splitlines()) == 1


def test_an_order_in_a_file_is_done_and_its_failure_is_the_exit_code(tmp_path, order_of, evaluate_job):
    (tmp_path / "order.json").write_text(order_to_json(order_of(evaluate_job, checkpoint="gone.pt")))
    done = alone(tmp_path / "order.json")
    assert done.returncode == 1
    assert "there is no checkpoint gone.pt" in done.stderr
    assert isinstance(report_from_json(done.stdout.splitlines()[-1]), Failed)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"stage": "train"}', '{"job": 1}', '{"stage": "train", "x": 1}'])
def test_a_file_that_is_no_job_is_refused_in_one_line(tmp_path, text):
    if text is not None:
        (tmp_path / "job.json").write_text(text)
    done = alone(tmp_path / "job.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r".*job\.json: not a job: .*\n", done.stderr)


@pytest.mark.parametrize("epochs", ["0,1", "1;2", "1,", "-1"])
def test_epochs_that_cannot_be_are_refused_before_any_work(tmp_path, epochs):
    done = alone(tmp_path / "train.json", f"--validate-after={epochs}")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"expected epochs, counted from 1, such as 1,2,4: got '{epochs}'" in done.stderr

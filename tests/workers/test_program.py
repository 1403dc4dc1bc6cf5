"""The worker as a program of its own, spoken to over its pipes as a supervisor does."""

import contextlib
import dataclasses
import functools
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from workers.durable_file import file_sha256, write_durably
from workers.environment import _SETTINGS
from workers.protocol.orders import (
    Diverged,
    EpochDone,
    Failed,
    Finished,
    Progress,
    Ready,
    Started,
    order_to_json,
    report_from_json,
)

#: How long a worker may take to answer or to end; long, since it says nothing about speed.
SECONDS = 120.0
PROGRAM = [sys.executable, "-m", "workers"]
#: With no setting of a library that the person may have made, since those are part of a worker's environment.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
ENVIRONMENT["OMP_NUM_THREADS"] = "1"


class Worker:
    """A worker process and its reports."""

    def __init__(self, *arguments):
        command = [*PROGRAM, "--serve", "--threads", "1", *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, env=ENVIRONMENT, **pipes)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)

    def end(self):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def next_report(self):
        return report_from_json(self._lines.get(timeout=SECONDS))

    def reports_until(self, *kinds):
        reports = [self.next_report()]
        while not isinstance(reports[-1], kinds):
            reports.append(self.next_report())
        return reports

    def do(self, order):
        self.say(order_to_json(order))
        return self.reports_until(Finished, Diverged, Failed)


@pytest.fixture
def worker():
    started = []

    def start(*arguments):
        started.append(Worker(*arguments))
        assert isinstance(started[-1].next_report(), Ready)
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture(scope="module")
def serving():
    """A worker that several tests give orders to, and leave ready for the next one."""
    one = Worker()
    assert isinstance(one.next_report(), Ready)
    yield one
    assert one.process.poll() is None
    one.end()


@pytest.fixture
def long_job(train_job, with_recipe):
    """More steps than fit into the time that anything here waits for."""
    return with_recipe(train_job, epochs=30_000)


def report_file(order):
    return Path(order.directory) / "report.json"


def spooled(order):
    return report_from_json(report_file(order).read_text(encoding="utf-8"))


def test_one_process_trains_evaluates_and_measures(serving, order_of, train_job, evaluate_job, measure_job):
    training = order_of(train_job)
    reports = serving.do(training)
    assert isinstance(reports[0], Started)
    assert [report.epoch for report in reports if isinstance(report, EpochDone)] == [1, 2, 3]
    assert any(isinstance(report, Progress) for report in reports)
    assert {(report.job, report.attempt) for report in reports} == {(train_job.fingerprint, 1)}
    assert spooled(training) == reports[-1]
    trained = reports[-1].result
    weights = str(Path(training.directory) / trained.checkpoint)
    assert file_sha256(weights) == trained.checkpoint_sha256

    testing = order_of(evaluate_job, 2, checkpoint=weights, checkpoint_sha256=trained.checkpoint_sha256)
    tested = serving.do(testing)[-1].result
    assert (tested.images, tested.validation_images) == (64, 40)
    assert tested.dataset_digest == trained.dataset_digest

    measured = serving.do(order_of(measure_job, 3))[-1].result
    assert [(one.attempt, len(one.samples)) for one in measured.rounds] == [(3, 4)]
    again = serving.do(order_of(measure_job, 4, so_far=measured))[-1].result
    assert again.rounds[0] == measured.rounds[0]
    assert [one.attempt for one in again.rounds] == [3, 4]
    assert serving.process.poll() is None


def test_a_result_is_the_same_in_a_fresh_process_and_in_a_used_one(worker, serving, order_of, train_job, with_recipe):
    serving.do(order_of(with_recipe(train_job, optimizer="sgd", mixup=0.0), 1))
    used = serving.do(order_of(train_job, 2))[-1].result
    fresh = worker().do(order_of(train_job, 3))[-1].result
    assert used.checkpoint_sha256 == fresh.checkpoint_sha256


def test_a_run_killed_between_epochs_goes_on_in_another_process(serving, order_of, train_job, with_recipe):
    job = with_recipe(train_job, epochs=4)
    unbroken = serving.do(order_of(job, 1))[-1].result
    # Interrupted after each epoch, with a resume point every time, in a process of its own.
    script = (
        "import os, sys, torch; torch.set_num_threads(1)\n"
        "from workers.protocol.orders import order_from_json\n"
        "from workers.data.loading import load_data_set\n"
        "from workers.training.training import train\n"
        "from workers.training.observer import SilentObserver\n"
        "class Killer(SilentObserver):\n"
        "    def progress(self, done, text):\n"
        "        if text.startswith('epoch 3'): os.kill(os.getpid(), 9)\n"
        "order = order_from_json(sys.stdin.read()); os.makedirs(order.directory)\n"
        "cpu = torch.device('cpu'); data = load_data_set(order.job.dataset, order.data_directory, cpu)\n"
        "train(order.job, data, cpu, order.directory, Killer(), resume_point_seconds=0.0)\n"
    )
    killed = order_of(job, 2)
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, input=order_to_json(killed), text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == -signal.SIGKILL
    reports = serving.do(order_of(job, 3, resume_from=killed.directory))
    assert [report.epoch for report in reports if isinstance(report, EpochDone)] == [3, 4]
    assert reports[-1].result.checkpoint_sha256 == unbroken.checkpoint_sha256


def test_a_line_that_is_no_order_is_answered_and_the_next_is_done(serving, order_of, measure_job):
    lines = ("{", "[1]", "\x00", '{"job": 3}', '{"job": {"stage": "train"}}', '{"job": {"stage": "nap"}, "attempt": 1}')
    for line in lines:
        serving.say(line)
        answer = serving.next_report()
        assert isinstance(answer, Failed)
        assert (answer.job, answer.attempt, answer.failure) == ("", 0, "error")
        assert "not an order" in answer.message
    assert isinstance(serving.do(order_of(measure_job))[-1], Finished)


def test_the_end_of_the_input_ends_the_process_in_the_middle_of_a_job(worker, order_of, long_job):
    serving = worker()
    order = order_of(long_job)
    serving.say(order_to_json(order))
    serving.reports_until(EpochDone)
    serving.process.stdin.close()
    assert serving.process.wait(timeout=SECONDS) == 0
    assert not report_file(order).exists()


def test_sigterm_ends_the_process_in_the_middle_of_a_job_and_ctrl_c_does_not(worker, order_of, long_job):
    serving = worker()
    serving.say(order_to_json(order_of(long_job)))
    serving.reports_until(EpochDone)
    serving.process.send_signal(signal.SIGINT)
    serving.reports_until(EpochDone)
    serving.process.terminate()
    assert serving.process.wait(timeout=SECONDS) == 143


def test_an_idle_process_ends_on_sigterm_and_at_the_end_of_its_input(worker):
    idle = worker()
    idle.process.terminate()
    assert idle.process.wait(timeout=SECONDS) == 143
    other = worker()
    other.process.stdin.close()
    assert other.process.wait(timeout=SECONDS) == 0


def test_a_killed_process_leaves_no_report_or_a_whole_one(worker, order_of, train_job):
    for attempt, delay in enumerate((0.0, 0.5), start=1):
        serving = worker()
        order = order_of(train_job, attempt)
        serving.say(order_to_json(order))
        serving.reports_until(Started)
        time.sleep(delay)
        serving.process.kill()
        serving.process.wait()
        if report_file(order).exists():
            assert isinstance(spooled(order), Finished)


def test_divergence_is_an_answer(serving, order_of, train_job, with_recipe):
    order = order_of(with_recipe(train_job, learning_rate=1e30))
    last = serving.do(order)[-1]
    assert isinstance(last, Diverged)
    assert spooled(order) == last


def test_failures_have_a_class_a_line_for_people_and_a_traceback(
    serving, order_of, train_job, evaluate_job, measure_job, tmp_path
):
    trained = serving.do(order_of(train_job, 1))[-1].result
    weights = str(tmp_path / "attempt-1" / trained.checkpoint)
    clothes = dataclasses.replace(train_job.dataset, name="fashion-mnist", classes=10, image_side=28)
    wide = dataclasses.replace(evaluate_job, training=dataclasses.replace(train_job, seed=1))
    cases = [
        (dataclasses.replace(train_job, dataset=clothes), {}, "data", "workers.data fetch fashion-mnist"),
        (wide, {"checkpoint": weights, "checkpoint_sha256": "0" * 64}, "checkpoint", "its SHA-256 differs"),
        (wide, {"checkpoint": weights + ".gone"}, "checkpoint", "there is no checkpoint"),
        (wide, {}, "checkpoint", "names no checkpoint"),
        (dataclasses.replace(measure_job, environment_key="f" * 32), {}, "device", "is for environment ffff"),
        (dataclasses.replace(measure_job, precision="fp16"), {}, "device", "fp16 needs a GPU"),
        (dataclasses.replace(measure_job, precision="16.16"), {}, "device", "16.16 needs IPUs"),
        (dataclasses.replace(measure_job, batch_size=1 << 40), {}, "out_of_memory", "memory"),
        (dataclasses.replace(measure_job, mode="nap"), {}, "error", "unknown mode 'nap'"),
    ]
    for attempt, (job, fields, failure, words) in enumerate(cases, start=2):
        order = order_of(job, attempt, **fields)
        last = serving.do(order)[-1]
        assert isinstance(last, Failed)
        assert last.failure == failure
        assert words in last.message
        assert "\n" not in last.message
        assert last.traceback.startswith("Traceback")
        assert spooled(order) == last
    assert isinstance(serving.do(order_of(measure_job, 99))[-1], Finished)


def test_what_libraries_print_does_not_get_between_the_reports():
    script = (
        "import os, sys; from workers.private_stdout import private_stdout\n"
        "reports = private_stdout(); print('from python'); sys.stdout.flush()\n"
        "os.write(1, b'from C'); os.system('echo from a child'); reports.write('report'); reports.flush()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "report"
    assert {"from python", "from C", "from a child"} <= set(re.findall(r"from (?:python|C|a child)", done.stderr))


@functools.lru_cache
def probed(threads, **settings):
    """Return the environment that the program tells of; threads are given as arguments unless they are None."""
    arguments = [] if threads is None else ["--threads", str(threads)]
    done = subprocess.run(
        [*PROGRAM, "--probe", *arguments], capture_output=True, text=True, check=True, env={**ENVIRONMENT, **settings}
    )
    return report_from_json(done.stdout).environment


def test_probing_tells_the_environment_and_threads_are_part_of_its_key():
    one, two = probed(None), probed(2)
    assert (one.slot_kind, one.threads, two.threads) == ("cpu", 1, 2), "as the variable says, and as the argument says"
    assert {"torch", "onednn"} <= set(one.software)
    assert one.details["memory_bytes"] > 1 << 28
    assert one.key != two.key


def test_settings_of_libraries_that_change_throughput_are_part_of_the_environment():
    assert "settings" not in probed(None).software
    assert probed(None, OMP_PROC_BIND="true", MALLOC_CONF="").software["settings"] == "OMP_PROC_BIND=true"


def test_freed_memory_is_kept_for_the_next_step_and_given_back_after_the_job():
    script = (
        "import resource, torch; from workers.device import open_device, return_free_memory\n"
        "def resident(): return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "open_device('cpu')\n"
        "for _ in range(10): torch.ones(1 << 26)\n"
        "before, filled = faults(), resident()\n"
        "for _ in range(10): torch.ones(1 << 26)\n"
        "print(faults() - before); return_free_memory(); print(filled - resident())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    faults, returned = map(int, done.stdout.split())
    assert faults < 655_360 / 2  # ten times 256 MiB; once is had anew where what came between lies in the way
    assert returned > 200e6


def test_a_missing_gpu_is_said_plainly():
    command = [*PROGRAM, "--probe", "--slot-kind", "cuda"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**ENVIRONMENT, "CUDA_VISIBLE_DEVICES": ""}
    )
    assert done.returncode == 1
    assert "finds no GPU" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_written_durably_is_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    digest = write_durably(str(path), b"first")
    assert digest == file_sha256(str(path))
    write_durably(str(path), b"second")
    assert path.read_bytes() == b"second"
    with pytest.raises(OSError, match="File name too long"):
        write_durably(str(tmp_path / ("n" * 250)), b"x")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]

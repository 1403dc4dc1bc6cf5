"""Which files of trainings can go, and that nothing else ever does."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import json
import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from db.checkpoints import TrainAttempt
from db.reader import open_reader
from db.records import DriverIdentity
from db.store import open_store, utc_now
from orchestrator import launching
from orchestrator.cli import run
from orchestrator.collection import Collector, Needs, judge
from orchestrator.errors import InputError
from orchestrator.expansion import expand
from orchestrator.planning import make_plan
from orchestrator.results import environment_record, new_job, store_result
from orchestrator.run_files import RunFiles
from orchestrator.training_files import AttemptFiles, can_be_made_again
from tests.sweep.example_sweep import SMALL, sweep_of
from workers.protocol.orders import (
    LOG_FILE,
    REPORT_FILE,
    RESUME_FILE,
    WEIGHTS_FILE,
    Environment,
    EvaluateResult,
    Finished,
    TrainResult,
)

NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)
FINGERPRINT = "f" * 32
POINT = "resume-00003.pt"


# what can go: pure ------------------------------------------------------------------------------------------------


def attempt(number=1, **changes):
    values = {
        "fingerprint": FINGERPRINT,
        "attempt": number,
        "label": "b0",
        "state": "done",
        "outcome": "done",
        "directory": f"/runs/jobs/{FINGERPRINT}/a{number}",
        "last_at": NOW,
        "is_result": True,
        "has_result": True,
        "open_evaluations": 0,
        "holders": frozenset(),
    }
    return TrainAttempt(**{**values, **changes})


def judged(attempts, files, **needs):
    """Attempt's number and file → why it stays, or None."""
    values = {"on_fronts": frozenset(), "yet_to_compete": frozenset(), "gone": frozenset(), "older_than": NOW}
    sizes = {number: dict.fromkeys(names, 10) for number, names in files.items()}
    found = judge(attempts, sizes, Needs(**{**values, **needs}))
    assert all(bool(file.needed) != bool(file.useless) for file in found), "each has one reason"
    return {(file.attempt.attempt, file.name): file.needed or None for file in found}


def stays(one, name=WEIGHTS_FILE, **needs):
    return judged([one], {one.attempt: [name]}, **needs)[one.attempt, name]


def test_the_weights_of_a_finished_training_go_when_nothing_needs_them():
    assert stays(attempt()) is None


def test_weights_stay_for_open_evaluations_fronts_and_unsettled_throughput():
    assert "open evaluation" in stays(attempt(open_evaluations=1))
    assert "front" in stays(attempt(), on_fronts=frozenset({FINGERPRINT}))
    assert "throughput" in stays(attempt(), yet_to_compete=frozenset({FINGERPRINT}))
    assert stays(attempt(), on_fronts=frozenset({"e" * 32}), yet_to_compete=frozenset({"d" * 32})) is None


def test_all_stays_while_somebody_runs_a_sweep_that_asks_for_the_training():
    for name in (WEIGHTS_FILE, RESUME_FILE, f"{WEIGHTS_FILE}.tmp-77"):
        assert "running sweep" in stays(attempt(holders=frozenset({"a", "b"})), name, gone=frozenset({"a"}))
        assert stays(attempt(holders=frozenset({"a"})), name, gone=frozenset({"a"})) is None


def test_the_weights_of_attempts_whose_result_does_not_count_go_whatever_needs_the_others():
    files = {1: [WEIGHTS_FILE], 2: [WEIGHTS_FILE]}
    attempts = [attempt(1, is_result=False, outcome="lost", open_evaluations=1), attempt(2, open_evaluations=1)]
    assert judged(attempts, files, on_fronts=frozenset({FINGERPRINT})) == {
        (1, WEIGHTS_FILE): None,
        (2, WEIGHTS_FILE): "an open evaluation needs it",
    }


@pytest.mark.parametrize("state", ["queued", "running", "blocked", "failed", "quarantined", "cancelled"])
@pytest.mark.parametrize(("outcome", "kept"), [(None, True), ("lost", True), ("failed", False), ("crashed", False)])
def test_weights_stay_that_a_worker_may_have_finished_and_nobody_heard_of(state, outcome, kept):
    one = attempt(state=state, outcome=outcome, is_result=False, has_result=False)
    assert (stays(one) is not None) == kept


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("queued", True),
        ("running", True),
        ("blocked", True),
        ("failed", True),
        ("quarantined", True),
        ("cancelled", True),
        ("done", False),
        ("diverged", False),
    ],
)
def test_resume_points_stay_until_their_training_has_ended(state, kept):
    one = attempt(state=state, outcome="crashed", is_result=False, has_result=False)
    files = judged([one], {1: [RESUME_FILE, POINT]})
    assert {why is not None for why in files.values()} == {kept}


def test_only_the_newest_resume_point_stays_and_it_is_the_one_that_training_goes_on_from(tmp_path):
    attempts = [
        attempt(number, state="queued", outcome="crashed", is_result=False, has_result=False) for number in (1, 2, 3)
    ]
    files = {1: [RESUME_FILE, POINT], 2: [RESUME_FILE, POINT], 3: []}
    kept = {number for (number, _), why in judged(attempts, files).items() if why}
    for number in (1, 2, 3):
        directory = RunFiles(tmp_path).attempt_directory(FINGERPRINT, number)
        directory.mkdir(parents=True)
        for name in files[number]:
            (directory / name).touch()
    assert {RunFiles(tmp_path).resume_point(FINGERPRINT, 4)} == {
        str(RunFiles(tmp_path).attempt_directory(FINGERPRINT, number)) for number in kept
    }


def test_what_is_younger_than_asked_for_stays():
    week = NOW - dt.timedelta(days=7)
    assert stays(attempt(last_at=NOW), older_than=week) == "not old enough"
    assert stays(attempt(last_at=week), older_than=week) is None
    assert "front" in stays(attempt(last_at=NOW), older_than=week, on_fronts=frozenset({FINGERPRINT}))


@pytest.mark.parametrize("name", [WEIGHTS_FILE, RESUME_FILE, POINT, f"{WEIGHTS_FILE}.tmp-12", f"{POINT}.tmp-3"])
def test_files_of_training_are_known_by_their_names(name):
    assert can_be_made_again(name)


@pytest.mark.parametrize(
    "name", [LOG_FILE, REPORT_FILE, f"{REPORT_FILE}.tmp-3", "notes.pt", "resume-.pt", "a/weights.pt"]
)
def test_other_files_are_not_ours_to_delete(name):
    assert not can_be_made_again(name)


def test_the_names_are_those_that_the_workers_write():
    from workers.training import training

    assert training.WEIGHTS_FILE == WEIGHTS_FILE


# a database and its files -------------------------------------------------------------------------------------------

ENVIRONMENT = Environment("cpu", "Xeon", 1)
TRAINED = TrainResult(WEIGHTS_FILE, "ab" * 32, 6, 1000, 5000, 1, 0.5, 100, 2.0, "cd" * 32)
TESTED = EvaluateResult(100, 80, 70, 0.5, 5000, 1.0, "cd" * 32)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else f"sqlite:///{tmp_path / 's.db'}"


@dataclass
class Runs:
    """A sweep of one network that was run here: its rows and its files."""

    url: str
    home: Path
    store: object
    reader: object
    driver_id: str = ""

    def __post_init__(self):
        self.files = RunFiles(self.home)
        self.store.put_environment(environment_record(ENVIRONMENT))

    def take(self, host="elsewhere"):
        """Let a new driver take the sweep, as a launch does."""
        self.driver_id = uuid.uuid4().hex
        self.store.register_driver(
            DriverIdentity(driver_id=self.driver_id, host=host, pid=2**22 + 1, boot_id="b", process_started=1.0)
        )
        return self.store.take_sweep("small", "text", "d", str(self.home), self.driver_id)

    def end(self):
        self.store.end_driver(self.driver_id)

    def expansion(self, *overrides):
        return expand(sweep_of(SMALL, *overrides), {"cpu": [ENVIRONMENT.key]})

    def ask(self, *overrides, host="elsewhere"):
        """Ask for the trainings and evaluations of the sweep with these overrides."""
        jobs = [job for job in self.expansion(*overrides).jobs if job.stage != "measure"]
        sweep_id = self.take(host)
        self.store.put_jobs(sweep_id, [new_job(job) for job in jobs])
        return jobs

    def start(self, job):
        """Claim an attempt and make its directory; return both."""
        key = job.fingerprint
        template = self.files.attempt_directory_template(key)
        number = self.store.claim(
            key,
            driver_id=self.driver_id,
            slot="cpu-0",
            node="here",
            environment_key=ENVIRONMENT.key,
            directory=template,
        )
        directory = self.files.attempt_directory(key, number)
        directory.mkdir(parents=True)
        for name in (LOG_FILE, REPORT_FILE):
            (directory / name).write_text("kept")
        return number, directory

    def do(self, job):
        number, directory = self.start(job)
        if job.stage == "train":
            (directory / WEIGHTS_FILE).write_bytes(b"weight")
        result = TRAINED if job.stage == "train" else TESTED
        report = Finished(job.fingerprint, number, result)
        assert store_result(self.store, job, report, directory, ENVIRONMENT.key)
        return directory

    def finish(self):
        """Do the whole sweep and let its driver end; return the file of its weights."""
        training, *evaluations = self.ask()
        directory = self.do(training)
        for evaluation in evaluations:
            self.do(evaluation)
        self.end()
        return directory / WEIGHTS_FILE

    def collector(self, **options):
        return Collector(self.reader, options.pop("older_than", utc_now()), **options)

    def delete(self, **options):
        collector = self.collector(**options)
        return collector.delete(self.store, collector.look())


@pytest.fixture
def runs(url, tmp_path):
    with contextlib.ExitStack() as closing:
        store = closing.enter_context(contextlib.closing(open_store(url)))
        reader = closing.enter_context(contextlib.closing(open_reader(url)))
        yield Runs(url, tmp_path / "runs", store, reader)


def content(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def names(files):
    return [file.path for file in files]


def test_looking_names_what_can_go_and_changes_nothing(runs):
    file = runs.finish()
    before = content(runs.home)
    found = runs.collector().look()
    assert (names(found.useless), found.needed, found.problems) == ([str(file)], (), ())
    assert (found.useless[0].size_bytes, found.missing, found.elsewhere) == (6, 0, 0)
    assert content(runs.home) == before


def test_deleting_leaves_logs_and_reports_and_finds_nothing_the_second_time(runs):
    file = runs.finish()
    before = content(runs.home)
    found = runs.delete()
    assert names(found.useless) == [str(file)]
    assert content(runs.home) == {name: text for name, text in before.items() if not name.endswith(WEIGHTS_FILE)}
    again = runs.delete()
    assert (again.useless, again.needed, again.missing) == ((), (), 1)


def test_a_file_that_goes_in_between_is_no_error(runs):
    file = runs.finish()
    collector = runs.collector()
    agreed = collector.look()
    file.unlink()
    assert collector.delete(runs.store, agreed).problems == ()


def test_an_evaluation_that_is_asked_for_in_between_keeps_the_weights(runs):
    file = runs.finish()
    collector = runs.collector()
    agreed = collector.look()
    runs.ask("test_resolution=[native, 32]")
    runs.end()
    found = collector.delete(runs.store, agreed)
    assert file.exists()
    assert [(one.path, one.needed) for one in found.needed] == [(str(file), "an open evaluation needs it")]
    assert found.useless == ()


def test_a_launch_in_between_keeps_the_files(runs):
    file = runs.finish()
    collector = runs.collector()
    agreed = collector.look()
    runs.take()
    assert collector.delete(runs.store, agreed).useless == ()
    assert file.exists()


def test_nothing_is_deleted_that_was_not_shown(runs):
    file = runs.finish()
    collector = runs.collector()
    agreed = collector.look()
    point = file.with_name(RESUME_FILE)
    point.touch()
    collector.delete(runs.store, agreed)
    assert (file.exists(), point.exists()) == (False, True)


@pytest.mark.parametrize(("host", "kept"), [("elsewhere", True), (socket.gethostname(), False)])
def test_a_running_sweep_keeps_everything_unless_its_driver_is_certainly_gone(runs, host, kept):
    for job in runs.ask(host=host):
        runs.do(job)
    assert (runs.collector().look().useless == ()) == kept
    assert (runs.delete().useless == ()) == kept


def test_what_lies_outside_the_artifacts_directories_is_not_touched(runs, tmp_path):
    file = runs.finish()
    runs.home = tmp_path / "moved"
    runs.take()
    runs.end()
    found = runs.delete()
    assert (found.useless, found.needed, found.missing, found.elsewhere) == ((), (), 0, 1)
    assert file.exists()


def test_a_directory_that_is_not_absolute_is_nobody_s(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = attempt(directory=str(RunFiles(Path("runs")).attempt_directory(FINGERPRINT, 1)))
    file = tmp_path / one.directory / WEIGHTS_FILE
    file.parent.mkdir(parents=True)
    file.touch()
    files = AttemptFiles(["runs", ""])
    assert (files.home_of(one), files.sizes(one)) == (None, {})
    files.delete(one, WEIGHTS_FILE)
    assert file.exists()


@pytest.mark.parametrize("level", [0, 1, 2])
def test_no_symbolic_link_below_the_artifacts_directory_is_followed(runs, tmp_path, level):
    file = runs.finish()
    link = file.parents[level]
    outside = tmp_path / "outside"
    link.rename(outside)
    link.symlink_to(outside)
    assert runs.delete().useless == ()
    assert file.exists()


def test_a_link_in_the_place_of_the_weights_is_left_alone(runs, tmp_path):
    file = runs.finish()
    file.rename(tmp_path / "weights.pt")
    file.symlink_to(tmp_path / "weights.pt")
    assert runs.delete().useless == ()
    assert file.is_symlink()
    assert file.exists()


def test_the_artifacts_directory_itself_may_be_reached_by_a_link(runs, tmp_path):
    real = tmp_path / "large-disk"
    real.mkdir()
    runs.home.symlink_to(real)
    file = runs.finish()
    assert names(runs.delete(artifacts=real).useless) == [str(file)]
    assert not file.exists()


def test_another_artifacts_directory_than_the_sweeps_is_refused(runs, tmp_path):
    runs.finish()
    with pytest.raises(InputError, match="no sweep of this database keeps its files in"):
        runs.collector(artifacts=tmp_path)


def test_a_file_that_cannot_be_deleted_is_told(runs, monkeypatch):
    file = runs.finish()

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "not yours")

    monkeypatch.setattr(os, "unlink", refuse)  # whoever runs the tests may be root, whom no mode stops
    found = runs.delete()
    monkeypatch.undo()
    assert found.problems == ("cannot delete files of b0×0.25 G1 e6 gn @28 seed 0: [Errno 13] not yours",)
    assert file.exists()


# afterwards ---------------------------------------------------------------------------------------------------------


def planned(runs, *overrides):
    """Plan a sweep as a launch does; stage → jobs to run, without measurements."""
    expansion = runs.expansion(*overrides)
    states = runs.reader.job_states([job.fingerprint for job in expansion.jobs])
    missing = launching.checkpoints_missing(runs.reader, expansion.evaluations)
    stages = make_plan(expansion, states, {"cpu": 1}, (), missing).stages
    return {name: stage.count("to_run") for name, stage in stages.items() if name != "measure"}


def test_a_later_test_resolution_trains_again_and_nothing_else_does(runs):
    runs.finish()
    more = "test_resolution=[native, 32]"
    assert planned(runs, more) == {"train": 0, "evaluate": 1}
    runs.delete()
    assert planned(runs) == {"train": 0, "evaluate": 0}
    assert planned(runs, more) == {"train": 1, "evaluate": 1}


def test_what_was_trained_again_is_kept_for_its_evaluation_and_the_first_weights_are_not_missed(runs):
    first = runs.finish()
    runs.delete()
    training, *_ = runs.ask("test_resolution=[native, 32]")
    assert runs.store.requeue([training.fingerprint], ("done",)) == 1  # as a launch does with what the plan names
    second = runs.do(training) / WEIGHTS_FILE
    runs.end()
    found = runs.delete()
    assert (names(found.needed), found.missing) == ([str(second)], 0)
    assert second != first


# the command --------------------------------------------------------------------------------------------------------


def test_the_command_shows_first_and_deletes_when_told_to(runs, capsys):
    file = runs.finish()
    assert run(["--db", runs.url, "gc"]) == 0
    shown = capsys.readouterr().out
    assert "weights.pt" in shown
    assert "1 file(s), 6 B can go; the same with --delete deletes them" in shown
    assert file.exists()
    assert run(["--db", runs.url, "gc", "--older-than", "1", "--delete"]) == 0
    assert "stays: 1 file(s), 6 B: not old enough" in capsys.readouterr().out
    assert file.exists()
    assert run(["--db", runs.url, "gc", "--delete", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["deleted"], told["bytes"], told["kept"]) == (True, 6, [])
    assert [(one["path"], one["bytes"]) for one in told["files"]] == [(str(file), 6)]
    assert not file.exists()
    assert run(["--db", runs.url, "gc"]) == 0
    assert "not here: the weights of 1 finished training(s)" in capsys.readouterr().out


def test_the_command_makes_no_database(tmp_path, capsys):
    assert run(["--db", f"sqlite:///{tmp_path / 'none.db'}", "gc", "--delete"]) == 4
    assert "there is no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

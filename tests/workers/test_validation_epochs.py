"""Accuracy of held-out images on the way: it is what a test at the end would say, and leaves no trace in the run."""

import dataclasses
import io
import json
import time

import numpy as np
import pytest
import torch

from workers.attempt import run_attempt
from workers.data.loading import load_data_set
from workers.errors import DivergedError
from workers.models.efficientnet import build
from workers.protocol.jobs import EvaluateJob
from workers.protocol.orders import (
    EpochDone,
    Finished,
    order_from_json,
    order_to_json,
    report_from_json,
    report_to_json,
)
from workers.protocol.recipe import FineTune
from workers.reporting import ReportStream
from workers.slot import open_slot
from workers.training.evaluation import evaluate
from workers.training.observer import SilentObserver
from workers.training.training import initial_model, train
from workers.training.validation import Validation

#: More than one forward pass.
HELD_OUT = 300
EVERY_EPOCH = (1, 2, 3)


class InterruptedRunError(Exception):
    """What a test throws into a run."""


class Recorder(SilentObserver):
    """Keeps the epochs; may take its time while images are tested, or interrupt the run after an epoch."""

    def __init__(self, pause=0.0, interrupt_after=None):
        self.epochs = {}
        self.told = []
        self.paused = 0.0
        self._pause = pause
        self._interrupt_after = interrupt_after

    def progress(self, done, text):
        if text.endswith("testing validation images"):
            self.told.append((done, text))
            time.sleep(self._pause)
            self.paused += self._pause
        elif len(self.epochs) == self._interrupt_after:
            raise InterruptedRunError

    def epoch_done(self, number, epoch):
        assert number not in self.epochs
        self.epochs[number] = epoch

    @property
    def counts(self):
        return {number: (epoch.validation_images, epoch.validation_correct) for number, epoch in self.epochs.items()}

    @property
    def course(self):
        """What the epochs came to, without what depends on testing and on the machine."""
        return {number: (epoch.loss, epoch.learning_rate, epoch.images) for number, epoch in self.epochs.items()}


@pytest.fixture
def job(train_job, with_recipe):
    """Three epochs of three steps that learn something."""
    dataset = dataclasses.replace(train_job.dataset, validation_images=HELD_OUT)
    return with_recipe(dataclasses.replace(train_job, dataset=dataset), optimizer="sgd", learning_rate=0.01)


@pytest.fixture
def run(tmp_path, cpu):
    """Train a job in a directory of its own and return its result and what was told."""

    def train_in(job, name, observer=None, **options):
        directory = tmp_path / name
        directory.mkdir()
        heard = observer or Recorder()
        return train(job, load_data_set(job.dataset, "data", cpu), cpu, str(directory), heard, **options), heard

    return train_in


def right_of(job, weights, device):
    """The held-out images that an evaluation at the train resolution gets right without fine-tuning."""
    untouched = EvaluateJob(job, job.resolution, FineTune(layers="none"))
    result = evaluate(untouched, load_data_set(job.dataset, "data", device), device, weights, SilentObserver())
    assert result.validation_images == HELD_OUT
    return result.validation_correct


EVERYTHING_RANDOM = {"augmentation": "crop-flip", "augmentation_policy": "randaugment", "cutmix": 0.5}


@pytest.mark.parametrize("norm", ["bn", "ln+pn"])
@pytest.mark.parametrize("average", [{"weight_average": 0.97}, {"weight_average": 0.0, "ema": 0.9}])
def test_a_training_ends_with_the_very_weights_that_it_has_without_being_tested(
    run, job, with_recipe, tmp_path, norm, average
):
    job = with_recipe(job, **average, **EVERYTHING_RANDOM)
    job = dataclasses.replace(job, variant=dataclasses.replace(job.variant, norm=norm))
    plain, plainly = run(job, "plain")
    tested, heard = run(job, "tested", validate_after=EVERY_EPOCH)
    assert tested.checkpoint_sha256 == plain.checkpoint_sha256
    kept = [(tmp_path / name / "weights.pt").read_bytes() for name in ("plain", "tested")]
    assert kept[0] == kept[1]
    assert heard.course == plainly.course
    assert plainly.counts == dict.fromkeys(EVERY_EPOCH, (None, None))
    assert [images for images, _ in heard.counts.values()] == [HELD_OUT] * 3


def test_testing_draws_no_random_number_and_leaves_the_network_alone(job, cpu):
    model = initial_model(job, cpu)
    data = load_data_set(job.dataset, "data", cpu)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    others = build(job.variant, 1, 8).state_dict()
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002  # the global one is meant
    validation = Validation(job, model, data.validation, cpu)
    score = validation.test(1, others, SilentObserver())
    assert score.images == HELD_OUT
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002  # likewise
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("average", [{"weight_average": 0.97}, {"weight_average": 0.0, "ema": 0.9}])
def test_the_weights_tested_are_those_that_would_be_kept_if_training_ended_there(
    run, job, with_recipe, cpu, tmp_path, average
):
    job = with_recipe(job, **average, average_warmup=False)
    recorder = Recorder(interrupt_after=2)
    with pytest.raises(InterruptedRunError):
        run(job, "stopped", recorder, validate_after=EVERY_EPOCH, resume_point_seconds=0.0)
    state = torch.load(tmp_path / "stopped" / "resume-00002.pt", weights_only=True)
    averaged, newest = (right_of(job, weights, cpu) for weights in (state["average"]["weights"], state["model"]))
    assert averaged != newest
    assert recorder.counts[2] == (HELD_OUT, averaged)


def test_the_last_epochs_accuracy_is_that_of_the_kept_weights(run, job, cpu, tmp_path):
    _, recorder = run(job, "a", validate_after=EVERY_EPOCH)
    weights = torch.load(tmp_path / "a" / "weights.pt", weights_only=True)["weights"]
    assert recorder.counts[3] == (HELD_OUT, right_of(job, weights, cpu))
    assert len(set(recorder.counts.values())) > 1


def test_only_the_epochs_asked_for_are_tested_and_those_after_the_end_do_no_harm(run, job):
    _, recorder = run(job, "a", validate_after=(2, 7))
    assert [number for number, (images, _) in recorder.counts.items() if images] == [2]
    text = "epoch 2/3, testing validation images"
    assert recorder.told == [(pytest.approx(2 / 3), text)] * 2  # 250 images and 50


def test_the_time_of_testing_is_not_the_epochs(run, job):
    started = time.perf_counter()
    result, recorder = run(job, "a", Recorder(pause=0.2), validate_after=EVERY_EPOCH)
    wall = time.perf_counter() - started
    assert recorder.paused == pytest.approx(6 * 0.2)
    assert result.seconds == pytest.approx(sum(epoch.seconds for epoch in recorder.epochs.values()))
    assert result.seconds <= wall - recorder.paused


def test_a_resumed_run_tests_the_epochs_that_it_does_and_finds_the_same(run, job, tmp_path):
    unbroken, whole = run(job, "unbroken", validate_after=EVERY_EPOCH)
    with pytest.raises(InterruptedRunError):
        run(job, "first", Recorder(interrupt_after=1), validate_after=EVERY_EPOCH, resume_point_seconds=0.0)
    result, recorder = run(job, "second", validate_after=EVERY_EPOCH, resume_from=str(tmp_path / "first"))
    assert result.checkpoint_sha256 == unbroken.checkpoint_sha256
    assert recorder.counts == {number: whole.counts[number] for number in (2, 3)}


def test_where_no_image_is_held_out_nothing_is_tested(run, job):
    without = dataclasses.replace(job, dataset=dataclasses.replace(job.dataset, validation_images=0))
    _, recorder = run(without, "a", validate_after=EVERY_EPOCH)
    assert recorder.counts == dict.fromkeys(EVERY_EPOCH, (None, None))
    assert recorder.told == []


def test_weights_that_the_last_update_spoilt_diverge_when_they_are_tested(run, job, with_recipe):
    """They would never become finite again: the next epoch would say the same, later."""
    spoilt = with_recipe(
        job, learning_rate=1e38, weight_decay=100.0, batch_size=96, warmup_epochs=0.0, weight_average=0.0
    )
    recorder = Recorder()
    with pytest.raises(DivergedError, match=r"the weights .* became NaN or infinite in epoch 1"):
        run(spoilt, "a", recorder, validate_after=(1,))
    assert recorder.epochs == {}
    with pytest.raises(DivergedError, match="in epoch 2"):
        run(spoilt, "b")


# What is told -------------------------------------------------------------------------------------------------------


def attempt(order):
    """Do an order and return its reports."""
    lines = io.StringIO()
    run_attempt(order, open_slot("cpu"), ReportStream(lines))
    return [report_from_json(line) for line in lines.getvalue().splitlines()]


def test_an_order_says_which_epochs_and_the_reports_have_their_counts(order_of, job, cpu, tmp_path):
    order = order_from_json(order_to_json(order_of(job, validate_after=(1, 3))))
    reports = attempt(order)
    assert isinstance(reports[-1], Finished)
    epochs = {one.epoch: one for one in reports if isinstance(one, EpochDone)}
    assert {number: one.validation_images for number, one in epochs.items()} == {1: HELD_OUT, 2: None, 3: HELD_OUT}
    assert epochs[2].validation_correct is None
    weights = torch.load(tmp_path / "attempt-1" / "weights.pt", weights_only=True)["weights"]
    assert epochs[3].validation_correct == right_of(job, weights, cpu)


def test_orders_keep_their_epochs_and_older_ones_have_none(order_of, job):
    order = order_of(job, validate_after=(1, 9))
    assert order_from_json(order_to_json(order)) == order
    older = json.loads(order_to_json(order))
    del older["validate_after"]
    assert order_from_json(json.dumps(older)) == order_of(job)
    with pytest.raises(ValueError, match="order: "):
        order_from_json(json.dumps({**older, "validate_after": 3}))


def test_reports_of_epochs_keep_their_counts_and_older_ones_have_none():
    report = EpochDone("f" * 32, 1, 2, 0.8, 0.01, 96, 1.5, 300, 120)
    assert report_from_json(report_to_json(report)) == report
    older = json.loads(report_to_json(report))
    del older["validation_images"], older["validation_correct"]
    assert report_from_json(json.dumps(older)) == EpochDone("f" * 32, 1, 2, 0.8, 0.01, 96, 1.5)

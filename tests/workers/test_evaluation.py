"""Fine-tuning and testing: the counts are right, and only the last layers move."""

import dataclasses

import pytest
import torch

from workers.data.loading import load_data_set
from workers.errors import CheckpointError, DivergedError, JobError
from workers.models.efficientnet import build
from workers.protocol.architecture import architecture, macs
from workers.protocol.jobs import FineTune
from workers.training import evaluation
from workers.training.evaluation import Features, evaluate, fine_tune
from workers.training.observer import SilentObserver


@pytest.fixture
def data(shapes, cpu):
    return load_data_set(shapes, "data", cpu)


@pytest.fixture
def model(variant):
    torch.manual_seed(3)
    return build(variant, 1, 8)


def with_fine_tune(job, **fields):
    return dataclasses.replace(job, fine_tune=dataclasses.replace(job.fine_tune, **fields))


def counted(model, data, resolution):
    """The number of test images classified right, in the plainest way."""
    model.eval()
    images = data.test.for_testing(resolution)
    with torch.no_grad():
        [(pixels, labels)] = images.batches([list_of(data)], None)
        return int((model(pixels).argmax(1) == labels).sum())


def list_of(data):
    return torch.arange(data.test.count).numpy()


@pytest.mark.parametrize("layers", ["none", "head"])
def test_the_first_test_counts_what_the_weights_as_trained_get_right(evaluate_job, data, cpu, model, layers):
    job = with_fine_tune(evaluate_job, layers=layers)
    result = evaluate(job, data, cpu, model.state_dict(), SilentObserver())
    assert result.images == 64
    assert result.correct_before_fine_tune == counted(model, data, 20)
    assert result.test_macs == macs(architecture(job.training.variant, 1, 8), 20)


@pytest.mark.parametrize("fields", [{"layers": "none"}, {"epochs": 0}])
def test_without_fine_tuning_both_counts_are_one(evaluate_job, data, cpu, model, fields):
    result = evaluate(with_fine_tune(evaluate_job, **fields), data, cpu, model.state_dict(), SilentObserver())
    assert result.correct == result.correct_before_fine_tune


@pytest.mark.parametrize("layers", ["head", "last-block"])
@pytest.mark.parametrize("norm", ["ln+pn", "bn"])
def test_fine_tuning_moves_the_last_layers_and_nothing_else(evaluate_job, data, cpu, variant, layers, norm):
    model = build(dataclasses.replace(variant, norm=norm), 1, 8).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    frozen, tuned = model.split(layers)
    job = with_fine_tune(evaluate_job, layers=layers)
    fine_tune(job, tuned, Features(frozen, data.train, 20, cpu, "fp32"), cpu, SilentObserver())
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    tuned_prefixes = ("head.", "classifier.") + (("stages.6.",) if layers == "last-block" else ())
    assert {name for name in moved if not name.startswith(tuned_prefixes)} == set()
    assert {"head.conv.weight", "classifier.weight", "classifier.bias"} <= moved
    assert ("stages.6.0.spatial.conv.weight" in moved) == (layers == "last-block")


@pytest.mark.parametrize("norm", ["gn", "bn"])
def test_keeping_the_features_changes_no_result(evaluate_job, data, cpu, variant, monkeypatch, norm):
    training = dataclasses.replace(evaluate_job.training, variant=dataclasses.replace(variant, norm=norm))
    job = dataclasses.replace(evaluate_job, training=training)
    weights = build(training.variant, 1, 8).state_dict()
    outcomes = []
    for available in (None, 1 << 40):
        monkeypatch.setattr(evaluation, "available_memory_bytes", lambda _, found=available: found)
        outcomes.append(evaluate(job, data, cpu, weights, SilentObserver()))
    assert outcomes[0].correct == outcomes[1].correct
    assert outcomes[0].loss == pytest.approx(outcomes[1].loss, rel=1e-4)


def test_the_same_evaluation_gives_the_same_result(evaluate_job, data, cpu, model):
    first, second = (evaluate(evaluate_job, data, cpu, model.state_dict(), SilentObserver()) for _ in range(2))
    assert dataclasses.replace(first, seconds=0.0) == dataclasses.replace(second, seconds=0.0)


def test_fine_tuning_lowers_the_loss(evaluate_job, data, cpu, model):
    untuned = evaluate(with_fine_tune(evaluate_job, layers="none"), data, cpu, model.state_dict(), SilentObserver())
    tuned = evaluate(with_fine_tune(evaluate_job, epochs=8), data, cpu, model.state_dict(), SilentObserver())
    assert tuned.loss < untuned.loss


def test_the_papers_learning_rate_is_taken_where_none_is_given(evaluate_job, data, cpu, model):
    given = with_fine_tune(evaluate_job, learning_rate=0.25 * 16 / 512)
    first, second = (evaluate(job, data, cpu, model.state_dict(), SilentObserver()) for job in (evaluate_job, given))
    assert first.loss == second.loss


def test_weights_that_do_not_fit_are_refused(evaluate_job, data, cpu, variant):
    wider = build(dataclasses.replace(variant, width=0.5), 1, 8).state_dict()
    with pytest.raises(CheckpointError, match=r"the weights do not fit b0×0\.25 G16 e4 gn"):
        evaluate(evaluate_job, data, cpu, wider, SilentObserver())


def test_an_absurd_learning_rate_diverges(evaluate_job, data, cpu, model):
    job = with_fine_tune(evaluate_job, learning_rate=1e30)
    with pytest.raises(DivergedError, match="fine-tuning"):
        evaluate(job, data, cpu, model.state_dict(), SilentObserver())


def test_a_batch_larger_than_the_data_set_is_refused(evaluate_job, data, cpu, model):
    job = dataclasses.replace(evaluate_job, fine_tune=FineTune(batch_size=128))
    with pytest.raises(JobError, match=r"fine_tune\.batch_size 128 is more than the 96 images"):
        evaluate(job, data, cpu, model.state_dict(), SilentObserver())

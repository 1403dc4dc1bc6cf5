"""Fine-tuning and testing: the counts are right, and only the last layers move."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from workers.data.loading import load_data_set
from workers.engine import Work
from workers.errors import CheckpointError, DivergedError, JobError
from workers.models.efficientnet import build
from workers.protocol.architecture import architecture, macs
from workers.protocol.recipe import FineTune
from workers.seeds import generator
from workers.torch_engine import TorchEngine
from workers.training import features as features_module
from workers.training.evaluation import evaluate
from workers.training.features import Features
from workers.training.fine_tuning import fine_tune, split
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


def features_of(job, frozen, split, resolution, device):
    work = Work(job.training.variant, job.training.precision, "frozen")
    return Features(TorchEngine(device).classifier(frozen, work), split, resolution, device)


def all_of(split, resolution):
    """All images of a split, prepared for testing, and their labels."""
    [batch] = split.for_testing(resolution).batches([np.arange(split.count)], np.random.default_rng(0))
    return batch


def counted(model, split, resolution):
    """The number of images classified right, in the plainest way."""
    pixels, labels = all_of(split, resolution)
    with torch.no_grad():
        return int((model.eval()(pixels).argmax(1) == labels).sum())


@pytest.mark.parametrize("layers", ["none", "head"])
def test_the_first_test_counts_what_the_weights_as_trained_get_right(evaluate_job, data, cpu, model, layers):
    job = with_fine_tune(evaluate_job, layers=layers)
    result = evaluate(job, data, cpu, model.state_dict(), SilentObserver())
    assert result.images == 64
    assert result.correct_before_fine_tune == counted(model, data.test, 20)
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
    fine_tune(job, tuned, features_of(job, frozen, data.train, 20, cpu), cpu, SilentObserver())
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
        monkeypatch.setattr(features_module, "available_memory_bytes", lambda _, found=available: found)
        outcomes.append(evaluate(job, data, cpu, weights, SilentObserver()))
    assert outcomes[0].correct == outcomes[1].correct
    assert outcomes[0].loss == pytest.approx(outcomes[1].loss, rel=1e-4)


def test_the_same_evaluation_gives_the_same_result(evaluate_job, data, cpu, model):
    first, second = (evaluate(evaluate_job, data, cpu, model.state_dict(), SilentObserver()) for _ in range(2))
    assert dataclasses.replace(first, seconds=0.0) == dataclasses.replace(second, seconds=0.0)


@pytest.mark.parametrize("layers", ["none", "head", "last-block"])
def test_held_out_images_are_counted_with_the_weights_that_are_tested(evaluate_job, data, cpu, model, layers):
    job = with_fine_tune(evaluate_job, layers=layers, epochs=4, learning_rate=1.0)
    result = evaluate(job, data, cpu, model.state_dict(), SilentObserver())
    frozen, tuned = split(model.eval(), job.fine_tune)
    if layers != "none":
        fine_tune(job, tuned, features_of(job, frozen, data.train, 20, cpu), cpu, SilentObserver())
    assert result.validation_images == 40
    assert result.validation_correct == counted(model, data.validation, 20)
    assert result.correct == counted(model, data.test, 20)
    assert (result.correct == result.correct_before_fine_tune) == (layers == "none")
    assert result.dataset_digest == data.digest


def test_where_nothing_is_held_out_no_image_is_counted(evaluate_job, shapes, cpu, model):
    data = load_data_set(dataclasses.replace(shapes, validation_images=0), "data", cpu)
    result = evaluate(evaluate_job, data, cpu, model.state_dict(), SilentObserver())
    assert (result.validation_images, result.validation_correct) == (0, 0)


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


@pytest.mark.parametrize("layers", ["none", "head"])
def test_a_network_whose_loss_is_no_number_is_no_result(evaluate_job, data, cpu, model, layers):
    """Weights can be finite and still be of no use; also those that the very last step of fine-tuning left."""
    job = with_fine_tune(evaluate_job, layers=layers, epochs=1, batch_size=96, learning_rate=1e38)
    if layers == "none":
        nn.init.constant_(model.classifier.weight, 3e38)
    with pytest.raises(DivergedError, match=r"the mean loss over the test images is (inf|nan)"):
        evaluate(job, data, cpu, model.state_dict(), SilentObserver())


def test_a_batch_larger_than_the_data_set_is_refused(evaluate_job, data, cpu, model):
    job = dataclasses.replace(evaluate_job, fine_tune=FineTune(batch_size=128))
    with pytest.raises(JobError, match=r"fine_tune\.batch_size 128 is more than the 96 images"):
        evaluate(job, data, cpu, model.state_dict(), SilentObserver())


# ---- batch norm's statistics taken anew ------------------------------------------------------------------------------


@pytest.fixture
def statistics_job(evaluate_job, variant):
    training = dataclasses.replace(evaluate_job.training, variant=dataclasses.replace(variant, norm="bn"))
    settings = FineTune("batch-norm-statistics", epochs=1, batch_size=32)
    return dataclasses.replace(evaluate_job, training=training, fine_tune=settings)


@pytest.fixture
def spoilt(variant):
    """A network with statistics far from those of any image."""
    torch.manual_seed(3)
    model = build(dataclasses.replace(variant, norm="bn"), 1, 8).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=3.0)
            nn.init.uniform_(module.running_var, 5.0, 50.0)
            module.num_batches_tracked += 1000
    return model


def take_statistics(job, model, data, device, resolution=20):
    frozen, tuned = split(model, job.fine_tune)
    features = features_of(job, frozen, data.train, resolution, device)
    fine_tune(job, tuned, features, device, SilentObserver())


@pytest.mark.parametrize(("batch_size", "epochs"), [(96, 1), (32, 1), (24, 3)])
def test_the_statistics_of_the_first_norm_are_those_of_all_training_images(
    statistics_job, spoilt, data, cpu, batch_size, epochs
):
    job = with_fine_tune(statistics_job, batch_size=batch_size, epochs=epochs)
    take_statistics(job, spoilt, data, cpu)
    pixels, _ = all_of(data.train, 20)
    inputs = nn.functional.conv2d(pixels.double(), spoilt.stem.conv.weight.double(), padding=1)
    mean, variance = inputs.mean((0, 2, 3)), inputs.var((0, 2, 3))
    torch.testing.assert_close(spoilt.stem.norm.running_mean.double(), mean, rtol=1e-4, atol=1e-5)
    # Within a batch the images vary a little less than all of them do around their common mean.
    tolerance = 1e-4 if batch_size == 96 else 0.02
    torch.testing.assert_close(spoilt.stem.norm.running_var.double(), variance, rtol=tolerance, atol=1e-5)
    assert int(spoilt.stem.norm.num_batches_tracked) == epochs * (96 // batch_size)


def test_every_norm_gets_the_mean_of_the_batches_statistics(statistics_job, spoilt, data, cpu):
    """The last norm's, by a forward pass in float64 that normalises every batch by itself."""
    take_statistics(statistics_job, spoilt, data, cpu)
    pixels, _ = all_of(data.train, 20)
    reference = copy.deepcopy(spoilt).double().train()
    reference.dropout.p = 0.0
    seen = []
    reference.head.conv.register_forward_hook(lambda *arguments: seen.append(arguments[-1]))
    order = generator(statistics_job.training.seed, "fine-tune order", 1).permutation(96)
    with torch.no_grad():
        for batch in np.split(order, 3):
            reference(pixels[batch].double())
    means = torch.stack([batch.mean((0, 2, 3)) for batch in seen]).mean(0)
    variances = torch.stack([batch.var((0, 2, 3)) for batch in seen]).mean(0)
    torch.testing.assert_close(spoilt.head.norm.running_mean.double(), means, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(spoilt.head.norm.running_var.double(), variances, rtol=1e-3, atol=1e-4)


def test_taking_statistics_changes_no_weight_and_leaves_the_network_ready_to_test(statistics_job, spoilt, data, cpu):
    before = {name: value.clone() for name, value in spoilt.state_dict().items()}
    momenta = [module.momentum for module in spoilt.modules() if isinstance(module, nn.BatchNorm2d)]
    take_statistics(statistics_job, spoilt, data, cpu)
    moved = {name for name, value in spoilt.state_dict().items() if not torch.equal(value, before[name])}
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    assert moved == {name for name in before if name.endswith(statistics)}
    assert not any(module.training for module in spoilt.modules())
    assert [module.momentum for module in spoilt.modules() if isinstance(module, nn.BatchNorm2d)] == momenta


def test_images_that_fill_no_batch_leave_the_statistics_alone(statistics_job, spoilt, data, cpu):
    take_statistics(with_fine_tune(statistics_job, batch_size=40), spoilt, data, cpu)
    assert int(spoilt.stem.norm.num_batches_tracked) == 2  # of 96 images


def test_taking_statistics_computes_in_the_jobs_precision(statistics_job, spoilt, data, cpu):
    seen = set()
    spoilt.head.conv.register_forward_hook(lambda *arguments: seen.add(arguments[-1].dtype))
    training = dataclasses.replace(statistics_job.training, precision="bf16")
    take_statistics(dataclasses.replace(statistics_job, training=training), spoilt, data, cpu)
    assert seen == {torch.bfloat16}
    assert spoilt.head.norm.running_mean.dtype == torch.float32


def test_the_statistics_are_the_same_whether_the_images_are_kept_or_prepared_again(
    statistics_job, spoilt, data, cpu, monkeypatch
):
    kept, again = copy.deepcopy(spoilt), copy.deepcopy(spoilt)
    take_statistics(statistics_job, kept, data, cpu)
    monkeypatch.setattr(features_module, "available_memory_bytes", lambda _: None)
    take_statistics(statistics_job, again, data, cpu)
    torch.testing.assert_close(kept.head.norm.running_var, again.head.norm.running_var)


def test_a_network_without_batch_norm_has_no_statistics_to_take(evaluate_job, data, cpu, model):
    job = with_fine_tune(evaluate_job, layers="batch-norm-statistics")
    with pytest.raises(JobError, match=r"batch-norm-statistics, but b0×0\.25 G16 e4 gn has no batch norm"):
        evaluate(job, data, cpu, model.state_dict(), SilentObserver())

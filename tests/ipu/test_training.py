"""Training on IPUs gives what training on a CPU gives; a stand-in that trains for real plays PopTorch."""

import dataclasses
import tempfile
from functools import lru_cache
from pathlib import Path

import pytest
import torch

from tests.ipu.runs import Course, InterruptedRunError, assert_no_process_remains, data_of, host, job, trained
from tests.older import paired
from workers.errors import DeviceError, DivergedError, JobError
from workers.ipu.engine import PoptorchEngine
from workers.ipu.trainer import smoothed_cross_entropy
from workers.models.efficientnet import build
from workers.models.kernel_library import SWITCH, kernels
from workers.protocol.ipu import IpuSettings
from workers.protocol.jobs import EvaluateJob
from workers.protocol.recipe import FineTune
from workers.training.evaluation import evaluate
from workers.training.observer import SilentObserver
from workers.training.training import Training

pytestmark = pytest.mark.usefixtures("standin", "_torchs_own_operations")

#: A whole batch at once: the arithmetic of a CPU, operation by operation.
AT_ONCE = IpuSettings(micro_batch=32)


@pytest.fixture
def _torchs_own_operations(monkeypatch):
    monkeypatch.setenv(SWITCH, "off")
    kernels.cache_clear()
    torch.set_num_threads(1)
    yield
    kernels.cache_clear()


def assert_equal(weights, others):
    assert weights.keys() == others.keys()
    assert [name for name, value in weights.items() if not torch.equal(value, others[name])] == []


def assert_close(weights, others, tolerance=1e-4):
    for name, value in weights.items():
        torch.testing.assert_close(value, others[name], rtol=tolerance, atol=tolerance, msg=name)


@lru_cache(maxsize=16)
def on_a_cpu(one, validate_after=()):
    """Weights, epochs and result of a training on a CPU; several tests compare with the same one."""
    course = Course()
    with tempfile.TemporaryDirectory() as directory:
        weights, result = trained(one, host(), Path(directory) / "cpu", course, validate_after=validate_after)
    return weights, course.epochs, result


@pytest.mark.parametrize(("group_size", "norm"), [(1, "ln+pn"), (16, "gn")])
def test_a_training_ends_with_the_weights_of_one_on_a_cpu_bit_for_bit_and_leaves_no_process(tmp_path, group_size, norm):
    one = job(group_size=group_size, norm=norm)
    course = Course()
    ours, result = trained(one, PoptorchEngine(AT_ONCE), tmp_path / "ipu", course, validate_after=(1, 2))
    theirs, epochs, expected = on_a_cpu(one, validate_after=(1, 2))
    assert_equal(ours, theirs)
    assert course.epochs == epochs
    assert epochs[-1][-1] is not None
    assert dataclasses.replace(result, seconds=0.0) == dataclasses.replace(expected, seconds=0.0)
    assert_no_process_remains()


@pytest.mark.parametrize(
    "settings",
    [
        IpuSettings(micro_batch=8),
        IpuSettings(micro_batch=8, replicas=2),
        IpuSettings(micro_batch=4, ipus_per_replica=2, inference_ipus_per_replica=2),
        IpuSettings(micro_batch=4, ipus_per_replica=2, replicas=2, inference_micro_batch=7),
    ],
    ids=["accumulated", "replicated", "pipelined", "all"],
)
def test_how_a_batch_is_cut_up_changes_the_rounding_alone(tmp_path, settings):
    one = job(recipe={"learning_rate": 0.004})
    course = Course()
    ours, _ = trained(one, PoptorchEngine(settings), tmp_path / "ipu", course, validate_after=(1, 2))
    theirs, epochs, _ = on_a_cpu(one, validate_after=(1, 2))
    assert_close(ours, theirs)
    for (_, loss, rate, correct), (_, other_loss, other_rate, other_correct) in paired(course.epochs, epochs):
        assert loss == pytest.approx(other_loss, rel=1e-5)
        assert (rate, correct) == (other_rate, other_correct)


def test_the_programs_have_the_stages_and_batches_of_the_settings(tmp_path, standin):
    settings = IpuSettings(micro_batch=4, ipus_per_replica=2, replicas=2, inference_micro_batch=7)
    settings = dataclasses.replace(settings, inference_ipus_per_replica=4, executable_cache=str(tmp_path / "cache"))
    trained(job(), PoptorchEngine(settings), tmp_path / "ipu", validate_after=(1, 2))
    compiled = {event["training"]: event for event in standin.events("compile")}
    assert len(standin.events("compile")) == 2  # although both were on the IPUs by turns
    assert (compiled[True]["stages"], compiled[True]["ipus"], compiled[True]["micro_batch"]) == (2, 4, 4)
    assert (compiled[False]["stages"], compiled[False]["ipus"], compiled[False]["micro_batch"]) == (4, 4, 7)
    trained(job(), PoptorchEngine(settings), tmp_path / "again")
    assert standin.events("compile")[-1]["from_cache"]


@pytest.mark.parametrize(
    "recipe",
    [
        {"optimizer": "adamw"},
        {"optimizer": "sgd", "momentum": 0.0},
        {"rms_decay": None, "weight_decay": 0.01, "schedule": "exponential", "warmup_epochs": 0.0},
        {"mixup": 0.0, "cutmix": 0.0, "label_smoothing": 0.0},
        {"mixup": 0.0, "cutmix": 0.0, "weight_average": 0.0, "ema": 0.9},
    ],
)
def test_every_recipe_means_on_ipus_what_it_means_elsewhere(tmp_path, recipe):
    one = job(recipe=recipe)
    ours, _ = trained(one, PoptorchEngine(AT_ONCE), tmp_path / "ipu")
    theirs, *_ = on_a_cpu(one)
    assert_close(ours, theirs)


def test_batch_norm_takes_its_statistics_over_the_whole_batch_or_is_refused(tmp_path):
    one = job(norm="bn")
    ours, _ = trained(one, PoptorchEngine(IpuSettings()), tmp_path / "ipu")
    theirs, *_ = on_a_cpu(one)
    assert_close(ours, theirs)
    with pytest.raises(JobError, match=r"slots\.ipu\.micro_batch: batch norm takes its statistics over a micro-batch"):
        Training(one, data_of(one).train, PoptorchEngine(IpuSettings(micro_batch=8)))


@pytest.mark.parametrize(
    ("recipe", "validate_after"),
    [({}, ()), ({"dropout": 0.2, "stochastic_depth": 0.2}, (1, 2))],
    ids=["plain", "with random numbers and tested"],
)
def test_a_resumed_run_ends_with_the_very_weights_of_an_unbroken_one(tmp_path, recipe, validate_after):
    """Also where it was tested after an epoch, and its state is that of a network that has left the IPUs."""
    one = job(epochs=3, recipe=recipe)
    unbroken, _ = trained(one, PoptorchEngine(AT_ONCE), tmp_path / "unbroken")
    with pytest.raises(InterruptedRunError):
        trained(
            one,
            PoptorchEngine(AT_ONCE),
            tmp_path / "first",
            Course(interrupt_after=2),
            resume_point_seconds=0.0,
            validate_after=validate_after,
        )
    course = Course()
    resumed, result = trained(
        one, PoptorchEngine(AT_ONCE), tmp_path / "second", course, resume_from=str(tmp_path / "first")
    )
    assert [number for number, *_ in course.epochs] == [3]
    assert_equal(resumed, unbroken)
    assert result.epochs == 3


def test_a_run_that_another_engine_began_starts_anew_and_says_why(tmp_path, capsys):
    one = job()
    with pytest.raises(InterruptedRunError):
        trained(one, host(), tmp_path / "cpu", Course(interrupt_after=1), resume_point_seconds=0.0)
    course = Course()
    resumed, _ = trained(one, PoptorchEngine(AT_ONCE), tmp_path / "ipu", course, resume_from=str(tmp_path / "cpu"))
    assert [number for number, *_ in course.epochs] == [1, 2]
    assert "the run began with torch, and this slot computes with poptorch" in capsys.readouterr().err
    unbroken, *_ = on_a_cpu(one)
    assert_equal(resumed, unbroken)


@pytest.mark.parametrize(("precision", "norm"), [("16.16", "ln+pn"), ("16.32", "gn")])
def test_a_half_precision_run_learns_and_keeps_single_precision_weights(tmp_path, precision, norm):
    one = job(precision, epochs=1, norm=norm)
    ours, result = trained(one, PoptorchEngine(IpuSettings(micro_batch=16)), tmp_path / "half")
    theirs, _, expected = on_a_cpu(dataclasses.replace(one, precision="fp32"))
    assert {value.dtype for value in ours.values()} == {torch.float32}
    in_half = all(torch.equal(value, value.half().float()) for value in ours.values())
    assert in_half == (precision == "16.16"), "only 16.16 keeps its weights in half precision meanwhile"
    assert result.train_loss == pytest.approx(expected.train_loss, rel=0.02)
    assert_close(ours, theirs, tolerance=0.05)
    network = build(one.variant, 1, 8)
    network.load_state_dict(ours)
    tested = EvaluateJob(dataclasses.replace(one, precision="fp32"), 16, FineTune(layers="none"))
    assert evaluate(tested, data_of(one), host(), ours, SilentObserver()).images == 64


def test_an_absurd_learning_rate_diverges_and_leaves_no_process(tmp_path):
    with pytest.raises(DivergedError, match="became"):
        trained(job(recipe={"learning_rate": 1e30}), PoptorchEngine(AT_ONCE), tmp_path / "ipu")
    assert_no_process_remains()


@pytest.mark.parametrize(
    ("precision", "recipe", "message"),
    [
        ("bf16", {}, "IPUs do not compute in bf16: take fp32, 16.16, 16.32"),
        ("fp32", {"optimizer": "sgd"}, "sgd with momentum is Nesterov's, which PopTorch does not have"),
        ("fp32", {"batch_size": 30}, "slots.ipu.micro_batch: 30 images per replica"),
    ],
)
def test_what_ipus_cannot_do_is_refused_with_what_to_take_instead(precision, recipe, message):
    one = job(precision, recipe=recipe)
    with pytest.raises(JobError, match=message):
        Training(one, data_of(one).train, PoptorchEngine(IpuSettings(micro_batch=8)))


def test_a_cpu_refuses_an_ipus_precision(tmp_path):
    with pytest.raises(DeviceError, match=r"16\.16"):
        trained(job("16.16"), host(), tmp_path / "cpu")


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("masses", [False, True])
def test_the_loss_is_torchs_cross_entropy_bit_for_bit_with_its_gradient(smoothing, masses):
    torch.manual_seed(0)
    targets = torch.rand(16, 10).softmax(1) if masses else torch.randint(10, (16,))
    losses, gradients = [], []
    start = torch.randn(16, 10)
    for loss_of in (smoothed_cross_entropy, torch.nn.functional.cross_entropy):
        logits = start.clone().requires_grad_()
        loss = loss_of(logits, targets, label_smoothing=smoothing)
        loss.backward()
        losses.append(loss)
        gradients.append(logits.grad)
    assert torch.equal(*losses)
    assert torch.equal(*gradients)

"""Testing and fine-tuning on IPUs count what a CPU counts."""

import copy
import dataclasses

import pytest
import torch

from tests.ipu.runs import VARIANT, data_of, host, job
from tests.older import paired
from workers.engine import Work
from workers.errors import JobError
from workers.ipu.engine import PoptorchEngine
from workers.models.efficientnet import build
from workers.models.kernel_library import SWITCH, kernels
from workers.protocol.ipu import IpuSettings
from workers.protocol.jobs import EvaluateJob
from workers.protocol.recipe import FineTune
from workers.training import features as features_module
from workers.training.evaluation import evaluate
from workers.training.observer import SilentObserver

pytestmark = pytest.mark.usefixtures("standin", "_torchs_own_operations")

WORK = Work(VARIANT, "fp32")


@pytest.fixture
def _torchs_own_operations(monkeypatch):
    monkeypatch.setenv(SWITCH, "off")
    kernels.cache_clear()
    torch.set_num_threads(1)
    yield
    kernels.cache_clear()


@pytest.fixture
def network():
    torch.manual_seed(3)
    return build(VARIANT, 1, 8).eval()


def logits_of(network, images):
    with torch.no_grad():
        return network(images)


@pytest.mark.parametrize("count", [1, 12, 29])
def test_any_number_of_images_is_classified_in_batches_of_one_size(network, count):
    images = torch.randn(count, 1, 16, 16)
    classifier = PoptorchEngine(IpuSettings()).classifier(network, WORK)
    assert classifier.images_per_call == 12
    torch.testing.assert_close(classifier(images), logits_of(network, images))


def test_replicas_and_stages_answer_in_the_order_of_the_images(network):
    settings = IpuSettings(ipus_per_replica=4, inference_ipus_per_replica=2, inference_micro_batch=3)
    images = torch.randn(31, 1, 16, 16)
    classifier = PoptorchEngine(settings).classifier(network, WORK)
    assert classifier.images_per_call == 3 * 2 * 2
    torch.testing.assert_close(classifier(images), logits_of(network, images))


@pytest.mark.parametrize("norm", ["gn", "ln+pn", "bn"])
def test_loaded_weights_count_from_the_next_call_on(norm):
    """Also in what a proxy norm computes of them, and keeps on a CPU."""
    variant = dataclasses.replace(VARIANT, norm=norm)
    network, other = (build(variant, 1, 8).eval() for _ in range(2))
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    images = torch.randn(5, 1, 16, 16)
    logits_of(network, images)
    classifier = PoptorchEngine(IpuSettings()).classifier(network, Work(variant, "fp32"))
    classifier(images)
    classifier.load(other.state_dict())
    torch.testing.assert_close(classifier(images), logits_of(other, images), rtol=1e-4, atol=1e-4)


def test_two_networks_take_turns_on_the_ipus_and_keep_their_weights(network):
    torch.manual_seed(4)
    other = build(VARIANT, 1, 8).eval()
    images = torch.randn(5, 1, 16, 16)
    engine = PoptorchEngine(IpuSettings(ipus_per_replica=4, inference_ipus_per_replica=4))
    classifiers = [engine.classifier(one, WORK) for one in (network, other)]
    for _ in range(2):
        for classifier, one in paired(classifiers, (network, other)):
            torch.testing.assert_close(classifier(images), logits_of(one, images))
    classifiers[0].load(other.state_dict())  # while it is not on the IPUs
    torch.testing.assert_close(classifiers[0](images), logits_of(other, images))
    assert not classifiers[1].executor.isAttachedToDevice()
    engine.close()
    assert not classifiers[0].executor.isAttachedToDevice()


def test_the_network_that_is_given_stays_an_ordinary_one(network):
    before = copy.deepcopy(network.state_dict())
    classifier = PoptorchEngine(IpuSettings()).classifier(network, Work(VARIANT, "16.16"))
    classifier(torch.randn(5, 1, 16, 16))
    assert type(network).__name__ == "EfficientNet"
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("precision", ["16.16", "16.32"])
@pytest.mark.parametrize("norm", ["gn", "ln+pn"])
def test_half_precision_answers_are_near_those_of_single_precision(precision, norm):
    variant = dataclasses.replace(VARIANT, norm=norm)
    torch.manual_seed(3)
    network = build(variant, 1, 8).eval()
    images = torch.randn(12, 1, 16, 16)
    answers = PoptorchEngine(IpuSettings()).classifier(network, Work(variant, precision))(images)
    assert answers.dtype == torch.float16
    torch.testing.assert_close(answers.float(), logits_of(network, images), rtol=0.05, atol=0.02)


def evaluated(engine, weights, norm="gn", **fine_tune):
    one = job(norm=norm)
    tuning = FineTune(**{"epochs": 2, "batch_size": 16, **fine_tune})
    return dataclasses.replace(
        evaluate(EvaluateJob(one, 20, tuning), data_of(one), engine, weights, SilentObserver()), seconds=0.0
    )


@pytest.mark.parametrize("layers", ["none", "head", "last-block"])
@pytest.mark.parametrize(
    "settings",
    [
        IpuSettings(),
        IpuSettings(replicas=2, inference_micro_batch=7),
        IpuSettings(ipus_per_replica=4, inference_ipus_per_replica=4),  # more than the head's layers could be cut into
    ],
    ids=["one IPU", "replicas", "stages"],
)
def test_an_evaluation_counts_what_a_cpu_counts(network, layers, settings):
    weights = network.state_dict()
    ours = evaluated(PoptorchEngine(settings), weights, layers=layers, learning_rate=0.05)
    theirs = evaluated(host(), weights, layers=layers, learning_rate=0.05)
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
    assert dataclasses.replace(ours, loss=theirs.loss) == theirs
    untuned = evaluated(host(), weights, layers="none")
    assert (theirs.loss == untuned.loss) == (layers == "none")


def test_features_that_are_not_kept_change_no_result_and_are_computed_ahead(network, monkeypatch, standin):
    """Since the frozen and the tuned part change places on the IPUs."""
    outcomes, changes = [], []
    feature_bytes = 4 * 80 * 3 * 3
    for available in (1 << 40, None, 4 * 2 * 40 * feature_bytes):
        monkeypatch.setattr(features_module, "available_memory_bytes", lambda _, found=available: found)
        before = len(standin.events("attach"))
        outcomes.append(evaluated(PoptorchEngine(IpuSettings()), network.state_dict(), layers="head", epochs=1))
        changes.append(len(standin.events("attach")) - before)
    for outcome in outcomes[1:]:
        assert outcome.loss == pytest.approx(outcomes[0].loss, rel=1e-5)
        assert outcome.correct == outcomes[0].correct
    assert changes[0] < changes[2] < changes[1]


def test_batch_norms_statistics_are_taken_on_the_host():
    torch.manual_seed(3)
    weights = build(dataclasses.replace(VARIANT, norm="bn"), 1, 8).state_dict()
    tuning = {"norm": "bn", "layers": "batch-norm-statistics", "epochs": 1, "batch_size": 32}
    ours, theirs = (evaluated(engine, weights, **tuning) for engine in (PoptorchEngine(IpuSettings()), host()))
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
    assert dataclasses.replace(ours, loss=theirs.loss) == theirs
    assert ours.correct != ours.correct_before_fine_tune


def test_a_network_that_does_not_fit_the_slot_is_refused_by_the_settings_name(network):
    settings = IpuSettings(ipus_per_replica=2, inference_ipus_per_replica=4)
    with pytest.raises(JobError, match=r"slots\.ipu\.inference_ipus_per_replica: 4 IPUs per replica"):
        PoptorchEngine(settings).classifier(network, WORK)

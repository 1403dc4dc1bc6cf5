"""Fine-tuning one training run's network at a test resolution, and testing it there."""

import contextlib
import math
import time
from typing import Dict, Union

import torch
from torch import Tensor, nn

from workers.data.images import Images
from workers.data.loading import LoadedDataSet
from workers.engine import Engine, Work
from workers.errors import CheckpointError, DivergedError
from workers.models.efficientnet import EfficientNet, build
from workers.protocol.architecture import macs
from workers.protocol.jobs import EvaluateJob
from workers.protocol.orders import EvaluateResult
from workers.torch_engine import engine_of
from workers.training.features import Features
from workers.training.fine_tuning import changes_anything, fine_tune, split
from workers.training.observer import Observer
from workers.training.testing import Score, test


def evaluate(
    job: EvaluateJob,
    data: LoadedDataSet,
    device: Union[torch.device, Engine],
    weights: Dict[str, Tensor],
    observer: Observer,
) -> EvaluateResult:
    """Test a network as trained, fine-tune it, and test it again; then also on the held-out training images.

    Args:
        job: What to do.
        data: The images.
        device: What computes.
        weights: As trained; from ``workers.weights.load_weights``.
        observer: Hears of progress.

    Raises:
        CheckpointError: The weights do not fit the network.
        DivergedError: The loss became NaN or infinite, in fine-tuning or over the test images.
        DataError: An image cannot be read.
        JobError: The fine-tuning cannot be done.
        DeviceError: The device refuses or broke.
    """
    started = time.perf_counter()
    engine = engine_of(device)
    model = _trained_model(job, weights)
    model.to(engine.device, memory_format=engine.memory_format)  # type: ignore[call-overload]
    observer.progress(0.0, "testing as trained")
    with contextlib.closing(_Parts(job, model.eval(), engine)) as parts:
        test_features = parts.features(data.test)
        before = after = parts.test(test_features)
        if changes_anything(job.fine_tune):
            fine_tune(job, parts.tuned, parts.features(data.train), engine, observer)
            parts.take_tuned_weights()
            after = parts.test(test_features)
        if not math.isfinite(after.loss):
            raise DivergedError(f"the mean loss over the test images is {after.loss}")
        held_out = Score(images=0, correct=0, loss=math.nan)
        if data.validation is not None:
            held_out = parts.test(parts.features(data.validation))
        engine.synchronize()
    return EvaluateResult(
        images=after.images,
        correct=after.correct,
        correct_before_fine_tune=before.correct,
        loss=after.loss,
        test_macs=macs(model.architecture, job.test_resolution),
        seconds=time.perf_counter() - started,
        dataset_digest=data.digest,
        validation_images=held_out.images,
        validation_correct=held_out.correct,
    )


class _Parts:
    """A network cut into what stays as it is and what fine-tuning changes, ready to classify.

    Args:
        job: Whose fine-tuning it is cut for.
        model: On the engine's device, in evaluation mode.
        engine: What computes.

    Attributes:
        tuned: The part that fine-tuning changes.
    """

    def __init__(self, job: EvaluateJob, model: EfficientNet, engine: Engine) -> None:
        variant, precision = job.training.variant, job.training.precision
        frozen, self.tuned = split(model, job.fine_tune)
        self._resolution = job.test_resolution
        self._engine = engine
        whole = isinstance(frozen, nn.Identity)
        self._frozen = None if whole else engine.classifier(frozen, Work(variant, precision, "frozen"))
        self._classifier = engine.classifier(self.tuned, Work(variant, precision, "network" if whole else "tuned"))

    def features(self, images: Images) -> Features:
        """Return what the frozen part makes of a split."""
        return Features(self._frozen, images, self._resolution, self._engine.device)

    def test(self, features: Features) -> Score:
        """Classify a split's features."""
        return test(self._classifier, features, self._engine.device)

    def take_tuned_weights(self) -> None:
        """Test with the weights that the tuned part now has."""
        self._classifier.load(self.tuned.state_dict())

    def close(self) -> None:
        """Free the device."""
        self._classifier.close()
        if self._frozen is not None:
            self._frozen.close()


def _trained_model(job: EvaluateJob, weights: Dict[str, Tensor]) -> EfficientNet:
    training = job.training
    dropout, channels, classes = training.recipe.dropout, training.dataset.channels, training.dataset.classes
    model = build(training.variant, channels, classes, dropout=dropout)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"the weights do not fit {training.variant.label}: {error}") from error
    return model

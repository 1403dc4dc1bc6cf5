"""Fine-tuning one training run's network at a test resolution, and testing it there."""

import math
import time
from typing import Dict

import torch
from torch import Tensor

from workers.data.images import Images
from workers.data.loading import LoadedDataSet
from workers.device import synchronize
from workers.errors import CheckpointError, DivergedError
from workers.models.efficientnet import EfficientNet, build
from workers.protocol.architecture import macs
from workers.protocol.jobs import EvaluateJob
from workers.protocol.orders import EvaluateResult
from workers.training.features import Features
from workers.training.fine_tuning import changes_anything, fine_tune, split
from workers.training.observer import Observer
from workers.training.testing import Score, test


def evaluate(
    job: EvaluateJob,
    data: LoadedDataSet,
    device: torch.device,
    weights: Dict[str, Tensor],
    observer: Observer,
) -> EvaluateResult:
    """Test a network as trained, fine-tune it, and test it again; then also on the held-out training images.

    Args:
        job: What to do.
        data: The images.
        device: Where.
        weights: As trained; from ``workers.weights.load_weights``.
        observer: Hears of progress.

    Raises:
        CheckpointError: The weights do not fit the network.
        DivergedError: The loss became NaN or infinite, in fine-tuning or over the test images.
        DataError: An image cannot be read.
        JobError: The fine-tuning cannot be done.
    """
    started = time.perf_counter()
    model = _trained_model(job, weights).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.eval()
    frozen, tuned = split(model, job.fine_tune)
    precision = job.training.precision

    def features(images: Images) -> Features:
        return Features(frozen, images, job.test_resolution, device, precision)

    observer.progress(0.0, "testing as trained")
    test_features = features(data.test)
    before = after = test(tuned, test_features, device, precision)
    if changes_anything(job.fine_tune):
        fine_tune(job, tuned, features(data.train), device, observer)
        after = test(tuned, test_features, device, precision)
    if not math.isfinite(after.loss):
        raise DivergedError(f"the mean loss over the test images is {after.loss}")
    held_out = Score(images=0, correct=0, loss=math.nan)
    if data.validation is not None:
        held_out = test(tuned, features(data.validation), device, precision)
    synchronize(device)
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


def _trained_model(job: EvaluateJob, weights: Dict[str, Tensor]) -> EfficientNet:
    training = job.training
    dropout, channels, classes = training.recipe.dropout, training.dataset.channels, training.dataset.classes
    model = build(training.variant, channels, classes, dropout=dropout)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"the weights do not fit {training.variant.label}: {error}") from error
    return model

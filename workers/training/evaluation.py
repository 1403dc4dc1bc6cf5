"""Fine-tuning one training run's network at a test resolution, and testing it there.

    images ─▶ frozen part ─▶ features ─▶ tuned part ─▶ logits

Nothing before the tuned part changes and no image is augmented, so the features are computed once and serve the
first test, every epoch of fine-tuning and the second test.
"""

import time
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD

from workers.data.arrays import Int64Array
from workers.data.images import Images
from workers.data.loading import LoadedDataSet
from workers.device import autocast, available_memory_bytes, synchronize
from workers.errors import CheckpointError, JobError
from workers.models.efficientnet import build
from workers.protocol.architecture import macs
from workers.protocol.jobs import EvaluateJob, FineTune
from workers.protocol.orders import EvaluateResult
from workers.seeds import derive_seed, generator
from workers.training.epochs import LossWatch, check_finite, ordered_batches, shuffled_batches
from workers.training.observer import Observer
from workers.training.optimizers import set_learning_rate
from workers.training.schedules import Schedule
from workers.training.step import TrainingStep

#: Images per forward pass where no weights change; more would only take memory.
_FORWARD_BATCH = 250
#: Share of the free memory that a split's features may take.
_FEATURE_SHARE = 0.25
#: Learning rate of fine-tuning over the batch size (arXiv 2106.03640: 0.25 at 512).
_RATE_PER_IMAGE = 0.25 / 512


class Score(NamedTuple):
    """Outcome of a test.

    Attributes:
        images: Tested.
        correct: Of these classified right.
        loss: Mean cross-entropy.
    """

    images: int
    correct: int
    loss: float


class Features:
    """What the frozen part makes of a split at one resolution; kept in memory where it fits.

    Args:
        frozen: In evaluation mode, on the device.
        images: The split.
        resolution: In pixels.
        device: Where.
        precision: Of the forward pass.
    """

    def __init__(
        self, frozen: nn.Module, images: Images, resolution: int, device: torch.device, precision: str
    ) -> None:
        self.count = images.count
        self._frozen = frozen
        self._images = images.for_testing(resolution)
        self._device = device
        self._precision = precision
        self._kept: Optional[Tuple[Tensor, Tensor]] = None
        self._keep = True

    def batches(self, numbers: List[Int64Array]) -> Iterator[Tuple[Tensor, Tensor]]:
        """Yield features and labels for each array of image numbers."""
        if self._keep and self._kept is None:
            self._compute()
        if self._kept is None:
            yield from self._forward(numbers)
            return
        features, labels = self._kept
        for batch in numbers:
            chosen = torch.from_numpy(batch).to(self._device)
            yield features[chosen], labels[chosen]

    def _compute(self) -> None:
        """Keep all features, unless the first batch shows that they would take too much memory."""
        features: List[Tensor] = []
        labels: List[Tensor] = []
        for some_features, some_labels in self._forward(ordered_batches(self.count, _FORWARD_BATCH)):
            if not features and not self._fits(some_features):
                self._keep = False
                return
            features.append(some_features)
            labels.append(some_labels)
        self._kept = torch.cat(features), torch.cat(labels)

    def _fits(self, some: Tensor) -> bool:
        total = some.element_size() * some[0].numel() * self.count
        available = available_memory_bytes(self._device)
        # Twice: the pieces and their concatenation exist together for a moment.
        return available is not None and 2 * total <= _FEATURE_SHARE * available

    def _forward(self, numbers: Iterable[Int64Array]) -> Iterator[Tuple[Tensor, Tensor]]:
        unused = np.random.default_rng(0)  # nothing is random in images prepared for testing
        for images, labels in self._images.batches(numbers, unused):
            with torch.no_grad(), autocast(self._device, self._precision):
                features = self._frozen(images.contiguous(memory_format=torch.channels_last))
            yield features, labels


def evaluate(
    job: EvaluateJob,
    data: LoadedDataSet,
    device: torch.device,
    weights: Dict[str, Tensor],
    observer: Observer,
) -> EvaluateResult:
    """Test a network as trained, fine-tune it, and test it again.

    Args:
        job: What to do.
        data: The images.
        device: Where.
        weights: As trained; from ``workers.weights.load_weights``.
        observer: Hears of progress.

    Raises:
        CheckpointError: The weights do not fit the network.
        DivergedError: Fine-tuning made the loss NaN or infinite.
        DataError: An image cannot be read.
    """
    started = time.perf_counter()
    model = _trained_model(job, weights).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.eval()
    tunes = job.fine_tune.layers != "none" and job.fine_tune.epochs > 0
    frozen, tuned = model.split(job.fine_tune.layers) if tunes else (nn.Identity(), model)
    precision = job.training.precision
    observer.progress(0.0, "testing as trained")
    test_features = Features(frozen, data.test, job.test_resolution, device, precision)
    before = after = test(tuned, test_features, device, precision)
    if tunes:
        train_features = Features(frozen, data.train, job.test_resolution, device, precision)
        fine_tune(job, tuned, train_features, device, observer)
        after = test(tuned, test_features, device, precision)
    synchronize(device)
    return EvaluateResult(
        images=after.images,
        correct=after.correct,
        correct_before_fine_tune=before.correct,
        loss=after.loss,
        test_macs=macs(model.architecture, job.test_resolution),
        seconds=time.perf_counter() - started,
        dataset_digest=data.digest,
    )


def fine_tune(job: EvaluateJob, tuned: nn.Module, features: Features, device: torch.device, observer: Observer) -> None:
    """Train the last layers on features of training images that are prepared as for testing.

    Plain SGD with a cosine schedule and the recipe's label smoothing, without mixup.

    Raises:
        DivergedError: The loss or a weight became NaN or infinite.
        JobError: There are fewer images than a batch takes.
    """
    settings, seed = job.fine_tune, job.training.seed
    steps_per_epoch = features.count // settings.batch_size
    if steps_per_epoch == 0:
        raise JobError(f"fine_tune.batch_size {settings.batch_size} is more than the {features.count} images")
    schedule = Schedule("cosine", peak=_peak(settings), steps=settings.epochs * steps_per_epoch)
    step = TrainingStep(
        tuned,
        SGD(tuned.parameters(), lr=0.0),
        device=device,
        precision=job.training.precision,
        label_smoothing=job.training.recipe.label_smoothing,
    )
    tuned.train()
    done = 0
    for epoch in range(1, settings.epochs + 1):
        torch.manual_seed(derive_seed(seed, "fine-tune dropout", epoch))
        watch = LossWatch(device, f"fine-tuning epoch {epoch}")
        order = shuffled_batches(generator(seed, "fine-tune order", epoch), features.count, settings.batch_size)
        for images, labels in features.batches(order):
            set_learning_rate(step.optimizer, schedule.learning_rate(done))
            watch.add(step(images, labels))
            done += 1
            text = f"fine-tuning epoch {epoch}/{settings.epochs}{watch.words}"
            observer.progress(done / schedule.steps, text)
        watch.mean()
    tuned.eval()
    check_finite(tuned.state_dict(), "fine-tuning")


def test(tuned: nn.Module, features: Features, device: torch.device, precision: str) -> Score:
    """Classify a split; the network is in evaluation mode."""
    correct = torch.zeros((), dtype=torch.int64, device=device)
    loss = torch.zeros((), dtype=torch.float64, device=device)
    for images, labels in features.batches(ordered_batches(features.count, _FORWARD_BATCH)):
        with torch.no_grad(), autocast(device, precision):
            logits = tuned(images.contiguous(memory_format=torch.channels_last)).float()
        correct += (logits.argmax(1) == labels).sum()
        loss += functional.cross_entropy(logits, labels, reduction="sum")
    return Score(features.count, int(correct), float(loss) / features.count)


def _peak(settings: FineTune) -> float:
    if settings.learning_rate is not None:
        return settings.learning_rate
    return _RATE_PER_IMAGE * settings.batch_size


def _trained_model(job: EvaluateJob, weights: Dict[str, Tensor]) -> nn.Module:
    training = job.training
    dropout, channels, classes = training.recipe.dropout, training.dataset.channels, training.dataset.classes
    model = build(training.variant, channels, classes, dropout=dropout)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"the weights do not fit {training.variant.label}: {error}") from error
    return model

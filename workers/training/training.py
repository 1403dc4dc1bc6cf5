"""Training one variant once."""

import math
import os
import time
from typing import Any, Collection, Dict, Iterator, Optional, Tuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from workers.data.images import Images
from workers.data.loading import LoadedDataSet
from workers.device import synchronize
from workers.errors import JobError
from workers.models.efficientnet import EfficientNet, build
from workers.protocol.architecture import macs, parameter_count
from workers.protocol.jobs import TrainJob
from workers.protocol.orders import WEIGHTS_FILE, TrainResult
from workers.protocol.recipe import NoPaperValueError, Recipe, cutmix_probability, mixup_alpha, rms_decay
from workers.seeds import derive_seed, generator
from workers.training.batches import Mixing, training_batches
from workers.training.epochs import LossWatch, check_finite, shuffled_batches
from workers.training.observer import Epoch, Observer
from workers.training.optimizers import build_optimizer, peak_learning_rate, set_learning_rate
from workers.training.resume_point import (
    ResumePoint,
    load_resume_point,
    remove_resume_points,
    save_resume_point,
)
from workers.training.schedules import Schedule
from workers.training.step import TrainingStep
from workers.training.validation import Validation
from workers.training.weight_average import WeightAverage
from workers.weights import save_weights

#: Shortest time between two resume points: at most this much work is lost, and disks are left in peace.
RESUME_POINT_SECONDS = 30.0


class Training:
    """A training run between two epochs.

    All randomness of an epoch comes from the seed and the epoch's number, so that the state after an epoch, restored
    anywhere, leads to the very weights of an unbroken run.

    Args:
        job: What to train.
        images: The training images.
        device: Where.

    Raises:
        JobError: There are fewer images than a batch takes, or the recipe cannot be meant.
    """

    def __init__(self, job: TrainJob, images: Images, device: torch.device) -> None:
        recipe = job.recipe
        self.job = job
        self.epoch = 0
        self.seconds = 0.0
        self.loss = math.nan
        self.steps_per_epoch = images.count // recipe.batch_size
        if self.steps_per_epoch == 0:
            raise JobError(f"batch_size {recipe.batch_size} is more than the {images.count} training images")
        self.model = initial_model(job, device)
        self.average = _average(self.model, recipe)
        self._device = device
        self._images = images.for_training(job.resolution, recipe.augmentation, recipe.augmentation_policy)
        self._count = images.count
        self._mixing = _mixing(job)
        self._schedule = Schedule(
            recipe.schedule,
            peak=peak_learning_rate(recipe.optimizer, recipe.batch_size, recipe.learning_rate),
            steps=recipe.epochs * self.steps_per_epoch,
            warmup_steps=recipe.warmup_epochs * self.steps_per_epoch,
        )
        self._step = TrainingStep(
            self.model,
            _optimizer(self.model, recipe),
            device=device,
            precision=job.precision,
            label_smoothing=recipe.label_smoothing,
        )

    def run_epoch(self, observer: Observer) -> Epoch:
        """Train the next epoch.

        Raises:
            DivergedError: The loss became NaN or infinite.
            DataError: An image cannot be read.
        """
        started = time.perf_counter()
        self.epoch += 1
        torch.manual_seed(derive_seed(self.job.seed, "dropout", self.epoch))
        watch = LossWatch(self._device, f"epoch {self.epoch}")
        self.model.train()
        learning_rate = 0.0
        for number, (images, targets) in enumerate(self._batches()):
            step = (self.epoch - 1) * self.steps_per_epoch + number
            learning_rate = self._schedule.learning_rate(step)
            set_learning_rate(self._step.optimizer, learning_rate)
            watch.add(self._step(images, targets))
            if self.job.recipe.ema > 0.0:
                self.average.update()
            text = f"epoch {self.epoch}/{self.job.recipe.epochs}{watch.words}"
            observer.progress((step + 1) / self._schedule.steps, text)
        self.loss = watch.mean()
        if self.job.recipe.ema == 0.0:
            self.average.update()
        synchronize(self._device)
        seconds = time.perf_counter() - started
        self.seconds += seconds
        return Epoch(self.loss, learning_rate, self.steps_per_epoch * self.job.recipe.batch_size, seconds)

    def _batches(self) -> Iterator[Tuple[Tensor, Tensor]]:
        seed, epoch, dataset = self.job.seed, self.epoch, self.job.dataset
        order = shuffled_batches(generator(seed, "order", epoch), self._count, self.job.recipe.batch_size)
        return training_batches(self._images, order, dataset.classes, self._mixing, seed=seed, epoch=epoch)

    def state(self) -> Dict[str, Any]:
        """Return everything that the remaining epochs depend on, as tensors and plain data."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self._step.optimizer.state_dict(),
            "scaler": None if self._step.scaler is None else self._step.scaler.state_dict(),
            "average": self.average.state_dict(),
            "seconds": self.seconds,
            "loss": self.loss,
        }

    def restore(self, point: ResumePoint) -> None:
        """Go on where ``state`` was taken."""
        state = point.state
        self.epoch = point.epoch
        self.model.load_state_dict(state["model"])
        self._step.optimizer.load_state_dict(state["optimizer"])
        if self._step.scaler is not None:
            self._step.scaler.load_state_dict(state["scaler"])
        self.average.load_state_dict(state["average"]["updates"], state["average"]["weights"])
        self.seconds = state["seconds"]
        self.loss = state["loss"]

    def final_weights(self) -> Dict[str, Tensor]:
        """Return the weights that are tested and kept if training ends here.

        Raises:
            DivergedError: One is NaN or infinite.
        """
        check_finite(self.average.weights, f"epoch {self.epoch}")
        return self.average.weights


def train(
    job: TrainJob,
    data: LoadedDataSet,
    device: torch.device,
    directory: str,
    observer: Observer,
    *,
    resume_from: Optional[str] = None,
    resume_point_seconds: float = RESUME_POINT_SECONDS,
    validate_after: Collection[int] = (),
) -> TrainResult:
    """Train to the end and keep the weights.

    On a CPU the same job with the same number of threads gives the same weights, bit for bit, also when it was
    interrupted and resumed, and however often it was tested on the way.

    Args:
        job: What to train.
        data: Its images.
        device: Where.
        directory: The attempt's; receives resume points and the weights.
        observer: Hears of progress and epochs.
        resume_from: Directory of an earlier attempt that may be continued.
        resume_point_seconds: Shortest time between two resume points.
        validate_after: Epochs after which the held-out images, where there are any, are tested.

    Raises:
        DivergedError: The loss or the weights became NaN or infinite.
        DataError: An image cannot be read.
    """
    training = Training(job, data.train, device)
    validation = _validation(training, data, device) if validate_after else None
    _resume(training, directory, resume_from)
    saved = time.perf_counter()
    while training.epoch < job.recipe.epochs:
        epoch = training.run_epoch(observer)
        if validation is not None and training.epoch in validate_after:
            score = validation.test(training.epoch, training.final_weights(), observer)
            epoch = epoch._replace(validation_images=score.images, validation_correct=score.correct)
        observer.epoch_done(training.epoch, epoch)
        if training.epoch < job.recipe.epochs and time.perf_counter() - saved >= resume_point_seconds:
            save_resume_point(directory, job.fingerprint, ResumePoint(training.epoch, training.state()))
            saved = time.perf_counter()
    written = save_weights(os.path.join(directory, WEIGHTS_FILE), job.variant, training.final_weights())
    remove_resume_points(directory)
    network = training.model.architecture
    return TrainResult(
        checkpoint=WEIGHTS_FILE,
        checkpoint_sha256=written.sha256,
        checkpoint_bytes=written.size_bytes,
        params=parameter_count(network),
        train_macs=macs(network, job.resolution),
        epochs=training.epoch,
        train_loss=training.loss,
        images_seen=training.epoch * training.steps_per_epoch * job.recipe.batch_size,
        seconds=training.seconds,
        dataset_digest=data.digest,
    )


def initial_model(job: TrainJob, device: torch.device) -> EfficientNet:
    """Build a job's network as it is before the first step, on the device, in channels-last layout."""
    torch.manual_seed(derive_seed(job.seed, "initial weights"))
    model = build(
        job.variant,
        job.dataset.channels,
        job.dataset.classes,
        dropout=job.recipe.dropout,
        stochastic_depth=job.recipe.stochastic_depth,
    )
    return model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _optimizer(model: EfficientNet, recipe: Recipe) -> Optimizer:
    return build_optimizer(
        model,
        recipe.optimizer,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        rms_decay=rms_decay(recipe),
    )


def _average(model: EfficientNet, recipe: Recipe) -> WeightAverage:
    if recipe.ema > 0.0 and recipe.weight_average > 0.0:
        raise JobError("weights are averaged per update (ema) or per epoch (weight_average), not both: set one to 0")
    return WeightAverage(model, recipe.ema or recipe.weight_average, warmup=recipe.average_warmup)


def _mixing(job: TrainJob) -> Mixing:
    try:
        return Mixing(mixup_alpha(job.recipe, job.variant.size), cutmix_probability(job.recipe, job.variant.size))
    except NoPaperValueError as error:
        raise JobError(str(error)) from error


def _validation(training: Training, data: LoadedDataSet, device: torch.device) -> Optional[Validation]:
    """Prepare testing the held-out images between epochs, where there are any."""
    if data.validation is None:
        return None
    return Validation(training.job, training.model, data.validation, device)


def _resume(training: Training, directory: str, resume_from: Optional[str]) -> None:
    """Continue an earlier attempt where there is something to continue.

    The point is kept in this attempt's directory as well, so that a chain of attempts that each die young does
    not lose it.
    """
    if resume_from is None:
        return
    point = load_resume_point(resume_from, training.job.fingerprint)
    if point is not None:
        training.restore(point)
        save_resume_point(directory, training.job.fingerprint, point)

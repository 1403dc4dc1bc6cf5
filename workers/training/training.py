"""Training one variant once."""

import contextlib
import math
import os
import time
from typing import Any, Collection, Dict, Iterator, Optional, Tuple, Union

import torch
from torch import Tensor

from workers.data.images import Images
from workers.data.loading import LoadedDataSet
from workers.engine import Engine, Epochs, OptimizerSettings, Updates, Work
from workers.errors import JobError
from workers.models.efficientnet import EfficientNet, build
from workers.protocol.architecture import macs, parameter_count
from workers.protocol.jobs import TrainJob
from workers.protocol.orders import WEIGHTS_FILE, TrainResult
from workers.protocol.recipe import NoPaperValueError, Recipe, cutmix_probability, mixup_alpha, rms_decay
from workers.seeds import derive_seed
from workers.torch_engine import engine_of
from workers.training.batches import Mixing, TrainingBatches
from workers.training.epochs import LossWatch, check_finite
from workers.training.observer import Epoch, Observer
from workers.training.optimizers import peak_learning_rate
from workers.training.resume_point import (
    ResumePoint,
    load_resume_point,
    remove_resume_points,
    save_resume_point,
)
from workers.training.schedules import Schedule
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
        device: What computes.

    Raises:
        JobError: There are fewer images than a batch takes, or the recipe cannot be meant.
    """

    def __init__(self, job: TrainJob, images: Images, device: Union[torch.device, Engine]) -> None:
        recipe = job.recipe
        self.job = job
        self.engine = engine_of(device)
        self.epoch = 0
        self.seconds = 0.0
        self.loss = math.nan
        self.batches = _batches(job, images)
        self.steps_per_epoch = self.batches.steps_per_epoch
        self.model = initial_model(job, self.engine)
        self.average = _average(self.model, recipe)
        self._schedule = Schedule(
            recipe.schedule,
            peak=peak_learning_rate(recipe.optimizer, recipe.batch_size, recipe.learning_rate),
            steps=recipe.epochs * self.steps_per_epoch,
            warmup_steps=recipe.warmup_epochs * self.steps_per_epoch,
        )
        self._work = Work(job.variant, job.precision)
        updates = Updates(recipe.batch_size, recipe.label_smoothing, derive_seed(job.seed, "device"))
        self._trainer = self.engine.trainer(self.model, _optimizer(recipe), self._work, updates)
        self._epochs: Optional[Epochs] = None
        self._remaining: Iterator[Iterator[Tuple[Tensor, Tensor]]] = iter(())

    def run_epoch(self, observer: Observer) -> Epoch:
        """Train the next epoch.

        Raises:
            DivergedError: The loss became NaN or infinite.
            DataError: An image cannot be read.
            DeviceError: The device refuses or broke.
        """
        started = time.perf_counter()
        self.epoch += 1
        torch.manual_seed(derive_seed(self.job.seed, "dropout", self.epoch))
        watch = LossWatch(self.engine.device, f"epoch {self.epoch}")
        self.model.train()
        learning_rate = 0.0
        for number, (images, targets) in enumerate(self._next_epoch()):
            step = (self.epoch - 1) * self.steps_per_epoch + number
            learning_rate = self._schedule.learning_rate(step)
            watch.add(self._trainer.step(images, targets, learning_rate))
            if self.job.recipe.ema > 0.0:
                self._update_average()
            text = f"epoch {self.epoch}/{self.job.recipe.epochs}{watch.words}"
            observer.progress((step + 1) / self._schedule.steps, text)
        self.loss = watch.mean()
        if self.job.recipe.ema == 0.0:
            self._update_average()
        self.engine.synchronize()
        seconds = time.perf_counter() - started
        self.seconds += seconds
        return Epoch(self.loss, learning_rate, self.steps_per_epoch * self.job.recipe.batch_size, seconds)

    def _next_epoch(self) -> Iterator[Tuple[Tensor, Tensor]]:
        if self._epochs is None:
            self._epochs = self.engine.epochs(self.batches, self.epoch, self._work)
            self._remaining = iter(self._epochs)
        return next(self._remaining)

    def _update_average(self) -> None:
        self._trainer.fetch_weights()
        self.average.update()

    def state(self) -> Dict[str, Any]:
        """Return everything that the remaining epochs depend on, as tensors and plain data."""
        return {
            "model": self.model.state_dict(),
            **self._trainer.state(),
            "average": self.average.state_dict(),
            "seconds": self.seconds,
            "loss": self.loss,
        }

    def restore(self, point: ResumePoint) -> None:
        """Go on where ``state`` was taken; only before the first epoch."""
        state = point.state
        self.epoch = point.epoch
        self.model.load_state_dict(state["model"])
        self._trainer.restore(state)
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

    def close(self) -> None:
        """Free the device, and end what loads ahead."""
        if self._epochs is not None:
            self._epochs.close()
        self._trainer.close()


def train(
    job: TrainJob,
    data: LoadedDataSet,
    device: Union[torch.device, Engine],
    directory: str,
    observer: Observer,
    *,
    resume_from: Optional[str] = None,
    resume_point_seconds: float = RESUME_POINT_SECONDS,
    validate_after: Collection[int] = (),
) -> TrainResult:
    """Train to the end and keep the weights.

    On CPUs the same job with the same number of threads gives the same weights, bit for bit, also when it was
    interrupted and resumed, and however often it was tested on the way.

    Args:
        job: What to train.
        data: Its images.
        device: What computes.
        directory: The attempt's; receives resume points and the weights.
        observer: Hears of progress and epochs.
        resume_from: Directory of an earlier attempt that may be continued.
        resume_point_seconds: Shortest time between two resume points.
        validate_after: Epochs after which the held-out images, where there are any, are tested.

    Raises:
        DivergedError: The loss or the weights became NaN or infinite.
        DataError: An image cannot be read.
        DeviceError: The device refuses or broke.
    """
    with contextlib.closing(Training(job, data.train, device)) as training:
        _resume(training, directory, resume_from)
        _run_epochs(training, data, directory, observer, resume_point_seconds, validate_after)
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


def _run_epochs(
    training: Training,
    data: LoadedDataSet,
    directory: str,
    observer: Observer,
    resume_point_seconds: float,
    validate_after: Collection[int],
) -> None:
    """Train the epochs that remain, test after those that were asked for, and keep resume points."""
    job = training.job
    validation = _validation(training, data) if validate_after else None
    saved = time.perf_counter()
    with contextlib.ExitStack() as stack:
        if validation is not None:
            stack.callback(validation.close)
        while training.epoch < job.recipe.epochs:
            epoch = training.run_epoch(observer)
            if validation is not None and training.epoch in validate_after:
                score = validation.test(training.epoch, training.final_weights(), observer)
                epoch = epoch._replace(validation_images=score.images, validation_correct=score.correct)
            observer.epoch_done(training.epoch, epoch)
            if training.epoch < job.recipe.epochs and time.perf_counter() - saved >= resume_point_seconds:
                point = ResumePoint(training.epoch, training.state())
                save_resume_point(directory, job.fingerprint, point, engine=training.engine.name)
                saved = time.perf_counter()


def initial_model(job: TrainJob, device: Union[torch.device, Engine]) -> EfficientNet:
    """Build a job's network as it is before the first step, on the device, in the engine's layout."""
    engine = engine_of(device)
    torch.manual_seed(derive_seed(job.seed, "initial weights"))
    model = build(
        job.variant,
        job.dataset.channels,
        job.dataset.classes,
        dropout=job.recipe.dropout,
        stochastic_depth=job.recipe.stochastic_depth,
    )
    return model.to(engine.device, memory_format=engine.memory_format)  # type: ignore[call-overload,no-any-return]


def _batches(job: TrainJob, images: Images) -> TrainingBatches:
    recipe = job.recipe
    if images.count < recipe.batch_size:
        raise JobError(f"batch_size {recipe.batch_size} is more than the {images.count} training images")
    return TrainingBatches(
        images.for_training(job.resolution, recipe.augmentation, recipe.augmentation_policy),
        images.count,
        recipe.batch_size,
        job.dataset.classes,
        _mixing(job),
        job.seed,
        recipe.epochs,
    )


def _optimizer(recipe: Recipe) -> OptimizerSettings:
    return OptimizerSettings(recipe.optimizer, recipe.momentum, recipe.weight_decay, rms_decay(recipe))


def _average(model: EfficientNet, recipe: Recipe) -> WeightAverage:
    if recipe.ema > 0.0 and recipe.weight_average > 0.0:
        raise JobError("weights are averaged per update (ema) or per epoch (weight_average), not both: set one to 0")
    return WeightAverage(model, recipe.ema or recipe.weight_average, warmup=recipe.average_warmup)


def _mixing(job: TrainJob) -> Mixing:
    try:
        return Mixing(mixup_alpha(job.recipe, job.variant.size), cutmix_probability(job.recipe, job.variant.size))
    except NoPaperValueError as error:
        raise JobError(str(error)) from error


def _validation(training: Training, data: LoadedDataSet) -> Optional[Validation]:
    """Prepare testing the held-out images between epochs, where there are any."""
    if data.validation is None:
        return None
    return Validation(training.job, training.model, data.validation, training.engine)


def _resume(training: Training, directory: str, resume_from: Optional[str]) -> None:
    """Continue an earlier attempt where there is something to continue.

    The point is kept in this attempt's directory as well, so that a chain of attempts that each die young does
    not lose it.
    """
    if resume_from is None:
        return
    fingerprint, engine = training.job.fingerprint, training.engine.name
    point = load_resume_point(resume_from, fingerprint, engine=engine)
    if point is not None:
        training.restore(point)
        save_resume_point(directory, fingerprint, point, engine=engine)

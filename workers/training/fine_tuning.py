"""Fitting a trained network to a test resolution: the last layers are trained there, or the batch norms look again.

Source:
    Touvron et al., "Fixing the train-test resolution discrepancy", arXiv 1906.06423; arXiv 2106.03640, section 3.3.
"""

import contextlib
from typing import Iterator, Tuple, Union

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from workers.engine import Engine, OptimizerSettings, Trainer, Updates, Work
from workers.errors import JobError
from workers.models.efficientnet import EfficientNet
from workers.protocol.jobs import EvaluateJob
from workers.protocol.recipe import FineTune
from workers.seeds import derive_seed, generator
from workers.torch_engine import engine_of
from workers.training.epochs import LossWatch, shuffled_batches
from workers.training.features import Features
from workers.training.observer import Observer
from workers.training.schedules import Schedule

#: Learning rate of fine-tuning over the batch size (arXiv 2106.03640: 0.25 at 512).
_RATE_PER_IMAGE = 0.25 / 512


def changes_anything(settings: FineTune) -> bool:
    """Tell whether there is any fine-tuning to do."""
    return settings.layers != "none" and settings.epochs > 0


def split(model: EfficientNet, settings: FineTune) -> Tuple[nn.Module, nn.Module]:
    """Cut a network into the part that stays as it is and the part that fine-tuning changes.

    Returns:
        The frozen part, which maps images to features, and the tuned part, which maps features to logits. Where no
        layer is trained the features are the images themselves.
    """
    if settings.layers in {"head", "last-block"} and changes_anything(settings):
        return model.split(settings.layers)
    return nn.Identity(), model


def fine_tune(
    job: EvaluateJob, tuned: nn.Module, features: Features, device: Union[torch.device, Engine], observer: Observer
) -> None:
    """Change the tuned part as the job says, by training images that are prepared as for testing.

    Args:
        job: Whose ``fine_tune`` settings are followed.
        tuned: From ``split``, in evaluation mode, which it is left in.
        features: Of the training images, from the frozen part.
        device: What computes.
        observer: Hears of progress.

    Raises:
        DivergedError: The loss became NaN or infinite.
        JobError: There are fewer images than a batch takes, or no batch norm whose statistics could be taken.
        DeviceError: The device refuses or broke.
    """
    engine = engine_of(device)
    if features.count < job.fine_tune.batch_size:
        raise JobError(f"fine_tune.batch_size {job.fine_tune.batch_size} is more than the {features.count} images")
    if job.fine_tune.layers == "batch-norm-statistics":
        _take_statistics(job, tuned, features, engine, observer)
    else:
        _train(job, tuned, features, engine, observer)


def _train(job: EvaluateJob, tuned: nn.Module, features: Features, engine: Engine, observer: Observer) -> None:
    """Train with plain SGD, a cosine schedule and the recipe's label smoothing, without mixup."""
    settings = job.fine_tune
    steps = settings.epochs * (features.count // settings.batch_size)
    schedule = Schedule("cosine", peak=_peak(settings), steps=steps)
    work = Work(job.training.variant, job.training.precision, "tuned")
    updates = Updates(
        settings.batch_size,
        job.training.recipe.label_smoothing,
        derive_seed(job.training.seed, "fine-tune device"),
    )
    tuned.train()
    plain = OptimizerSettings("sgd", momentum=0.0, weight_decay=0.0)
    with contextlib.closing(engine.trainer(tuned, plain, work, updates)) as trainer:
        _run_epochs(job, features, trainer, schedule, observer)
        trainer.fetch_weights()
    tuned.eval()


def _run_epochs(job: EvaluateJob, features: Features, trainer: Trainer, schedule: Schedule, observer: Observer) -> None:
    settings = job.fine_tune
    done = 0
    for epoch in range(1, settings.epochs + 1):
        torch.manual_seed(derive_seed(job.training.seed, "fine-tune dropout", epoch))
        watch = LossWatch(features.device, f"fine-tuning epoch {epoch}")
        for images, labels in _epoch(job, features, epoch):
            watch.add(trainer.step(images, labels, schedule.learning_rate(done)))
            done += 1
            text = f"fine-tuning epoch {epoch}/{settings.epochs}{watch.words}"
            observer.progress(done / schedule.steps, text)
        watch.mean()


def _take_statistics(job: EvaluateJob, model: nn.Module, images: Features, engine: Engine, observer: Observer) -> None:
    """Replace the mean and variance of every batch norm by their means over the batches; no weight changes.

    Torch does that on the engine's device, whatever the engine: it is a forward pass or two over the images.

    The last, smaller batch of an epoch is left out: it would count as much as a full one.
    """
    if not any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        raise JobError(
            f"fine_tune.layers is batch-norm-statistics, but {job.training.variant.label} has no batch norm: "
            "take none, head or last-block for it"
        )
    with engine.autocast(job.training.precision):
        update_bn(_images_once_more(job, images, observer), model)


def _images_once_more(job: EvaluateJob, features: Features, observer: Observer) -> Iterator[Tensor]:
    epochs = job.fine_tune.epochs
    total = epochs * (features.count // job.fine_tune.batch_size)
    done = 0
    for epoch in range(1, epochs + 1):
        for images, _ in _epoch(job, features, epoch):
            yield images.contiguous(memory_format=torch.channels_last)
            done += 1
            observer.progress(done / total, f"taking statistics, epoch {epoch}/{epochs}")


def _epoch(job: EvaluateJob, features: Features, epoch: int) -> Iterator[Tuple[Tensor, Tensor]]:
    """Yield one epoch's batches, shuffled."""
    random = generator(job.training.seed, "fine-tune order", epoch)
    return features.batches(shuffled_batches(random, features.count, job.fine_tune.batch_size))


def _peak(settings: FineTune) -> float:
    if settings.learning_rate is not None:
        return settings.learning_rate
    return _RATE_PER_IMAGE * settings.batch_size

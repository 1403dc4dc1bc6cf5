"""Small real jobs for the tests of training and testing on IPUs."""

import dataclasses
import multiprocessing

import torch

from workers.data.loading import load_data_set
from workers.protocol.jobs import DataSet, TrainJob
from workers.protocol.recipe import Recipe
from workers.protocol.variant import Variant
from workers.torch_engine import TorchEngine
from workers.training.observer import SilentObserver
from workers.training.training import train
from workers.weights import load_weights

VARIANT = Variant("b0", group_size=16, expansion=4, norm="gn", width=0.25, small_images=True)
SHAPES = DataSet("shapes", classes=8, channels=1, image_side=48, train_images=96, test_images=64, validation_images=40)
#: Nothing that the device draws: those numbers are others than torch's.
RECIPE = Recipe(epochs=2, batch_size=32, mixup=0.2, cutmix=0.3, dropout=0.0, weight_average=0.97)
JOB = TrainJob(VARIANT, SHAPES, resolution=16, seed=7, recipe=RECIPE)


def job(precision="fp32", epochs=2, recipe=None, **variant):
    """A small training run with other fields of its recipe and its variant."""
    changed = dataclasses.replace(RECIPE, epochs=epochs, **(recipe or {}))
    return dataclasses.replace(
        JOB, recipe=changed, variant=dataclasses.replace(VARIANT, **variant), precision=precision
    )


class Course(SilentObserver):
    """Keeps what is told of each epoch; interrupts the run where it is told to."""

    def __init__(self, interrupt_after=None):
        self.epochs = []
        self._interrupt_after = interrupt_after

    def epoch_done(self, number, epoch):
        self.epochs.append((number, epoch.loss, epoch.learning_rate, epoch.validation_correct))

    def progress(self, done, text):
        del done, text
        if self._interrupt_after is not None and len(self.epochs) >= self._interrupt_after:
            raise InterruptedRunError


class InterruptedRunError(Exception):
    """What a test throws into a run."""


def assert_no_process_remains():
    for child in multiprocessing.active_children():
        child.join(120.0)  # one that failed may be about to end by itself
    assert multiprocessing.active_children() == []


def host():
    """Torch's engine, computing in the layout of images that IPUs have."""
    return TorchEngine(torch.device("cpu"), torch.contiguous_format)


def data_of(one):
    return load_data_set(one.dataset, "data", torch.device("cpu"))


def trained(one, engine, directory, course=None, **options):
    """Train in a directory; return the weights and the result."""
    directory.mkdir()
    result = train(one, data_of(one), engine, str(directory), course or SilentObserver(), **options)
    return load_weights(str(directory / result.checkpoint), one.variant, result.checkpoint_sha256), result

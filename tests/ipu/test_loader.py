"""Batches that another process prepares are those that this one would."""

import dataclasses
import itertools
import multiprocessing

import numpy as np
import pytest
import torch
from PIL import Image

from tests.ipu.runs import assert_no_process_remains, data_of, job
from tests.older import paired
from workers.errors import DataError
from workers.ipu.engine import PoptorchEngine
from workers.ipu.loader import LoadedAhead
from workers.protocol.ipu import IpuSettings
from workers.protocol.jobs import DataSet
from workers.training.training import Training

pytestmark = pytest.mark.usefixtures("standin")


@pytest.fixture
def batches():
    one = job(epochs=3, recipe={"augmentation": "crop-flip", "augmentation_policy": "randaugment"})
    return Training(one, data_of(one).train, PoptorchEngine(IpuSettings(micro_batch=32))).batches


def copies(epochs):
    """Every batch of every epoch; the memory of one is reused for the next."""
    return [[(images.clone(), targets.clone()) for images, targets in epoch] for epoch in epochs]


@pytest.mark.parametrize("first", [1, 3])
def test_the_batches_of_the_remaining_epochs_are_the_very_same(batches, first):
    loaded = LoadedAhead(batches, first, torch.float32)
    epochs = copies(loaded)
    loaded.close()
    assert len(epochs) == 4 - first
    for number, epoch in enumerate(epochs, start=first):
        for (images, targets), (expected, expected_targets) in paired(epoch, batches.epoch(number)):
            assert torch.equal(images, expected)
            assert torch.equal(targets, expected_targets)
    assert_no_process_remains()


@pytest.fixture
def folder(tmp_path):
    """Batches of photographs, which threads of the other process read."""
    random = np.random.default_rng(0)
    for split, number in itertools.product(("train", "val"), range(8)):
        directory = tmp_path / split / ("ape", "bee")[number % 2]
        directory.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (40, 30 + number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(directory / f"{number}.png")
    one = job(recipe={"batch_size": 4, "augmentation": "crop-flip"})
    dataset = DataSet("image-folder", 2, 3, 0, root=str(tmp_path), validation_images=0)
    one = dataclasses.replace(one, dataset=dataset)
    return Training(one, data_of(one).train, PoptorchEngine(IpuSettings(micro_batch=4))).batches, tmp_path


def test_photographs_are_read_by_the_other_process(folder):
    batches, _ = folder
    loaded = LoadedAhead(batches, 1, torch.float32)
    epochs = copies(loaded)
    loaded.close()
    for number, epoch in enumerate(epochs, start=1):
        for (images, targets), (expected, expected_targets) in paired(epoch, batches.epoch(number)):
            assert torch.equal(images, expected)
            assert torch.equal(targets, expected_targets)


def test_a_broken_photograph_is_named(folder):
    batches, directory = folder
    broken = next(directory.glob("train/ape/*.png"))
    broken.write_bytes(broken.read_bytes()[:50])
    loaded = LoadedAhead(batches, 1, torch.float32)
    with pytest.raises(DataError, match=f"{broken.name} cannot be read as an image"):
        copies(loaded)
    loaded.close()
    assert_no_process_remains()


def test_half_precision_images_are_cast_by_the_other_process(batches):
    loaded = LoadedAhead(batches, 3, torch.float16)
    [[(images, targets), *_]] = copies(loaded)
    loaded.close()
    assert (images.dtype, targets.dtype) == (torch.float16, torch.float32)


def test_closing_in_the_middle_ends_the_process(batches):
    loaded = LoadedAhead(batches, 1, torch.float32)
    next(next(iter(loaded)))
    assert len(multiprocessing.active_children()) == 1
    loaded.close()
    assert_no_process_remains()


@dataclasses.dataclass(frozen=True)
class Broken:
    """Batches of which one cannot be read."""

    good: int
    epochs: int = 2
    steps_per_epoch: int = 3

    def epoch(self, number):
        for step in range(self.steps_per_epoch):
            if (number - 1) * self.steps_per_epoch + step >= self.good:
                raise DataError("cats/17.jpg cannot be read as an image")
            yield torch.full((4, 1, 2, 2), float(step)), torch.zeros(4, dtype=torch.int64)


@pytest.mark.parametrize("good", [0, 1, 4])
def test_an_image_that_cannot_be_read_is_named(good):
    loaded = LoadedAhead(Broken(good), 1, torch.float32)
    seen = []
    with pytest.raises(DataError, match=r"cats/17\.jpg cannot be read as an image"):
        seen += [images.clone() for epoch in loaded for images, _ in epoch]
    loaded.close()
    assert_no_process_remains()

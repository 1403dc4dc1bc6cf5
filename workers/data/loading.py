"""From a job's data set to its images."""

import functools
import os
from dataclasses import dataclass
from typing import Callable, Optional, Tuple

import numpy as np
import torch

from workers.data.arrays import ImageArrays, Int64Array, content_digest
from workers.data.cifar import load_cifar
from workers.data.fashion_mnist import load_fashion_mnist
from workers.data.image_folder import FolderImages, files_digest, list_image_folder
from workers.data.images import Images, ResidentImages
from workers.data.normalisation import NORMALISATIONS
from workers.data.shapes import draw_shapes
from workers.data.subsets import balanced_subset
from workers.errors import DataError
from workers.protocol.jobs import DataSet


@dataclass(frozen=True)
class LoadedDataSet:
    """Both splits of a data set as a job uses them.

    Attributes:
        train: Training images, the chosen subset.
        test: Test images, the chosen subset.
        digest: SHA-256 over what was chosen, hexadecimal.
    """

    train: Images
    test: Images
    digest: str


@functools.lru_cache(maxsize=1)  # a slot's process mostly does jobs of one data set
def load_data_set(dataset: DataSet, data_directory: str, device: torch.device) -> LoadedDataSet:
    """Load, choose and check a data set.

    Args:
        dataset: Which images and how many.
        data_directory: Where named data sets lie.
        device: Where the images, or their batches, go.

    Raises:
        DataError: Images are missing or damaged, fewer than asked for, or not as the job describes them.
    """
    if dataset.name == "image-folder":
        return _load_folder(dataset, data_directory, device)
    train, test = _load_arrays(dataset, data_directory)
    for split in (train, test):
        _check(dataset, split.images.shape[1], split.labels)
    normalisation = NORMALISATIONS[dataset.name]
    return LoadedDataSet(
        train=ResidentImages.of(train, normalisation, device),
        test=ResidentImages.of(test, normalisation, device),
        digest=content_digest(train, test),
    )


def _load_arrays(dataset: DataSet, data_directory: str) -> Tuple[ImageArrays, ImageArrays]:
    choose_train = _chooser(dataset.train_images, "train")
    choose_test = _chooser(dataset.test_images, "test")
    if dataset.name == "shapes":
        return draw_shapes("train", choose_train), draw_shapes("test", choose_test)
    if dataset.name == "fashion-mnist":
        train, test = load_fashion_mnist(data_directory)
    elif dataset.name in {"cifar10", "cifar100"}:
        train, test = load_cifar(dataset.name, data_directory)
    else:
        raise DataError("unknown data set {!r}: expected one of {}".format(dataset.name, ", ".join(NORMALISATIONS)))
    return train.take(choose_train(train.labels)), test.take(choose_test(test.labels))


def _chooser(count: Optional[int], split: str) -> Callable[[Int64Array], Int64Array]:
    def choose(labels: Int64Array) -> Int64Array:
        return np.arange(len(labels)) if count is None else balanced_subset(labels, count, split)

    return choose


def _load_folder(dataset: DataSet, data_directory: str, device: torch.device) -> LoadedDataSet:
    if dataset.root is None:
        raise DataError("image-folder: the job names no root directory")
    train, test = list_image_folder(os.path.join(data_directory, dataset.root))
    train = train.take(_chooser(dataset.train_images, "train")(train.labels))
    test = test.take(_chooser(dataset.test_images, "test")(test.labels))
    for split in (train, test):
        _check(dataset, 3, split.labels)
    normalisation = NORMALISATIONS[dataset.name]
    threads = torch.get_num_threads()
    return LoadedDataSet(
        train=FolderImages(train, normalisation, device, threads),
        test=FolderImages(test, normalisation, device, threads),
        digest=files_digest(train, test),
    )


def _check(dataset: DataSet, channels: int, labels: Int64Array) -> None:
    if channels != dataset.channels:
        raise DataError(f"{dataset.name} has {channels} channels per image; the job says {dataset.channels}")
    if labels.max() >= dataset.classes:
        raise DataError(f"{dataset.name} has {labels.max() + 1} classes or more; the job says {dataset.classes}")

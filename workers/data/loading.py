"""From a job's data set to its images."""

import functools
import hashlib
import os
from dataclasses import dataclass
from typing import Callable, Generic, Iterator, Optional, TypeVar

import torch

from workers.data.arrays import ImageArrays, Int64Array, content_digest
from workers.data.cifar import load_cifar
from workers.data.fashion_mnist import load_fashion_mnist
from workers.data.image_files import ImageFiles, files_digest, list_image_folder
from workers.data.images import Images, ResidentImages
from workers.data.normalisation import NORMALISATIONS
from workers.data.shapes import draw_shapes
from workers.data.subsets import Choice
from workers.errors import DataError
from workers.protocol.jobs import DataSet

_Split = TypeVar("_Split", ImageArrays, ImageFiles)


@dataclass(frozen=True)
class _Splits(Generic[_Split]):
    """What a job uses; ``validation`` may be empty."""

    train: _Split
    validation: _Split
    test: _Split

    def __iter__(self) -> Iterator[_Split]:
        return iter((self.train, self.validation, self.test))


@dataclass(frozen=True)
class LoadedDataSet:
    """The splits of a data set as a job uses them.

    Attributes:
        train: Training images, the chosen subset; none of the validation images.
        validation: Images of the training split that are held out to choose by; None where there are none.
        test: Test images, the chosen subset.
        digest: SHA-256 over what was chosen, hexadecimal.
    """

    train: Images
    validation: Optional[Images]
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
    splits = _load_arrays(dataset, data_directory)
    for split in splits:
        _check(dataset, split.images.shape[1], split.labels)
    normalisation = NORMALISATIONS[dataset.name]
    train, validation, test = (ResidentImages.of(split, normalisation, device) for split in splits)
    return LoadedDataSet(train, _unless_empty(validation), test, _digest(content_digest, splits))


def _load_arrays(dataset: DataSet, data_directory: str) -> _Splits[ImageArrays]:
    choice = Choice(dataset)
    if dataset.name == "shapes":
        train, validation = (draw_shapes("train", choose) for choose in (choice.train, choice.validation))
        return _Splits(train, validation, draw_shapes("test", choice.test))
    if dataset.name == "fashion-mnist":
        return _chosen(choice, *load_fashion_mnist(data_directory))
    if dataset.name in {"cifar10", "cifar100"}:
        return _chosen(choice, *load_cifar(dataset.name, data_directory))
    raise DataError("unknown data set {!r}: expected one of {}".format(dataset.name, ", ".join(NORMALISATIONS)))


def _load_folder(dataset: DataSet, data_directory: str, device: torch.device) -> LoadedDataSet:
    if dataset.root is None:
        raise DataError("image-folder: the job names no root directory")
    try:
        from workers.data.image_folder import FolderImages
    except ImportError as error:
        raise DataError(f"image-folder is read with Pillow, which this interpreter lacks: {error}") from error
    splits = _chosen(Choice(dataset), *list_image_folder(os.path.join(data_directory, dataset.root)))
    for split in splits:
        _check(dataset, 3, split.labels)
    normalisation, threads = NORMALISATIONS[dataset.name], torch.get_num_threads()
    train, validation, test = (FolderImages(split, normalisation, device, threads) for split in splits)
    return LoadedDataSet(train, _unless_empty(validation), test, _digest(files_digest, splits))


def _chosen(choice: Choice, train: _Split, test: _Split) -> _Splits[_Split]:
    return _Splits(
        train=train.take(choice.train(train.labels)),
        validation=train.take(choice.validation(train.labels)),
        test=test.take(choice.test(test.labels)),
    )


def _unless_empty(images: Images) -> Optional[Images]:
    return images if images.count > 0 else None


def _digest(digest_of: Callable[..., str], splits: _Splits[_Split]) -> str:
    """Return the digest of the training and test images, and of the validation images where there are any."""
    digest = digest_of(splits.train, splits.test)
    if len(splits.validation.labels) == 0:
        return digest
    return hashlib.sha256(f"{digest} {digest_of(splits.validation)}".encode()).hexdigest()


def _check(dataset: DataSet, channels: int, labels: Int64Array) -> None:
    if channels != dataset.channels:
        raise DataError(f"{dataset.name} has {channels} channels per image; the job says {dataset.channels}")
    if labels.max(initial=0) >= dataset.classes:
        raise DataError(f"{dataset.name} has {labels.max() + 1} classes or more; the job says {dataset.classes}")

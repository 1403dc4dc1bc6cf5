"""Which images there are in a directory: ``root/train/CLASS/*`` and ``root/val/CLASS/*``."""

import hashlib
import os
from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

from workers.data.arrays import Int64Array
from workers.errors import DataError

_SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".webp")


@dataclass(frozen=True)
class ImageFiles:
    """One split as files.

    Attributes:
        root: Directory of the split.
        paths: Of the images, relative to it, in a fixed order.
        labels: Class of each image.
    """

    root: str
    paths: Tuple[str, ...]
    labels: Int64Array

    def take(self, chosen: Int64Array) -> "ImageFiles":
        """Return the chosen images in that order."""
        return ImageFiles(self.root, tuple(self.paths[number] for number in chosen), self.labels[chosen])


def list_image_folder(root: str) -> Tuple[ImageFiles, ImageFiles]:
    """Find the training and the test images.

    The classes are the directories of ``train`` in alphabetical order.

    Raises:
        DataError: A directory is missing or holds no image, or ``val`` has a class that ``train`` lacks.
    """
    classes = _directories(os.path.join(root, "train"))
    unknown = sorted(set(_directories(os.path.join(root, "val"))) - set(classes))
    if unknown:
        raise DataError(f"image-folder: {root}/val has the class {unknown[0]}, which {root}/train lacks")
    return _files(os.path.join(root, "train"), classes), _files(os.path.join(root, "val"), classes)


def files_digest(*splits: ImageFiles) -> str:
    """Return the SHA-256 over names, sizes and labels of the files, hexadecimal.

    Not over their content: reading 140 GB for a digest would take longer than many a training run.

    Raises:
        DataError: A file is gone.
    """
    digest = hashlib.sha256()
    for split in splits:
        for path, label in zip(split.paths, split.labels):
            digest.update(f"{path}\0{_size_bytes(os.path.join(split.root, path))}\0{label}\n".encode())
    return digest.hexdigest()


def _size_bytes(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise DataError(f"image-folder: {path} cannot be read: {error.strerror}") from error


def _directories(path: str) -> List[str]:
    names = [name for name in _names(path) if os.path.isdir(os.path.join(path, name))]
    if not names:
        raise DataError(f"image-folder: {path} has no directories; it needs one per class")
    return names


def _files(root: str, classes: List[str]) -> ImageFiles:
    paths: List[str] = []
    labels: List[int] = []
    for label, name in enumerate(classes):
        directory = os.path.join(root, name)
        if not os.path.isdir(directory):
            continue
        found = [one for one in _names(directory) if one.lower().endswith(_SUFFIXES)]
        paths.extend(os.path.join(name, one) for one in found)
        labels.extend([label] * len(found))
    if not paths:
        raise DataError(f"image-folder: no {', '.join(_SUFFIXES)} file in any class of {root}")
    return ImageFiles(root, tuple(paths), np.array(labels, np.int64))


def _names(path: str) -> List[str]:
    """Return the names in a directory in alphabetical order."""
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        message = f"image-folder: {path} cannot be listed ({error.strerror}); root must hold train/ and val/"
        raise DataError(message) from error

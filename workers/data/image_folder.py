"""Images of any size in files, one directory per class: ``root/train/CLASS/*`` and ``root/val/CLASS/*``.

Decoded when they are needed, by several threads (Pillow decodes without holding Python's lock), a few batches ahead
of the device.
"""

import collections
import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Deque, Iterable, Iterator, List, Optional, Tuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from workers.data.arrays import Int64Array, UInt8Array
from workers.data.augmentation import random_boxes
from workers.data.images import PreparedImages
from workers.data.normalisation import Normalisation
from workers.errors import DataError

_SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".webp")
#: Least share of a photograph that a random crop keeps (arXiv 2106.03640).
_SMALLEST_AREA = 0.05
#: Tested is the middle of the image resized so that its short side is this many times the resolution.
_TEST_MARGIN = 256.0 / 224.0
_BATCHES_AHEAD = 3
_BILINEAR = Image.Resampling.BILINEAR

_Futures = List["Future[UInt8Array]"]


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
    """
    digest = hashlib.sha256()
    for split in splits:
        for path, label in zip(split.paths, split.labels):
            size = os.path.getsize(os.path.join(split.root, path))
            digest.update(f"{path}\0{size}\0{label}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class FolderImages:
    """A split that is decoded on demand.

    Attributes:
        files: Where the images are.
        normalisation: Of their pixels.
        device: Where batches go.
        threads: How many images are decoded at once.
    """

    files: ImageFiles
    normalisation: Normalisation
    device: torch.device
    threads: int

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.files.labels)

    def for_training(self, resolution: int, augmentation: str) -> PreparedImages:
        """Return the split for training; without cropping, images are prepared as for testing."""
        flip = augmentation in {"flip", "crop-flip"}
        return _FolderBatches(self, resolution, crop=augmentation == "crop-flip", flip=flip)

    def for_testing(self, resolution: int) -> PreparedImages:
        """Return the split resized by short side and cut to the middle."""
        return _FolderBatches(self, resolution, crop=False, flip=False)


@dataclass(frozen=True)
class _FolderBatches:
    images: FolderImages
    resolution: int
    crop: bool
    flip: bool

    def batches(self, numbers: Iterable[Int64Array], random: np.random.Generator) -> Iterator[Tuple[Tensor, Tensor]]:
        waiting: Deque[Tuple[Int64Array, _Futures]] = collections.deque()
        with ThreadPoolExecutor(self.images.threads) as pool:
            try:
                for batch in numbers:
                    # Every image has its own seed, so that the draws do not depend on which thread is quicker.
                    seeds = random.integers(0, 2**63, len(batch)) if self.flip else np.zeros(len(batch), np.int64)
                    waiting.append((batch, [pool.submit(self._read, *pair) for pair in zip(batch, seeds)]))
                    if len(waiting) > _BATCHES_AHEAD:
                        yield self._collect(*waiting.popleft())
                while waiting:
                    yield self._collect(*waiting.popleft())
            finally:
                for _, futures in waiting:
                    for future in futures:
                        future.cancel()

    def _collect(self, batch: Int64Array, futures: _Futures) -> Tuple[Tensor, Tensor]:
        pixels = torch.from_numpy(np.stack([future.result() for future in futures])).permute(0, 3, 1, 2)
        labels = torch.from_numpy(self.images.files.labels[batch])
        if self.images.device.type == "cuda":
            pixels, labels = pixels.pin_memory(), labels.pin_memory()
        pixels = pixels.to(self.images.device, non_blocking=True)
        return self.images.normalisation.apply(pixels), labels.to(self.images.device, non_blocking=True)

    def _read(self, number: int, seed: int) -> UInt8Array:
        """Decode and prepare one image: resolution × resolution × 3."""
        path = os.path.join(self.images.files.root, self.images.files.paths[number])
        random = np.random.default_rng(seed) if self.flip else None
        try:
            with Image.open(path) as image:
                return self._prepare(image.convert("RGB"), random)
        except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for broken files
            raise DataError(f"image-folder: {path} cannot be read as an image: {error}") from error

    def _prepare(self, image: Image.Image, random: Optional[np.random.Generator]) -> UInt8Array:
        if self.crop and random is not None:
            image = random_resized_crop(image, self.resolution, random)
        else:
            image = middle(image, self.resolution)
        pixels: UInt8Array = np.array(image, dtype=np.uint8)
        if random is not None and random.random() < 0.5:
            pixels = np.ascontiguousarray(pixels[:, ::-1])
        return pixels


def random_resized_crop(image: Image.Image, resolution: int, random: np.random.Generator) -> Image.Image:
    """Cut a random part out of an image and resize it to a square, bilinear, without keeping its aspect."""
    sizes = np.array([image.height], np.int64), np.array([image.width], np.int64)
    top, left, height, width = (int(value) for value in random_boxes(random, *sizes, _SMALLEST_AREA)[0])
    box = (left, top, left + width, top + height)
    return image.crop(box).resize((resolution, resolution), _BILINEAR)


def middle(image: Image.Image, resolution: int) -> Image.Image:
    """Resize an image so that its short side is 256/224 of the resolution, and cut out the middle.

    Source:
        The preparation of ImageNet's validation images in arXiv 2106.03640 and torchvision.
    """
    short = int(resolution * _TEST_MARGIN)
    if image.width <= image.height:
        width, height = short, int(short * image.height / image.width)
    else:
        width, height = int(short * image.width / image.height), short
    left, top = round((width - resolution) / 2.0), round((height - resolution) / 2.0)
    return image.resize((width, height), _BILINEAR).crop((left, top, left + resolution, top + resolution))


def _directories(path: str) -> List[str]:
    try:
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError as error:
        message = f"image-folder: {path} cannot be listed ({error.strerror}); root must hold train/ and val/"
        raise DataError(message) from error
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
        found = sorted(one for one in os.listdir(directory) if one.lower().endswith(_SUFFIXES))
        paths.extend(os.path.join(name, one) for one in found)
        labels.extend([label] * len(found))
    if not paths:
        raise DataError(f"image-folder: no {', '.join(_SUFFIXES)} file in any class of {root}")
    return ImageFiles(root, tuple(paths), np.array(labels, np.int64))

"""Images of any size in files.

Decoded when they are needed, by several threads (Pillow decodes without holding Python's lock), a few batches ahead
of the device.
"""

import collections
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
from workers.data.image_files import ImageFiles
from workers.data.images import PreparedImages
from workers.data.normalisation import Normalisation
from workers.data.policies import Policy, augmentation_policy
from workers.data.transfer import send
from workers.errors import DataError

#: Least share of a photograph that a random crop keeps (arXiv 2106.03640).
_SMALLEST_AREA = 0.05
#: Tested is the middle of the image resized so that its short side is this many times the resolution.
_TEST_MARGIN = 256.0 / 224.0
_BATCHES_AHEAD = 3
#: Where AutoAugment's sub-policies for photographs come from.
_SEARCHED_ON = "imagenet"
#: What Pillow raises for broken files, and for sizes that it takes for an attack.
_BROKEN = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
_BILINEAR = Image.Resampling.BILINEAR

_Futures = List["Future[UInt8Array]"]


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

    def for_training(self, resolution: int, augmentation: str, policy: str = "none") -> PreparedImages:
        """Return the split for training; without cropping, images are prepared as for testing."""
        changes = augmentation_policy(policy, resolution, _SEARCHED_ON)
        crop, flip = augmentation == "crop-flip", augmentation in {"flip", "crop-flip"}
        return _FolderBatches(self, resolution, crop, flip, changes)

    def for_testing(self, resolution: int) -> PreparedImages:
        """Return the split resized by short side and cut to the middle."""
        return self.for_training(resolution, "none")


@dataclass(frozen=True)
class _FolderBatches:
    images: FolderImages
    resolution: int
    crop: bool
    flip: bool
    policy: Optional[Policy]

    def batches(self, numbers: Iterable[Int64Array], random: np.random.Generator) -> Iterator[Tuple[Tensor, Tensor]]:
        waiting: Deque[Tuple[Int64Array, _Futures]] = collections.deque()
        with ThreadPoolExecutor(self.images.threads) as pool:
            try:
                for batch in numbers:
                    # Every image has its own seed, so that the draws do not depend on which thread is quicker.
                    seeds = random.integers(0, 2**63, len(batch)) if self._draws else np.zeros(len(batch), np.int64)
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
        pixels = send(pixels, self.images.device)
        return self.images.normalisation.apply(pixels), send(labels, self.images.device)

    @property
    def _draws(self) -> bool:
        return self.flip or self.policy is not None

    def _read(self, number: int, seed: int) -> UInt8Array:
        """Decode and prepare one image: resolution × resolution × 3."""
        path = os.path.join(self.images.files.root, self.images.files.paths[number])
        random = np.random.default_rng(seed) if self._draws else None
        try:
            with Image.open(path) as image:
                return self._prepare(image.convert("RGB"), random)
        except _BROKEN as error:
            raise DataError(f"image-folder: {path} cannot be read as an image: {error}") from error

    def _prepare(self, image: Image.Image, random: Optional[np.random.Generator]) -> UInt8Array:
        if self.crop and random is not None:
            image = random_resized_crop(image, self.resolution, random)
        else:
            image = middle(image, self.resolution)
        if self.flip and random is not None and random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if self.policy is not None and random is not None:
            image = self.policy.apply(image, self.policy.draw(random, 1))
        pixels: UInt8Array = np.array(image, dtype=np.uint8)
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

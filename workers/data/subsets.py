"""Which images of a data set are used for what."""

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from workers.data.arrays import Int64Array
from workers.errors import DataError
from workers.protocol.datasets import default_validation_images
from workers.protocol.jobs import DataSet
from workers.seeds import generator

#: The subsets are part of the data set, so they depend on no job's seed.
_SUBSET_SEED = 0


@dataclass(frozen=True)
class Choice:
    """Which images a job uses.

    The validation images are chosen first, so that they are the same ones however many are trained on; the training
    images are chosen from the rest. Each subset is fixed and has its classes as even as they can be; no class gives
    more than half of its images to validation as long as others can give theirs.

    Attributes:
        dataset: What the job asks for.
    """

    dataset: DataSet

    def train(self, labels: Int64Array) -> Int64Array:
        """Return the numbers of the training images, ascending.

        Args:
            labels: Of the whole training split.

        Raises:
            DataError: There are not that many images beside those held out.
        """
        held_out, rest = self._divided(labels)
        count = self.dataset.train_images
        if count is None:
            return rest
        if count > len(rest) and len(held_out) > 0:
            raise DataError(_too_many(count, len(labels), len(held_out)))
        return rest[balanced_subset(labels[rest], count, "train")]

    def validation(self, labels: Int64Array) -> Int64Array:
        """Return the numbers of the held-out images, ascending; there may be none.

        Args:
            labels: Of the whole training split.

        Raises:
            DataError: No image would be left to train on.
        """
        return self._divided(labels)[0]

    def test(self, labels: Int64Array) -> Int64Array:
        """Return the numbers of the test images, ascending.

        Args:
            labels: Of the whole test split.

        Raises:
            DataError: There are not that many.
        """
        count = self.dataset.test_images
        return np.arange(len(labels)) if count is None else balanced_subset(labels, count, "test")

    def _divided(self, labels: Int64Array) -> Tuple[Int64Array, Int64Array]:
        """Return the numbers of the held-out images and of the rest, both ascending."""
        count = _validation_images(self.dataset.validation_images, len(labels))
        is_held_out = np.zeros(len(labels), np.bool_)
        is_held_out[_dealt(labels, "validation subset", halves=True)[:count]] = True
        return np.flatnonzero(is_held_out), np.flatnonzero(~is_held_out)


def balanced_subset(labels: Int64Array, count: int, split: str) -> Int64Array:
    """Return the numbers of ``count`` images with the classes as even as they can be, in ascending order.

    Always the same images for the same labels; a smaller subset is part of every larger one. The images of each
    class are shuffled and the classes dealt in turn, so that any two classes differ by at most one image until one
    of them has run out.

    Args:
        labels: Class of each image.
        count: How many.
        split: ``train`` or ``test``; for the message.

    Raises:
        DataError: There are not that many images.
    """
    if not 1 <= count <= len(labels):
        raise DataError(f"{count} {split} images were asked for; the data set has {len(labels)}: lower {split}_images")
    return np.sort(_dealt(labels, "subset", halves=False)[:count])


def _dealt(labels: Int64Array, stream: str, *, halves: bool) -> Int64Array:
    """Return the numbers of all images in the order in which they are dealt to a subset.

    Args:
        labels: Class of each image.
        stream: Name of the random stream that shuffles.
        halves: Whether the second half of every class comes after the first halves of all: what is held out then
            leaves a rare class at least as many images to be trained on.
    """
    shuffled = generator(_SUBSET_SEED, stream).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    turn = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_second_half = (turn >= np.repeat(counts // 2, counts)) & halves
    dealt: Int64Array = by_class[np.lexsort((turn, is_second_half))]
    return dealt


def _validation_images(asked: Optional[int], available: int) -> int:
    if asked is None:
        return default_validation_images(available)
    if not 0 <= asked < available:
        raise DataError(
            f"{asked} validation images were asked for; they are taken from the {available} training images, and "
            "some must be left to train on: lower validation_images"
        )
    return asked


def _too_many(count: int, available: int, held_out: int) -> str:
    asked = f"{count} train images were asked for; of the data set's {available}, {held_out} are held out"
    remedy = f"{asked} for validation: lower train_images to {available - held_out}"
    return remedy if count > available else f"{remedy}, or set validation_images: {available - count}"

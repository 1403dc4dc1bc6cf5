"""Which images of a data set are used where a job asks for fewer than all."""

import numpy as np

from workers.data.arrays import Int64Array
from workers.errors import DataError
from workers.seeds import generator

#: The subsets are part of the data set, so they depend on no job's seed.
_SUBSET_SEED = 0


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
    shuffled = generator(_SUBSET_SEED, "subset").permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    turn = np.arange(len(labels)) - starts
    dealt: Int64Array = by_class[np.argsort(turn, kind="stable")]
    return np.sort(dealt[:count])

"""Images of one size in memory."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
Int64Array = NDArray[np.int64]


@dataclass(frozen=True)
class ImageArrays:
    """One split of a data set whose images all have the same size.

    Attributes:
        images: Images × channels × side × side, uint8.
        labels: Class of each image, int64.
    """

    images: UInt8Array
    labels: Int64Array

    def take(self, chosen: Int64Array) -> "ImageArrays":
        """Return the chosen images in that order."""
        return ImageArrays(np.ascontiguousarray(self.images[chosen]), self.labels[chosen])


def content_digest(*splits: ImageArrays) -> str:
    """Return the SHA-256 over shapes, pixels and labels of the splits, hexadecimal."""
    digest = hashlib.sha256()
    for split in splits:
        digest.update(repr(split.images.shape).encode())
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels, dtype="<i8").data)
    return digest.hexdigest()

"""Fashion-MNIST from its four files, as torchvision lays them out.

Source:
    Xiao, Rasul, Vollgraf, "Fashion-MNIST", arXiv 1708.07747; file format of MNIST (idx): a big-endian header of
    the type, the number of axes and their lengths, then the bytes.
"""

import gzip
import hashlib
import os
import zlib
from typing import Dict, Tuple

import numpy as np

from workers.data.arrays import ImageArrays, UInt8Array
from workers.errors import DataError

#: Where the files lie below the data directory.
DIRECTORY = os.path.join("FashionMNIST", "raw")

#: File → MD5 of its content before compression (Debian ships the same content in another gzip wrapping).
CONTENT_MD5: Dict[str, str] = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}

_REMEDY = "fetch it with: python -m workers.data fetch fashion-mnist --to {}"


def load_fashion_mnist(data_directory: str) -> Tuple[ImageArrays, ImageArrays]:
    """Return the 60,000 training and 10,000 test images.

    Raises:
        DataError: A file is missing or its content is not the published one; the message has the command that
            fetches it.
    """
    return _split(data_directory, "train"), _split(data_directory, "t10k")


def _split(data_directory: str, prefix: str) -> ImageArrays:
    images = _read_idx(data_directory, f"{prefix}-images-idx3-ubyte")
    labels = _read_idx(data_directory, f"{prefix}-labels-idx1-ubyte")
    return ImageArrays(images[:, np.newaxis], labels.astype(np.int64))


def _read_idx(data_directory: str, name: str) -> UInt8Array:
    content = _content(os.path.join(data_directory, DIRECTORY, name), data_directory)
    if hashlib.md5(content).hexdigest() != CONTENT_MD5[name]:  # noqa: S324  # against damage, as published
        raise DataError(f"fashion-mnist: {name} is damaged; remove it and " + _REMEDY.format(data_directory))
    axes = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=axes, offset=4).astype(np.int64)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * axes).reshape(tuple(shape))


def _content(path: str, data_directory: str) -> bytes:
    try:
        if os.path.exists(path):
            with open(path, "rb") as file:
                return file.read()
        with gzip.open(path + ".gz", "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        message = f"fashion-mnist: there is no {path}.gz; "
        raise DataError(message + _REMEDY.format(data_directory)) from error
    except (OSError, EOFError, zlib.error) as error:
        message = f"fashion-mnist: {path} cannot be read ({error}); remove it and "
        raise DataError(message + _REMEDY.format(data_directory)) from error

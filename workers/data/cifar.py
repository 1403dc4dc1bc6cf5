"""CIFAR-10 and CIFAR-100 as torchvision lays them out.

Source:
    Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from typing import Any, Tuple

import numpy as np

from workers.data.arrays import ImageArrays
from workers.errors import DataError


def load_cifar(name: str, data_directory: str) -> Tuple[ImageArrays, ImageArrays]:
    """Return the 50,000 training and 10,000 test images of ``cifar10`` or ``cifar100``.

    The files are pickles; torchvision compares each with its published MD5 before it opens any.

    Raises:
        DataError: A file is missing or damaged, or torchvision is not installed.
    """
    return _split(name, data_directory, train=True), _split(name, data_directory, train=False)


def cifar_reader(name: str) -> Any:
    """Return torchvision's class that reads and fetches ``cifar10`` or ``cifar100``.

    Raises:
        DataError: torchvision is not installed.
    """
    try:
        from torchvision.datasets import CIFAR10, CIFAR100
    except ImportError as error:
        raise DataError(f"{name} is read with torchvision, which this interpreter lacks: {error}") from error
    return {"cifar10": CIFAR10, "cifar100": CIFAR100}[name]


def _split(name: str, data_directory: str, *, train: bool) -> ImageArrays:
    reader = cifar_reader(name)
    try:
        split = reader(data_directory, train=train)
    except (RuntimeError, OSError) as error:
        command = f"python -m workers.data fetch {name} --to {data_directory}"
        raise DataError(f"{name} is missing or damaged under {data_directory}; fetch it with: {command}") from error
    images = np.ascontiguousarray(split.data.transpose(0, 3, 1, 2))
    return ImageArrays(images, np.asarray(split.targets, dtype=np.int64))

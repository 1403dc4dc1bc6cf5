"""What is known of the named data sets before any image is read."""

from dataclasses import dataclass
from typing import Dict


@dataclass(frozen=True)
class NamedDataSet:
    """Facts of a data set with one known content.

    Attributes:
        classes: Number of classes.
        channels: Channels per image.
        image_side: Side of its square images in pixels.
        train_images: How many it has for training.
        test_images: How many it has for testing.
    """

    classes: int
    channels: int
    image_side: int
    train_images: int
    test_images: int


#: ``shapes`` is drawn by the program, the others are photographs collected by their authors.
NAMED: Dict[str, NamedDataSet] = {
    "fashion-mnist": NamedDataSet(classes=10, channels=1, image_side=28, train_images=60000, test_images=10000),
    "cifar10": NamedDataSet(classes=10, channels=3, image_side=32, train_images=50000, test_images=10000),
    "cifar100": NamedDataSet(classes=100, channels=3, image_side=32, train_images=50000, test_images=10000),
    "shapes": NamedDataSet(classes=8, channels=1, image_side=48, train_images=20000, test_images=4000),
}


def default_validation_images(train_images: int) -> int:
    """Return how many images of a training split are held out where the data set's user names no number.

    A tenth, and no more than 10,000: from there on the share is what an accuracy's noise no longer needs.

    Args:
        train_images: Images of the whole split.
    """
    return min(train_images // 10, 10_000)

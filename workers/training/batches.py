"""The batches of an epoch of training: loaded, augmented and mixed."""

from dataclasses import dataclass
from typing import Iterable, Iterator, NamedTuple, Tuple

from torch import Tensor

from workers.data.arrays import Int64Array
from workers.data.images import PreparedImages
from workers.data.mixing import blend
from workers.seeds import generator
from workers.training.epochs import shuffled_batches


class Mixing(NamedTuple):
    """How images of a batch are mixed with each other.

    Attributes:
        mixup_alpha: Of mixup's Beta distribution; 0 is off.
        cutmix_probability: That an image gets a part of another one; 0 is off.
    """

    mixup_alpha: float
    cutmix_probability: float


def training_batches(
    images: PreparedImages, order: Iterable[Int64Array], classes: int, mixing: Mixing, *, seed: int, epoch: int
) -> Iterator[Tuple[Tensor, Tensor]]:
    """Yield an epoch's images and their classes, or class masses where images are mixed.

    Args:
        images: Of the training split.
        order: For each batch the numbers of its images.
        classes: Number of classes.
        mixing: How images are mixed.
        seed: The training run's.
        epoch: From 1; together with the seed it is the source of all randomness.

    Raises:
        DataError: An image cannot be read.
    """
    mixup_random, cutmix_random = generator(seed, "mixup", epoch), generator(seed, "cutmix", epoch)
    for batch, labels in images.batches(order, generator(seed, "augmentation", epoch)):
        yield blend(
            batch,
            labels,
            classes,
            mixup_alpha=mixing.mixup_alpha,
            cutmix_probability=mixing.cutmix_probability,
            mixup_random=mixup_random,
            cutmix_random=cutmix_random,
        )


@dataclass(frozen=True)
class TrainingBatches:
    """Every batch of a training run; those of an epoch depend on the seed and the epoch's number alone.

    Attributes:
        images: Of the training split, prepared.
        count: How many there are.
        batch_size: Images per batch; a last smaller batch is left out.
        classes: Number of classes.
        mixing: How images are mixed.
        seed: The training run's.
        epochs: Number of epochs.
    """

    images: PreparedImages
    count: int
    batch_size: int
    classes: int
    mixing: Mixing
    seed: int
    epochs: int

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self.count // self.batch_size

    def epoch(self, number: int) -> Iterator[Tuple[Tensor, Tensor]]:
        """Yield an epoch's batches, as ``training_batches`` does.

        Raises:
            DataError: An image cannot be read.
        """
        order = shuffled_batches(generator(self.seed, "order", number), self.count, self.batch_size)
        return training_batches(self.images, order, self.classes, self.mixing, seed=self.seed, epoch=number)

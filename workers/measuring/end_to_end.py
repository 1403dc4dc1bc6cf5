"""Throughput with images loaded and prepared, by the loops that training and testing use."""

from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from workers.data.arrays import Int64Array
from workers.data.images import Images, PreparedImages
from workers.data.loading import load_data_set
from workers.measuring.bench import Batch, Bench, Network
from workers.measuring.surroundings import Surroundings
from workers.measuring.timing import time_blocks, warm_up
from workers.protocol.jobs import Loading, MeasureJob
from workers.protocol.orders import Sample
from workers.seeds import generator
from workers.training.batches import Mixing, training_batches
from workers.training.epochs import LossWatch, shuffled_batches
from workers.training.testing import Tally

_SEED = 0
#: Of a block's duration: how long a block of loading alone lasts.
_ALONE_SHARE = 0.3


@dataclass(frozen=True)
class _Epochs:
    """Epochs without end; see ``workers.engine.EpochBatches``. They may be sent to another process.

    Attributes:
        images: Prepared as they are measured.
        count: Of them.
        batch_size: Images per step, all batches being whole.
        classes: Number of classes.
        mixing: How images are mixed; None tests the images in order rather than training on them.
    """

    epochs: ClassVar[int] = 1_000_000_000

    images: PreparedImages
    count: int
    batch_size: int
    classes: int
    mixing: Optional[Mixing]

    @property
    def steps_per_epoch(self) -> int:
        """Batches; one, in which images are repeated, where there are too few images."""
        return max(1, self.count // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches that training has in an epoch; or those that testing has, in every epoch."""
        if self.mixing is None:
            return self.images.batches(self._in_order(), generator(_SEED, "augmentation"))
        order = shuffled_batches(generator(_SEED, "order", number), self.count, self.batch_size) or self._repeated()
        return training_batches(self.images, order, self.classes, self.mixing, seed=_SEED, epoch=number)

    def _in_order(self) -> List[Int64Array]:
        whole = range(0, self.count - self.batch_size + 1, self.batch_size)
        return [np.arange(start, start + self.batch_size) for start in whole] or self._repeated()

    def _repeated(self) -> List[Int64Array]:
        return [np.resize(np.arange(self.count), self.batch_size)]


class LoadedBlocks(NamedTuple):
    """What was timed with images being loaded.

    Attributes:
        end_to_end: Blocks of loading, preparing, and the network's step.
        loading: Blocks of loading and preparing alone.
        conditions: For the record.
        disturbance: What else used the device meanwhile, in words; empty if nothing did.
    """

    end_to_end: List[Sample]
    loading: List[Sample]
    conditions: Dict[str, Any]
    disturbance: str


def time_with_loading(
    job: MeasureJob,
    loading: Loading,
    network: Network,
    bench: Bench,
    *,
    data_directory: str,
    progress: Callable[[int], None],
) -> LoadedBlocks:
    """Time blocks of the whole loop, and as many shorter ones of its loading alone.

    Where there are fewer images than a batch takes, some are in it more than once.

    Args:
        job: What is measured.
        loading: Which images, and how they are prepared.
        network: Warmed up.
        bench: Where.
        data_directory: Where named data sets lie.
        progress: Told the number of blocks of the whole loop done, after each.

    Raises:
        DataError: Images are missing or damaged.
    """
    data = load_data_set(loading.dataset, data_directory, bench.device)
    batch_size = network.images_per_step
    count = data.train.count if job.mode == "train" else data.test.count
    source = (
        _training(job, loading, data.train, batch_size) if job.mode == "train" else _testing(job, data.test, batch_size)
    )
    use = _trained_on(network, bench.device) if job.mode == "train" else _classified(network, bench.device)
    with bench.batches(source, job) as batches:
        timed = _time_both(job, batches, use, bench, batch_size, progress)
    if count < batch_size:
        timed.conditions["images_repeated"] = f"a batch of {batch_size} has some of the {count} images more than once"
    return timed


def _time_both(
    job: MeasureJob,
    batches: Iterator[Batch],
    use: Callable[[Tensor, Tensor], None],
    bench: Bench,
    batch_size: int,
    progress: Callable[[int], None],
) -> LoadedBlocks:
    def load() -> Tuple[Tensor, Tensor]:
        return next(batches)

    def loop() -> None:
        use(*load())

    surroundings = Surroundings(bench, with_helpers=True)
    end_to_end = time_blocks(
        loop,
        bench.device,
        blocks=job.blocks,
        seconds=job.block_seconds,
        pace=warm_up(loop, bench.device, 0.0),
        batch_size=batch_size,
        progress=progress,
    )
    alone = time_blocks(
        load,
        bench.device,
        blocks=job.blocks,
        seconds=_ALONE_SHARE * job.block_seconds,
        pace=warm_up(load, bench.device, 0.0),
        batch_size=batch_size,
    )
    observed = surroundings.until_now(waiting_counts=False)
    return LoadedBlocks(end_to_end, alone, {"while_loading": observed.conditions}, observed.disturbance)


def _training(job: MeasureJob, loading: Loading, images: Images, batch_size: int) -> _Epochs:
    prepared = images.for_training(job.resolution, loading.augmentation, loading.augmentation_policy)
    mixing = Mixing(loading.mixup, loading.cutmix)
    return _Epochs(prepared, images.count, batch_size, job.classes, mixing)


def _testing(job: MeasureJob, images: Images, batch_size: int) -> _Epochs:
    return _Epochs(images.for_testing(job.resolution), images.count, batch_size, job.classes, None)


def _trained_on(network: Network, device: torch.device) -> Callable[[Tensor, Tensor], None]:
    watch = LossWatch(device, "the measurement")
    return lambda images, targets: watch.add(network.use(images, targets))


def _classified(network: Network, device: torch.device) -> Callable[[Tensor, Tensor], None]:
    tally = Tally(device)
    return lambda images, labels: tally.add(network.use(images, labels), labels)

"""Throughput with images loaded and prepared, by the loops that training and testing use."""

import itertools
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Tuple

import numpy as np
import torch
from torch import Tensor

from workers.data.arrays import Int64Array
from workers.data.images import Images
from workers.data.loading import load_data_set
from workers.measuring.surroundings import Surroundings
from workers.measuring.timing import time_blocks, warm_up
from workers.measuring.workload import Workload
from workers.protocol.jobs import Loading, MeasureJob
from workers.protocol.orders import Sample
from workers.seeds import generator
from workers.training.batches import Mixing, training_batches
from workers.training.epochs import LossWatch, shuffled_batches
from workers.training.testing import Tally

_SEED = 0
#: Of a block's duration: how long a block of loading alone lasts.
_ALONE_SHARE = 0.3

Batches = Iterator[Tuple[Tensor, Tensor]]


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
    workload: Workload,
    device: torch.device,
    *,
    batch_size: int,
    data_directory: str,
    progress: Callable[[int], None],
) -> LoadedBlocks:
    """Time blocks of the whole loop, and as many shorter ones of its loading alone.

    Where there are fewer images than a batch takes, some are in it more than once.

    Args:
        job: What is measured.
        loading: Which images, and how they are prepared.
        workload: The network, warmed up.
        device: Where.
        batch_size: Images per step.
        data_directory: Where named data sets lie.
        progress: Told the number of blocks of the whole loop done, after each.

    Raises:
        DataError: Images are missing or damaged.
    """
    data = load_data_set(loading.dataset, data_directory, device)
    images = data.train if job.mode == "train" else data.test
    batches = _training(job, loading, images, batch_size) if job.mode == "train" else _testing(job, images, batch_size)
    use = _trained_on(workload, device) if job.mode == "train" else _classified(workload, device)

    def load() -> Tuple[Tensor, Tensor]:
        return next(batches)

    def loop() -> None:
        use(*load())

    surroundings = Surroundings(device)
    end_to_end = time_blocks(
        loop,
        device,
        blocks=job.blocks,
        seconds=job.block_seconds,
        pace=warm_up(loop, device, 0.0),
        batch_size=batch_size,
        progress=progress,
    )
    alone = time_blocks(
        load,
        device,
        blocks=job.blocks,
        seconds=_ALONE_SHARE * job.block_seconds,
        pace=warm_up(load, device, 0.0),
        batch_size=batch_size,
    )
    observed = surroundings.until_now(waiting_counts=False)
    conditions: Dict[str, Any] = {"while_loading": observed.conditions}
    if images.count < batch_size:
        conditions["images_repeated"] = f"a batch of {batch_size} has some of the {images.count} images more than once"
    return LoadedBlocks(end_to_end, alone, conditions, observed.disturbance)


def _training(job: MeasureJob, loading: Loading, images: Images, batch_size: int) -> Batches:
    """Yield batches as training does, epoch after epoch without end."""
    prepared = images.for_training(job.resolution, loading.augmentation, loading.augmentation_policy)
    mixing = Mixing(loading.mixup, loading.cutmix)
    for epoch in itertools.count(1):
        random = generator(_SEED, "order", epoch)
        order = shuffled_batches(random, images.count, batch_size) or [_repeated(images.count, batch_size)]
        yield from training_batches(prepared, order, job.classes, mixing, seed=_SEED, epoch=epoch)


def _testing(job: MeasureJob, images: Images, batch_size: int) -> Batches:
    """Yield batches as testing does, again and again; all of them whole."""
    prepared = images.for_testing(job.resolution)
    whole = range(0, images.count - batch_size + 1, batch_size)
    order: Iterable[Int64Array] = [np.arange(start, start + batch_size) for start in whole]
    order = order or [_repeated(images.count, batch_size)]
    for _ in itertools.count():
        yield from prepared.batches(order, generator(_SEED, "augmentation"))


def _repeated(count: int, batch_size: int) -> Int64Array:
    numbers: Int64Array = np.resize(np.arange(count), batch_size)
    return numbers


def _trained_on(workload: Workload, device: torch.device) -> Callable[[Tensor, Tensor], None]:
    watch = LossWatch(device, "the measurement")
    return lambda images, targets: watch.add(workload.step(images, targets))


def _classified(workload: Workload, device: torch.device) -> Callable[[Tensor, Tensor], None]:
    tally = Tally(device)
    return lambda images, labels: tally.add(workload.step(images, labels), labels)

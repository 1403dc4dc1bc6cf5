"""Batches of a training run, prepared ahead by another process.

PopTorch's asynchronous loader runs one process that writes batches into shared memory. What it runs here is the very
code that prepares batches on other slots, for all epochs that remain; so the batches are the same bit for bit, and the
process is started once.
"""

import multiprocessing
import os
import tempfile
from typing import Any, Iterator, List, Optional, Tuple

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from workers.durable_file import write_durably
from workers.engine import EpochBatches
from workers.errors import DataError, JobError
from workers.ipu.errors import translation

#: Batches that may lie ready.
_BUFFERED = 3


class LoadedAhead:
    """The batches of the epochs that remain, in order; each is valid until the next one is taken.

    Args:
        batches: Of the run.
        first: Epoch to begin with, counted from 1.
        image_type: Of the images that are handed out.
    """

    def __init__(self, batches: EpochBatches, first: int, image_type: torch.dtype) -> None:
        self._batches = batches
        self._first = first
        self._type = image_type
        self._directory: Optional[tempfile.TemporaryDirectory[str]] = None
        self._loader: Optional[Any] = None

    def __iter__(self) -> Iterator[Iterator[Tuple[Tensor, Tensor]]]:
        """Yield each epoch's batches; the process starts with the first.

        Raises:
            DataError: An image cannot be read.
        """
        stream = iter(self._open())
        for _ in range(self._first, self._batches.epochs + 1):
            yield self._epoch(stream)

    def close(self) -> None:
        """End the process."""
        loader, self._loader = self._loader, None
        if loader is not None:
            loader.terminate()
        if self._directory is not None:
            self._directory.cleanup()

    def _open(self) -> Any:
        import poptorch

        self._directory = tempfile.TemporaryDirectory(prefix="frontsweep-loader-")
        dataset = _EpochStream(self._batches, self._first, self._type, self._failure_file)
        # PopTorch's process comes from Python's fork server, and so will the job's next ones: the server imports torch,
        # which takes seconds, once for all of them.
        multiprocessing.set_forkserver_preload(["torch"])
        try:
            self._loader = poptorch.DataLoader(
                poptorch.Options(),  # of no influence: batches come whole
                dataset,
                batch_size=None,
                drop_last=False,
                persistent_workers=False,
                auto_distributed_partitioning=False,
                mode=poptorch.DataLoaderMode.Async,
                async_options={"buffer_size": _BUFFERED, "load_indefinitely": False, "early_preload": True},
            )
        except poptorch.Error as error:
            self._raise_failure()
            raise translation(error) from error
        return self._loader

    def _epoch(self, stream: Iterator[Any]) -> Iterator[Tuple[Tensor, Tensor]]:
        for _ in range(self._batches.steps_per_epoch):
            images, targets = next(stream)
            if bool(torch.isnan(images.flatten()[0])):
                self._raise_failure()
            yield images, targets

    @property
    def _failure_file(self) -> str:
        return "" if self._directory is None else os.path.join(self._directory.name, "failure")

    def _raise_failure(self) -> None:
        """Raise what the other process has noted; an image of NaN without a note is left to the loss."""
        if os.path.exists(self._failure_file):
            with open(self._failure_file, encoding="utf-8") as file:
                raise DataError(file.read())


class _EpochStream(IterableDataset):  # type: ignore[type-arg]
    """What the other process runs.

    A process that ends with an error leaves its reader waiting, or without words. So an image that cannot be read ends
    the stream with a batch of NaN beside a file that says why.
    """

    def __init__(self, batches: EpochBatches, first: int, image_type: torch.dtype, failure_file: str) -> None:
        super().__init__()
        self._batches = batches
        self._first = first
        self._type = image_type
        self._failure_file = failure_file
        self._threads = torch.get_num_threads()

    def __iter__(self) -> Iterator[List[Tensor]]:
        torch.set_num_threads(self._threads)
        last: List[Tensor] = []
        try:
            for number in range(self._first, self._batches.epochs + 1):
                for images, targets in self._batches.epoch(number):
                    last = [images.to(self._type).contiguous(), targets]
                    yield last
        except JobError as error:
            # In one go: the stream may be read again, and fail again, while somebody reads why.
            write_durably(self._failure_file, str(error).encode())
            if not last:
                raise
            yield [torch.full_like(last[0], float("nan")), last[1]]

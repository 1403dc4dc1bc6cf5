"""``poptorch.DataLoader``: torch's, with the batch of a whole call of the device."""

from typing import Any, Dict, Iterable, Optional, Sequence, Union

import torch

from poptorch._accessor import AsynchronousDataAccessor
from poptorch.enums import DataLoaderMode
from poptorch.options import Options


class DataLoader(torch.utils.data.DataLoader):
    """Collects micro-batches into the combined batch of a call; ``Async`` reads in another process."""

    _accessor: Optional[AsynchronousDataAccessor] = None

    def __init__(
        self,
        options: "Options",
        dataset: "torch.utils.data.Dataset",
        batch_size: int = 1,
        shuffle: bool = None,
        num_workers: int = 0,
        drop_last: bool = True,
        persistent_workers: Optional[bool] = None,
        auto_distributed_partitioning: bool = True,
        mode: "DataLoaderMode" = DataLoaderMode.Sync,
        async_options: Optional[Dict[str, Any]] = None,
        rebatched_worker_size: Optional[int] = None,
        batch_sampler: Optional[Union[torch.utils.data.Sampler, Iterable[Sequence]]] = None,
        **kwargs,
    ):
        assert isinstance(options, Options)
        assert isinstance(mode, DataLoaderMode)
        if mode == DataLoaderMode.AsyncRebatched or rebatched_worker_size is not None or batch_sampler is not None:
            raise NotImplementedError("the stand-in of PopTorch lacks rebatching and batch samplers")
        options._freeze()
        groups = options.replication_factor // options.input_group_size
        calls = options.device_iterations * groups * options.Training.gradient_accumulation
        self._combined_batch_size = None if batch_size is None else batch_size * calls
        self._options = options
        if isinstance(dataset, torch.utils.data.IterableDataset) and auto_distributed_partitioning:
            assert options.Distributed.numProcesses == 1, (
                "auto_distributed_partitioning not supported for IterableDataset"
            )
        super().__init__(
            dataset,
            batch_size=self._combined_batch_size,
            shuffle=shuffle,
            num_workers=num_workers,
            drop_last=drop_last,
            persistent_workers=num_workers > 0 if persistent_workers is None else persistent_workers,
            **kwargs,
        )
        if mode == DataLoaderMode.Async:
            assert "rebatched_size" not in (async_options or {})
            self._accessor = AsynchronousDataAccessor(self, **(async_options or {}))

    @property
    def combinedBatchSize(self) -> Optional[int]:
        return self._combined_batch_size

    @property
    def options(self) -> "Options":
        return self._options

    def terminate(self) -> None:
        """End the process of an asynchronous loader."""
        if self._accessor is not None:
            self._accessor.terminate()

    def __del__(self) -> None:
        self.terminate()

    def __iter__(self):
        return iter(self._accessor) if self._accessor is not None else super().__iter__()

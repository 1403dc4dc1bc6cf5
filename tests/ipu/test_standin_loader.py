"""The stand-in's loader: combined batches, and data that another process reads."""

from __future__ import annotations

import os

import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset


class Counted(IterableDataset):
    """Batches 0, 1, 2, ... with the process that made them; module level, so that another process can have it."""

    def __init__(self, count: int, *, broken_at: int = -1, shrinking: bool = False) -> None:
        self.count, self.broken_at, self.shrinking = count, broken_at, shrinking

    def __iter__(self):
        for index in range(self.count):
            if index == self.broken_at:
                raise ValueError("no such picture")
            size = 4 - (index if self.shrinking else 0)
            yield torch.full((size,), float(index)), torch.tensor(os.getpid())


def asynchronous(poptorch, dataset: Dataset, **options):
    return poptorch.DataLoader(
        poptorch.Options(),
        dataset,
        batch_size=None,
        drop_last=False,
        mode=poptorch.DataLoaderMode.Async,
        async_options=options,
    )


def test_a_batch_of_the_loader_is_what_a_call_takes(standin):
    poptorch = standin.poptorch
    options = poptorch.Options().deviceIterations(2).replicationFactor(3)
    options.Training.gradientAccumulation(2)
    loader = poptorch.DataLoader(options, TensorDataset(torch.arange(60)), batch_size=2)
    assert loader.combinedBatchSize == 24
    assert [len(numbers) for (numbers,) in loader] == [24, 24]  # and what is left over is dropped
    with pytest.raises(AttributeError, match="Can't modify frozen Options"):
        options.deviceIterations(3)


def test_batches_of_the_data_set_s_own_are_given_on(standin):
    poptorch = standin.poptorch
    loader = poptorch.DataLoader(poptorch.Options(), Counted(3), batch_size=None, drop_last=False)
    assert loader.combinedBatchSize is None
    assert [float(numbers[0]) for numbers, _ in loader] == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="drop_last"):
        poptorch.DataLoader(poptorch.Options(), Counted(3), batch_size=None)


def test_another_process_reads_ahead_and_ends(standin):
    loader = asynchronous(standin.poptorch, Counted(5), load_indefinitely=False)
    process = loader._accessor._process
    try:
        for _ in range(2):
            seen = [(float(numbers[0]), int(maker)) for numbers, maker in loader]
            assert [number for number, _ in seen] == [0.0, 1.0, 2.0, 3.0, 4.0]
            assert {maker for _, maker in seen} == {process.pid} != {os.getpid()}
        next(iter(loader))
        assert float(next(iter(loader))[0][0]) == 0.0
    finally:
        loader.terminate()
    assert process.exitcode == 0


def test_what_was_lent_is_overwritten(standin):
    loader = asynchronous(standin.poptorch, Counted(3))
    try:
        elements = iter(loader)
        next(elements)
        second, _ = next(elements)
        assert second.tolist() == [1.0] * 4
        next(elements)
        assert second.tolist() == [0.0] * 4
    finally:
        loader.terminate()


@pytest.mark.parametrize(
    ("dataset", "message"),
    [(Counted(4, broken_at=2), "no such picture"), (Counted(3, shrinking=True), "differ in shape")],
)
def test_what_goes_wrong_in_the_process_is_told(standin, dataset, message):
    loader = asynchronous(standin.poptorch, dataset)
    try:
        with pytest.raises(AssertionError, match=f"(?s)An error occurred in the data fetcher.*{message}"):
            list(loader)
    finally:
        loader.terminate()


def test_an_empty_data_set_is_refused(standin):
    with pytest.raises(standin.poptorch.Error, match="failed to start"):
        asynchronous(standin.poptorch, Counted(0))


def test_rebatching_is_lacking(standin):
    poptorch = standin.poptorch
    with pytest.raises(NotImplementedError, match="rebatching"):
        poptorch.DataLoader(poptorch.Options(), Counted(1), mode=poptorch.DataLoaderMode.AsyncRebatched)

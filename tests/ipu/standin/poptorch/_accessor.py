"""Reads a data set in a process of its own, ahead of whoever asks for the data."""

import atexit
import multiprocessing
import queue
import traceback
import weakref
from typing import Any, List, Optional, Union

import torch

from poptorch._errors import createPoptorchError
from poptorch.enums import SharingStrategy

_STARTING_METHODS = {SharingStrategy.Fork: "fork", SharingStrategy.ForkServer: "forkserver"}
_START, _RESET, _STOP = "start", "reset", "stop"
_POLL = 0.02  # seconds
_STARTUP = 120.0  # seconds until the first element must be there


class AsynchronousDataAccessor:
    """An iterable over a data set's elements, which are tensors or flat collections of tensors.

    What it returns stays valid until the next element is asked for: PopTorch reuses the memory, and the stand-in
    overwrites it at once.
    """

    def __init__(
        self,
        dataset: Union[torch.utils.data.Dataset, Any],
        buffer_size: int = 3,
        miss_sleep_time_in_ms: float = 0.1,
        load_indefinitely: bool = True,
        early_preload: bool = False,
        sharing_strategy: "SharingStrategy" = SharingStrategy.ForkServer,
        rebatched_size: Optional[int] = None,
    ):
        if rebatched_size is not None:
            raise NotImplementedError("the stand-in of PopTorch lacks rebatching")
        assert miss_sleep_time_in_ms >= 0
        self._dataset = dataset
        self._load_indefinitely = load_indefinitely
        self._generation = 0
        self._used = False
        self._started = False
        self._ended = False
        self._lent: List[torch.Tensor] = []
        context = multiprocessing.get_context(_STARTING_METHODS.get(sharing_strategy, "spawn"))
        self._queue: Any = context.Queue(maxsize=buffer_size)
        self._commands: Any = context.Queue()
        self._process: Any = context.Process(
            target=_serve, args=(dataset, self._queue, self._commands, load_indefinitely, early_preload)
        )
        self._process.start()
        self._first: Any = self._get(_STARTUP)
        if self._first[0] == "error":
            self.terminate()
            raise createPoptorchError(
                f"AsynchronousDataAccessor worker thread failed to start (Check above for details)\n{self._first[2]}"
            )
        reference = weakref.ref(self)
        atexit.register(_terminate, reference)

    def terminate(self) -> None:
        """End the process."""
        if self._process.is_alive():
            self._commands.put((_STOP, 0))
            self._process.join(timeout=5)
            self._process.terminate()
        self._process.join()
        for channel in (self._queue, self._commands):
            channel.close()
            channel.cancel_join_thread()

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None:
            self.terminate()

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> "AsynchronousDataAccessor":
        if not self._started:
            self._commands.put((_START, 0))
        elif self._used and not (self._ended and self._load_indefinitely):
            self._generation += 1
            self._first = None
            self._commands.put((_RESET, self._generation))
        self._started, self._used, self._ended = True, False, False
        return self

    def __next__(self) -> Any:
        for tensor in self._lent:
            tensor.fill_(0)  # the memory belongs to the next element now
        self._lent = []
        self._used = True
        kind, generation, content = self._next_message()
        while generation != self._generation:
            kind, generation, content = self._next_message()
        if kind == "error":
            raise AssertionError(f"An error occurred in the data fetcher\n{content}")
        if kind == "end":
            self._ended = True
            raise StopIteration
        return self._unpacked(content)

    def _next_message(self) -> Any:
        if self._first is not None:
            message, self._first = self._first, None
            return message
        return self._get(None)

    def _get(self, timeout: Optional[float]) -> Any:
        waited = 0.0
        while True:
            try:
                return self._queue.get(timeout=_POLL)
            except queue.Empty:
                waited += _POLL
            if not self._process.is_alive() and self._queue.empty():
                return ("error", self._generation, f"the process has ended, exit code {self._process.exitcode}")
            if timeout is not None and waited > timeout:
                return ("error", self._generation, "the process did not answer")

    def _unpacked(self, content: Any) -> Any:
        keys, arrays, single = content
        tensors = [torch.from_numpy(array.copy()) for array in arrays]
        self._lent = tensors
        if single:
            return tensors[0]
        return dict(zip(keys, tensors)) if keys else tensors


def _terminate(reference: Any) -> None:
    accessor = reference()
    if accessor is not None:
        accessor.terminate()


def _serve(dataset: Any, out: Any, commands: Any, load_indefinitely: bool, early_preload: bool) -> None:
    """Read elements until told to stop."""
    try:
        _Reader(dataset, out, commands, load_indefinitely).run(early_preload)
    except KeyboardInterrupt:
        pass
    except _StopReading:
        out.cancel_join_thread()
    except BaseException:  # noqa: BLE001  # told to the other process
        out.put(("error", 0, traceback.format_exc()))


class _StopReading(Exception):  # noqa: N818  # no error
    pass


class _Reader:
    def __init__(self, dataset: Any, out: Any, commands: Any, load_indefinitely: bool) -> None:
        self._dataset, self._out, self._commands = dataset, out, commands
        self._load_indefinitely = load_indefinitely
        self._generation = 0
        self._shapes: Optional[List[Any]] = None

    def run(self, early_preload: bool) -> None:
        iterator = iter(self._dataset)
        first = next(iterator, None)
        if first is None:
            raise createPoptorchError("The Dataset is empty")
        self._put("element", _packed(first))
        self._check_shapes(first)
        if not early_preload:
            self._wait()
        while True:
            started = self._generation
            for element in iterator:
                self._check_shapes(element)
                self._put("element", _packed(element))
                if self._generation != started:
                    break
            else:
                self._put("end", None)
                if not self._load_indefinitely and self._generation == started:
                    self._wait()
            iterator = iter(self._dataset)

    def _put(self, kind: str, content: Any) -> None:
        started = self._generation
        while self._generation == started:
            try:
                self._out.put((kind, self._generation, content), timeout=_POLL)
            except queue.Full:
                self._look()
            else:
                self._look()
                return

    def _look(self) -> None:
        try:
            while True:
                self._obey(self._commands.get_nowait())
        except queue.Empty:
            pass

    def _wait(self) -> None:
        self._obey(self._commands.get())

    def _obey(self, command: Any) -> None:
        if command[0] == _STOP:
            raise _StopReading
        if command[0] == _RESET:
            self._generation = command[1]

    def _check_shapes(self, element: Any) -> None:
        """Every element has to fit into the memory that was laid out for the first."""
        shapes = [(array.shape, array.dtype) for array in _packed(element)[1]]
        if self._shapes is None:
            self._shapes = shapes
        assert shapes == self._shapes, f"elements differ in shape: {self._shapes} and {shapes}"


def _packed(element: Any) -> Any:
    keys: List[str] = []
    single = isinstance(element, torch.Tensor)
    parts: Any = (element,) if single else element
    if isinstance(element, dict):
        keys, parts = list(element), list(element.values())
    arrays: List[Any] = []
    for index, part in enumerate(parts):
        assert isinstance(part, torch.Tensor), (
            f"Tensor at index {index} is not a torch tensor ({type(part)}). AsynchronousDataAccessor expects data to "
            "be organised as a flat 1D container of tensors."
        )
        arrays.append(part.numpy())
    return keys, arrays, single

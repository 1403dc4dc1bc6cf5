"""Runs a model's forward pass once and writes its operations down, refusing what an IPU could not do."""

import contextlib
import logging
from typing import Any, Dict, Iterator, List, Optional, Tuple

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from poptorch import _operations
from poptorch._errors import compiler_error, createPoptorchError
from poptorch._graph import Graph, Node, Slot, flatten

logger = logging.getLogger("poptorch")
IPU = torch.device("ipu:0")
_FACTORIES = {
    *("arange", "empty", "full", "linspace", "logspace", "ones", "rand", "randint", "randn", "randperm", "range"),
    *("tensor", "zeros"),
}
_READS_VALUES = {
    "item",
    "tolist",
    "numpy",
    "__array__",
    "__bool__",
    "__int__",
    "__float__",
    "__index__",
    "__contains__",
}
_current: List["_Writer"] = []


def running_on_ipu() -> bool:
    return bool(_current)


def mark_loss(tensor: torch.Tensor) -> None:
    """Note that a tensor of the model that is being compiled is a loss."""
    _current[-1].mark_loss(tensor)


def capture(model: torch.nn.Module, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Graph:
    """Run a model on one micro-batch and return what it computed.

    Args:
        model: Its tensors stand for those on the device; buffers change as the forward pass changes them.
        args, kwargs: Of the forward pass.

    Raises:
        Error: The model does something that cannot be compiled.
    """
    writer = _Writer()
    graph = writer.graph
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    for tensors, slots in ((parameters, graph.parameters), (buffers, graph.buffers)):
        for name, tensor in tensors.items():
            slots[name] = writer.new(tensor)
    for tensor in _operations._leaves((args, kwargs)):
        if isinstance(tensor, torch.Tensor):
            graph.inputs.append(writer.new(tensor))
    before = {id(tensor) for tensor in (*parameters.values(), *buffers.values())}
    _current.append(writer)
    try:
        with writer, _Functions(writer):
            result = model(*args, **kwargs)
    finally:
        _current.pop()
    _check_reassigned("Parameter", parameters, dict(model.named_parameters()), before)
    _check_reassigned("Buffer", buffers, dict(model.named_buffers()), before)
    graph.outputs = tree_map(writer.slot, result) if result is not None else None
    if result is not None:
        flatten(result)
    return graph


class _Writer(TorchDispatchMode):
    """Sees every operation below autograd, computes it and notes it."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = Graph()
        self.elsewhere = False  # whether what is being made was asked for on another device
        self._slots: Dict[int, Slot] = {}
        self._alive: List[Any] = []  # so that no id is given twice

    def new(self, tensor: torch.Tensor) -> Slot:
        slot = self.graph.new_slot()
        self._slots[id(tensor)] = slot
        self._alive.append(tensor)
        return slot

    def knows(self, tensor: Any) -> bool:
        return id(tensor) in self._slots

    def slot(self, item: Any) -> Any:
        """Return the slot of a tensor, or what is none as it is.

        Raises:
            Error: The tensor is not on the device.
        """
        if not isinstance(item, torch.Tensor):
            return item
        if not self.knows(item):
            raise compiler_error(
                f"Expected an IPU tensor but got tensor(device={item.device}, shape={list(item.shape)}, "
                f"dtype={item.dtype}).\nConstant tensors should be moved explicitly to the IPU, via "
                "cpu_tensor.to(ipu_tensor.device).",
                location="MLIRDispatch.cpp",
            )
        return self._slots[id(item)]

    def mark_loss(self, tensor: torch.Tensor) -> None:
        self.graph.losses.append(self.slot(tensor))

    def constant(self, tensor: torch.Tensor) -> torch.Tensor:
        """Let a tensor that was made of Python's numbers become part of the program."""
        self.graph.constants[self.new(tensor).index] = tensor.clone()
        return tensor

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = _operations.name_of(func)
        if self.elsewhere or _of_no_tensor(func):
            return func(*args, **kwargs)
        _check_operation(name, func)
        if name.startswith("lift_fresh"):
            return args[0] if self.knows(args[0]) else self.constant(args[0])
        if name == "index" and any(index is not None and index.dtype == torch.bool for index in args[1]):
            _check_operation("nonzero", func)
        _check_formats(name, args)
        slotted_args, slotted_kwargs = tree_map(self.slot, (tuple(args), kwargs))
        result = _operations.compute(func, tuple(args), kwargs)
        outputs = [self._output(name, item) for item in _operations._leaves(result)]
        self.graph.nodes.append(Node(func, slotted_args, slotted_kwargs, outputs, torch.is_grad_enabled()))
        if name in _operations.LOSSES:
            self.graph.losses.append(outputs[0])
        return result

    def _output(self, name: str, item: Any) -> Optional[Slot]:
        if not isinstance(item, torch.Tensor):
            return None
        if item.numel() == 0 and name != "nll_loss_forward" and item.dim() > 0 and 0 in item.shape and _real(item):
            raise compiler_error(f"{name} makes a tensor of shape {list(item.shape)}: zero-sized tensors have no place")
        if item.dtype in (torch.float64, torch.bfloat16, torch.complex64):
            raise compiler_error(f"{name} makes a tensor of {item.dtype}, which an IPU does not have")
        return self._slots[id(item)] if self.knows(item) else self.new(item)


def _of_no_tensor(func: Any) -> bool:
    """Whether a function of torch is about types and the like alone."""
    schema = func._schema
    return not any("Tensor" in str(part.type) for part in (*schema.arguments, *schema.returns))


def _real(item: torch.Tensor) -> bool:
    """Norms return an empty tensor in place of statistics that nobody asked for."""
    return item.shape != (0,)


def _check_operation(name: str, func: Any) -> None:
    if name in _operations.NEEDS_VALUE:
        raise compiler_error(
            f"aten::{name} needs the value of a tensor, which is not there while the model is compiled: the "
            "control flow of a model must not depend on its data",
            location="MLIRDispatch.cpp",
        )
    if not _operations.allowed(name):
        raise compiler_error(f"Unsupported operation: {func}", kind="poptorch_cpp_error", location="MLIRDispatch.cpp")


def _check_formats(name: str, args: Any) -> None:
    """Convolutions and matrix products take one number format, as in torch; weights are cast by whoever mixes them."""
    formats = {item.dtype for item in args if isinstance(item, torch.Tensor) and item.is_floating_point()}
    if name in {"convolution", "addmm", "mm", "bmm", "baddbmm"} and len(formats) > 1:
        raise compiler_error(f"{name} of half and single precision: {sorted(map(str, formats))}")


class _Functions(TorchFunctionMode):
    """Lets tensors say that they are on an IPU, and sees where new ones are asked for."""

    def __init__(self, writer: _Writer) -> None:
        super().__init__()
        self._writer = writer

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if getattr(func, "__self__", None) is torch.Tensor.device:
            return IPU if self._writer.knows(args[0]) else func(*args)
        if name in _READS_VALUES and args and self._writer.knows(args[0]):
            _check_operation("_local_scalar_dense", func)
        if name in {"cpu", "cuda"} and args and self._writer.knows(args[0]):
            raise createPoptorchError(f"Tensors of a model cannot be moved off the IPU by {name}() in its forward pass")
        if name == "cross_entropy" and kwargs.get("label_smoothing") and not args[1].is_floating_point():
            # so it is in PopTorch's version of torch; newer ones take other operations
            _check_operation("masked_select", func)
        if name in _FACTORIES and getattr(torch, name, None) is func and "device" not in kwargs:
            logger.warning("No device set in torch.%s(): forcing to IPU", name)
        with self._place(args, kwargs) as (placed, named):
            return func(*placed, **named)

    @contextlib.contextmanager
    def _place(self, args: Any, kwargs: Any) -> Iterator[Any]:
        named = [item for item in (*args, *kwargs.values()) if isinstance(item, torch.device)]
        named += [torch.device(kwargs["device"])] if isinstance(kwargs.get("device"), str) else []
        outer = self._writer.elsewhere
        self._writer.elsewhere = outer or any(device.type != "ipu" for device in named)
        swap = lambda item: torch.device("cpu") if _is_ipu(item) else item  # noqa: E731  # where it is computed
        try:
            yield tuple(swap(item) for item in args), {key: swap(value) for key, value in kwargs.items()}
        finally:
            self._writer.elsewhere = outer


def _is_ipu(item: Any) -> bool:
    return (isinstance(item, torch.device) and item.type == "ipu") or (isinstance(item, str) and item.startswith("ipu"))


def _check_reassigned(kind: str, before: Dict[str, Any], after: Dict[str, Any], known: Any) -> None:
    for name, tensor in before.items():
        if name not in after:
            raise createPoptorchError(f"{kind} {name} is removed from the model when calling the forward method.")
        if after[name] is not tensor or id(after[name]) not in known:
            raise createPoptorchError(
                f"{kind} {name} is reassigned within the model when calling the forward method. This is not supported"
                f". Consider using self.{name}.copy_(src) to copy data from a source tensor, where src is the name of "
                "the source tensor."
            )

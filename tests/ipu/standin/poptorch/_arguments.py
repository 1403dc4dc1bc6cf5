"""Arguments of a model's call: from Python's to those of the forward pass, compared with those of the compilation."""

import inspect
import logging
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import torch
from torch.utils._pytree import tree_map

from poptorch._errors import createPoptorchError
from poptorch._operations import _leaves

logger = logging.getLogger("poptorch")
_END = (
    "\nThis error occurred because the inputs passed at runtime don't match the inputs used to compile the model.\n"
    "To recompile the model for the new inputs create a new inferenceModel / trainingModel wrapper or call destroy() "
    "on the current one and try again."
)
_COERCED = {torch.float64: torch.float32}


class Arguments(NamedTuple):
    """Positional arguments with their names, and the others."""

    positional: Tuple[Any, ...]
    names: Tuple[str, ...]
    named: Dict[str, Any]

    def tensors(self) -> List[torch.Tensor]:
        return [item for item in _leaves((self.positional, self.named)) if isinstance(item, torch.Tensor)]

    def mapped(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Arguments":
        of_tensor = lambda item: change(item) if isinstance(item, torch.Tensor) else item  # noqa: E731  # short
        return Arguments(tree_map(of_tensor, self.positional), self.names, tree_map(of_tensor, self.named))


def parse(model: torch.nn.Module, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Arguments:
    """Bind arguments to the forward pass.

    Raises:
        Error: One is missing.
        AssertionError: There are too many, or one of an unknown name.
    """
    signature = inspect.signature(model.forward)
    parameters = signature.parameters
    variadic = any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in parameters.values())
    assert variadic or len(args) + len(kwargs) <= len(parameters), (
        f"Too many arguments provided: expected {list(parameters)} ({len(parameters)}) but got "
        f"{len(args) + len(kwargs)}"
    )
    for name in kwargs:
        assert variadic or name in parameters, f"{name} is not a valid parameter.Allowed values are {list(parameters)}"
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        missing = str(error).rpartition("'")[0].rpartition("'")[2] or str(error)
        raise createPoptorchError(f"Mandatory parameter {missing} missing") from error
    bound.apply_defaults()
    names = list(parameters)[: len(bound.args)] if not variadic else [f"*args[{i}]" for i in range(len(bound.args))]
    return Arguments(bound.args, tuple(names), bound.kwargs).mapped(_contiguous)


def on_device(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor as the device has it: whole numbers of 32 bits and single precision at most."""
    if tensor.dtype == torch.int64:
        return tensor.to(torch.int32).to(torch.int64)  # torch's functions on a CPU ask for 64 bits
    if tensor.dtype == torch.bfloat16:
        raise createPoptorchError("Unsupported input type torch.bfloat16")
    return tensor.detach().to(_COERCED.get(tensor.dtype, tensor.dtype), copy=True)


def narrow(arguments: Arguments, parts: int, options: Any) -> Arguments:
    """Return the first micro-batch of what a call gives.

    Raises:
        AssertionError: A first dimension is no multiple of the micro-batches in a call.
    """

    def first(tensor: torch.Tensor) -> torch.Tensor:
        batch = tensor.shape[0] if tensor.dim() else 1
        assert batch % parts == 0, (
            f"Invalid batch dimension: In the input {tensor.shape}, the batch dimension ({batch}) must be a multiple "
            f"of Options.deviceIterations({options.device_iterations}) * (Options.replicationFactor"
            f"({options.replication_factor}) / Options.inputReplicaGrouping.input_group_size"
            f"({options.input_group_size})) * Options.Training.gradientAccumulation"
            f"({options.Training.gradient_accumulation}) = {parts} because it is used to calculate the batch size "
            "which will be executed on the device in any given iteration. For a full explanation see the batching "
            "semantics page of the documentation."
        )
        return tensor[: batch // parts] if tensor.dim() else tensor

    return arguments.mapped(first)


def check_same(compiled: Arguments, given: Arguments) -> None:
    """Compare arguments with those that a model was compiled for.

    Raises:
        Error: They differ.
    """
    if len(compiled.positional) != len(given.positional):
        raise createPoptorchError(
            f"Number of positional arguments mismatch: expected {len(compiled.positional)} arguments but got "
            f"{len(given.positional)}.{_END}"
        )
    for name, old, new in zip(compiled.names, compiled.positional, given.positional):
        _check(name, old, new)
    _check("named arguments", compiled.named, given.named)


def _check(name: str, old: Any, new: Any) -> None:  # noqa: C901  # one case after the other
    if type(old) is not type(new):
        raise createPoptorchError(f"Type mismatch for {name}: expected {type(old)} but got {type(new)}.{_END}")
    if isinstance(old, (tuple, list)):
        if len(old) != len(new):
            raise createPoptorchError(
                f"Length mismatch for {name}: expected {len(old)} elements but got {len(new)}.{_END}"
            )
        for index, (one, other) in enumerate(zip(old, new)):
            _check(f"{name}[{index}]", one, other)
    elif isinstance(old, dict):
        if set(old) != set(new):
            raise createPoptorchError(f"Keys mismatch for {name}: {sorted(old)} and {sorted(new)}.{_END}")
        for key in old:
            _check(f"{name}[{key}]", old[key], new[key])
    elif isinstance(old, torch.Tensor):
        if old.dtype != new.dtype:
            raise createPoptorchError(f"Data type mismatch for {name}: expected {old.dtype} but got {new.dtype}.{_END}")
        if old.shape != new.shape:
            raise createPoptorchError(f"Shape mismatch for {name}: expected {old.shape} but got {new.shape}.{_END}")
    elif old != new:
        raise createPoptorchError(f"Value mismatch for {name}: expected {old} but got {new}.{_END}")


def _contiguous(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.requires_grad:
        logger.warning("Input tensor has requires_grad=True set. This tensor will be detached.")
        tensor = tensor.detach()
    if not tensor.is_contiguous():
        logger.warning("At least one input tensor is not contiguous: non-contiguous tensors will be converted.")
        tensor = tensor.contiguous()
    return tensor

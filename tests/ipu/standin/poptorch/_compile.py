"""From a model and the arguments of a call to a program, with the checks and the cache of a compilation."""

import copy
import hashlib
import logging
import os
import time
from typing import Any, Dict, NamedTuple, Optional

import torch

from poptorch import _arguments, _control, _device
from poptorch._arguments import Arguments
from poptorch._blocks import Placement
from poptorch._capture import capture
from poptorch._errors import compiler_error
from poptorch._graph import Graph
from poptorch._program import Program, Steps
from poptorch._updates import Description, Updater

logger = logging.getLogger("poptorch")


class Compiled(NamedTuple):
    """A program and what it takes to run it.

    Attributes:
        program: That is run.
        ipus: To reserve.
        from_cache: Whether nothing had to be compiled.
    """

    program: Program
    ipus: int
    from_cache: bool


def steps_of(options: Any) -> Steps:
    return Steps(options.device_iterations, options.Training.gradient_accumulation, options.replication_factor)


def compile_model(
    model: torch.nn.Module, arguments: Arguments, options: Any, optimizer: Optional[Description]
) -> Compiled:
    """Compile a model for the shapes of a call.

    Args:
        model: Of the user; it is copied.
        arguments: Of a whole call.
        options: All of them.
        optimizer: Of a training; None for inference.

    Raises:
        Error: The model, its options or its size cannot be had.
        AssertionError: A batch cannot be cut up.
    """
    steps = steps_of(options)
    micro = _arguments.narrow(arguments, steps.count, options).mapped(_arguments.on_device)
    _check_sizes(micro)
    placement = Placement(options._execution_strategy)
    copied = _device_copy(model)
    graph = _captured(copied, micro, placement, options)
    loss = graph.final_loss() if optimizer is not None else None
    if optimizer is not None:
        _check_trained(copied, optimizer)
    ipus = _device.needed(placement.ipus, options.replication_factor, round_up=options.auto_round_num_ipus)
    _check_pipeline(placement, steps, training=optimizer is not None)
    _check_memory_shares(options, placement.ipus)
    _check_fits(micro)
    from_cache = _spend_time(graph, options, optimizer, micro)
    _control.log(
        "compile",
        training=optimizer is not None,
        ipus=ipus,
        stages=placement.stages,
        micro_batch=_batch(micro),
        from_cache=from_cache,
        options=_plain(options.toDict()),
    )
    updater = Updater(optimizer) if optimizer is not None else None
    return Compiled(Program(graph, steps, options, loss, updater), ipus, from_cache)


def _device_copy(model: torch.nn.Module) -> torch.nn.Module:
    copied = copy.deepcopy(model)
    for tensor in (*copied.parameters(), *copied.buffers()):
        if tensor.dtype == torch.float64:
            tensor.data = tensor.data.float()
        if tensor.dtype == torch.bfloat16:
            raise compiler_error("Unsupported type torch.bfloat16 of a weight")
    return copied


def _captured(copied: torch.nn.Module, micro: Arguments, placement: Placement, options: Any) -> Graph:
    before = {name: tensor.detach().clone() for name, tensor in copied.named_buffers()}
    state = torch.get_rng_state()
    Placement.current = placement
    try:
        graph = capture(copied, micro.positional, micro.named)
    finally:
        Placement.current = None
        torch.set_rng_state(state)
    changed = [
        name
        for name, tensor in copied.named_buffers()
        if not torch.equal(torch.nan_to_num(tensor), torch.nan_to_num(before[name]))
    ]
    if changed and options.replication_factor > 1 and options.broadcast_buffers:
        raise compiler_error(
            "PopTorch does not support broadcasting buffers. If your model is able to tolerate buffers becoming out of "
            "sync between replicas, you can disable buffer broadcasting using poptorch.Options.broadcastBuffers(False)."
        )
    return graph


def _check_sizes(micro: Arguments) -> None:
    for tensor in micro.tensors():
        if tensor.numel() == 0:
            raise compiler_error(f"Zero-sized tensors are unsupported (Got shape {list(tensor.shape)}).")


def _check_trained(model: torch.nn.Module, optimizer: Description) -> None:
    """Stricter than PopTorch, where such weights are changed as the optimiser's defaults say."""
    trained = {name for names in optimizer.names for name in names}
    left = [name for name, tensor in model.named_parameters() if tensor.requires_grad and name not in trained]
    if left:
        raise compiler_error(f"{left[0]} asks for a gradient and belongs to none of the optimizer's groups")


def _check_pipeline(placement: Placement, steps: Steps, *, training: bool) -> None:
    if not placement.pipelined:
        return
    if training and steps.accumulation < 2 * placement.stages - 1:
        raise compiler_error(
            f"poptorch.Options().Training.gradientAccumulation ({steps.accumulation}) must be greater than or equal to "
            f"the number of pipeline stages ({2 * placement.stages - 1})",
            kind="popart_exception",
        )
    if not training and steps.iterations < placement.stages:
        raise compiler_error(
            f"poptorch.Options().deviceIterations ({steps.iterations}) must be greater than or equal to the number of "
            f"pipeline stages ({placement.stages})",
            kind="popart_exception",
        )


def _check_memory_shares(options: Any, ipus: int) -> None:
    for ipu, share in options.available_memory_proportion.items():
        if not 0 <= ipu < ipus:  # stricter than PopTorch, which would never look at it
            raise compiler_error(f"setAvailableMemoryProportion names IPU{ipu}, and the model has {ipus} IPUs")
        if not isinstance(share, (int, float)) or not 0.0 <= share <= 1.0:
            raise compiler_error(f"The available memory proportion of IPU{ipu} is {share}, not between 0 and 1")


def _check_fits(micro: Arguments) -> None:
    limit = _control.number("OOM_ABOVE", 0)
    if limit and _batch(micro) > limit:
        _control.log("out of memory", micro_batch=_batch(micro))
        raise compiler_error(
            "Out of memory on tile 0: 826928 bytes used but tiles only have 638976 bytes of memory",
            kind="poplar_graph_memory_allocation_error",
            location="Session::prepareDevice",
        )


def _batch(micro: Arguments) -> int:
    return next((tensor.shape[0] for tensor in micro.tensors() if tensor.dim()), 1)


def _spend_time(graph: Graph, options: Any, optimizer: Optional[Description], micro: Arguments) -> bool:
    """Take the time of a compilation, unless the cache has the executable; return whether it has."""
    path = _cache_file(graph, options, optimizer, micro)
    if path is not None and os.path.exists(path):
        logger.info("Loading executable from cache: %s", path)
        return True
    time.sleep(float(_control.text("COMPILE_SECONDS") or 0.0))
    if path is not None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"executable of the stand-in")
    return False


def _cache_file(graph: Graph, options: Any, optimizer: Optional[Description], micro: Arguments) -> Optional[str]:
    popart = options._Popart.options
    if not popart.get("enableEngineCaching") or _device.simulated():
        return None
    parts = [graph.fingerprint(), str(sorted(_plain(options.toDict()).items()))]
    parts += [f"{tensor.shape}{tensor.dtype}" for tensor in micro.tensors()]
    parts += [f"{optimizer.kind}{optimizer.names}{optimizer.constant}"] if optimizer is not None else []
    return os.path.join(popart["cachePath"], hashlib.sha256("\n".join(parts).encode()).hexdigest() + ".popef")


def _plain(options: Dict[str, Any]) -> Dict[str, Any]:
    return {
        key: value if isinstance(value, (bool, int, float, str)) else str(value)
        for key, value in options.items()
        if key not in {"cachePath", "random_seed"}
    }

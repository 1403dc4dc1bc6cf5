"""A strict stand-in of Graphcore's PopTorch 3.4 for machines without IPUs and without the Poplar SDK.

It has PopTorch's names and signatures, asks for what PopTorch asks for, refuses what PopTorch refuses, in its words,
and trains for real on the CPU. What the device holds is apart from what the host holds. A model's Python runs once,
when it is compiled; calls replay the operations that were seen then. ``_control`` says what a test can make it do.
"""

import os
from typing import Any, Optional, Union

import torch

from poptorch import _control

if not _control.flag("ANY_TORCH"):
    assert torch.__version__.startswith("2.0.1"), (
        "This version of PopTorch only works with torch==2.0.1 but the version installed is " + torch.__version__
    )
os.environ.setdefault("RDMAV_FORK_SAFE", "1")
if _control.flag("NO_SDK"):
    raise ImportError(
        "Unable to import PopTorch, this can be caused by attempting to import PopTorch without an active Poplar "
        "SDK\n  The SDK can be enabled by running: `source /path/to/poplar-sdk/enable.sh`"
    ) from ImportError("libpoplar.so: cannot open shared object file: No such file or directory")

from poptorch import _device, optim, options
from poptorch._accessor import AsynchronousDataAccessor
from poptorch._blocks import BeginBlock, Block, PipelinedExecution, ShardedExecution, Stage, removeBlocks
from poptorch._dataloader import DataLoader
from poptorch._errors import Error, RecoverableError, UnrecoverableError, createPoptorchError
from poptorch._executor import PoplarExecutor, is_wrapped
from poptorch._ops import identity_loss, isRunningOnIpu, nop, recomputationCheckpoint, set_available_memory
from poptorch.enums import (
    AutoStage,
    CommGroupType,
    ConnectionType,
    DataLoaderMode,
    MeanReductionStrategy,
    OutputMode,
    OverlapMode,
    ReductionType,
    SharingStrategy,
    SyncPattern,
)
from poptorch.options import Options, TensorLocationSettings

__version__ = "3.4.0-standin"
__all__ = [
    "AsynchronousDataAccessor",
    "AutoStage",
    "BeginBlock",
    "Block",
    "CommGroupType",
    "ConnectionType",
    "DataLoader",
    "DataLoaderMode",
    "Error",
    "MeanReductionStrategy",
    "Options",
    "OutputMode",
    "OverlapMode",
    "PipelinedExecution",
    "PoplarExecutor",
    "RecoverableError",
    "ReductionType",
    "ShardedExecution",
    "SharingStrategy",
    "Stage",
    "SyncPattern",
    "TensorLocationSettings",
    "UnrecoverableError",
    "createPoptorchError",
    "identity_loss",
    "inferenceModel",
    "ipuHardwareIsAvailable",
    "ipuHardwareVersion",
    "isRunningOnIpu",
    "nop",
    "optim",
    "options",
    "recomputationCheckpoint",
    "removeBlocks",
    "setLogLevel",
    "set_available_memory",
    "trainingModel",
]
_LOG_LEVELS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "ERR": 4, "OFF": 6}


def trainingModel(
    model: Union["torch.nn.Module", "PoplarExecutor"],
    options: Optional["Options"] = None,
    optimizer: Optional["torch.optim.Optimizer"] = None,
) -> "PoplarExecutor":
    """Wrap a module so that calls train it on IPUs; the module's class changes in place."""
    user_model = model.model if isinstance(model, PoplarExecutor) else model
    if is_wrapped(user_model):
        raise RuntimeError(
            "Model has already been wrapped in 'poptorch.trainingModel'. Call model.destroy() on the model to unwrap "
            "before wrapping again."
        )
    return PoplarExecutor(user_model, options, True, __version__, optimizer, user_model)


def inferenceModel(
    model: Union["torch.nn.Module", "PoplarExecutor"], options: Optional["Options"] = None
) -> "PoplarExecutor":
    """Wrap a module so that calls run it on IPUs."""
    user_model = model.model if isinstance(model, PoplarExecutor) else model
    return PoplarExecutor(user_model, options, False, __version__, None, user_model)


def ipuHardwareIsAvailable(num_ipus: int = 1) -> bool:
    """Whether the machine has a device with as many IPUs, in use or not."""
    return not _device.simulated() and 0 < num_ipus <= _device.present() and num_ipus & (num_ipus - 1) == 0


def ipuHardwareVersion() -> int:
    """Return the generation of the IPUs: 2 is Mk2."""
    assert _device.present() > 0, "No IPU hardware available."
    return _control.number("VERSION", 2)


def setLogLevel(level: Union[str, int]):
    """Choose how much is said; the stand-in logs through Python's ``poptorch`` logger."""
    if level not in _LOG_LEVELS and level not in _LOG_LEVELS.values():
        raise ValueError(f"Invalid log level integer or string: {level}")


def __getattr__(name: str) -> Any:
    if name.startswith("__") or name in {"_pytestfixturefunction", "pytestmark", "load_tests"}:
        raise AttributeError(name)
    raise NotImplementedError(f"the stand-in of PopTorch lacks poptorch.{name}")

"""PopTorch's own operations, all of which leave a tensor's values as they are, and ``identity_loss``."""

from typing import List

import torch

from poptorch import _capture
from poptorch._errors import createPoptorchError


def isRunningOnIpu() -> bool:
    """Whether the model's forward pass is being compiled."""
    return _capture.running_on_ipu()


def identity_loss(x: "torch.Tensor", reduction: "str") -> "torch.Tensor":
    """Mark a tensor as the loss, reduced as told."""
    assert reduction in ("none", "sum", "mean"), "Unsupported reduction type!"
    if not isRunningOnIpu():
        return {"none": lambda: x, "sum": x.sum, "mean": x.mean}[reduction]()
    loss = {"none": x.clone, "sum": x.sum, "mean": x.mean}[reduction]()
    if loss.dim():
        raise createPoptorchError(f"The final loss must be a scalar, and has the shape {list(loss.shape)}.")
    _capture.mark_loss(loss)
    return loss


def recomputationCheckpoint(*tensors: List[torch.Tensor]) -> List[torch.Tensor]:
    """Keep tensors rather than compute them again."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        return type(tensors[0])(recomputationCheckpoint(*tensors[0]))
    if not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        raise ValueError("All inputs must be tensors")
    return tensors[0] if len(tensors) == 1 else tuple(tensors)


def nop(tensor: "torch.Tensor") -> "torch.Tensor":
    """Do nothing, and stay in the graph."""
    if not isinstance(tensor, torch.Tensor):
        raise createPoptorchError(f"nop must take a torch.tensor argument. {type(tensor)} is not supported.")
    return tensor


def set_available_memory(tensor: "torch.Tensor", available_memory_proportion: float) -> "torch.Tensor":
    """Give the operation that made a tensor a share of the memory."""
    if not isinstance(tensor, torch.Tensor):
        raise createPoptorchError(
            f"You may only set available memory for torch.tensor values. {type(tensor)} is not supported."
        )
    return tensor

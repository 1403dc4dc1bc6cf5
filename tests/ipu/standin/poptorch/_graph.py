"""A forward pass written down as a list of operations, which runs again and again without any Python of the model."""

import hashlib
from typing import Any, Dict, List, NamedTuple, Optional, Set

import torch
from torch.utils._pytree import tree_map

from poptorch import _operations
from poptorch._errors import compiler_error, createPoptorchError


class Slot:
    """Stands for a tensor in what was written down; no tuple, which torch would take apart."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __repr__(self) -> str:
        return f"%{self.index}"


class Node(NamedTuple):
    """One operation; ``outputs`` has a slot for each tensor of its result, None for what is none."""

    func: Any
    args: Any
    kwargs: Any
    outputs: List[Optional[Slot]]
    gradients: bool

    @property
    def inputs(self) -> List[Slot]:
        return [item for item in _operations._leaves((self.args, self.kwargs)) if is_slot(item)]


def is_slot(item: Any) -> bool:
    return isinstance(item, Slot)


class Graph:
    """What one micro-batch goes through.

    Attributes:
        parameters, buffers: Slots by name.
        inputs: Slots in order.
        losses: Slots that are losses, functions of torch and ``identity_loss`` alike.
        outputs: The structure that the forward pass returned, with slots for tensors.
    """

    def __init__(self) -> None:
        self.size = 0
        self.nodes: List[Node] = []
        self.parameters: Dict[str, Slot] = {}
        self.buffers: Dict[str, Slot] = {}
        self.inputs: List[Slot] = []
        self.constants: Dict[int, torch.Tensor] = {}
        self.losses: List[Slot] = []
        self.outputs: Any = None

    def new_slot(self) -> Slot:
        self.size += 1
        return Slot(self.size - 1)

    def run(self, parameters: Dict[str, Any], buffers: Dict[str, Any], inputs: List[Any]) -> List[Any]:
        """Compute all tensors of the graph, by slot."""
        values: List[Any] = [None] * self.size
        for slots, tensors in ((self.parameters, parameters), (self.buffers, buffers)):
            for name, slot in slots.items():
                values[slot.index] = tensors[name]
        for slot, tensor in zip(self.inputs, inputs):
            values[slot.index] = tensor
        for index, tensor in self.constants.items():
            values[index] = tensor.clone()
        wanted = torch.is_grad_enabled()
        for node in self.nodes:
            args, kwargs = _fill((node.args, node.kwargs), values)
            with torch.set_grad_enabled(wanted and node.gradients):
                result = _operations.compute(node.func, args, kwargs)
            for slot, value in zip(node.outputs, list(_operations._leaves(result))):
                if slot is not None:
                    values[slot.index] = value
        return values

    def final_loss(self) -> Slot:
        """Return the one loss that training minimises.

        Raises:
            Error: There is none, or more than one that does not lead to another, or the loss is changed afterwards.
        """
        if not self.losses:
            raise compiler_error("Couldn't find a loss in graph!", location="RemoveSurplusIdentityLosses.cpp:91")
        final = [loss for loss in self.losses if not self._reached_from(loss) & set(self.losses)]
        if len(final) != 1:
            raise compiler_error(
                "Multiple independent losses found in graph. Graph must have one final loss. Wrap final graph loss in "
                "poptorch.identityLoss.",
                location="RemoveSurplusIdentityLosses.cpp:92",
            )
        changed = [node for node in self.nodes if final[0] in node.inputs and not _changes_nothing(node)]
        if changed:  # stricter than PopTorch, which would train without what comes after the loss, and say nothing
            raise compiler_error(
                f"{_operations.name_of(changed[0].func)} is computed from the final loss and would be left out of the "
                "gradient. Wrap final graph loss in poptorch.identityLoss."
            )
        return final[0]

    def fingerprint(self) -> str:
        """Return a hash of everything that is compiled, but not of the weights."""
        text = [f"{node.func}{node.args}{node.kwargs}{node.outputs}{node.gradients}" for node in self.nodes]
        text += [f"{index}{tensor}" for index, tensor in self.constants.items()]
        text += [str(self.parameters), str(self.buffers), str(self.inputs), str(self.losses), str(self.outputs)]
        return hashlib.sha256("\n".join(text).encode()).hexdigest()

    def _reached_from(self, start: Slot) -> Set[Slot]:
        reached = {start}
        for node in self.nodes:
            if reached.intersection(node.inputs):
                reached.update(slot for slot in node.outputs if slot is not None)
        return reached - {start}


def _changes_nothing(node: Node) -> bool:
    return _operations.name_of(node.func) in {"detach", "alias", "clone", "view", "_to_copy", "unsqueeze", "squeeze"}


def _fill(item: Any, values: List[Any]) -> Any:
    if isinstance(item, Slot):
        return values[item.index]
    if isinstance(item, (tuple, list)):
        return type(item)(_fill(part, values) for part in item)
    if isinstance(item, dict):
        return {key: _fill(value, values) for key, value in item.items()}
    return item


def flatten(structure: Any) -> List[Any]:
    """Return the tensors in what a forward pass returned, in order.

    Raises:
        Error: There is something else than tensors in tuples, lists and dictionaries.
    """
    leaves = list(_operations._leaves(structure))
    for leaf in leaves:
        if not isinstance(leaf, (torch.Tensor, Slot)):
            raise createPoptorchError(f"Outputs of a model must be tensors, not {type(leaf)}.")
    return leaves


def rebuild(structure: Any, leaves: List[Any]) -> Any:
    """Put tensors into the structure that a forward pass returned; the reverse of ``flatten``."""
    remaining = iter(leaves)
    return tree_map(lambda _: next(remaining), structure)

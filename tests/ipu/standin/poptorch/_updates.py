"""What an IPU does with the gradients: PopART's own optimisers, described by the attributes of torch's classes.

Formulas (PopART's documentation and TensorFlow's for the variant of its RMSprop), with w the weight, g its gradient
plus weight decay times w unless said otherwise:

    SGD         v = momentum v + (1 - dampening) g;  w = w - lr v
    Adam(W)     m = b1 m + (1 - b1) g;  u = b2 u + (1 - b2) g²;  w = w - lr (m/c1) / (sqrt(u/c2) + eps)
                AdamW takes lr times the decay times w off the weight, and not into the gradient
    RMSprop     u = alpha u + (1 - alpha) g²;  v = momentum v + g / (sqrt(u) + eps);  w = w - lr v
    TF variant  u starts at one;  v = momentum v + lr g / sqrt(u + eps);  w = w - v
"""

import math
import numbers
from typing import Any, Dict, List, NamedTuple, Tuple

import torch
from torch import Tensor

from poptorch import optim
from poptorch._errors import compiler_error

_KINDS: Tuple[Tuple[type, str], ...] = (
    (torch.optim.SGD, "sgd"),
    (torch.optim.AdamW, "adamw"),  # in newer versions of torch AdamW is an Adam
    (torch.optim.Adam, "adam"),
    (torch.optim.RMSprop, "rmsprop"),
)
_GROUP_ATTRIBUTES: Dict[str, Tuple[str, ...]] = {
    "sgd": ("lr", "weight_decay", "momentum", "dampening"),
    "adam": ("lr", "weight_decay", "betas", "eps"),
    "adamw": ("lr", "weight_decay", "betas", "eps"),
    "rmsprop": ("lr", "weight_decay", "alpha", "momentum", "eps"),
}
_SHARED_ATTRIBUTES: Dict[str, Any] = {
    "loss_scaling": 1.0,
    "velocity_scaling": 1.0,
    "max_grad_norm": None,
    "use_combined_accum": False,
    "use_tf_variant": False,
    "bias_correction": True,
    "accum_type": torch.float32,
}
#: Value → constant for optimisers of torch, which do not say what is to stay.
_CONSTANT_AT = {"weight_decay": 0.0, "momentum": 0.0, "dampening": 0.0, "eps": 1e-8, "loss_scaling": 1.0}


class Description(NamedTuple):
    """An optimiser as the device knows it.

    Attributes:
        kind: ``sgd``, ``adam``, ``adamw`` or ``rmsprop``.
        shared: Attributes of the optimiser.
        groups: Attributes of each group.
        names: Parameters of each group.
        constant: Attributes that cannot change any more.
    """

    kind: str
    shared: Dict[str, Any]
    groups: List[Dict[str, Any]]
    names: List[List[str]]
    constant: List[str]


def describe(optimizer: Any, names: Dict[int, str]) -> Description:
    """Read an optimiser's attributes.

    Args:
        optimizer: Of torch or PopTorch.
        names: Address of a parameter's data → its name.

    Raises:
        AssertionError: The kind is unknown, or a value is no number.
        ValueError: It asks for what IPUs do not have.
        KeyError: It has a parameter that is none of the model's.
    """
    kind = next((name for cls, name in _KINDS if isinstance(optimizer, cls)), None)
    known = type(optimizer).__module__.startswith("torch.optim") or isinstance(optimizer, optim.Optimizer)
    # PopTorch takes subclasses, of which it uses the attributes and not what they do: refused here
    assert kind is not None, f"Unsupported optimizer type {type(optimizer)}."
    assert known, f"Unsupported optimizer type {type(optimizer)}."
    for group in optimizer.param_groups:
        if group.get("nesterov"):
            raise ValueError("Nesterov momentum is currently not supported.")
        if group.get("amsgrad"):
            raise ValueError("Only non-amsgrad Adam/AdamW optimizers are supported.")
        if group.get("maximize"):
            raise ValueError("maximize is not supported.")
    groups = [{name: group[name] for name in _GROUP_ATTRIBUTES[kind]} for group in optimizer.param_groups]
    centered = [bool(group.get("centered")) for group in optimizer.param_groups]
    assert len(set(centered)) == 1, "All parameter groups must have the same value for the 'centered' attribute"
    if centered[0]:
        raise NotImplementedError("the stand-in of PopTorch lacks RMSprop with centered=True")
    shared = {name: getattr(optimizer, name, default) for name, default in _SHARED_ATTRIBUTES.items()}
    for attributes in (*groups, {"loss_scaling": shared["loss_scaling"]}):
        for name, value in attributes.items():
            _check_numbers(name, value)
    owned = [[names[parameter.data_ptr()] for parameter in group["params"]] for group in optimizer.param_groups]
    return Description(kind, shared, groups, owned, _constant(optimizer, kind, groups, shared))


def check_replacement(old: Description, new: Description) -> None:
    """Refuse what cannot change in a compiled model.

    Raises:
        Error: Another kind, other groups or a changed constant.
    """
    if (old.kind, old.names) != (new.kind, new.names):
        raise _not_valid("it is of another kind or has other groups of parameters")
    for name in old.constant:
        if [_value(group, old.shared, name) for group in old.groups] != [
            _value(group, new.shared, name) for group in new.groups
        ]:
            raise _not_valid(f"{name} is constant (it was not given to the optimizer's constructor) and has changed")
    fixed = [name for name in _SHARED_ATTRIBUTES if name not in _CONSTANT_AT]
    for name in fixed:
        if old.shared[name] != new.shared[name]:
            raise _not_valid(f"{name} has changed")


class Updater:
    """Holds an optimiser's state on the device and applies it.

    Attributes:
        state: Parameter → name of the state → tensor.
    """

    def __init__(self, description: Description) -> None:
        self.description = description
        self.state: Dict[str, Dict[str, Tensor]] = {}

    @property
    def loss_scaling(self) -> float:
        return float(self.description.shared["loss_scaling"])

    @torch.no_grad()
    def apply(self, weights: Dict[str, Tensor], gradients: Dict[str, Tensor]) -> None:
        """Update weights in place; gradients are those of the loss without its scaling."""
        for group, names in zip(self.description.groups, self.description.names):
            for name in names:
                if name in gradients:
                    self._update(name, weights[name], gradients[name].float(), group)

    def _update(self, name: str, weight: Tensor, gradient: Tensor, group: Dict[str, Any]) -> None:
        wide = weight.float() if weight.dtype == torch.float16 else weight
        state = self.state.setdefault(name, {})
        {"sgd": self._sgd, "adam": self._adam, "adamw": self._adam, "rmsprop": self._rmsprop}[self.description.kind](
            wide, gradient, state, group
        )
        if wide is not weight:
            weight.copy_(wide)

    def _sgd(self, weight: Tensor, gradient: Tensor, state: Dict[str, Tensor], group: Dict[str, Any]) -> None:
        gradient = _decayed(gradient, weight, group)
        if group["momentum"]:
            velocity = state.setdefault("velocity", torch.zeros_like(weight))
            gradient = velocity.mul_(group["momentum"]).add_(gradient, alpha=1.0 - group["dampening"])
        weight.add_(gradient, alpha=-group["lr"])

    def _adam(self, weight: Tensor, gradient: Tensor, state: Dict[str, Tensor], group: Dict[str, Any]) -> None:
        decoupled = self.description.kind == "adamw"
        gradient = gradient if decoupled else _decayed(gradient, weight, group)
        if decoupled:
            weight.mul_(1.0 - group["lr"] * group["weight_decay"])
        first, second = group["betas"]
        mean = state.setdefault("mean", torch.zeros_like(weight))
        square = state.setdefault("square", torch.zeros_like(weight))
        steps = state.setdefault("steps", torch.zeros(()))
        steps.add_(1.0)
        mean.mul_(first).add_(gradient, alpha=1.0 - first)
        square.mul_(second).addcmul_(gradient, gradient, value=1.0 - second)
        corrected = bool(self.description.shared["bias_correction"])
        mean_part = 1.0 - first ** float(steps) if corrected else 1.0
        square_part = 1.0 - second ** float(steps) if corrected else 1.0
        root = (square.sqrt() / math.sqrt(square_part)).add_(group["eps"])
        weight.addcdiv_(mean, root, value=-group["lr"] / mean_part)

    def _rmsprop(self, weight: Tensor, gradient: Tensor, state: Dict[str, Tensor], group: Dict[str, Any]) -> None:
        tensorflow = bool(self.description.shared["use_tf_variant"])
        gradient = _decayed(gradient, weight, group)
        start = torch.ones_like if tensorflow else torch.zeros_like
        square = state["square"] if "square" in state else state.setdefault("square", start(weight))
        square.mul_(group["alpha"]).addcmul_(gradient, gradient, value=1.0 - group["alpha"])
        velocity = state.setdefault("velocity", torch.zeros_like(weight)).mul_(group["momentum"])
        if tensorflow:
            velocity.addcdiv_(gradient, square.add(group["eps"]).sqrt_(), value=group["lr"])
            weight.sub_(velocity)
        else:
            velocity.addcdiv_(gradient, square.sqrt().add_(group["eps"]))
            weight.add_(velocity, alpha=-group["lr"])


def _decayed(gradient: Tensor, weight: Tensor, group: Dict[str, Any]) -> Tensor:
    return gradient.add(weight, alpha=group["weight_decay"]) if group["weight_decay"] else gradient


def _check_numbers(name: str, value: Any) -> None:
    for part in value if isinstance(value, tuple) else (value,):
        assert isinstance(part, numbers.Number), f"Expected a number for {name} but got {part} instead"
        if math.isnan(part):
            raise ValueError(f"{name} is NaN")


def _constant(optimizer: Any, kind: str, groups: List[Dict[str, Any]], shared: Dict[str, Any]) -> List[str]:
    names = (*_GROUP_ATTRIBUTES[kind], "loss_scaling")
    variable = getattr(optimizer, "variable_attrs", None)
    if variable is not None:
        return [name for name in names if variable.isConstant(name)]
    usual = dict(_CONSTANT_AT, weight_decay=0.01) if kind == "adamw" else _CONSTANT_AT
    first = groups[0]
    return [
        name
        for name in names
        if name in {"betas", "alpha"} or (name in usual and _value(first, shared, name) == usual[name])
    ]


def _value(group: Dict[str, Any], shared: Dict[str, Any], name: str) -> Any:
    return group[name] if name in group else shared[name]


def _not_valid(reason: str) -> Exception:
    return compiler_error(
        f"New optimizer is not a valid replacement for the compiled one: {reason}",
        kind="popart_exception",
        location="Session::updateOptimizerFromHost",
    )

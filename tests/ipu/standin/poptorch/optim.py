"""PopTorch's optimisers: plain descriptions, since their Python step never runs; the device does the updates."""

import weakref
from typing import Any, Dict, Iterable, List, Optional, Tuple

import torch


class VariableAttributes:
    """Which attributes may change once a model is compiled: those that the constructor was given."""

    def __init__(self, variable_attributes: List[str], allowed_attributes: List[str]) -> None:
        self._variable = list(variable_attributes)
        self._allowed = allowed_attributes

    def isConstant(self, attr):
        return attr not in self._variable

    def markAsConstant(self, attr):
        assert attr in self._allowed
        self._variable = [name for name in self._variable if name != attr]

    def markAsVariable(self, attr):
        assert attr in self._allowed
        self._variable.append(attr)


class Optimizer:
    """State that lives on the device, as ``state_dict`` shows it."""

    _executor: Any = None

    def state_dict(self) -> Dict[str, Any]:
        executor = self._executor() if self._executor is not None else None
        if executor is not None:
            executor._read_optimizer_state()
        shared = super().state_dict()
        return {"ipu_state": self._ipu_state or {}, "ipu_param": self._ipu_param or {}, **shared}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        if not {"ipu_state", "ipu_param"} <= set(state):
            raise RuntimeError(
                "Only IPU optimizer states can be loaded onto IPU. The state dict is missing ipu_state or ipu_param."
            )
        rest = {key: value for key, value in state.items() if key not in {"ipu_state", "ipu_param"}}
        if rest:
            super().load_state_dict(rest)
        self._ipu_state, self._ipu_param = dict(state["ipu_state"]), dict(state["ipu_param"])
        self._state_is_new = True

    def has_state(self) -> bool:
        return bool(self._ipu_state)

    def step(self, closure: Any = None) -> Any:
        """Update nothing: in PopTorch it would change the host's copies of the weights and nothing else."""
        raise AssertionError("step() of an optimiser of PopTorch never runs on an IPU")

    def _describe(self, given: Dict[str, Any], allowed: List[str], shared: Dict[str, Any]) -> None:
        self.variable_attrs = VariableAttributes([name for name in allowed if given.get(name) is not None], allowed)
        for name, (value, default) in shared.items():
            setattr(self, name, default if value is None else value)
        self._ipu_state: Dict[str, Any] = {}
        self._ipu_param: Dict[str, Any] = {}
        self._state_is_new = False

    def _attach(self, executor: Any) -> None:
        self._executor = None if executor is None else weakref.ref(executor)

    def __getstate__(self) -> Dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_executor"}


def _given(**attributes: Any) -> Dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _check_accum(**types: Any) -> None:
    for name, value in types.items():
        assert value in (None, torch.float16, torch.float32), (
            f"{name} must be set to either torch.float16 or torch.float32 not {value}"
        )


class SGD(Optimizer, torch.optim.SGD):
    def __init__(
        self,
        params: Iterable,
        lr: float,
        momentum: Optional[float] = None,
        dampening: Optional[float] = None,
        weight_decay: Optional[float] = None,
        nesterov: Optional[bool] = None,
        maximize: Optional[bool] = None,
        foreach: Optional[bool] = None,
        differentiable: Optional[bool] = None,
        loss_scaling: Optional[float] = None,
        velocity_scaling: Optional[float] = None,
        use_combined_accum: Optional[bool] = None,
        accum_type: Optional[torch.dtype] = None,
        velocity_accum_type: Optional[torch.dtype] = None,
        max_grad_norm: Optional[float] = None,
    ) -> None:
        _check_accum(accum_type=accum_type, velocity_accum_type=velocity_accum_type)
        plain = _given(momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov)
        plain.update(_given(maximize=maximize, foreach=foreach, differentiable=differentiable))
        torch.optim.SGD.__init__(self, params, lr, **plain)
        given = dict(plain, lr=lr, loss_scaling=loss_scaling, velocity_scaling=velocity_scaling)
        self._describe(
            given,
            ["lr", "momentum", "dampening", "weight_decay", "loss_scaling", "velocity_scaling", "max_grad_norm"],
            {
                "loss_scaling": (loss_scaling, 1.0),
                "velocity_scaling": (velocity_scaling, 1.0),
                "use_combined_accum": (use_combined_accum, False),
                "accum_type": (accum_type, torch.float32),
                "velocity_accum_type": (velocity_accum_type, torch.float32),
                "max_grad_norm": (max_grad_norm, None),
            },
        )


class _AdamLike(Optimizer):
    """What Adam and AdamW share."""

    def _set_up(self, given: Dict[str, Any], shared: Dict[str, Any]) -> None:
        types = ("accum_type", "first_order_momentum_accum_type", "second_order_momentum_accum_type")
        _check_accum(**{name: shared[name] for name in types})
        self._describe(
            given,
            ["lr", "betas", "eps", "weight_decay", "loss_scaling", "max_grad_norm"],
            {
                "loss_scaling": (shared["loss_scaling"], 1.0),
                "bias_correction": (shared.get("bias_correction"), True),
                "max_grad_norm": (shared["max_grad_norm"], None),
                **{name: (shared[name], torch.float32) for name in types},
            },
        )


class Adam(_AdamLike, torch.optim.Adam):
    def __init__(
        self,
        params: Iterable,
        lr: Optional[float] = None,
        betas: Optional[Tuple[float, float]] = None,
        eps: Optional[float] = None,
        weight_decay: Optional[float] = None,
        amsgrad: Optional[bool] = None,
        foreach: Optional[bool] = None,
        maximize: Optional[bool] = None,
        capturable: Optional[bool] = None,
        differentiable: Optional[bool] = None,
        fused: Optional[bool] = None,
        loss_scaling: Optional[float] = None,
        accum_type: Optional[torch.dtype] = None,
        first_order_momentum_accum_type: Optional[torch.dtype] = None,
        second_order_momentum_accum_type: Optional[torch.dtype] = None,
        max_grad_norm: Optional[float] = None,
    ) -> None:
        plain = _given(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize)
        plain.update(_given(foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused))
        torch.optim.Adam.__init__(self, params, **plain)
        self._set_up(
            dict(plain, loss_scaling=loss_scaling),
            {
                "loss_scaling": loss_scaling,
                "accum_type": accum_type,
                "first_order_momentum_accum_type": first_order_momentum_accum_type,
                "second_order_momentum_accum_type": second_order_momentum_accum_type,
                "max_grad_norm": max_grad_norm,
            },
        )


class AdamW(_AdamLike, torch.optim.AdamW):
    def __init__(
        self,
        params: Iterable,
        lr: Optional[float] = None,
        betas: Optional[Tuple[float, float]] = None,
        eps: Optional[float] = None,
        weight_decay: Optional[float] = None,
        amsgrad: Optional[bool] = None,
        maximize: Optional[bool] = None,
        foreach: Optional[bool] = None,
        capturable: Optional[bool] = None,
        differentiable: Optional[bool] = None,
        fused: Optional[bool] = None,
        loss_scaling: Optional[float] = None,
        bias_correction: Optional[bool] = None,
        accum_type: Optional[torch.dtype] = None,
        first_order_momentum_accum_type: Optional[torch.dtype] = None,
        second_order_momentum_accum_type: Optional[torch.dtype] = None,
        max_grad_norm: Optional[float] = None,
    ) -> None:
        plain = _given(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize)
        plain.update(_given(foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused))
        torch.optim.AdamW.__init__(self, params, **plain)
        self._set_up(
            dict(plain, loss_scaling=loss_scaling),
            {
                "loss_scaling": loss_scaling,
                "bias_correction": bias_correction,
                "accum_type": accum_type,
                "first_order_momentum_accum_type": first_order_momentum_accum_type,
                "second_order_momentum_accum_type": second_order_momentum_accum_type,
                "max_grad_norm": max_grad_norm,
            },
        )


class RMSprop(Optimizer, torch.optim.RMSprop):
    def __init__(
        self,
        params: Iterable,
        lr: Optional[float] = None,
        alpha: Optional[float] = None,
        eps: Optional[float] = None,
        weight_decay: Optional[float] = None,
        momentum: Optional[float] = None,
        centered: Optional[bool] = None,
        foreach: Optional[bool] = None,
        maximize: Optional[bool] = None,
        differentiable: Optional[bool] = None,
        loss_scaling: Optional[float] = None,
        accum_type: Optional[torch.dtype] = None,
        first_order_momentum_accum_type: Optional[torch.dtype] = None,
        second_order_momentum_accum_type: Optional[torch.dtype] = None,
        use_tf_variant: Optional[bool] = None,
    ) -> None:
        types = {
            "accum_type": accum_type,
            "first_order_momentum_accum_type": first_order_momentum_accum_type,
            "second_order_momentum_accum_type": second_order_momentum_accum_type,
        }
        _check_accum(**types)
        plain = _given(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered)
        plain.update(_given(foreach=foreach, maximize=maximize, differentiable=differentiable))
        torch.optim.RMSprop.__init__(self, params, **plain)
        self._describe(
            dict(plain, loss_scaling=loss_scaling),
            ["lr", "alpha", "eps", "weight_decay", "momentum", "loss_scaling"],
            {
                "loss_scaling": (loss_scaling, 1.0),
                "use_tf_variant": (use_tf_variant, False),
                **{name: (value, torch.float32) for name, value in types.items()},
            },
        )


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise NotImplementedError(f"the stand-in of PopTorch lacks poptorch.optim.{name}")

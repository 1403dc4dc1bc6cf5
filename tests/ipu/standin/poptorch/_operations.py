"""The operations of torch that an IPU has, and how the stand-in computes them.

The list follows PopTorch's "IPU supported operations" in the names of ATen, into which torch takes its functions apart.
Half precision is imitated: an operation computes in single precision and rounds its result to half precision.
"""

from typing import Any, Callable, Tuple

import torch
from torch.utils._pytree import tree_map

_CREATION = "arange empty full full_like new_empty new_full new_ones new_zeros ones ones_like zeros zeros_like "
_CREATION += "empty_like scalar_tensor lift_fresh lift_fresh_copy linspace fill_ fill zero_"
_VIEWS = "view _unsafe_view reshape _reshape_alias t transpose permute expand slice select unsqueeze squeeze detach "
_VIEWS += "detach_ alias unbind split split_with_sizes chunk as_strided narrow diagonal"
_COPIES = (
    "clone copy_ copy _to_copy cat stack constant_pad_nd where index_select roll gather scatter scatter_add repeat "
)
_COPIES += "masked_fill masked_fill_ flip index reflection_pad2d replication_pad2d tril triu one_hot"
_RANDOM = "bernoulli bernoulli_ randn rand normal normal_ uniform uniform_ rand_like randn_like native_dropout "
_RANDOM += "exponential_ randperm"
_POINTWISE = "abs acos add addcdiv addcmul asin atan bitwise_and bitwise_not bitwise_or ceil clamp clamp_min clamp_max "
_POINTWISE += "cos div exp expm1 erf floor floor_divide fmod log log10 log1p log2 logical_and logical_or logical_not "
_POINTWISE += (
    "mul neg pow reciprocal remainder round rsqrt rsub sigmoid sign sin sqrt square sub tan tanh trunc maximum "
)
_POINTWISE += "minimum eq ge gt le lt ne isnan lerp"
_REDUCTIONS = "all any argmax argmin amax amin mean prod logsumexp std std_mean sum var var_mean max min topk sort "
_REDUCTIONS += "argsort cumsum norm linalg_vector_norm median"
_NETWORKS = "addmm mm bmm baddbmm convolution _convolution max_pool2d_with_indices avg_pool2d _adaptive_avg_pool2d "
_NETWORKS += "_adaptive_avg_pool3d silu silu_ relu relu_ gelu elu leaky_relu hardtanh softplus _softmax _log_softmax "
_NETWORKS += "native_batch_norm _native_batch_norm_legit _batch_norm_with_update native_layer_norm native_group_norm "
_NETWORKS += "embedding upsample_nearest2d upsample_bicubic2d"
_LOSSES = "nll_loss_forward mse_loss smooth_l1_loss binary_cross_entropy binary_cross_entropy_with_logits"

#: Names of ATen's operations that may be part of a model.
ALLOWED = frozenset(
    f"{_CREATION} {_VIEWS} {_COPIES} {_RANDOM} {_POINTWISE} {_REDUCTIONS} {_NETWORKS} {_LOSSES}".split()
)
#: Operations that PopTorch takes for the end of the forward pass.
LOSSES = frozenset(_LOSSES.split())
#: What needs the value of a tensor, which is not there while a model is compiled.
NEEDS_VALUE = frozenset({"_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "_unique2", "masked_select"})
_MOVES_DATA = frozenset(f"{_CREATION} {_VIEWS} {_COPIES}".split())
_NORMS = frozenset({"native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update"})
_FLOATS = (torch.float16, torch.float32)


def name_of(func: Any) -> str:
    """Return the name of an operation without its namespace and overload."""
    return str(func._schema.name).rpartition("::")[2]


def allowed(name: str) -> bool:
    """Whether an IPU has the operation; ``add_`` is ``add`` in place."""
    return name in ALLOWED or (name.endswith("_") and name[:-1] in ALLOWED)


def compute(func: Callable[..., Any], args: Tuple[Any, ...], kwargs: Any) -> Any:
    """Compute an operation as an IPU would, half precision included."""
    tensors = [item for item in _leaves((args, kwargs)) if isinstance(item, torch.Tensor)]
    name = name_of(func)
    if name in _MOVES_DATA or all(tensor.dtype != torch.float16 for tensor in tensors):
        return func(*args, **kwargs)
    if name.endswith("_"):
        return _in_place(func, name, args, kwargs)
    wide_args, wide_kwargs = tree_map(_widened, (args, kwargs))
    result = func(*wide_args, **wide_kwargs)
    if name in _NORMS:
        _keep_statistics(args, wide_args)
    if kwargs.get("dtype") is not None or any(tensor.dtype == torch.float32 for tensor in tensors):
        return result  # of mixed formats torch takes the wider one
    return tree_map(_narrowed, result)


def _in_place(func: Any, name: str, args: Tuple[Any, ...], kwargs: Any) -> Any:
    overload = func._overloadname if name != "bernoulli_" else {"float": "p"}.get(func._overloadname, "default")
    counterpart = getattr(getattr(torch.ops.aten, name[:-1]), overload)
    return args[0].copy_(compute(counterpart, args, kwargs))


def _keep_statistics(args: Tuple[Any, ...], wide_args: Tuple[Any, ...]) -> None:
    with torch.no_grad():
        for given, updated in zip(args[3:5], wide_args[3:5]):
            if given is not None and given is not updated:
                given.copy_(updated)


def _widened(item: Any) -> Any:
    return item.float() if isinstance(item, torch.Tensor) and item.dtype == torch.float16 else item


def _narrowed(item: Any) -> Any:
    return item.half() if isinstance(item, torch.Tensor) and item.dtype == torch.float32 else item


def _leaves(item: Any) -> Any:
    if isinstance(item, (tuple, list)):
        for part in item:
            yield from _leaves(part)
    elif isinstance(item, dict):
        yield from _leaves(tuple(item.values()))
    else:
        yield item

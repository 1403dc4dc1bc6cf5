"""Cutting a network into the stages of a pipeline, one IPU each.

A stage begins at a module and lasts until the module at which the next one begins.
"""

import itertools
import math
from typing import Dict, Iterator, List, Sequence, Tuple

from torch import nn

from workers.errors import JobError
from workers.models.efficientnet import MBConv
from workers.models.layers import ConvNormSiLU

#: Modules that a stage may begin at: whole blocks, what is before them and what comes after.
_UNITS = (MBConv, ConvNormSiLU, nn.Linear)
#: Pixels; a part of a network may begin at any side, and the proportions are nearly the same for all.
_SIDE = 224


def begin_stages(network: nn.Module, stages: int, split: Sequence[str] = ()) -> Tuple[str, ...]:
    """Mark where each stage of a network begins.

    Args:
        network: A network or a part of one; changed in place.
        stages: Number of stages; with one nothing is marked.
        split: First module of each stage after the first, as ``named_modules`` names it; empty balances the stages'
            multiply-accumulates.

    Returns:
        Where the stages after the first begin.

    Raises:
        JobError: The network has no such module, or fewer parts than stages.
    """
    import poptorch

    if stages == 1:
        return ()
    costs = unit_costs(network)
    starts = tuple(split) or balanced_cuts(costs, stages)
    modules = dict(network.named_modules())
    missing = [name for name in starts if name not in modules]
    if missing:
        raise JobError(f"slots.ipu.split: there is no module {', '.join(missing)}; there is e.g. {list(costs)[1]}")
    for number, name in enumerate([next(iter(costs)), *starts]):
        poptorch.BeginBlock(modules[name], user_id=f"stage-{number}", ipu_id=number)
    return starts


def unit_costs(network: nn.Module) -> Dict[str, int]:
    """Return the multiply-accumulates of the modules that a stage may begin at, in the order in which they run.

    They are those of an image of ``_SIDE`` pixels, of which only the proportions matter here. Squeeze-excite, a
    thousandth of them, is left out.

    Args:
        network: A network or a part of one.
    """
    costs: Dict[str, int] = {}
    side = _SIDE
    for name, module in network.named_modules():
        if not isinstance(module, _UNITS) or any(name.startswith(f"{unit}.") for unit in costs):
            continue
        if isinstance(module, nn.Linear):
            costs[name], side = module.weight.numel(), 1
            continue
        costs[name] = 0
        for convolution in _spatial_convolutions(module):
            side = math.ceil(side / convolution.stride[0])
            costs[name] += convolution.weight.numel() * side**2
    return costs


def balanced_cuts(costs: Dict[str, int], stages: int) -> Tuple[str, ...]:
    """Cut a sequence so that the dearest stage is as cheap as can be.

    Args:
        costs: Of each unit, in order.
        stages: Number of stages.

    Returns:
        First unit of each stage after the first.

    Raises:
        JobError: There are fewer units than stages.
    """
    names = list(costs)
    if len(names) < stages:
        raise JobError(f"slots.ipu: {stages} IPUs per replica are more than the network's {len(names)} parts")
    sums = [0, *itertools.accumulate(costs.values())]
    # best[i]: the first i units in as many stages as have been counted: cost of the dearest, and where the last begins.
    best: List[Tuple[int, Tuple[int, ...]]] = [(sums[end], ()) for end in range(len(sums))]
    for stage in range(1, stages):
        best = [
            min(
                ((max(best[cut][0], sums[end] - sums[cut]), (*best[cut][1], cut)) for cut in range(stage, end)),
                key=lambda one: one[0],
                default=(sums[-1] + 1, ()),
            )
            for end in range(len(sums))
        ]
    return tuple(names[cut] for cut in best[-1][1])


def _spatial_convolutions(unit: nn.Module) -> Iterator[nn.Conv2d]:
    for name, module in unit.named_modules():
        if isinstance(module, nn.Conv2d) and "squeeze_excite" not in name:
            yield module

"""What does each kind of layer cost in a training step on this CPU, and why is the order not that of the MACs?

Every operation of a step is timed where it happens, forward and backward, and put down to a kind of layer; the two
halves of a convolution's backward pass (gradients of the images and of the weights) run one after the other. The rest
is the step's own time, measured without looking, minus that: Python, autograd, allocations.

Run: ``python -m benchmarks.layer_costs [--quick]``; it prints the table of docs/what-variants-cost.md.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.pairs import quick
from workers.device import open_device
from workers.measuring.processors import cpu_model
from workers.models import fused
from workers.models.efficientnet import EfficientNet, build, parameter_groups
from workers.models.kernel_library import Kernels, kernels
from workers.protocol.architecture import macs
from workers.protocol.variant import Variant
from workers.training.rmsprop import RMSpropTF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_BATCH, _CLASSES = 32, 1000
_VARIANTS = {
    "G1-BN (e6)": Variant("b0", 1, 6, "bn"),
    "G4-BN (e4)": Variant("b0", 4, 4, "bn"),
    "G16-BN (e4)": Variant("b0", 16, 4, "bn"),
    "G16-GN (e4)": Variant("b0", 16, 4, "gn"),
    "G16-LN+PN (e4)": Variant("b0", 16, 4, "ln+pn"),
}
#: Kinds of layers in the order of the table.
_KINDS = (
    "spatial convolutions: forward",
    "spatial convolutions: gradient of images",
    "spatial convolutions: gradient of weights",
    "1×1 convolutions: forward",
    "1×1 convolutions: gradient of images",
    "1×1 convolutions: gradient of weights",
    "norms, activations, proxies",
    "squeeze-excite, classifier",
    "residual sums",
    "optimiser",
)
_REST = "the rest"
_NORMS = ("norm", "silu", "var_mean", "rsqrt")
_PRODUCTS = ("mm", "sigmoid", "gate", "mean")


class Costs(TorchDispatchMode):
    """Adds up seconds per kind of layer while it is entered.

    Attributes:
        seconds: Kind → seconds.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seconds: dict[str, float] = defaultdict(float)

    def __torch_dispatch__(
        self, operator: Any, types: Any, arguments: Sequence[Any] = (), options: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation of torch and time it."""
        del types
        if operator is torch.ops.aten.convolution_backward.default:
            return self._halves(operator, arguments)
        kind = _kind(operator._schema.name, arguments)  # noqa: SLF001  # has no public name
        return self.timed(kind, lambda: operator(*arguments, **(options or {})))

    def timed(self, kind: str, work: Callable[[], Any]) -> Any:
        """Run a piece of work and put it down to a kind."""
        started = time.perf_counter()
        result = work()
        self.seconds[kind] += time.perf_counter() - started
        return result

    def _halves(self, operator: Any, arguments: Sequence[Any]) -> Any:
        kind = _convolution_kind(arguments[2])
        images, weights, _ = arguments[-1]
        results: list[Any] = [None, None, None]
        for index, (wanted, name) in enumerate(((images, "images"), (weights, "weights"))):
            if wanted:
                mask = [index == 0, index == 1, False]
                work = functools.partial(operator, *arguments[:-1], mask)
                results[index] = self.timed(f"{kind}: gradient of {name}", work)[index]
        return tuple(results)


class TimedKernels:
    """The library of kernels, whose calls count as operations do."""

    def __init__(self, library: Any, costs: Costs) -> None:
        self._library, self._costs = library, costs

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Return a function of the library."""
        function = getattr(self._library, name)
        kind = "spatial convolutions: gradient of weights" if name.startswith("depthwise") else _kind(name, ())

        def call(*arguments: Any) -> None:
            self._costs.timed(kind, lambda: function(*arguments))

        return call


def main() -> None:
    """Measure and print."""
    rounds = 3 if quick(__doc__ or "") else 15
    torch.set_num_threads(1)
    open_device("cpu")  # as on a slot: otherwise how much of a step is page faults depends on what ran before
    print(f"{cpu_model()}, one thread, torch {torch.__version__}, kernels {kernels().name}")
    print(f"batch of {_BATCH}, {rounds} rounds")
    for resolution in (64,) if rounds == 3 else (64, 112):
        models = {name: network(variant) for name, variant in _VARIANTS.items()}
        columns = costs_of(models, resolution, rounds)
        print_table(columns, {name: macs(model.architecture, resolution) for name, model in models.items()}, resolution)


def network(variant: Variant) -> EfficientNet:
    """Build a network as it is trained."""
    torch.manual_seed(0)
    return build(variant, 3, _CLASSES).to(memory_format=torch.channels_last).train()


def costs_of(models: Mapping[str, EfficientNet], resolution: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return name → kind → milliseconds per step, medians over rounds in which each network has its turn."""
    steps = {name: training_step(model, resolution) for name, model in models.items()}
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in models}
    for number in range(rounds + 1):
        for name, step in steps.items():
            unobserved = 1e3 * _seconds(functools.partial(step, None))
            costs = observed(step)
            costs[_REST] = unobserved - sum(costs.values())
            if number:  # the first round warms up
                seen[name].append(costs)
    return {
        name: {kind: statistics.median(one.get(kind, 0.0) for one in all_costs) for kind in (*_KINDS, _REST)}
        for name, all_costs in seen.items()
    }


def observed(step: Callable[[Costs | None], object]) -> dict[str, float]:
    """Return kind → milliseconds of one step."""
    costs = Costs()
    library = kernels().library
    timed = kernels() if library is None else Kernels(TimedKernels(library, costs), "", "")  # type: ignore[arg-type]
    with mock.patch.object(fused, "kernels", return_value=timed):
        step(costs)
    return {kind: 1e3 * seconds for kind, seconds in costs.seconds.items() if kind in _KINDS}


def training_step(model: EfficientNet, resolution: int) -> Callable[[Costs | None], object]:
    """Return one update of the weights, which may be looked at."""
    images = torch.randn(_BATCH, 3, resolution, resolution).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(_CLASSES, (_BATCH,))
    optimizer = RMSpropTF(parameter_groups(model, 1e-5), lr=1e-6)

    def forward_and_backward() -> None:
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(functional.cross_entropy(model(images), labels))

    def run(costs: Costs | None) -> None:
        if costs is None:
            forward_and_backward()
            optimizer.step()
            return
        with costs:
            forward_and_backward()
        costs.timed("optimiser", optimizer.step)

    return run


def print_table(columns: Mapping[str, Mapping[str, float]], counts: Mapping[str, int], resolution: int) -> None:
    """Print milliseconds and shares as Markdown."""
    print(f"\nB0, {resolution} px\n")
    print(f"| ms per step (share) | {' | '.join(columns)} |")
    print(f"|---|{'---|' * len(columns)}")
    for kind in (*_KINDS, _REST):
        totals = {name: sum(column.values()) for name, column in columns.items()}
        cells = [f"{column[kind]:.1f} ({100 * column[kind] / totals[name]:.0f} %)" for name, column in columns.items()]
        print(f"| {kind} | {' | '.join(cells)} |")
    print(f"| **whole step** | {' | '.join(f'**{sum(column.values()):.1f}**' for column in columns.values())} |")
    print(f"| forward MACs per image, millions | {' | '.join(f'{count / 1e6:.1f}' for count in counts.values())} |")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _convolution_kind(weight: torch.Tensor) -> str:
    return "1×1 convolutions" if weight.shape[2] == 1 else "spatial convolutions"


def _kind(name: str, arguments: Sequence[Any]) -> str:
    """Return the kind of layer that an operation outside the update is part of."""
    name = name.rsplit("::", maxsplit=1)[-1]
    if name == "convolution":
        return f"{_convolution_kind(arguments[1])}: forward"
    if any(word in name for word in _NORMS):
        return "norms, activations, proxies"
    if any(word in name for word in _PRODUCTS):
        return "squeeze-excite, classifier"
    if name in {"add", "add_"}:
        return "residual sums"
    return "mul" if name in {"mul", "mul_"} else name


if __name__ == "__main__":
    main()

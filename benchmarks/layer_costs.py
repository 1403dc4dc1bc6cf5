"""What does each kind of layer cost in a training step, and why is the order not that of the MACs?

Every operation of a step is timed where it happens, forward and backward, and put down to a kind of layer; the two
halves of a convolution's backward pass (gradients of the images and of the weights) run one after the other. The rest
is the step's own time, measured without looking, minus that: Python, autograd, allocations. On a GPU, events in its
queue time the operations, without a wait for any; the rest is what is in no other row, casts above all, and where the
GPU waits for the host.

Run: ``python -m benchmarks.layer_costs [--quick] [--slot-kind cuda]``; it prints the tables of
docs/what-variants-cost.md.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.devices import options
from workers.device import autocast, synchronize
from workers.measuring.processors import cpu_model
from workers.models import fused
from workers.models.efficientnet import EfficientNet, build, parameter_groups
from workers.models.kernel_library import Kernels, kernels
from workers.protocol.architecture import macs
from workers.protocol.variant import Variant
from workers.training.rmsprop import RMSpropTF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_CLASSES = 1000
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


class Place(NamedTuple):
    """Where networks are compared."""

    device: torch.device
    resolution: int
    batch_size: int
    precision: str = "fp32"


class Costs(TorchDispatchMode):
    """Adds up seconds per kind of layer while it is entered.

    Args:
        device: That the operations run on.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._device = device
        self._spans: list[tuple[str, Any, Any]] = []

    def seconds(self) -> dict[str, float]:
        """Wait until all is done; return kind → seconds."""
        synchronize(self._device)
        totals: dict[str, float] = defaultdict(float)
        for kind, started, ended in self._spans:
            totals[kind] += ended - started if self._device.type == "cpu" else started.elapsed_time(ended) / 1e3
        return totals

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
        started = self._now()
        result = work()
        self._spans.append((kind, started, self._now()))
        return result

    def _now(self) -> Any:
        """Return the time, or an event that will have it once the device comes to it."""
        if self._device.type == "cpu":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

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
    in_a_hurry, device = options(__doc__ or "")
    rounds = 3 if in_a_hurry else 15
    torch.set_num_threads(1)
    if device.type == "cpu":
        print(f"{cpu_model()}, one thread, torch {torch.__version__}, kernels {kernels().name}")
        places = [Place(device, resolution, 32) for resolution in ((64,) if in_a_hurry else (64, 112))]
    else:
        print(f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}")
        places = [Place(device, 224, 128, precision) for precision in (("bf16",) if in_a_hurry else ("fp32", "bf16"))]
    print(f"{rounds} rounds")
    for place in places:
        models = {name: network(variant, device) for name, variant in _VARIANTS.items()}
        columns = costs_of(models, place, rounds)
        print_table(
            columns, {name: macs(model.architecture, place.resolution) for name, model in models.items()}, place
        )


def network(variant: Variant, device: torch.device) -> EfficientNet:
    """Build a network as it is trained."""
    torch.manual_seed(0)
    return build(variant, 3, _CLASSES).to(device).to(memory_format=torch.channels_last).train()


def costs_of(models: Mapping[str, EfficientNet], place: Place, rounds: int) -> dict[str, dict[str, float]]:
    """Return name → kind → milliseconds per step, medians over rounds in which each network has its turn."""
    steps = {name: training_step(model, place) for name, model in models.items()}
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in models}
    for number in range(rounds + 1):
        for name, step in steps.items():
            unobserved = 1e3 * _seconds(functools.partial(step, None), place.device)
            costs = observed(step, place.device)
            costs[_REST] = unobserved - sum(costs.values())
            if number:  # the first round warms up
                seen[name].append(costs)
    return {
        name: {kind: statistics.median(one.get(kind, 0.0) for one in all_costs) for kind in (*_KINDS, _REST)}
        for name, all_costs in seen.items()
    }


def observed(step: Callable[[Costs | None], object], device: torch.device) -> dict[str, float]:
    """Return kind → milliseconds of one step."""
    costs = Costs(device)
    library = kernels().library
    timed = kernels() if library is None else Kernels(TimedKernels(library, costs), "", "")  # type: ignore[arg-type]
    with mock.patch.object(fused, "kernels", return_value=timed):
        step(costs)
    return {kind: 1e3 * seconds for kind, seconds in costs.seconds().items() if kind in _KINDS}


def training_step(model: EfficientNet, place: Place) -> Callable[[Costs | None], object]:
    """Return one update of the weights, which may be looked at."""
    images = torch.randn(place.batch_size, 3, place.resolution, place.resolution).to(place.device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(_CLASSES, (place.batch_size,)).to(place.device)
    optimizer = RMSpropTF(parameter_groups(model, 1e-5), lr=1e-6)

    def forward_and_backward() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast(place.device, place.precision):
            logits = model(images)
        torch.autograd.backward(functional.cross_entropy(logits.float(), labels))

    def run(costs: Costs | None) -> None:
        if costs is None:
            forward_and_backward()
            optimizer.step()
            return
        with costs:
            forward_and_backward()
        costs.timed("optimiser", optimizer.step)

    return run


def print_table(columns: Mapping[str, Mapping[str, float]], counts: Mapping[str, int], place: Place) -> None:
    """Print milliseconds and shares as Markdown."""
    print(f"\nB0, {place.resolution} px, batch of {place.batch_size}, {place.precision}\n")
    print(f"| ms per step (share) | {' | '.join(columns)} |")
    print(f"|---|{'---|' * len(columns)}")
    for kind in (*_KINDS, _REST):
        totals = {name: sum(column.values()) for name, column in columns.items()}
        cells = [f"{column[kind]:.1f} ({100 * column[kind] / totals[name]:.0f} %)" for name, column in columns.items()]
        print(f"| {kind} | {' | '.join(cells)} |")
    print(f"| **whole step** | {' | '.join(f'**{sum(column.values()):.1f}**' for column in columns.values())} |")
    print(f"| forward MACs per image, millions | {' | '.join(f'{count / 1e6:.1f}' for count in counts.values())} |")


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    synchronize(device)
    started = time.perf_counter()
    work()
    synchronize(device)
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

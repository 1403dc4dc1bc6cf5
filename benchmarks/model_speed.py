"""Do our networks run as fast as the best-known ones, and is no variant slowed down by its code?

    PLACE-ours-over-timm          EfficientNet-B0 as published (depthwise, batch norm), against timm's
    PLACE-ours-over-torchvision   the same, against torchvision's
    PLACE-NORM-over-gn            G16 with each norm, against G16 with group norm; LN+PN in inference also against LN
    PLACE-gN-over-g1              G4, G8 and G16 (expansion 4) with batch norm, against G1 (expansion 6)
    PLACE-fused-over-torch        G16-LN+PN with our fused kernels, against the same of torch's own operations (CPU)

PLACE is the mode, the resolution, the batch size and, unless it is fp32, the precision of autocast. A training step is
forward pass, loss, backward pass and update by RMSprop, on a batch that lies on the device; all in one process. On a
CPU that is one thread, fp32, channels last. On a GPU each network, ours and others', is run in the fastest of both
memory formats, as it is and compiled, as on a slot (``--quick``: as it is), and the device is waited for before and
after every ten steps.

Run: ``python -m benchmarks.model_speed [--quick] [--slot-kind cuda]``.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import timm
import torch
import torchvision
from torch import nn

from benchmarks.devices import options
from benchmarks.pairs import in_turns, print_ratio
from workers.device import autocast, synchronize
from workers.measuring.search import fastest_way
from workers.measuring.workload import LAYOUTS, Way, forget_compiled
from workers.models import fused
from workers.models.efficientnet import build, parameter_groups
from workers.models.kernel_library import Kernels, kernels
from workers.models.proxy_norm import hold_constant
from workers.protocol.architecture import architecture, macs
from workers.protocol.jobs import MEMORY_FORMATS
from workers.protocol.variant import NORMS, Variant
from workers.training.rmsprop import RMSpropTF
from workers.training.step import TrainingStep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CLASSES = 1000
_G1 = Variant("b0", 1, 6, "bn")
_EAGER = tuple(Way(layout, compiled=False) for layout in MEMORY_FORMATS)
_COMPILED = tuple(Way(layout, compiled=True) for layout in MEMORY_FORMATS)


class Place(NamedTuple):
    """Where networks are compared."""

    mode: str
    resolution: int
    batch_size: int
    precision: str = "fp32"

    @property
    def name(self) -> str:
        """As in the names of the ratios."""
        place = f"{self.mode}-{self.resolution}px-{self.batch_size}"
        return place if self.precision == "fp32" else f"{place}-{self.precision}"


class Setup(NamedTuple):
    """How networks are compared.

    Attributes:
        device: Where.
        rounds: In which each has its turn.
        ways: Of which each takes the fastest.
        steps: Of a turn, at whose end the device is waited for.
    """

    device: torch.device
    rounds: int
    ways: tuple[Way, ...]
    steps: int


def main() -> None:
    """Measure and print."""
    in_a_hurry, device = options(__doc__ or "")
    rounds = 5 if in_a_hurry else 15
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, timm {timm.__version__}, torchvision {torchvision.__version__}, one thread")
    if device.type == "cpu":
        print(f"kernels {kernels().name} {kernels().reason}, {rounds} rounds")
        setup = Setup(device, rounds, (Way("channels_last", compiled=False),), steps=1)
        places = [Place("train", 64, 32), Place("inference", 64, 32)]
        if not in_a_hurry:
            places += [Place("train", 112, 32), Place("inference", 112, 32), Place("inference", 64, 1)]
    else:
        print(f"{torch.cuda.get_device_name(device)}, {rounds} rounds")
        setup = Setup(device, rounds, _EAGER if in_a_hurry else (*_EAGER, *_COMPILED), steps=10)
        places = [Place(mode, 224, 128, "bf16") for mode in ("train", "inference")]
        if not in_a_hurry:
            places += [Place("train", 224, 128), Place("inference", 224, 128), Place("inference", 224, 1)]
    for place in places:
        compare_with_peers(place, setup)
        compare_norms(place, setup)
        compare_group_sizes(place, setup)


def compare_with_peers(place: Place, setup: Setup) -> None:
    """Print how our B0 compares with timm's and torchvision's, and fused kernels with torch's operations."""
    networks: dict[str, Callable[[], nn.Module]] = {
        "ours": functools.partial(ours, _G1),
        "timm": functools.partial(timm.create_model, "efficientnet_b0"),
        "torchvision": torchvision.models.efficientnet_b0,
    }
    on_cpu = setup.device.type == "cpu"
    if on_cpu:
        proxied = functools.partial(ours, Variant("b0", 16, 4, "ln+pn"))
        networks |= {"fused": proxied, "torch": proxied}
    works = turns(networks, place, setup)
    if on_cpu:
        works["torch"] = without_kernels(works["torch"])
    seconds = in_turns(works, setup.rounds)
    print_ratio(f"{place.name}-ours-over-timm", seconds["ours"], seconds["timm"])
    print_ratio(f"{place.name}-ours-over-torchvision", seconds["ours"], seconds["torchvision"])
    if on_cpu:
        print_ratio(f"{place.name}-fused-over-torch", seconds["fused"], seconds["torch"])


def compare_norms(place: Place, setup: Setup) -> None:
    """Print how the norms compare on the network with groups of 16."""
    networks = {norm: functools.partial(ours, Variant("b0", 16, 4, norm)) for norm in NORMS}
    seconds = in_turns(turns(networks, place, setup), setup.rounds)
    for norm in NORMS:
        if norm != "gn":
            print_ratio(f"{place.name}-{norm}-over-gn", seconds[norm], seconds["gn"])
    if place.mode == "inference":
        print_ratio(f"{place.name}-ln+pn-over-ln", seconds["ln+pn"], seconds["ln"])


def compare_group_sizes(place: Place, setup: Setup) -> None:
    """Print how group sizes compare, beside what their multiply-accumulates would have one think."""
    variants = {"g1": _G1, **{f"g{size}": Variant("b0", size, 4, "bn") for size in (4, 8, 16)}}
    networks = {name: functools.partial(ours, variant) for name, variant in variants.items()}
    seconds = in_turns(turns(networks, place, setup), setup.rounds)
    counts = {name: macs(architecture(one, 3, _CLASSES), place.resolution) for name, one in variants.items()}
    for name in variants:
        if name != "g1":
            print_ratio(f"{place.name}-{name}-over-g1", seconds[name], seconds["g1"])
            print(f"      by multiply-accumulates it would be {counts['g1'] / counts[name]:.3g}")


def ours(variant: Variant) -> nn.Module:
    """Build our network."""
    torch.manual_seed(0)
    return build(variant, 3, _CLASSES)


def turns(
    networks: Mapping[str, Callable[[], nn.Module]], place: Place, setup: Setup
) -> dict[str, Callable[[], object]]:
    """Return one turn of each network, which was run before.

    Args:
        networks: Name → what builds it.
        place: Where they are compared.
        setup: How.
    """
    if any(way.compiled for way in setup.ways):
        forget_compiled()  # those of the comparison before, as torch compiles only so many
    works = {}
    for name, network in networks.items():
        way, run = fastest(network, place, setup)
        if len(setup.ways) > 1:
            print(f"      {place.name} {name}: {way.layout}, {'' if way.compiled else 'not '}compiled", flush=True)
        works[name] = functools.partial(turn, run, setup)
    return works


def turn(run: Callable[[], object], setup: Setup) -> None:
    """Do some steps, and wait until the device has done them."""
    for _ in range(setup.steps):
        run()
    synchronize(setup.device)


def fastest(network: Callable[[], nn.Module], place: Place, setup: Setup) -> tuple[Way, Callable[[], object]]:
    """Choose the way of running a network that is the fastest here; return it and the step, which was run before."""
    steps: dict[Way, Callable[[], object]] = {}

    def build_step(_batch_size: int, way: Way) -> Callable[[], object]:
        steps[way] = step(network(), place, way, setup.device)
        return steps[way]

    if len(setup.ways) == 1:
        return setup.ways[0], build_step(place.batch_size, setup.ways[0])
    try:
        probes = fastest_way(build_step, setup.device, place.batch_size, setup.ways)
    except Exception as error:  # noqa: BLE001  # a compiler fails in ways of its own, and is optional here
        print(f"      not compiled: {f'{type(error).__name__}: {error}'.splitlines()[0]}")
        probes = fastest_way(build_step, setup.device, place.batch_size, _EAGER)
    return probes[0].way, steps[probes[0].way]


def step(model: nn.Module, place: Place, way: Way, device: torch.device) -> Callable[[], object]:
    """Return one step of a network, run twice already."""
    layout = LAYOUTS[way.layout]
    model = model.to(device, memory_format=layout)  # type: ignore[call-overload]
    shape = place.batch_size, 3, place.resolution, place.resolution
    images = torch.randn(shape).to(device).contiguous(memory_format=layout)
    run = training(model, images, place, way) if place.mode == "train" else inference(model, images, place, way)
    for _ in range(2):
        run()
    return run


def training(model: nn.Module, images: torch.Tensor, place: Place, way: Way) -> Callable[[], object]:
    """Return one update of the weights; the optimiser and its groups are the same for all."""
    labels = torch.randint(_CLASSES, (len(images),)).to(images.device)
    optimizer = RMSpropTF(parameter_groups(model, 1e-5), lr=1e-6)
    update = TrainingStep(
        as_run(model.train(), way),
        optimizer,
        device=images.device,
        precision=place.precision,
        label_smoothing=0.0,
        memory_format=LAYOUTS[way.layout],
    )
    return functools.partial(update, images, labels)


def inference(model: nn.Module, images: torch.Tensor, place: Place, way: Way) -> Callable[[], object]:
    """Return one forward pass, as inference is measured: the statistics of proxies are constants."""
    hold_constant(model.eval())
    run_model = as_run(model, way)

    @torch.inference_mode()
    def run() -> object:
        with autocast(images.device, place.precision):
            return run_model(images)

    return run


def as_run(model: nn.Module, way: Way) -> nn.Module:
    """Return a network compiled, if it is to be; as if it were the only one in this process."""
    if not way.compiled:
        return model
    compiled: nn.Module = torch.compile(model, dynamic=False, isolate_recompiles=True)  # type: ignore[assignment]
    return compiled


def without_kernels(run: Callable[[], object]) -> Callable[[], object]:
    """Return the same on torch's own operations."""

    def composed() -> object:
        with mock.patch.object(fused, "kernels", return_value=Kernels(None, "eager", "")):
            return run()

    return composed


if __name__ == "__main__":
    main()

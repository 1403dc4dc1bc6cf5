"""Do our networks run as fast as the best-known ones, and is no variant slowed down by its code?

    PLACE-ours-over-timm          EfficientNet-B0 as published (depthwise, batch norm), against timm's
    PLACE-ours-over-torchvision   the same, against torchvision's
    PLACE-NORM-over-gn            G16 with each norm, against G16 with group norm; LN+PN in inference also against LN
    PLACE-gN-over-g1              G4, G8 and G16 (expansion 4) with batch norm, against G1 (expansion 6)
    PLACE-fused-over-torch        G16-LN+PN with our fused kernels, against the same of torch's own operations

PLACE is the mode, the resolution and the batch size. A training step is forward pass, loss, backward pass and update by
RMSprop, on a batch that lies in memory; all in one process, one thread, fp32, channels last.

Run: ``python -m benchmarks.model_speed [--quick]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import timm
import torch
import torchvision
from torch import nn
from torch.nn import functional

from benchmarks.pairs import in_turns, print_ratio, quick
from workers.device import open_device
from workers.models import fused
from workers.models.efficientnet import build, parameter_groups
from workers.models.kernel_library import Kernels, kernels
from workers.models.proxy_norm import hold_constant
from workers.protocol.architecture import architecture, macs
from workers.protocol.variant import NORMS, Variant
from workers.training.rmsprop import RMSpropTF

if TYPE_CHECKING:
    from collections.abc import Callable

_CLASSES = 1000
_G1 = Variant("b0", 1, 6, "bn")


class Place(NamedTuple):
    """Where networks are compared."""

    mode: str
    resolution: int
    batch_size: int

    @property
    def name(self) -> str:
        """As in the names of the ratios."""
        return f"{self.mode}-{self.resolution}px-{self.batch_size}"


def main() -> None:
    """Measure and print."""
    in_a_hurry = quick(__doc__ or "")
    rounds = 5 if in_a_hurry else 15
    torch.set_num_threads(1)
    open_device("cpu")  # as on a slot: otherwise how much of a step is page faults depends on what ran before
    print(f"torch {torch.__version__}, timm {timm.__version__}, torchvision {torchvision.__version__}, one thread")
    print(f"kernels {kernels().name} {kernels().reason}, {rounds} rounds")
    places = [Place("train", 64, 32), Place("inference", 64, 32)]
    if not in_a_hurry:
        places += [Place("train", 112, 32), Place("inference", 112, 32), Place("inference", 64, 1)]
    for place in places:
        compare_with_peers(place, rounds)
        compare_norms(place, rounds)
        compare_group_sizes(place, rounds)


def compare_with_peers(place: Place, rounds: int) -> None:
    """Print how our B0 compares with timm's and torchvision's, and fused kernels with torch's operations."""
    proxied = Variant("b0", 16, 4, "ln+pn")
    seconds = in_turns(
        {
            "ours": step(ours(_G1), place),
            "timm": step(timm.create_model("efficientnet_b0"), place),
            "torchvision": step(torchvision.models.efficientnet_b0(), place),
            "fused": step(ours(proxied), place),
            "torch": without_kernels(step(ours(proxied), place)),
        },
        rounds,
    )
    print_ratio(f"{place.name}-ours-over-timm", seconds["ours"], seconds["timm"])
    print_ratio(f"{place.name}-ours-over-torchvision", seconds["ours"], seconds["torchvision"])
    print_ratio(f"{place.name}-fused-over-torch", seconds["fused"], seconds["torch"])


def compare_norms(place: Place, rounds: int) -> None:
    """Print how the norms compare on the network with groups of 16."""
    seconds = in_turns({norm: step(ours(Variant("b0", 16, 4, norm)), place) for norm in NORMS}, rounds)
    for norm in NORMS:
        if norm != "gn":
            print_ratio(f"{place.name}-{norm}-over-gn", seconds[norm], seconds["gn"])
    if place.mode == "inference":
        print_ratio(f"{place.name}-ln+pn-over-ln", seconds["ln+pn"], seconds["ln"])


def compare_group_sizes(place: Place, rounds: int) -> None:
    """Print how group sizes compare, beside what their multiply-accumulates would have one think."""
    variants = {"g1": _G1, **{f"g{size}": Variant("b0", size, 4, "bn") for size in (4, 8, 16)}}
    seconds = in_turns({name: step(ours(variant), place) for name, variant in variants.items()}, rounds)
    counts = {name: macs(architecture(one, 3, _CLASSES), place.resolution) for name, one in variants.items()}
    for name in variants:
        if name != "g1":
            print_ratio(f"{place.name}-{name}-over-g1", seconds[name], seconds["g1"])
            print(f"      by multiply-accumulates it would be {counts['g1'] / counts[name]:.3g}")


def ours(variant: Variant) -> nn.Module:
    """Build our network."""
    torch.manual_seed(0)
    return build(variant, 3, _CLASSES)


def step(model: nn.Module, place: Place) -> Callable[[], object]:
    """Return one step of a network, run twice already."""
    model = model.to(memory_format=torch.channels_last)
    shape = place.batch_size, 3, place.resolution, place.resolution
    images = torch.randn(shape).contiguous(memory_format=torch.channels_last)
    run = training(model.train(), images) if place.mode == "train" else inference(model.eval(), images)
    for _ in range(2):
        run()
    return run


def training(model: nn.Module, images: torch.Tensor) -> Callable[[], object]:
    """Return one update of the weights; the optimiser and its groups are the same for all."""
    labels = torch.randint(_CLASSES, (len(images),))
    optimizer = RMSpropTF(parameter_groups(model, 1e-5), lr=1e-6)

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(functional.cross_entropy(model(images), labels))
        optimizer.step()

    return run


def inference(model: nn.Module, images: torch.Tensor) -> Callable[[], object]:
    """Return one forward pass, as inference is measured: the statistics of proxies are constants."""
    hold_constant(model)

    @torch.inference_mode()
    def run() -> object:
        return model(images)

    return run


def without_kernels(run: Callable[[], object]) -> Callable[[], object]:
    """Return the same on torch's own operations."""

    def composed() -> object:
        with mock.patch.object(fused, "kernels", return_value=Kernels(None, "eager", "")):
            return run()

    return composed


if __name__ == "__main__":
    main()

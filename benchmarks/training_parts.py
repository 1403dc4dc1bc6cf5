"""Are the parts of training that are ours, where a library has one too, worth being ours?

    rmsprop-*       one update of all parameters of a network, against timm's RMSpropTF
    crop-flip-*     random resized crops and flips of a batch in memory, against torchvision's transforms image by image
    loading-*       preparing a batch of images in memory, against the step of B0 that waits for it: below 5, a slot's
                    one core would be kept from computing by its images

Run: ``python -m benchmarks.training_parts [--quick]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from timm.optim.rmsprop_tf import RMSpropTF as TimmRMSpropTF
from torchvision.transforms import v2

from benchmarks.pairs import compare, quick
from workers.data.arrays import ImageArrays
from workers.data.images import ResidentImages
from workers.data.normalisation import NORMALISATIONS
from workers.device import open_device, synchronize
from workers.measuring.workload import Way, Workload
from workers.models.efficientnet import build, parameter_groups
from workers.protocol.jobs import MeasureJob
from workers.protocol.variant import Variant
from workers.training.rmsprop import RMSpropTF

if TYPE_CHECKING:
    from collections.abc import Callable

_BATCH = 128


def main() -> None:
    """Measure and print."""
    rounds = 9 if quick(__doc__ or "") else 41
    torch.set_num_threads(1)
    device = open_device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"torch {torch.__version__}, {device.type}, one thread, {rounds} rounds")
    for name, variant in {
        "quickstart": Variant("b0", 16, 4, "ln+pn", width=0.125, small_images=True),
        "b0": Variant("b0", 16, 4, "ln+pn"),
    }.items():
        compare(f"rmsprop-{name}", update(variant, device, ours=True), update(variant, device, ours=False), rounds)
    for resolution in (20, 28):
        compare(f"crop-flip-{resolution}", crops_of_ours(resolution, device), crops_of_theirs(resolution), rounds)
    for name, channels, side in (("fashion-mnist", 1, 28), ("cifar10", 3, 32)):
        for augmentation in ("flip", "crop-flip"):
            loading = prepared(name, channels, side, augmentation, device)
            compare(f"loading-{name}-{augmentation}", loading, step_of_b0("train", channels, side, device), rounds)
        loading = prepared(name, channels, side, "none", device)
        compare(f"loading-{name}-test", loading, step_of_b0("inference", channels, side, device), rounds)


def update(variant: Variant, device: torch.device, *, ours: bool) -> Callable[[], object]:
    """Return one update of a network's parameters with gradients that stay."""
    torch.manual_seed(0)
    model = build(variant, 3, 1000).to(device)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    groups = parameter_groups(model, 1e-5)
    if ours:
        optimizer: torch.optim.Optimizer = RMSpropTF(groups, lr=1e-6)
    else:
        optimizer = TimmRMSpropTF(groups, lr=1e-6, alpha=0.9, momentum=0.9, eps=1e-3)

    def run() -> None:
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return run


def crops_of_ours(resolution: int, device: torch.device) -> Callable[[], object]:
    """Return one batch of crops as training takes them."""
    return prepared("fashion-mnist", 1, 28, "crop-flip", device, resolution)


def prepared(
    name: str, channels: int, side: int, augmentation: str, device: torch.device, resolution: int = 0
) -> Callable[[], object]:
    """Return one batch prepared as training prepares it, of images as those of a data set; at their own side if 0."""
    pixels = np.random.default_rng(0).integers(0, 256, (_BATCH, channels, side, side), np.uint8)
    arrays = ImageArrays(pixels, np.zeros(_BATCH, np.int64))
    images = ResidentImages.of(arrays, NORMALISATIONS[name], device).for_training(resolution or side, augmentation)
    random = np.random.default_rng(0)

    def run() -> None:
        for _ in images.batches([random.permutation(_BATCH)], random):
            synchronize(device)

    return run


def step_of_b0(mode: str, channels: int, side: int, device: torch.device) -> Callable[[], object]:
    """Return one step of B0 on a batch that lies on the device."""
    job = MeasureJob(
        Variant("b0", 1, 6, "bn"),
        channels,
        classes=10,
        mode=mode,
        resolution=side,
        environment_key="",
        optimizer="rmsprop",
    )
    step = Workload(job, device, Way("channels_last", compiled=False)).on_resident_batch(_BATCH)

    def run() -> None:
        step()
        synchronize(device)

    return run


def crops_of_theirs(resolution: int) -> Callable[[], object]:
    """Return the same with torchvision, which draws one crop per call."""
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (_BATCH, 1, 28, 28), np.uint8))
    normalisation = NORMALISATIONS["fashion-mnist"]
    prepare = v2.Compose(
        [
            v2.RandomResizedCrop(resolution, scale=(0.25, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(list(normalisation.mean), list(normalisation.spread)),
        ]
    )
    return lambda: torch.stack([prepare(image) for image in pixels])


if __name__ == "__main__":
    main()

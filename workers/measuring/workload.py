"""What is timed: the training step or the forward pass, on a batch that lies on the device."""

from typing import Callable, Dict

import torch

from workers.device import autocast
from workers.models.efficientnet import build
from workers.protocol.jobs import MeasureJob
from workers.training.optimizers import build_optimizer, set_learning_rate
from workers.training.step import TrainingStep

#: Name of a layout in jobs → torch's.
LAYOUTS: Dict[str, torch.memory_format] = {
    "channels_last": torch.channels_last,
    "contiguous": torch.contiguous_format,
}
_SEED = 0
#: Small enough that weights trained on noise stay finite for any number of steps, and no work is saved by it.
_LEARNING_RATE = 1e-6
_LABEL_SMOOTHING = 0.1


def build_workload(job: MeasureJob, device: torch.device, batch_size: int, layout: str) -> Callable[[], object]:
    """Return a function that does one step; the device may still be at it when the function returns.

    Mode ``train`` is the step that training uses (forward pass, loss, backward pass, update) with the recipe's
    optimiser; mode ``inference`` the forward pass in evaluation mode. Images are random, normalised, and already on
    the device: loading and augmenting images is not part of the network's throughput.

    Raises:
        ValueError: The mode is unknown.
        DeviceError: The device cannot do the precision.
    """
    torch.manual_seed(_SEED)
    model = build(job.variant, job.channels, job.classes)
    model = model.to(device, memory_format=LAYOUTS[layout])  # type: ignore[call-overload]
    images = torch.randn(batch_size, job.channels, job.resolution, job.resolution)
    images = images.to(device).contiguous(memory_format=LAYOUTS[layout])
    if job.mode == "train":
        return _training(job, device, model, images, LAYOUTS[layout])
    if job.mode == "inference":
        return _inference(job, device, model, images)
    raise ValueError(f"unknown mode {job.mode!r}: expected train or inference")


def _training(
    job: MeasureJob,
    device: torch.device,
    model: torch.nn.Module,
    images: torch.Tensor,
    memory_format: torch.memory_format,
) -> Callable[[], object]:
    optimizer = build_optimizer(model, job.optimizer or "rmsprop")
    set_learning_rate(optimizer, _LEARNING_RATE)
    labels = torch.randint(job.classes, (len(images),)).to(device)
    step = TrainingStep(
        model.train(),
        optimizer,
        device=device,
        precision=job.precision,
        label_smoothing=_LABEL_SMOOTHING,
        memory_format=memory_format,
    )
    return lambda: step(images, labels)


def _inference(
    job: MeasureJob, device: torch.device, model: torch.nn.Module, images: torch.Tensor
) -> Callable[[], object]:
    model.eval()

    @torch.inference_mode()
    def classify() -> object:
        with autocast(device, job.precision):
            return model(images)

    return classify

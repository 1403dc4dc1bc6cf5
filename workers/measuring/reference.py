"""A small fixed network whose throughput tells how fast the machine is at the moment.

Timed before, between and after a round's blocks, it shows a machine whose speed changed meanwhile; and it relates
blocks of different times to each other. It is written in torch's own layers and is never changed, so that it stays the
same network when ours get faster.
"""

import statistics

import torch
from torch import nn
from torch.nn import functional

from workers.measuring.timing import time_each, warm_up

#: One reading, short beside a block. Longer ones tell no more of a block: 0.1 s before and after it explained as much
#: of its speed as 0.25 s did, on a virtual machine whose speed changes within seconds.
_SECONDS = 0.1
_LEAST_PASSES, _MOST_PASSES = 3, 1000
_SIDE = 32
#: A GPU needs more images to be busy with them rather than with starting kernels.
_BATCH = {"cpu": 32, "cuda": 512}
_CHANNELS, _EXPANDED, _GROUP, _CLASSES = 24, 96, 16, 10


class ReferenceNetwork:
    """The network with a batch on a device.

    Its forward and backward pass has what the measured networks spend their time on: convolutions of one and of three
    pixels, grouped ones among them, and activations that do not fit into a core's own cache.

    Args:
        device: Where.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._batch_size = _BATCH[device.type]
        network = nn.Sequential(
            nn.Conv2d(3, _CHANNELS, 3, stride=2, padding=1), nn.SiLU(), _bottleneck(), _bottleneck()
        )
        self._network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._classifier = nn.Linear(_CHANNELS, _CLASSES).to(device)
        images = torch.randn(self._batch_size, 3, _SIDE, _SIDE).to(device)
        self._images = images.contiguous(memory_format=torch.channels_last)
        self._labels = torch.arange(self._batch_size, device=device) % _CLASSES
        warm_up(self._step, device, 0.0)

    def images_per_second(self) -> float:
        """Time it for a moment."""
        self._step()  # brings it back into the caches
        seconds = time_each(self._step, self._device, _SECONDS, least=_LEAST_PASSES, most=_MOST_PASSES)
        return self._batch_size / statistics.median(seconds)

    def _step(self) -> None:
        features = self._network(self._images).mean((2, 3))
        torch.autograd.backward(functional.cross_entropy(self._classifier(features), self._labels))


def _bottleneck() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(_CHANNELS, _EXPANDED, 1, bias=False),
        nn.GroupNorm(4, _EXPANDED),
        nn.SiLU(),
        nn.Conv2d(_EXPANDED, _EXPANDED, 3, padding=1, groups=_EXPANDED // _GROUP, bias=False),
        nn.GroupNorm(4, _EXPANDED),
        nn.SiLU(),
        nn.Conv2d(_EXPANDED, _CHANNELS, 1, bias=False),
    )

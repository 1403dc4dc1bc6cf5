"""Small models and trainings that the stand-in's own tests share."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Net(nn.Module):
    """A convolution, a norm and a classifier of 5 classes over 3 × 8 × 8 images."""

    def __init__(self, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = norm or nn.GroupNorm(2, 8)
        self.head = nn.Linear(8, 5)

    def forward(self, images):
        return self.head(functional.silu(self.norm(self.conv(images))).mean((2, 3)))


class WithLoss(nn.Module):
    """A model with its loss, as training on IPUs wants it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images, targets):
        return functional.cross_entropy(self.model(images).float(), targets)


class Does(nn.Module):
    """A model whose forward pass is a given function of itself and its input."""

    def __init__(self, function, **buffers) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))
        for name, value in buffers.items():
            self.register_buffer(name, value)
        self._function = function

    def forward(self, x, *rest):
        return self._function(self, x, *rest)


def batch(images: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(images, 3, 8, 8, generator=generator), torch.randint(0, 5, (images,), generator=generator)


def net(seed: int = 0, norm: nn.Module | None = None) -> Net:
    torch.manual_seed(seed)
    return Net(norm)

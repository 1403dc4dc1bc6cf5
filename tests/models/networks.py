"""Networks for tests."""

import torch

from workers.models.efficientnet import build
from workers.protocol.variant import Variant

#: Group size and expansion.
G1, G16 = (1, 6), (16, 4)


def small(norm="ln+pn", pair=G16, **settings):
    """A tiny network whose parameters are away from their special initial values."""
    model = build(Variant("b0", *pair, norm, width=0.25, small_images=True), 1, 10, **settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model

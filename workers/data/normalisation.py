"""The fixed mean and spread of each data set's pixels."""

from dataclasses import dataclass
from typing import Dict, Tuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class Normalisation:
    """Brings pixels to about mean 0 and spread 1.

    Attributes:
        mean: Of each channel, 0 to 1 of full brightness.
        spread: Standard deviation of each channel, likewise.
    """

    mean: Tuple[float, ...]
    spread: Tuple[float, ...]

    def apply(self, pixels: Tensor) -> Tensor:
        """Return bytes, batch × channels × height × width, as normalised float32."""
        mean = torch.tensor(self.mean, device=pixels.device)[:, None, None]
        spread = torch.tensor(self.spread, device=pixels.device)[:, None, None]
        return pixels.to(torch.float32).sub_(mean * 255.0).div_(spread * 255.0)


#: Of the training images; that of ``image-folder`` is ImageNet's.
NORMALISATIONS: Dict[str, Normalisation] = {
    "fashion-mnist": Normalisation((0.2860,), (0.3530,)),
    "cifar10": Normalisation((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": Normalisation((0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)),
    "shapes": Normalisation((0.2526,), (0.2202,)),
    "image-folder": Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}

"""Which network: the axes that tell one EfficientNet variant from another.

Plain data, shared by the orchestrator (which plans) and the workers (which build and train), so no torch here.

Source:
    "Making EfficientNet More Efficient", arXiv 2106.03640, section 3, and the configurations published with it.
"""

import math
from dataclasses import dataclass
from typing import Dict, Tuple

#: Normalisations, by the name used in sweep files: batch norm, group norm (4 groups), layer norm (1 group over
#: channels, height and width of one image), and the last two followed by proxy-normalised activations.
NORMS: Tuple[str, ...] = ("bn", "gn", "ln", "gn+pn", "ln+pn")

#: Size → (width coefficient, depth coefficient, dropout before the classifier). EfficientNet, arXiv 1905.11946.
SIZES: Dict[str, Tuple[float, float, float]] = {
    "b0": (1.0, 1.0, 0.2),
    "b1": (1.0, 1.1, 0.2),
    "b2": (1.1, 1.2, 0.3),
    "b3": (1.2, 1.4, 0.3),
    "b4": (1.4, 1.8, 0.4),
    "b5": (1.6, 2.2, 0.4),
    "b6": (1.8, 2.6, 0.5),
    "b7": (2.0, 3.1, 0.5),
}

#: Size → native resolution in pixels (arXiv 1905.11946).
NATIVE_RESOLUTION: Dict[str, int] = {
    "b0": 224,
    "b1": 240,
    "b2": 260,
    "b3": 300,
    "b4": 380,
    "b5": 456,
    "b6": 528,
    "b7": 600,
}

#: Size → the resolution with about half the pixels that the paper trains at (arXiv 2106.03640, published
#: configurations). Each agrees with the native one modulo 32, so that both sample the image alike.
HALF_RESOLUTION: Dict[str, int] = {"b0": 160, "b1": 176, "b2": 196, "b3": 204, "b4": 252, "b5": 328}

#: Group size → expansion of the blocks after the first, where the sweep file says ``expansion: auto``.
#: The paper's two pairs: depthwise with 6, groups of 16 channels with 4.
AUTO_EXPANSION: Dict[int, int] = {1: 6, 16: 4}


class ImpossibleVariantError(ValueError):
    """A variant that cannot be built; the message says which layer refuses and what to change."""


@dataclass(frozen=True)
class Variant:
    """One architecture, without the number of image channels and classes (those come from the data set).

    Attributes:
        size: One of ``SIZES``.
        group_size: Channels per group of the spatial convolution; 1 is depthwise.
        expansion: Width of a block's inside over its input, in every block after the first stage.
        norm: One of ``NORMS``.
        width: Extra factor on the size's width coefficient (1.0 is the published network).
        small_images: Stride 1 instead of 2 in the stem and in stage 2, for images of about 32 pixels.
    """

    size: str
    group_size: int
    expansion: int
    norm: str
    width: float = 1.0
    small_images: bool = False

    @property
    def label(self) -> str:
        """Short name for people, e.g. ``b0×0.25 G16 e4 ln+pn``."""
        width = "" if self.width == 1.0 else f"×{self.width:g}"
        return f"{self.size}{width} G{self.group_size} e{self.expansion} {self.norm}"


def native_resolution(variant: Variant, image_side: int) -> int:
    """Resolution in pixels that the network was designed for.

    Args:
        variant: The network.
        image_side: Side of the data set's own images in pixels; it decides for ``small_images`` networks, whose
            strides were changed to suit the images, and is not looked at for the others.
    """
    return image_side if variant.small_images else NATIVE_RESOLUTION[variant.size]


def half_resolution(variant: Variant, image_side: int) -> int:
    """Resolution in pixels with about half the pixels of the native one.

    The paper's own value where it gives one; else the native side over the square root of two, taken to the
    nearest value that agrees with the native side modulo the network's total stride (32, or 8 for
    ``small_images``), as the paper's values do.
    """
    native = native_resolution(variant, image_side)
    if not variant.small_images and variant.size in HALF_RESOLUTION:
        return HALF_RESOLUTION[variant.size]
    stride = 8 if variant.small_images else 32
    steps = max(0, math.floor((native - native / math.sqrt(2.0)) / stride + 0.5))
    return native - steps * stride

"""The drawn data set ``shapes``: for machines that can fetch nothing, and for tests that need a known content.

Eight classes of 48 × 48 grey images: disc, square, triangle or plus, each either whole or with a fine groove cut
along the inside of its edge. The four figures can be told apart at any resolution; the groove is about one pixel
wide and fades when the image shrinks, so that accuracy rises with resolution as it does on photographs.
"""

from typing import Any, Callable, Dict, Tuple

import numpy as np
from numpy.typing import NDArray

from workers.data.arrays import ImageArrays, Int64Array
from workers.protocol.datasets import NAMED
from workers.seeds import generator

Array = NDArray[np.float32]

_SIDE = NAMED["shapes"].image_side
_NOISE_SIDE = 256
_CHUNK = 2048
#: Distance of the groove from the edge and half its width, in pixels.
_GROOVE_DEPTH, _GROOVE_HALF_WIDTH = 2.6, 0.7
#: Classes 0-3 are whole, 4-7 the same figures with a groove.
_FIGURES = ("disc", "square", "triangle", "plus")


def draw_shapes(split: str, chosen: Callable[[Int64Array], Int64Array]) -> ImageArrays:
    """Draw one split.

    Each image depends on its number alone, so a subset costs only its own images and equals the same images of the
    whole set, bit for bit on every machine: cosines, which libraries round differently, are rounded before use, and
    all other arithmetic is rounded alike everywhere.

    Args:
        split: ``train`` or ``test``.
        chosen: From the labels of all images to the numbers of those to draw.
    """
    count = NAMED["shapes"].train_images if split == "train" else NAMED["shapes"].test_images
    parameters = _parameters(count, split)
    numbers = chosen(parameters["label"])
    parameters = {name: values[numbers] for name, values in parameters.items()}
    noise = generator(0, "shapes noise").integers(-28, 29, (_NOISE_SIDE, _NOISE_SIDE), dtype=np.int16)
    images = np.empty((len(numbers), 1, _SIDE, _SIDE), np.uint8)
    for start in range(0, len(numbers), _CHUNK):
        part = {name: values[start : start + _CHUNK] for name, values in parameters.items()}
        images[start : start + _CHUNK, 0] = _draw(part, noise)
    return ImageArrays(images, parameters["label"])


def _parameters(count: int, split: str) -> Dict[str, Any]:
    random = generator(0, f"shapes {split}")
    angle = random.random(count) * 2.0 * np.pi
    return {
        "label": random.permutation(np.arange(count, dtype=np.int64) % (2 * len(_FIGURES))),
        "cosine": _rounded(np.cos(angle)),
        "sine": _rounded(np.sin(angle)),
        "radius": _rounded(9.0 + 8.0 * random.random(count)),
        "column": _rounded(18.0 + 12.0 * random.random(count)),
        "row": _rounded(18.0 + 12.0 * random.random(count)),
        "ink": _rounded(110.0 + 100.0 * random.random(count)),
        "paper": _rounded(20.0 + 40.0 * random.random(count)),
        "noise": random.integers(0, _NOISE_SIDE - _SIDE + 1, (count, 2)),
    }


def _rounded(values: Any) -> Array:
    return (np.round(np.asarray(values) * 1024.0) / 1024.0).astype(np.float32)


def _draw(part: Dict[str, Any], noise: Any) -> Any:
    """Return the images, number × side × side, uint8."""
    x, y = _coordinates(part)
    radius = part["radius"][:, np.newaxis, np.newaxis]
    figure = part["label"][:, np.newaxis, np.newaxis] % len(_FIGURES)
    distance = np.choose(figure, [_disc(x, y, radius), *_polygons(x, y, radius)])
    ink = np.clip(0.5 - distance, 0.0, 1.0)
    grooved = part["label"][:, np.newaxis, np.newaxis] >= len(_FIGURES)
    groove = np.clip(_GROOVE_HALF_WIDTH + 0.5 - np.abs(distance + _GROOVE_DEPTH), 0.0, 1.0)
    ink = ink * np.where(grooved, 1.0 - groove, 1.0).astype(np.float32)
    paper = part["paper"][:, np.newaxis, np.newaxis]
    grey = paper + ink * (part["ink"][:, np.newaxis, np.newaxis] - paper * np.float32(0.5))
    rows = part["noise"][:, 0, np.newaxis, np.newaxis] + np.arange(_SIDE)[:, np.newaxis]
    columns = part["noise"][:, 1, np.newaxis, np.newaxis] + np.arange(_SIDE)
    return np.clip(np.floor(grey) + noise[rows, columns], 0, 255).astype(np.uint8)


def _coordinates(part: Dict[str, Any]) -> Tuple[Array, Array]:
    """Return each pixel's place in the figure's own turned system, number × side × side, pixels."""
    line = np.arange(_SIDE, dtype=np.float32)
    right = line[np.newaxis, np.newaxis, :] - part["column"][:, np.newaxis, np.newaxis]
    down = line[np.newaxis, :, np.newaxis] - part["row"][:, np.newaxis, np.newaxis]
    cosine, sine = part["cosine"][:, np.newaxis, np.newaxis], part["sine"][:, np.newaxis, np.newaxis]
    return right * cosine + down * sine, down * cosine - right * sine


# Signed distances to the edge in pixels, negative inside; each figure has about the area of the others.


def _disc(x: Array, y: Array, radius: Array) -> Array:
    distance: Array = np.sqrt(x * x + y * y) - np.float32(0.9) * radius
    return distance


def _polygons(x: Array, y: Array, radius: Array) -> Tuple[Array, Array, Array]:
    across, along = np.abs(x), np.abs(y)
    square = np.maximum(across, along) - np.float32(0.8) * radius
    slope = across * np.float32(0.8660254) + y * np.float32(0.5)
    triangle = np.maximum(slope, -y) - np.float32(0.7) * radius
    arm, half = radius * np.float32(1.05), radius * np.float32(0.42)
    plus = np.minimum(np.maximum(across - arm, along - half), np.maximum(across - half, along - arm))
    return square, triangle, plus

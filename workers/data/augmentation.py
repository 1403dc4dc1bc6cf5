"""Random crops, one draw per image, vectorised."""

import numpy as np

from workers.data.arrays import Int64Array

#: Tries to find a box inside the image, before the whole image is taken (torchvision's number).
_TRIES = 10
_ASPECT = (3.0 / 4.0, 4.0 / 3.0)


def random_boxes(
    random: np.random.Generator, heights: Int64Array, widths: Int64Array, smallest_area: float
) -> Int64Array:
    """Draw one box inside each image, as random resized cropping does.

    Area uniform between ``smallest_area`` and 1 of the image, aspect ratio log-uniform between 3/4 and 4/3, place
    uniform.

    Args:
        random: Where the numbers come from.
        heights: Of each image, pixels.
        widths: Of each image, pixels.
        smallest_area: Fraction of the image.

    Returns:
        Images × 4: top, left, height, width, in pixels.

    Source:
        Szegedy et al., arXiv 1409.4842; arXiv 2106.03640 trains with areas from 0.05 on ImageNet, in boxes that also
        cover a tenth of an annotated object, which needs annotations that few data sets have.
    """
    count = len(heights)
    area = random.uniform(smallest_area, 1.0, (_TRIES, count)) * heights * widths
    aspect = np.exp(random.uniform(np.log(_ASPECT[0]), np.log(_ASPECT[1]), (_TRIES, count)))
    place = random.random((2, count))
    tried_widths = np.rint(np.sqrt(area * aspect)).astype(np.int64)
    tried_heights = np.rint(np.sqrt(area / aspect)).astype(np.int64)
    fits = (tried_widths >= 1) & (tried_widths <= widths) & (tried_heights >= 1) & (tried_heights <= heights)
    first = fits.argmax(0), np.arange(count)
    height = np.where(fits.any(0), tried_heights[first], heights)
    width = np.where(fits.any(0), tried_widths[first], widths)
    top = np.floor(place[0] * (heights - height + 1)).astype(np.int64)
    left = np.floor(place[1] * (widths - width + 1)).astype(np.int64)
    return np.stack([top, left, height, width], axis=1)

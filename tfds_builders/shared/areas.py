"""Reduction of images by averaging areas, exact at every ratio of sizes."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image
from scipy import sparse

_STRIP = 1 << 22  # values that are reduced at a time, since this takes eight times their memory


def average_areas(image: Image.Image, edge: int) -> np.ndarray:
    """Reduces a square image to uint8 [edge, edge, C] by averaging areas; an image of that size stays as it is.

    A pixel of the result is the mean of the area that it covers: pixels on its border count by the share that is
    inside. Pillow's BOX counts these wholly or not at all, so it is used where the ratio of the sizes is an integer.

    Args:
        image: Image in Pillow's mode L or RGB, at least edge x edge pixels.
        edge: Height and width of the result in pixels.
    """
    side = image.width
    if side % edge == 0:
        return np.asarray(image.resize((edge, edge), Image.Resampling.BOX)).reshape(edge, edge, -1)
    pixels, channels, shares = np.asarray(image).reshape(side, -1), len(image.getbands()), _shares(side, edge)
    lower = np.empty([edge, pixels.shape[1]])
    step = max(1, _STRIP // side)
    for strip in (slice(start, start + step) for start in range(0, len(lower[0]), step)):
        lower[:, strip] = shares @ pixels[:, strip]
    columns = lower.reshape(edge, side, channels).transpose(1, 0, 2).reshape(side, -1)
    total = (shares @ columns).astype(np.int64).reshape(edge, edge, channels).transpose(1, 0, 2)
    return ((2 * total + side**2) // (2 * side**2)).astype(np.uint8)  # rounded


@functools.lru_cache(64)
def _shares(count: int, edge: int) -> sparse.csr_array:
    """Returns the share of pixel i in area j, in 1/edge pixels, as a matrix [edge, count] of integers."""
    j = np.arange(edge)[:, None]
    i = j * count // edge + np.arange(-(-count // edge) + 1)  # the pixels of each area, and some beyond its end
    share = np.minimum((i + 1) * edge, (j + 1) * count) - np.maximum(i * edge, j * count)
    kept = share > 0
    return sparse.csr_array((share[kept].astype(np.float64), (j.repeat(i.shape[1], 1)[kept], i[kept])), (edge, count))

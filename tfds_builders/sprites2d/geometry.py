"""Squares, ellipses and hearts with smooth edges, in NumPy.

Lengths are in canvas units: the image is 64 units wide and high at any resolution. (x, y) points right and down from
the top left corner; (u, v) is the frame of the sprite, u to the right and v up, with its centroid at (0, 0).

The brightness of a pixel is the share of it that the sprite covers. Coverage is computed on cells, 8 per unit: the
sprite is turned into a mask of cells once, and an image is `rows @ mask @ columns.T`, where the two matrices hold the
share of each pixel's side that each cell overlaps. A sprite can thus be anywhere, not only on whole pixels, and all of
its 1,024 positions take two matrix products.
"""

from __future__ import annotations

import math

import numpy as np

CANVAS = 64.0
SHAPES = ("square", "ellipse", "heart")
AREA = 400.0  # area of every shape at scale 1, so that area depends on scale alone
REACH = 15.0  # largest distance of a sprite's points from its centroid at scale 1
MARGIN = 16.0  # smallest distance of a centroid from the canvas edge: REACH plus one unit

_CELLS = 8  # cells per unit of length
_SAMPLES = 4  # samples along each side of a cell
_SEMI_MAJOR = 15.0  # The ellipse's semi-axes are _SEMI_MAJOR and AREA / (pi * _SEMI_MAJOR).
# The heart is a square standing on its corner with a half disc on each upper side, so its area is
# side**2 * (1 + pi / 4). Its centroid is _RISE above the square's centre.
_SIDE = math.sqrt(AREA / (1 + math.pi / 4))
_RISE = _SIDE * math.sqrt(0.5) * (math.pi / 4) * (0.5 + 2 / (3 * math.pi)) / (1 + math.pi / 4)


def contains(shape: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Returns True for the points (u, v) inside the unrotated shape of scale 1.

    Raises:
        ValueError: if the shape is unknown.
    """
    if shape == "square":
        half = math.sqrt(AREA) / 2
        return (np.abs(u) <= half) & (np.abs(v) <= half)
    if shape == "ellipse":
        return (u / _SEMI_MAJOR) ** 2 + (v * math.pi * _SEMI_MAJOR / AREA) ** 2 <= 1
    if shape == "heart":
        across, up = np.abs(u), v + _RISE
        middle = _SIDE * math.sqrt(0.125)  # both coordinates of the middle of the upper right side
        disc = (across - middle) ** 2 + (up - middle) ** 2 <= (_SIDE / 2) ** 2
        return disc | (across + np.abs(up) <= 2 * middle)
    raise ValueError(f"shape: expected one of {SHAPES}. Received: {shape!r}.")


def mask(shape: str, scale: float, angle: float) -> np.ndarray:
    """Returns the share of each cell that the sprite covers: float32 [F, F], rows from the top, centroid in the middle.

    Args:
        shape: One of SHAPES.
        scale: Scale of its lengths, above 0 and at most 1.
        angle: Counter-clockwise rotation in radians.
    """
    count = 2 * math.ceil(REACH) * _CELLS * _SAMPLES
    x = (np.arange(count, dtype=np.float32) + 0.5) / (_CELLS * _SAMPLES) - count / (2 * _CELLS * _SAMPLES)
    right, up = x[None, :], -x[:, None]
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    inside = contains(shape, cos * right + sin * up, cos * up - sin * right)
    cells = count // _SAMPLES
    return inside.reshape(cells, _SAMPLES, cells, _SAMPLES).mean(axis=(1, 3), dtype=np.float32)


def overlaps(centres: np.ndarray, resolution: int) -> np.ndarray:
    """Computes the share of each pixel's side that each cell of a mask overlaps: float32 [n * resolution, F].

    Args:
        centres: One coordinate of the sprite's centroid in canvas units, [n].
        resolution: Height and width of the image in pixels.
    """
    cells = 2 * math.ceil(REACH) * _CELLS
    start = (np.arange(cells) / _CELLS - math.ceil(REACH))[None, None, :] + centres[:, None, None]
    pixel = CANVAS / resolution
    low = (np.arange(resolution) * pixel)[None, :, None]
    shared = np.minimum(start + 1 / _CELLS, low + pixel) - np.maximum(start, low)
    return (np.maximum(shared, 0) / pixel).reshape(-1, cells).astype(np.float32)


def draw(shape: str, scale: float, angle: float, xs: np.ndarray, ys: np.ndarray, resolution: int) -> np.ndarray:
    """Draws one sprite at every position of a grid.

    Args:
        shape: One of SHAPES.
        scale: Scale of its lengths, above 0 and at most 1.
        angle: Counter-clockwise rotation in radians.
        xs: Distances of the centroid from the left in canvas units, [n].
        ys: Distances of the centroid from the top, [m].
        resolution: Height and width R of the images in pixels.

    Returns:
        Images uint8 [n, m, R, R], 0 black and 255 white.
    """
    places = overlaps(ys, resolution) @ mask(shape, scale, angle) @ overlaps(xs, resolution).T
    places = places.reshape(len(ys), resolution, len(xs), resolution)
    return np.rint(255 * np.minimum(places, 1)).astype(np.uint8).transpose(2, 0, 1, 3)

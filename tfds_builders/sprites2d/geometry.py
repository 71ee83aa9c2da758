"""Squares, ellipses and hearts with smooth edges, in NumPy.

Lengths are in canvas units: the picture is 64 units wide and high, whatever its resolution. (x, y) runs to the right
and down from the top left corner; (u, v) is the frame of the sprite, u to the right and v up, its centroid at (0, 0).

A pixel is as bright as the share of it that the sprite covers. Coverage is computed on cells, 8 to a unit: the sprite
becomes a mask of cells once, and a picture is `rows @ mask @ columns.T`, where the two matrices hold how much of each
pixel's side each cell overlaps. So a sprite may stand anywhere, not just on whole pixels, and its 1,024 places cost two
products of matrices.
"""

from __future__ import annotations

import math

import numpy as np

CANVAS = 64.0
SHAPES = ("square", "ellipse", "heart")
AREA = 400.0  # Of every shape at scale 1, so that size tells nothing about shape, nor shape about size.
REACH = 15.0  # No point of a sprite of scale 1 is farther from its centroid.
NEAREST = 16.0  # Of a centroid to an edge of the canvas: REACH and a unit of air.

_CELLS = 8  # To a unit.
_SAMPLES = 4  # Along either side of a cell.
_LONG = 15.0  # The ellipse's half axes are _LONG and AREA / (pi * _LONG).
# The heart is a square that stands on its corner, and a half disc on either upper side, so its area is
# side**2 * (1 + pi / 4). Its centroid lies above the square's centre.
_SIDE = math.sqrt(AREA / (1 + math.pi / 4))
_RISE = _SIDE * math.sqrt(0.5) * (math.pi / 4) * (0.5 + 2 / (3 * math.pi)) / (1 + math.pi / 4)


def contains(shape: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Which of the points (u, v) lie in the shape of scale 1 that is not turned.

    Raises:
        ValueError: if there is no such shape.
    """
    if shape == "square":
        half = math.sqrt(AREA) / 2
        return (np.abs(u) <= half) & (np.abs(v) <= half)
    if shape == "ellipse":
        return (u / _LONG) ** 2 + (v * math.pi * _LONG / AREA) ** 2 <= 1
    if shape == "heart":
        across, up = np.abs(u), v + _RISE
        middle = _SIDE * math.sqrt(0.125)  # Of the right upper side, in both coordinates.
        disc = (across - middle) ** 2 + (up - middle) ** 2 <= (_SIDE / 2) ** 2
        return disc | (across + np.abs(up) <= 2 * middle)
    raise ValueError(f"shape: expected one of {SHAPES}. Received: {shape!r}.")


def mask(shape: str, scale: float, angle: float) -> np.ndarray:
    """Share of every cell that the sprite covers: float32 [F, F], row by row from the top, its centroid in the middle.

    Args:
        shape: one of SHAPES.
        scale: of lengths, above 0 and at most 1.
        angle: in radians, counter-clockwise.
    """
    count = 2 * math.ceil(REACH) * _CELLS * _SAMPLES
    x = (np.arange(count, dtype=np.float32) + 0.5) / (_CELLS * _SAMPLES) - count / (2 * _CELLS * _SAMPLES)
    right, up = x[None, :], -x[:, None]
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    inside = contains(shape, cos * right + sin * up, cos * up - sin * right)
    cells = count // _SAMPLES
    return inside.reshape(cells, _SAMPLES, cells, _SAMPLES).mean(axis=(1, 3), dtype=np.float32)


def overlaps(centres: np.ndarray, resolution: int) -> np.ndarray:
    """How much of each pixel's side each cell of a mask overlaps: float32 [n * resolution, F].

    Args:
        centres: [n], one coordinate of the sprite's centroid, in canvas units.
        resolution: pixels along a side of the picture.
    """
    cells = 2 * math.ceil(REACH) * _CELLS
    start = (np.arange(cells) / _CELLS - math.ceil(REACH))[None, None, :] + centres[:, None, None]
    pixel = CANVAS / resolution
    low = (np.arange(resolution) * pixel)[None, :, None]
    shared = np.minimum(start + 1 / _CELLS, low + pixel) - np.maximum(start, low)
    return (np.maximum(shared, 0) / pixel).reshape(-1, cells).astype(np.float32)


def draw(shape: str, scale: float, angle: float, xs: np.ndarray, ys: np.ndarray, resolution: int) -> np.ndarray:
    """One sprite at every place of a grid.

    Args:
        shape: one of SHAPES.
        scale: of lengths, above 0 and at most 1.
        angle: in radians, counter-clockwise.
        xs: [n], where its centroid is, from the left, in canvas units.
        ys: [m], the same from the top.
        resolution: R, edge of the pictures in pixels.

    Returns:
        uint8 [n, m, R, R], 0 black and 255 white.
    """
    places = overlaps(ys, resolution) @ mask(shape, scale, angle) @ overlaps(xs, resolution).T
    places = places.reshape(len(ys), resolution, len(xs), resolution)
    return np.rint(255 * np.minimum(places, 1)).astype(np.uint8).transpose(2, 0, 1, 3)

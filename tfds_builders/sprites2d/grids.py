"""Factors of sprites2d: their numbers of values and the meaning of each value on the canvas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from tfds_builders.shared.grids import Grid
from tfds_builders.shared.png import encode_png
from tfds_builders.shared.processes import map_jobs

from . import geometry

# Most significant first. The order is that of dSprites, as are the sizes of `full`.
FACTORS = ("shape", "scale", "orientation", "position_x", "position_y")
GRIDS = {
    "full": Grid(dict(zip(FACTORS, (3, 6, 40, 32, 32), strict=True))),
    "demo": Grid(dict(zip(FACTORS, (3, 4, 10, 8, 8), strict=True))),
}

_Job = tuple[int, int, int, Grid, Grid, int]


def scales(count: int) -> np.ndarray:
    """Returns `count` sprite lengths in ascending order, relative to the largest."""
    return np.linspace(0.5, 1, count)


def angles(count: int) -> np.ndarray:
    """Returns `count` counter-clockwise rotations in radians, for an even `count`.

    The circle is divided into count + 1 parts, so that the last rotation differs from the first. That number is odd, so
    no two rotations differ by a quarter or half circle, which would show the same image of a square.
    """
    return np.arange(count) * 2 * math.pi / (count + 1)


def places(count: int) -> np.ndarray:
    """Returns `count` positions of the centroid along x or y in canvas units, most of them not on whole pixels."""
    return np.linspace(geometry.MARGIN, geometry.CANVAS - geometry.MARGIN, count)


def draw(grid: Grid, resolution: int, values: Mapping[str, int]) -> np.ndarray:
    """Draws one image, uint8 [resolution, resolution, 1]. `draw_all` is much faster for many."""
    factors = grid.factors
    place = {name: places(factors[name])[[values[name]]] for name in ("position_x", "position_y")}
    return geometry.draw(
        geometry.SHAPES[values["shape"]],
        scales(factors["scale"])[values["scale"]],
        angles(factors["orientation"])[values["orientation"]],
        place["position_x"],
        place["position_y"],
        resolution,
    )[0, 0, :, :, None]


def draw_all(
    grid: Grid, resolution: int, first: Mapping[str, int] | None = None, processes: int | None = None
) -> Iterator[tuple[dict[str, int], bytes]]:
    """Yields (factor values, PNG file) of every image in index order, drawn by several processes.

    Args:
        grid: One of GRIDS.
        resolution: Height and width of the images in pixels.
        first: Factor name -> number of its first values to draw; all values of the other factors.
        processes: Number of processes; None for one per core.

    Raises:
        RuntimeError: if a process dies.
        ValueError: if `first` has an unknown factor or a number out of range.
    """
    part = grid.part(first or {})
    shapes, sizes, turns, columns, rows = (range(part.factors[name]) for name in FACTORS)
    jobs: list[_Job] = [(*values, grid, part, resolution) for values in itertools.product(shapes, sizes, turns)]
    for values, images in zip(jobs, map_jobs(_draw, jobs, "sprites2d", "sprite", processes), strict=True):
        for place, image in zip(itertools.product(columns, rows), images, strict=True):
            yield dict(zip(FACTORS, (*values[:3], *place), strict=True)), image


def _draw(job: _Job) -> list[bytes]:
    """Returns the PNG files of one sprite at all its positions, y changing fastest."""
    shape, scale, orientation, grid, part, resolution = job
    images = geometry.draw(
        geometry.SHAPES[shape],
        scales(grid.factors["scale"])[scale],
        angles(grid.factors["orientation"])[orientation],
        places(grid.factors["position_x"])[: part.factors["position_x"]],
        places(grid.factors["position_y"])[: part.factors["position_y"]],
        resolution,
    )
    return [encode_png(np.ascontiguousarray(image)[:, :, None]) for column in images for image in column]

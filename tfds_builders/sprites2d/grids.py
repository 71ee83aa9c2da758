"""The factors: how many values each has, and what a value means on the canvas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from tfds_builders.shared.grids import Grid
from tfds_builders.shared.png import encode_png
from tfds_builders.shared.processes import map_jobs

from . import geometry

# Most significant first; the order, and the sizes of `full`, are dSprites'.
FACTORS = ("shape", "scale", "orientation", "position_x", "position_y")
GRIDS = {
    "full": Grid(dict(zip(FACTORS, (3, 6, 40, 32, 32), strict=True))),
    "demo": Grid(dict(zip(FACTORS, (3, 4, 10, 8, 8), strict=True))),
}

_Job = tuple[int, int, int, Grid, Grid, int]


def scales(count: int) -> np.ndarray:
    """Lengths of the sprites relative to the largest, small to large."""
    return np.linspace(0.5, 1, count)


def angles(count: int) -> np.ndarray:
    """Turns in radians, counter-clockwise, an even `count` of them.

    The circle is cut into one more part than there are values. That number is odd, so that no turn is a quarter or
    half circle from another, which would be the same picture of a square; and the last turn is not the first again.
    """
    return np.arange(count) * 2 * math.pi / (count + 1)


def places(count: int) -> np.ndarray:
    """Where the centroid may be along x or y, in canvas units; mostly not on whole pixels."""
    return np.linspace(geometry.NEAREST, geometry.CANVAS - geometry.NEAREST, count)


def draw(grid: Grid, resolution: int, values: Mapping[str, int]) -> np.ndarray:
    """One picture, uint8 [resolution, resolution, 1]; `draw_all` is far quicker for many."""
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
    """Yields (values, PNG file) of every picture, in the order of their numbers, drawn by several processes.

    Args:
        grid: one of GRIDS.
        resolution: edge of the pictures in pixels.
        first: only the first values of some factors (name -> how many).
        processes: how many; None for one a core.

    Raises:
        RuntimeError: if one of them dies.
        ValueError: if `first` names no factor, or too many values.
    """
    part = grid.part(first or {})
    shapes, sizes, turns, columns, rows = (range(part.factors[name]) for name in FACTORS)
    jobs: list[_Job] = [(*values, grid, part, resolution) for values in itertools.product(shapes, sizes, turns)]
    for values, pictures in zip(jobs, map_jobs(_draw, jobs, "sprites2d", "sprite", processes), strict=True):
        for place, picture in zip(itertools.product(columns, rows), pictures, strict=True):
            yield dict(zip(FACTORS, (*values[:3], *place), strict=True)), picture


def _draw(job: _Job) -> list[bytes]:
    """PNG files of one sprite at all its places, y changing fastest."""
    shape, scale, orientation, grid, part, resolution = job
    pictures = geometry.draw(
        geometry.SHAPES[shape],
        scales(grid.factors["scale"])[scale],
        angles(grid.factors["orientation"])[orientation],
        places(grid.factors["position_x"])[: part.factors["position_x"]],
        places(grid.factors["position_y"])[: part.factors["position_y"]],
        resolution,
    )
    return [encode_png(np.ascontiguousarray(picture)[:, :, None]) for column in pictures for picture in column]

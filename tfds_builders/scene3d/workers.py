"""Draws the images of a scene in one process per core and returns them in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfds_builders.shared.png import encode_png
from tfds_builders.shared.processes import map_jobs

from . import scenes

__all__ = ["Example", "draw_all", "encode_png"]

Example = tuple[dict[str, int], bytes]  # (factor values, PNG file)


def draw_all(
    name: str, resolution: int, views: Sequence[dict[str, int]], processes: int | None = None
) -> Iterator[Example]:
    """Draws every image of the given views of a scene, in the order of `views`.

    Args:
        name: Name of the scene.
        resolution: Height and width of the images in pixels.
        views: Values of the scene's view factors.
        processes: Number of processes; None for one per core.

    Raises:
        RuntimeError: if a worker dies; its own message is on stderr.
    """
    jobs = [(name, resolution, view) for view in views]
    for examples in map_jobs(_draw_view, jobs, f"scene3d/{name}", "view", processes):
        yield from examples


def _draw_view(job: tuple[str, int, dict[str, int]]) -> list[Example]:
    name, resolution, view = job
    drawn = scenes.draw_view(scenes.find(name), resolution, view)
    return [(factors, encode_png(image)) for factors, image in drawn]

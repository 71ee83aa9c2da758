"""Draws the pictures of a scene on every core, in processes of their own, and hands them out in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfds_builders.shared.png import encode_png
from tfds_builders.shared.processes import map_jobs

from . import scenes

__all__ = ["Picture", "draw_all", "encode_png"]

Picture = tuple[dict[str, int], bytes]  # Factors, PNG file.


def draw_all(
    name: str, resolution: int, views: Sequence[dict[str, int]], processes: int | None = None
) -> Iterator[Picture]:
    """Draws every picture of some views of the scene `name`, in the order of `views`, on `processes` cores (None: all).

    Raises:
        RuntimeError: if a worker dies; its own message has gone to stderr.
    """
    jobs = [(name, resolution, view) for view in views]
    for pictures in map_jobs(_draw_view, jobs, f"scene3d/{name}", "view", processes):
        yield from pictures


def _draw_view(job: tuple[str, int, dict[str, int]]) -> list[Picture]:
    name, resolution, view = job
    drawn = scenes.draw_view(scenes.find(name), resolution, view)
    return [(factors, encode_png(image)) for factors, image in drawn]

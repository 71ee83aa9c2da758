"""Measures each factor's visibility: mean absolute pixel difference, on a scale of 255, between neighbouring values.

python -m scene3d.visibility demo            # in tfds_builders/; at the scene's default resolution
python -m scene3d.visibility room 32 --settings=100
"""

from __future__ import annotations

import argparse

import numpy as np

from . import scenes


def draw_values(scene: scenes.Scene, resolution: int, values: scenes.Values, name: str) -> np.ndarray:
    """Draws every value of the factor `name`, with the others as in `values`: uint8 [number of values, R, R, 3]."""
    every = [{**values, name: value} for value in range(scene.factors[name])]
    if name in scene.view:
        return np.stack([scenes.draw(scene, resolution, one) for one in every])
    view = {factor: values[factor] for factor in scene.view}
    # One of the two lists has an entry per value. The other repeats a single entry, so the first one is enough.
    lamps, tints = ([{factor: one[factor] for factor in part} for one in every] for part in (scene.lamp, scene.tint))
    drawn = scenes.draw_view(
        scene, resolution, view, lamps if name in scene.lamp else lamps[:1], tints if name in scene.tint else tints[:1]
    )
    return np.stack([image for _, image in drawn])


def changes(scene: scenes.Scene, resolution: int, name: str, settings: int, seed: int = 0) -> np.ndarray:
    """Computes the mean absolute difference [settings, m - 1] between neighbours of a factor's m values.

    Args:
        scene: Scene to draw.
        resolution: Height and width of the images in pixels.
        name: Factor to vary.
        settings: Number of random settings of the other factors.
        seed: Seed of these settings, which are the same for every factor.
    """
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(settings):
        values = {factor: int(rng.integers(size)) for factor, size in scene.factors.items()}
        images = draw_values(scene, resolution, values, name).astype(np.int16)
        result.append(np.abs(np.diff(images, axis=0)).mean(axis=(1, 2, 3)))
    return np.array(result)


def table(name: str, resolution: int | None, settings: int) -> str:
    """Returns a Markdown table with one row per factor of the scene `name`."""
    scene = scenes.find(name)
    resolution = resolution or scene.resolution
    lines = [
        f"| {name}, {resolution}x{resolution} | values | mean change | least visible pair | least in one image |",
        "|---|---|---|---|---|",
    ]
    for factor, size in scene.factors.items():
        moved = changes(scene, resolution, factor, settings)
        lines.append(f"| {factor} | {size} | {moved.mean():.1f} | {moved.mean(axis=0).min():.1f} | {moved.min():.1f} |")
    return "\n".join(lines)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="scene3d.visibility", description="Visibility of each factor of a scene.")
    parser.add_argument("scene", choices=sorted(scenes.SCENES))
    parser.add_argument(
        "resolution",
        nargs="?",
        type=int,
        choices=scenes.RESOLUTIONS,
        help="height and width in pixels (default: that of the scene)",
    )
    parser.add_argument("--settings", type=int, default=100, help="random settings of the other factors (100)")
    arguments = parser.parse_args()
    if arguments.settings < 1:
        parser.error(f"--settings: expected 1 or more. Received: {arguments.settings}")
    print(table(arguments.scene, arguments.resolution, arguments.settings))


if __name__ == "__main__":
    _main()

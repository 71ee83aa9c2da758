"""The three scenes: their factors and the meaning of each factor's values in the room.

A scene has three groups of factors: `view` moves something (all rays must be cast again), `lamp` moves the light (only
shading and shadow change), `tint` changes colours or intensity (one small matrix product). Images are drawn in groups
with the same view, so that as many as possible share the expensive work.
"""

from __future__ import annotations

import colorsys
import difflib
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from . import render

RESOLUTIONS = tuple(2**n for n in range(4, 11))  # 16 ... 1024 pixels
Values = Mapping[str, int]  # factor name -> index of its value


@dataclass(frozen=True)
class Scene:
    """Factors of a scene and the functions that turn their values into geometry, light and colours.

    Args:
        factors: Factor name -> number of values, most significant in the image's index first.
        view, lamp, tint: Names of the factors that each of the three functions below reads; together, all factors.
        place: Maps view values to camera and solid.
        illuminate: Maps lamp values to the lamp.
        paint: Maps tint values to the lamp's intensity and linear colours [MATERIALS, 3].
        room: Floor and walls.
        ambient: Ambient light, relative to a surface that faces the lamp at the lamp's `reach`.
        resolution: Default height and width of the images in pixels.
        grid: Samples per pixel along each direction, grid x grid in all.
        shadow_rays: Rays from each sample to the lamp.
    """

    factors: Mapping[str, int]
    view: tuple[str, ...]
    lamp: tuple[str, ...]
    tint: tuple[str, ...]
    place: Callable[[Values], tuple[render.Camera, render.Solid]]
    illuminate: Callable[[Values], render.Lamp]
    paint: Callable[[Values], tuple[float, np.ndarray]]
    room: render.Room
    ambient: float
    resolution: int
    grid: int
    shadow_rays: int

    @property
    def size(self) -> int:
        """Number of images."""
        return math.prod(self.factors.values())


def check_values(factors: Mapping[str, int], values: Values) -> None:
    """Raises ValueError unless `values` has exactly the given factors, each with a value in range."""
    if set(values) != set(factors):
        raise ValueError(f"values: expected one for each of {list(factors)}. Received: {list(values)}.")
    for name, size in factors.items():
        if not 0 <= values[name] < size:
            raise ValueError(f"values: expected {name!r} in 0..{size - 1}. Received: {values[name]}.")


def index_of(factors: Mapping[str, int], values: Values) -> int:
    """Returns the index of an image from its factor values: mixed radix, first factor most significant."""
    index = 0
    for name, size in factors.items():
        index = index * size + values[name]
    return index


def values_of(factors: Mapping[str, int], index: int) -> dict[str, int]:
    """Returns the factor values of image `index`; the inverse of `index_of`."""
    values = {}
    for name, size in reversed(list(factors.items())):
        index, values[name] = divmod(index, size)
    return {name: values[name] for name in factors}


def combinations(scene: Scene, names: tuple[str, ...]) -> list[dict[str, int]]:
    """Returns all combinations of values of the factors `names`, the last one changing fastest."""
    ranges = [range(scene.factors[name]) for name in names]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*ranges)]


def draw_view(
    scene: Scene,
    resolution: int,
    view: Values,
    lamps: list[dict[str, int]] | None = None,
    tints: list[dict[str, int]] | None = None,
) -> Iterator[tuple[dict[str, int], np.ndarray]]:
    """Yields (factor values, image uint8 sRGB [R, R, 3]) of all images with the view `view`.

    Args:
        scene: Scene to draw.
        resolution: Height and width R of the images in pixels.
        view: Value of each factor in `scene.view`.
        lamps, tints: Combinations of values of `scene.lamp` and `scene.tint`; None for all.
    """
    # Cast all rays of the view, a block of pixels at a time.
    camera, solid = scene.place(view)
    everything = np.arange(resolution * resolution)
    parts = [
        render.trace(camera, solid, scene.room, resolution, pixels, scene.grid)
        for pixels in np.array_split(everything, max(1, len(everything) // render.PIXELS_AT_ONCE))
    ]
    ambient = np.concatenate([render.ambient_weights(part, scene.ambient) for part in parts])
    # Shade once per lamp, and colour the result once per tint.
    for lamp_values in combinations(scene, scene.lamp) if lamps is None else lamps:
        lamp = scene.illuminate(lamp_values)
        lit = np.concatenate([render.lamp_weights(part, solid, lamp, scene.shadow_rays) for part in parts])
        for tint in combinations(scene, scene.tint) if tints is None else tints:
            intensity, colours = scene.paint(tint)
            yield {**view, **lamp_values, **tint}, render.develop(intensity * lit + ambient, colours)


def draw(scene: Scene, resolution: int, values: Values) -> np.ndarray:
    """Draws one image, uint8 sRGB [R, R, 3]. `draw_view` is much faster for images with the same view.

    Raises:
        ValueError: unless `values` has exactly the factors of the scene, each with a value in range.
    """
    check_values(scene.factors, values)
    view, lamp, tint = ({name: values[name] for name in names} for names in (scene.view, scene.lamp, scene.tint))
    ((_, image),) = draw_view(scene, resolution, view, [lamp], [tint])
    return image


# --- Meaning of the values ---


def spread(values: Values, name: str, scene_factors: Mapping[str, int], low: float, high: float) -> float:
    """Maps a factor's value linearly from its indices to low ... high."""
    return low + (high - low) * values[name] / (scene_factors[name] - 1)


@functools.cache  # Every image uses the same few hues.
def hue(value: int, size: int, saturation: float, brightness: float) -> tuple[float, float, float]:
    """Returns the linear colour of a hue. Hues end at violet (0.8 of the circle): the last differs from the first."""
    encoded = colorsys.hsv_to_rgb(0.8 * value / (size - 1), saturation, brightness)
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in encoded)
    return red, green, blue


def _orbit(azimuth_degrees: float, distance: float, height: float, target_height: float, field: float) -> render.Camera:
    """Returns a camera that looks past the object into the corner of the room; azimuth 0 is straight at the corner."""
    angle = math.radians(225 + azimuth_degrees)
    position = (distance * math.cos(angle), distance * math.sin(angle), height)
    return render.Camera(position, (0.0, 0.0, target_height), field)


def _hues(factors: Mapping[str, int]) -> Callable[[Values], tuple[float, np.ndarray]]:
    def paint(values: Values) -> tuple[float, np.ndarray]:
        colours = np.zeros((render.MATERIALS, 3))
        colours[render.FLOOR] = hue(values["floor_hue"], factors["floor_hue"], 0.75, 0.95)
        colours[render.WALL] = hue(values["wall_hue"], factors["wall_hue"], 0.75, 0.9)
        colours[render.SOLID] = hue(values["object_hue"], factors["object_hue"], 0.95, 1.0)
        return 0.85, colours

    return paint


def _window(values: Values) -> render.Lamp:
    """Returns a fixed large lamp, high up and far to the left of the camera."""
    return render.Lamp((-9.0, -2.5, 11.0), radius=2.2, reach=14.0)


_DEMO = {"shape": 4, "object_hue": 6, "scale": 4, "floor_hue": 6, "wall_hue": 6, "azimuth": 9}


def _place_demo(values: Values) -> tuple[render.Camera, render.Solid]:
    azimuth = spread(values, "azimuth", _DEMO, -40, 40)
    solid = render.Solid(render.SHAPES[values["shape"]], spread(values, "scale", _DEMO, 0.65, 1.4))
    return _orbit(azimuth, 7.5, 4.2, 1.1, 42), solid


_SHAPES = {"floor_hue": 10, "wall_hue": 10, "object_hue": 10, "scale": 8, "shape": 4, "orientation": 15}


def _place_shapes(values: Values) -> tuple[render.Camera, render.Solid]:
    azimuth = spread(values, "orientation", _SHAPES, -42, 42)
    solid = render.Solid(render.SHAPES[values["shape"]], spread(values, "scale", _SHAPES, 0.65, 1.4))
    return _orbit(azimuth, 7.5, 4.2, 1.1, 42), solid


_ROOM = {
    "lighting_intensity": 5,
    "lighting_x_dir": 6,
    "lighting_y_dir": 6,
    "lighting_z_dir": 6,
    "camera_x_pos": 6,
    "camera_y_pos": 6,
    "camera_z_pos": 6,
}


def _place_room(values: Values) -> tuple[render.Camera, render.Solid]:
    """Moves the camera without turning it: it always looks down and a little to the right at the back wall."""
    x = spread(values, "camera_x_pos", _ROOM, -2.6, -0.6)
    y = spread(values, "camera_y_pos", _ROOM, -8.5, -6.0)
    z = spread(values, "camera_z_pos", _ROOM, 1.6, 4.1)
    return render.Camera((x, y, z), (x + 1.6, y + 7.0, z - 1.7), 48), render.Solid("sphere", 1.1)


def _light_room(values: Values) -> render.Lamp:
    """Returns a lamp above the camera's side of the room; the factors `*_dir` are its position relative to the object.

    It stays 2 m away from the walls and 1.4 m from the object; any closer, the inverse-square law would overexpose
    them.
    """
    x = spread(values, "lighting_x_dir", _ROOM, -4.5, 1.2)
    y = spread(values, "lighting_y_dir", _ROOM, -5.5, -0.2)
    z = spread(values, "lighting_z_dir", _ROOM, 3.6, 7.2)
    return render.Lamp((x, y, z), radius=0.6, reach=5.2)


def _paint_room(values: Values) -> tuple[float, np.ndarray]:
    colours = np.zeros((render.MATERIALS, 3))
    colours[render.FLOOR] = (0.62, 0.50, 0.36)
    colours[render.TILE] = (0.34, 0.25, 0.17)
    colours[render.WALL] = (0.42, 0.52, 0.60)
    colours[render.SOLID] = (0.80, 0.22, 0.12)
    return spread(values, "lighting_intensity", _ROOM, 0.25, 1.05), colours


SCENES = {
    "demo": Scene(
        factors=_DEMO,
        view=("shape", "scale", "azimuth"),
        lamp=(),
        tint=("object_hue", "floor_hue", "wall_hue"),
        place=_place_demo,
        illuminate=_window,
        paint=_hues(_DEMO),
        room=render.Room(right=3.2, back=3.2),
        ambient=0.3,
        resolution=32,
        grid=4,
        shadow_rays=8,
    ),
    "shapes": Scene(
        factors=_SHAPES,
        view=("scale", "shape", "orientation"),
        lamp=(),
        tint=("floor_hue", "wall_hue", "object_hue"),
        place=_place_shapes,
        illuminate=_window,
        paint=_hues(_SHAPES),
        room=render.Room(right=3.2, back=3.2),
        ambient=0.3,
        resolution=64,
        grid=4,
        shadow_rays=8,
    ),
    "room": Scene(
        factors=_ROOM,
        view=("camera_x_pos", "camera_y_pos", "camera_z_pos"),
        lamp=("lighting_x_dir", "lighting_y_dir", "lighting_z_dir"),
        tint=("lighting_intensity",),
        place=_place_room,
        illuminate=_light_room,
        paint=_paint_room,
        room=render.Room(right=3.4, back=3.4, tile=1.7),
        ambient=0.16,
        resolution=128,
        grid=3,
        shadow_rays=4,
    ),
}


def find(name: str) -> Scene:
    """Returns the scene called `name`.

    Raises:
        ValueError: if there is no such scene.
    """
    if name not in SCENES:
        near = difflib.get_close_matches(name, SCENES, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"scene: expected one of {list(SCENES)}. Received: {name!r}.{hint}")
    return SCENES[name]

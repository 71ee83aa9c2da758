"""Ray caster in NumPy for one solid in the corner of a room.

Lengths are in metres, z points up, and the solid stands on the floor at the origin. Arrays of vectors are float32
`[3, n]`, one row per coordinate, so that every operation runs on long contiguous rows.

The image is linear in everything that a factor can change without moving anything:

    image[p] = sum_m (intensity * lamp[p, m] + ambient[p, m]) * colour[m]        (linear light)

The expensive steps, `trace` (the surface that each ray hits) and `lamp_weights` (its light and shadow), are therefore
done once per view and lamp; `develop` colours their result with one small matrix product per image.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

FLOOR, WALL, SOLID, TILE = range(4)
MATERIALS = 4
SHAPES = ("cube", "sphere", "cylinder", "capsule")

# Solids of scale 1: half their extent in x and y, and half their height, which includes the capsule's round ends.
_RADIUS = {"cube": 0.82, "sphere": 1.0, "cylinder": 0.85, "capsule": 0.68}
_HALF_HEIGHT = {"cube": 0.82, "sphere": 1.0, "cylinder": 1.0, "capsule": 1.35}

PIXELS_AT_ONCE = 4096  # limits the memory of a 1024x1024 image, and keeps work arrays in the cache
_NEAR = 1e-3  # smallest t of a hit, so that a shadow ray does not hit the surface it starts from
_LEVELS = 1 << 14  # entries of the sRGB table; the first step is 0.2 of an output level


class Camera(NamedTuple):
    """Pinhole camera with square pixels: `position` and `target` in metres, `field` of view in degrees."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    field: float


class Solid(NamedTuple):
    """The object: `shape` is one of SHAPES, `scale` is relative to the sizes above."""

    shape: str
    scale: float


class Room(NamedTuple):
    """Floor z = 0 and walls x = `right` and y = `back`. `tile` is the length of the floor tiles (0: plain floor)."""

    right: float
    back: float
    tile: float = 0.0


class Lamp(NamedTuple):
    """A disc of `radius` metres that faces the origin.

    A surface that faces the lamp at distance `reach` receives 1. Light falls off with the inverse square of the
    distance.
    """

    position: tuple[float, float, float]
    radius: float
    reach: float


class Surfaces(NamedTuple):
    """Surface points hit by the rays: position, normal [3, n], material [n]; n = pixels * samples, pixel by pixel."""

    position: np.ndarray
    normal: np.ndarray
    material: np.ndarray
    samples: int


def rays(camera: Camera, resolution: int, pixels: np.ndarray, grid: int) -> np.ndarray:
    """Returns directions [3, n * grid**2] through `pixels` [n] (row-major indices), grid x grid samples in each."""
    centre = (np.arange(grid, dtype=np.float32) + 0.5) / grid
    column = (pixels % resolution)[:, None, None] + centre[None, None, :]
    row = (pixels // resolution)[:, None, None] + centre[None, :, None]
    half = math.tan(math.radians(camera.field) / 2)
    right_by = ((2 * column / resolution - 1) * half + 0 * row).ravel()
    up_by = ((1 - 2 * row / resolution) * half + 0 * column).ravel()
    forward, right, up = _camera_axes(camera)
    directions = forward[:, None] + right[:, None] * right_by + up[:, None] * up_by
    return directions.astype(np.float32)


def _camera_axes(camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    forward = np.subtract(camera.target, camera.position)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right = right / np.linalg.norm(right)
    return forward, right, np.cross(right, forward)


def solid_interval(solid: Solid, origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the interval (enter, leave), [n] each, in which the rays are inside the solid.

    A ray is `origin + t * direction`, [3, n] each. If it misses the solid, enter = inf and leave = -inf. All solids are
    convex, so there is a single interval.
    """
    radius, half = _RADIUS[solid.shape] * solid.scale, _HALF_HEIGHT[solid.shape] * solid.scale
    if solid.shape == "cube":
        size = np.array([radius, radius, half], np.float32)[:, None]
        centre = np.array([0, 0, half], np.float32)[:, None]
        enter, leave = _slab_interval(origin - centre, direction, size)
        return _closed(enter.max(axis=0), leave.min(axis=0))
    if solid.shape == "sphere":
        return _ball_interval(origin, direction, half, radius)
    if solid.shape == "cylinder":
        return _tube_interval(origin, direction, 0.0, 2 * half, radius)
    # The capsule is the union of a tube and a ball at each end, which is convex.
    low, high = radius, 2 * half - radius
    parts = [
        _tube_interval(origin, direction, low, high, radius),
        _ball_interval(origin, direction, low, radius),
        _ball_interval(origin, direction, high, radius),
    ]
    enter = np.minimum(np.minimum(parts[0][0], parts[1][0]), parts[2][0])
    leave = np.maximum(np.maximum(parts[0][1], parts[1][1]), parts[2][1])
    return enter, leave


def _closed(enter: np.ndarray, leave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hit = enter < leave
    return np.where(hit, enter, np.inf), np.where(hit, leave, -np.inf)


def _slab_interval(origin: np.ndarray, direction: np.ndarray, half: np.ndarray | float):
    """Returns the interval where |origin + t * direction| < half, for each coordinate."""
    inverse = 1 / np.where(np.abs(direction) < 1e-7, np.float32(1e-7), direction)
    middle, reach = -origin * inverse, np.abs(half * inverse)
    return middle - reach, middle + reach


def _quadratic_interval(a: np.ndarray, b: np.ndarray, c: np.ndarray):
    """Returns the interval where a t^2 + 2 b t + c < 0, for a > 0."""
    discriminant = b * b - a * c
    root = np.sqrt(np.maximum(discriminant, 0))
    hit = discriminant > 0
    return np.where(hit, (-b - root) / a, np.inf), np.where(hit, (-b + root) / a, -np.inf)


def _ball_interval(origin: np.ndarray, direction: np.ndarray, height: float, radius: float):
    x, y, z = origin[0], origin[1], origin[2] - np.float32(height)
    u, v, w = direction
    c = x * x + y * y + z * z - np.float32(radius * radius)
    return _quadratic_interval(u * u + v * v + w * w, x * u + y * v + z * w, c)


def _tube_interval(origin: np.ndarray, direction: np.ndarray, low: float, high: float, radius: float):
    (x, y, z), (u, v, w) = origin, direction
    a = np.maximum(u * u + v * v, np.float32(1e-12))
    enter, leave = _quadratic_interval(a, x * u + y * v, x * x + y * y - np.float32(radius * radius))
    below, above = _slab_interval(z - np.float32((low + high) / 2), w, (high - low) / 2)
    return _closed(np.maximum(enter, below), np.minimum(leave, above))


def solid_normal(solid: Solid, position: np.ndarray) -> np.ndarray:
    """Returns the outward unit normals [3, n] at points [3, n] on the solid's surface."""
    radius, half = _RADIUS[solid.shape] * solid.scale, _HALF_HEIGHT[solid.shape] * solid.scale
    x, y, z = position
    z = z - np.float32(half)
    if solid.shape == "cube":
        relative = np.stack([x / radius, y / radius, z / half])
        axis = np.abs(relative).argmax(axis=0)
        return (np.arange(3)[:, None] == axis) * np.sign(relative)
    if solid.shape == "cylinder":
        cap = np.abs(z) / half > np.hypot(x, y) / radius
        normal = np.where(cap, np.stack([0 * x, 0 * y, np.sign(z)]), np.stack([x, y, 0 * z]))
    else:
        straight = half - radius  # half the length of the capsule's axis; 0 for the sphere
        normal = np.stack([x, y, z - np.clip(z, -straight, straight)])
    return normal / np.maximum(np.linalg.norm(normal, axis=0), 1e-12)


def trace(camera: Camera, solid: Solid, room: Room, resolution: int, pixels: np.ndarray, grid: int) -> Surfaces:
    """Casts grid x grid rays through each of `pixels` [n] and returns the surface points that they hit first."""
    # Nearest wall or floor.
    direction = rays(camera, resolution, pixels, grid)
    origin = np.array(camera.position, np.float32)[:, None]
    walls = np.array([room.right, room.back, 0], np.float32)[:, None]
    with np.errstate(divide="ignore"):
        distance = (walls - origin) / direction  # [3, n]: right wall, back wall, floor
    distance = np.where(distance > _NEAR, distance, np.inf)
    plane = distance.argmin(axis=0)
    # The solid, if it is nearer.
    enter, _ = solid_interval(solid, np.broadcast_to(origin, direction.shape), direction)
    nearest = distance.min(axis=0)
    on_solid = enter < nearest
    position = origin + direction * np.minimum(enter, nearest)
    normal = np.array([[-1, 0, 0], [0, -1, 0], [0, 0, 1]], np.float32)[:, plane]
    normal[:, on_solid] = solid_normal(solid, position[:, on_solid])
    material = np.where(plane == 2, FLOOR, WALL)
    if room.tile:
        odd = np.floor(position[:2] / room.tile).sum(axis=0) % 2 == 1
        material[odd & (plane == 2)] = TILE
    material[on_solid] = SOLID
    return Surfaces(position, normal, material, grid * grid)


@functools.lru_cache(maxsize=512)  # Every view uses the same lamps.
def lamp_points(lamp: Lamp, count: int) -> np.ndarray:
    """Returns `count` points [3, count] spread evenly over the lamp's disc, in a sunflower spiral."""
    index = np.arange(count)
    radius = lamp.radius * np.sqrt((index + 0.5) / count)
    angle = index * math.pi * (3 - math.sqrt(5))
    axis = np.array(lamp.position) / np.linalg.norm(lamp.position)
    side = np.cross(axis, (0.0, 0.0, 1.0) if abs(axis[2]) < 0.9 else (1.0, 0.0, 0.0))
    side = side / np.linalg.norm(side)
    up = np.cross(side, axis)
    disc = side[:, None] * np.cos(angle) + up[:, None] * np.sin(angle)
    return (np.array(lamp.position)[:, None] + radius * disc).astype(np.float32)


def lamp_weights(surfaces: Surfaces, solid: Solid, lamp: Lamp, shadow_rays: int) -> np.ndarray:
    """Computes the lamp's light reflected to the camera by each material: [pixels, MATERIALS].

    It is the product of Lambert's cosine, inverse-square falloff, and the share of `shadow_rays` rays to the lamp that
    miss the solid. The samples of a pixel aim at different points of the lamp, samples * shadow_rays in all.
    """
    towards = np.array(lamp.position, np.float32)[:, None] - surfaces.position
    square = np.einsum("in,in->n", towards, towards)
    facing = np.maximum(np.einsum("in,in->n", towards, surfaces.normal), 0)
    received = facing * np.float32(lamp.reach**2) / (square * np.sqrt(square))
    # The solid is convex, so it casts shadow on the room alone; its own dark side is in Lambert's cosine.
    shaded = np.flatnonzero((surfaces.material != SOLID) & _may_be_shaded(surfaces.position, towards, solid, lamp))
    received[shaded] *= _visible_share(surfaces, shaded, solid, lamp, shadow_rays)
    return _pool(surfaces, received)


def _may_be_shaded(position: np.ndarray, towards: np.ndarray, solid: Solid, lamp: Lamp) -> np.ndarray:
    """Returns False [n] for points that certainly see the whole lamp, which most do.

    Every ray to the lamp stays within the lamp's radius of the ray to its centre, so none hits the solid if the solid's
    bounding ball is farther than that from the central ray.
    """
    radius, half = _RADIUS[solid.shape] * solid.scale, _HALF_HEIGHT[solid.shape] * solid.scale
    bound = {"cube": math.hypot(radius, radius, half), "cylinder": math.hypot(radius, half)}.get(solid.shape, half)
    enter, leave = _ball_interval(position, towards, half, 1.001 * (bound + lamp.radius))
    return (enter < 1) & (leave > 0)


def _visible_share(surfaces: Surfaces, which: np.ndarray, solid: Solid, lamp: Lamp, shadow_rays: int) -> np.ndarray:
    """Returns the share [n] of the lamp that is visible from the points `which` [n]."""
    points = lamp_points(lamp, surfaces.samples * shadow_rays).reshape(3, shadow_rays, surfaces.samples)
    origin = surfaces.position[:, which]
    blocked = np.zeros(len(which), np.float32)
    for ray in range(shadow_rays):
        enter, leave = solid_interval(solid, origin, points[:, ray, which % surfaces.samples] - origin)
        blocked += (enter < 1) & (leave > _NEAR)
    return 1 - blocked / shadow_rays


def ambient_weights(surfaces: Surfaces, ambient: float) -> np.ndarray:
    """Computes the ambient light by material [pixels, MATERIALS]: full from above, half from below."""
    return _pool(surfaces, np.float32(ambient) * (0.75 + 0.25 * surfaces.normal[2]))


def _pool(surfaces: Surfaces, light: np.ndarray) -> np.ndarray:
    """Averages `light` [n] over each pixel's samples, separately by material: [pixels, MATERIALS]."""
    split = np.zeros((MATERIALS, len(light)), np.float32)
    split[surfaces.material, np.arange(len(light))] = light
    return split.reshape(MATERIALS, -1, surfaces.samples).mean(axis=2).T


def _srgb_table() -> np.ndarray:
    linear = np.linspace(0, 1, _LEVELS)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * curve).astype(np.uint8)


_SRGB = _srgb_table()


def develop(weights: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Multiplies weights [pixels, MATERIALS] by linear colours [MATERIALS, 3]: sRGB image uint8 [R, R, 3]."""
    linear = np.matmul(weights, colours.astype(np.float32))
    np.multiply(linear, _LEVELS - 1, out=linear)
    np.add(linear, 0.5, out=linear)
    np.clip(linear, 0, _LEVELS - 1, out=linear)
    resolution = math.isqrt(len(weights))
    return _SRGB[linear.astype(np.uint16)].reshape(resolution, resolution, 3)

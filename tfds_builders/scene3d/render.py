"""Ray casting of one solid in the corner of a room, in NumPy.

Lengths are in metres, z points up, the solid stands on the floor at the origin. Arrays of vectors are
`[3, n]` float32 (one row a coordinate), which keeps every operation on long contiguous rows.

The picture is linear in what a factor can change without moving anything:

    image[p] = sum_m (intensity * lamp[p, m] + ambient[p, m]) * colour[m]        (linear light)

so `trace` (what each ray meets) and `lamp_weights` (how the lamp and its shadow fall on it) are the expensive
steps, done once for a view and a lamp, and `develop` recolours their result in one small matrix product per image.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

FLOOR, WALL, SOLID, TILE = range(4)
MATERIALS = 4
SHAPES = ("cube", "sphere", "cylinder", "capsule")

# For a solid of scale 1: half extent in x and y, and half height. The capsule's height includes its round ends.
_RADIUS = {"cube": 0.82, "sphere": 1.0, "cylinder": 0.85, "capsule": 0.68}
_HALF_HEIGHT = {"cube": 0.82, "sphere": 1.0, "cylinder": 1.0, "capsule": 1.35}

PIXELS_AT_ONCE = 4096  # Bounds the memory of a 1024x1024 picture, and keeps the work arrays near the cache.
_NEAR = 1e-3  # A ray meets nothing closer than this, so a shadow ray never meets the surface that it leaves.
_LEVELS = 1 << 14  # Steps of linear light in the sRGB table; the first of them is 0.2 of an output level.


class Camera(NamedTuple):
    """Pinhole camera with square pixels: `position` and `target` in metres, `field` = full angle in degrees."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    field: float


class Solid(NamedTuple):
    """The object: one of SHAPES, `scale` relative to the sizes above."""

    shape: str
    scale: float


class Room(NamedTuple):
    """Floor z = 0 and walls x = `right` and y = `back`; `tile` is the edge of the floor's tiles (0: plain floor)."""

    right: float
    back: float
    tile: float = 0.0


class Lamp(NamedTuple):
    """A disc of `radius` metres that faces the origin, and the light that comes evenly from everywhere.

    A surface at distance `reach` that faces the lamp receives 1; closer, more, by the inverse square.
    """

    position: tuple[float, float, float]
    radius: float
    reach: float


class Surfaces(NamedTuple):
    """What the rays met: position and normal [3, n], material [n]; n = pixels * samples, pixel by pixel."""

    position: np.ndarray
    normal: np.ndarray
    material: np.ndarray
    samples: int


def rays(camera: Camera, resolution: int, pixels: np.ndarray, grid: int) -> np.ndarray:
    """Directions [3, n * grid**2] through `pixels` [n] (row-major indices), grid x grid samples in each."""
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
    """Where the rays `origin + t * direction` ([3, n] each) are inside the solid: (enter, leave) [n].

    A ray that misses has enter = inf, leave = -inf. All the solids are convex, so there is one interval.
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
    # Capsule: the union of a tube and a ball at either end, which is convex again.
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
    """Interval where |origin + t * direction| < half, coordinate by coordinate."""
    inverse = 1 / np.where(np.abs(direction) < 1e-7, np.float32(1e-7), direction)
    middle, reach = -origin * inverse, np.abs(half * inverse)
    return middle - reach, middle + reach


def _quadratic_interval(a: np.ndarray, b: np.ndarray, c: np.ndarray):
    """Interval where a t^2 + 2 b t + c < 0, for a > 0."""
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
    """Outward unit normal [3, n] at points [3, n] of the solid's surface."""
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
        straight = half - radius  # Half the length of the axis of the capsule; the sphere has none.
        normal = np.stack([x, y, z - np.clip(z, -straight, straight)])
    return normal / np.maximum(np.linalg.norm(normal, axis=0), 1e-12)


def trace(camera: Camera, solid: Solid, room: Room, resolution: int, pixels: np.ndarray, grid: int) -> Surfaces:
    """Casts grid x grid rays through each of `pixels` [n] and returns what they meet first."""
    direction = rays(camera, resolution, pixels, grid)
    origin = np.array(camera.position, np.float32)[:, None]
    walls = np.array([room.right, room.back, 0], np.float32)[:, None]
    with np.errstate(divide="ignore"):
        distance = (walls - origin) / direction  # [3, n]: right wall, back wall, floor.
    distance = np.where(distance > _NEAR, distance, np.inf)
    plane = distance.argmin(axis=0)
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


@functools.lru_cache(maxsize=512)  # Every view asks for the same lamps.
def lamp_points(lamp: Lamp, count: int) -> np.ndarray:
    """`count` points [3, count] spread evenly over the lamp's disc (a sunflower's spiral)."""
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
    """Light that the lamp sends to the eye by way of each material: [pixels, MATERIALS].

    Lambert's cosine, inverse-square falloff, and the share of `shadow_rays` rays to the lamp that pass the solid.
    The samples of one pixel aim at different points of the lamp, so a pixel sees samples * shadow_rays of them.
    """
    towards = np.array(lamp.position, np.float32)[:, None] - surfaces.position
    square = np.einsum("in,in->n", towards, towards)
    facing = np.maximum(np.einsum("in,in->n", towards, surfaces.normal), 0)
    received = facing * np.float32(lamp.reach**2) / (square * np.sqrt(square))
    # The solid is convex: it can only shade the room, never itself (beyond facing away from the lamp).
    shaded = np.flatnonzero((surfaces.material != SOLID) & _may_be_shaded(surfaces.position, towards, solid, lamp))
    received[shaded] *= _visible_share(surfaces, shaded, solid, lamp, shadow_rays)
    return _pool(surfaces, received)


def _may_be_shaded(position: np.ndarray, towards: np.ndarray, solid: Solid, lamp: Lamp) -> np.ndarray:
    """False [n] for points that see the whole lamp for sure, which are most of them.

    Every ray to the lamp stays within the lamp's radius of the one to its centre, so none meets a solid whose bounding
    ball stays further than that from it.
    """
    radius, half = _RADIUS[solid.shape] * solid.scale, _HALF_HEIGHT[solid.shape] * solid.scale
    bound = {"cube": math.hypot(radius, radius, half), "cylinder": math.hypot(radius, half)}.get(solid.shape, half)
    enter, leave = _ball_interval(position, towards, half, 1.001 * (bound + lamp.radius))
    return (enter < 1) & (leave > 0)


def _visible_share(surfaces: Surfaces, which: np.ndarray, solid: Solid, lamp: Lamp, shadow_rays: int) -> np.ndarray:
    """Share [n] of the lamp that is seen from the points `which` [n]."""
    points = lamp_points(lamp, surfaces.samples * shadow_rays).reshape(3, shadow_rays, surfaces.samples)
    origin = surfaces.position[:, which]
    blocked = np.zeros(len(which), np.float32)
    for ray in range(shadow_rays):
        enter, leave = solid_interval(solid, origin, points[:, ray, which % surfaces.samples] - origin)
        blocked += (enter < 1) & (leave > _NEAR)
    return 1 - blocked / shadow_rays


def ambient_weights(surfaces: Surfaces, ambient: float) -> np.ndarray:
    """Light from everywhere, by material [pixels, MATERIALS]: full from above, half from below."""
    return _pool(surfaces, np.float32(ambient) * (0.75 + 0.25 * surfaces.normal[2]))


def _pool(surfaces: Surfaces, light: np.ndarray) -> np.ndarray:
    """Mean over each pixel's samples of `light` [n], kept apart by material: [pixels, MATERIALS]."""
    split = np.zeros((MATERIALS, len(light)), np.float32)
    split[surfaces.material, np.arange(len(light))] = light
    return split.reshape(MATERIALS, -1, surfaces.samples).mean(axis=2).T


def _srgb_table() -> np.ndarray:
    linear = np.linspace(0, 1, _LEVELS)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * curve).astype(np.uint8)


_SRGB = _srgb_table()


def develop(weights: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Weights [pixels, MATERIALS] times linear colours [MATERIALS, 3] -> sRGB image [R, R, 3] uint8."""
    linear = np.matmul(weights, colours.astype(np.float32))
    np.multiply(linear, _LEVELS - 1, out=linear)
    np.add(linear, 0.5, out=linear)
    np.clip(linear, 0, _LEVELS - 1, out=linear)
    resolution = math.isqrt(len(weights))
    return _SRGB[linear.astype(np.uint16)].reshape(resolution, resolution, 3)

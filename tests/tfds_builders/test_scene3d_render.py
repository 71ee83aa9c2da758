"""scene3d's renderer: geometry, light and shadow against closed forms, and the effect of each factor on the image."""

import re

import numpy as np
import pytest

from tfds_builders.scene3d import render, scenes, speed, visibility

FACTORS = [(name, factor) for name, scene in scenes.SCENES.items() for factor in scene.factors]
MIDDLE = {name: {factor: size // 2 for factor, size in scene.factors.items()} for name, scene in scenes.SCENES.items()}


def depth(solid: render.Solid, point: np.ndarray) -> np.ndarray:
    """Returns the depth of points [3, n] inside the solid (negative: outside), from the solids' definitions."""
    x, y, z = point.astype(np.float64)
    scale = solid.scale
    if solid.shape == "cube":
        return 0.82 * scale - np.abs([x, y, z - 0.82 * scale]).max(axis=0)
    if solid.shape == "sphere":
        return scale - np.linalg.norm([x, y, z - scale], axis=0)
    if solid.shape == "cylinder":
        return np.minimum(0.85 * scale - np.hypot(x, y), scale - np.abs(z - scale))
    axis = np.clip(z, 0.68 * scale, 2.02 * scale)  # capsule: all points within 0.68 of a segment
    return 0.68 * scale - np.linalg.norm([x, y, z - axis], axis=0)


def rays_at(solid: render.Solid, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns rays from a sphere around the solid, most of which hit it."""
    rng = np.random.default_rng(5)
    origin = rng.normal(size=(3, count))
    origin = 6 * origin / np.linalg.norm(origin, axis=0)
    target = rng.uniform(-1, 1, (3, count)) + np.array([[0], [0], [solid.scale]])
    return origin.astype(np.float32), (target - origin).astype(np.float32)


@pytest.mark.parametrize("shape", render.SHAPES)
def test_interval_is_the_part_of_the_ray_inside_the_solid(shape):
    solid = render.Solid(shape, 1.2)
    origin, direction = rays_at(solid, 2000)
    enter, leave = render.solid_interval(solid, origin, direction)
    hit = enter < leave
    assert 500 < hit.sum() < 2000
    for end in (enter[hit], leave[hit]):
        assert np.abs(depth(solid, origin[:, hit] + end * direction[:, hit])).max() < 1e-4
    middle = origin[:, hit] + (enter[hit] + leave[hit]) / 2 * direction[:, hit]
    assert (depth(solid, middle) > 0).all()
    steps = np.linspace(0, 2, 400)[:, None]
    for i in np.flatnonzero(~hit)[:100]:
        along = origin[:, i] + steps * direction[:, i]
        assert depth(solid, along.T).max() < 1e-3


@pytest.mark.parametrize("shape", render.SHAPES)
def test_normal_points_out_of_the_solid(shape):
    solid = render.Solid(shape, 0.9)
    origin, direction = rays_at(solid, 500)
    enter, leave = render.solid_interval(solid, origin, direction)
    hit = enter < leave
    point = (origin + np.where(hit, enter, 0) * direction)[:, hit]
    normal = render.solid_normal(solid, point)
    assert np.allclose(np.linalg.norm(normal, axis=0), 1, atol=1e-5)
    assert np.allclose(depth(solid, point + 0.01 * normal), -0.01, atol=1e-3)


def floor_points(x: list[float]) -> render.Surfaces:
    """Returns points on the floor at (x, 0), each the only sample of its pixel."""
    position = np.zeros((3, len(x)), np.float32)
    position[0] = x
    normal = np.repeat(np.array([[0], [0], [1]], np.float32), len(x), axis=1)
    return render.Surfaces(position, normal, np.full(len(x), render.FLOOR), samples=1)


def test_lamp_light_follows_cosine_and_inverse_square():
    lamp = render.Lamp((5.0, 0.0, 4.0), radius=0.0, reach=4.0)
    weights = render.lamp_weights(floor_points([5.0, 8.0]), render.Solid("sphere", 0.1), lamp, shadow_rays=1)
    assert weights[:, render.FLOOR] == pytest.approx([1.0, (4 / 5) * (16 / 25)], rel=1e-5)
    assert not weights[:, [render.WALL, render.SOLID, render.TILE]].any()


def test_shadow_is_full_behind_the_sphere_soft_at_its_edge_and_absent_beyond():
    # The lamp hangs vertically above a sphere of radius 1 with its top at 2. The shadow's edge is where the ray tangent
    # to the sphere meets the floor: tan(asin(1 / 7)) * 8 from the centre.
    edge = np.tan(np.arcsin(1 / 7)) * 8
    lamp = render.Lamp((0.0, 0.0, 8.0), radius=0.3, reach=8.0)
    surfaces = floor_points([0.5, edge, 2.0])
    share = render._visible_share(surfaces, np.arange(3), render.Solid("sphere", 1.0), lamp, shadow_rays=400)
    assert share[0] == 0 and share[2] == 1
    assert share[1] == pytest.approx(0.5, abs=0.05)
    hard = render._visible_share(
        surfaces, np.arange(3), render.Solid("sphere", 1.0), lamp._replace(radius=0.0), shadow_rays=1
    )
    assert set(hard) <= {0, 1}


@pytest.mark.parametrize("name", scenes.SCENES)
def test_points_excluded_from_the_shadow_test_are_lit(name, monkeypatch):
    scene, rng = scenes.SCENES[name], np.random.default_rng(2)
    drawn = [{factor: int(rng.integers(size)) for factor, size in scene.factors.items()} for _ in range(8)]
    quick = [scenes.draw(scene, 32, values) for values in drawn]
    asked = []

    def everywhere(position, *arguments):
        asked.append(position.shape[1])
        return np.ones(position.shape[1], bool)

    monkeypatch.setattr(render, "_may_be_shaded", everywhere)
    assert np.array_equal(quick, [scenes.draw(scene, 32, values) for values in drawn])
    assert len(asked) == 8


def test_lamp_points_fill_a_disc_that_faces_the_origin():
    lamp = render.Lamp((3.0, -4.0, 12.0), radius=2.0, reach=1.0)
    offset = render.lamp_points(lamp, 1000) - np.array(lamp.position)[:, None]
    assert np.abs(np.array(lamp.position) @ offset).max() / 13 < 1e-4
    radius = np.linalg.norm(offset, axis=0)
    assert radius.max() <= 2 and np.mean(radius**2) == pytest.approx(2.0, rel=0.01)  # uniform: half the square
    assert np.abs(offset.mean(axis=1)).max() < 0.05


def test_sphere_is_brighter_towards_the_lamp():
    camera = render.Camera((0.0, -8.0, 1.0), (0.0, 0.0, 1.0), 40)
    solid, room = render.Solid("sphere", 1.0), render.Room(9.0, 9.0)
    surfaces = render.trace(camera, solid, room, 32, np.arange(32 * 32), 2)
    colours = np.zeros((render.MATERIALS, 3))
    colours[render.SOLID] = 0.8
    for x in (-6.0, 6.0):
        lamp = render.Lamp((x, -4.0, 4.0), radius=0.5, reach=8.0)
        image = render.develop(render.lamp_weights(surfaces, solid, lamp, 2), colours)
        left, right = image[:, 8:16].mean(), image[:, 16:24].mean()
        assert min(left, right) > 1
        assert (left > 1.2 * right) if x < 0 else (right > 1.2 * left)


@pytest.mark.parametrize("shape", render.SHAPES)
def test_object_grows_with_its_scale(shape):
    scene = scenes.SCENES["demo"]
    area = []
    for scale in range(scene.factors["scale"]):
        camera, solid = scene.place({"shape": render.SHAPES.index(shape), "scale": scale, "azimuth": 4})
        material = render.trace(camera, solid, scene.room, 32, np.arange(32 * 32), 4).material
        area.append((material == render.SOLID).mean())
    assert (np.diff(area) > 0.01).all()
    assert area[0] > 0.01 and area[-1] < 0.4


def test_develop_is_the_srgb_curve():
    linear = np.array([0.0, 0.002, 0.0144438, 0.2158605, 1.0, 3.0, 0.0, 0.0, 0.0], np.float32)
    weights = np.zeros((9, render.MATERIALS), np.float32)
    weights[:, render.WALL] = linear
    image = render.develop(weights, np.ones((render.MATERIALS, 3)))
    assert image.shape == (3, 3, 3)
    assert image[..., 1].ravel()[:6].tolist() == [0, 7, 32, 128, 255, 255]


@pytest.mark.parametrize(("name", "factor"), FACTORS)
def test_every_factor_shows_between_all_neighbouring_values(name, factor):
    moved = visibility.changes(scenes.SCENES[name], 32, factor, settings=2, seed=1)
    assert moved.shape == (2, scenes.SCENES[name].factors[factor] - 1)
    assert moved.min() > 0.5


@pytest.mark.parametrize("name", scenes.SCENES)
def test_image_depends_on_its_values_alone(name):
    scene = scenes.SCENES[name]
    values = MIDDLE[name]
    image = scenes.draw(scene, 16, values)
    assert np.array_equal(image, scenes.draw(scene, 16, dict(reversed(values.items()))))
    drawn = scenes.draw_view(scene, 16, {factor: values[factor] for factor in scene.view})
    (same,) = [other for factors, other in drawn if factors == values]
    assert np.array_equal(image, same)


def test_image_does_not_depend_on_how_its_pixels_are_split(monkeypatch):
    whole = scenes.draw(scenes.SCENES["room"], 32, MIDDLE["room"])
    monkeypatch.setattr(render, "PIXELS_AT_ONCE", 100)
    assert np.array_equal(whole, scenes.draw(scenes.SCENES["room"], 32, MIDDLE["room"]))


@pytest.mark.parametrize("name", scenes.SCENES)
def test_small_image_is_the_mean_of_the_large_one(name):
    scene = scenes.SCENES[name]
    small, large = (_to_linear(scenes.draw(scene, resolution, MIDDLE[name])) for resolution in (32, 256))
    pooled = large.reshape(32, 8, 32, 8, 3).mean(axis=(1, 3))
    assert np.abs(pooled - small).mean() < 0.003
    assert np.abs(pooled - small).max() < 0.12
    # Without anti-aliasing the difference is larger.
    assert np.abs(large[4::8, 4::8] - small).max() > 0.15


def _to_linear(image: np.ndarray) -> np.ndarray:
    encoded = image / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(("name", "size"), [("demo", 31_104), ("shapes", 480_000), ("room", 233_280)])
def test_index_and_values_are_inverse(name, size):
    scene = scenes.SCENES[name]
    assert scene.size == size
    assert set(scene.view + scene.lamp + scene.tint) == set(scene.factors)
    first, last = list(scene.factors)[0], list(scene.factors)[-1]
    zero = dict.fromkeys(scene.factors, 0)
    assert scenes.index_of(scene.factors, zero) == 0
    assert scenes.index_of(scene.factors, {**zero, last: 1}) == 1
    assert scenes.index_of(scene.factors, {**zero, first: 1}) == size // scene.factors[first]
    for index in {*range(0, size, 997), size - 1}:
        values = scenes.values_of(scene.factors, index)
        assert list(values) == list(scene.factors)
        scenes.check_values(scene.factors, values)
        assert scenes.index_of(scene.factors, values) == index


def test_bad_names_and_values_are_named():
    demo = scenes.SCENES["demo"]
    with pytest.raises(ValueError, match="Received: 'dmo'. Did you mean 'demo'"):
        scenes.find("dmo")
    values = MIDDLE["demo"]
    with pytest.raises(ValueError, match="expected one for each of .*azimuth"):
        scenes.draw(demo, 16, {name: value for name, value in values.items() if name != "azimuth"})
    with pytest.raises(ValueError, match="expected one for each of .*Received: .*colour"):
        scenes.draw(demo, 16, {**values, "colour": 1})
    with pytest.raises(ValueError, match=r"expected 'azimuth' in 0..8. Received: 9"):
        scenes.draw(demo, 16, {**values, "azimuth": 9})


def test_visibility_draws_the_values_of_one_factor():
    scene = scenes.SCENES["room"]
    for factor in ("camera_x_pos", "lighting_x_dir", "lighting_intensity"):
        images = visibility.draw_values(scene, 16, MIDDLE["room"], factor)
        assert len(images) == scene.factors[factor]
        for value in (0, scene.factors[factor] - 1):
            assert np.array_equal(images[value], scenes.draw(scene, 16, {**MIDDLE["room"], factor: value}))


def test_programs_print_what_they_measured(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["scene3d.speed", "demo", "16", "--seconds=0.01"])
    speed._main()
    assert re.match(r"demo, 16x16: [\d,]{3,} images per CPU second; [\d,]{3,} including", capsys.readouterr().out)
    monkeypatch.setattr("sys.argv", ["scene3d.visibility", "demo", "16", "--settings=1"])
    visibility._main()
    rows = [row.split(" | ") for row in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0].strip("| ") for row in rows] == list(scenes.SCENES["demo"].factors)
    assert all(float(row[2]) >= float(row[3]) >= float(row[4].strip("| ")) > 0 for row in rows)

"""sprites2d: shapes, scales, rotations and positions match the labels, and the data set holds the drawn images."""

import io
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from ssgan_tf import data
from tfds_builders.shared import png, processes
from tfds_builders.sprites2d import geometry, grids
from tfds_builders.sprites2d.sprites2d_dataset_builder import Builder, Sprites2dConfig

FIRST = {"scale": 2, "orientation": 2, "position_x": 3, "position_y": 2}
TINY = Sprites2dConfig(name="tiny", grid="demo", resolution=16, first=FIRST)
TINY_SIZE = 3 * 2 * 2 * 3 * 2
FULL = grids.GRIDS["full"]
MIDDLE = {"shape": 2, "scale": 3, "orientation": 7, "position_x": 13, "position_y": 20}


class BuilderTest(tfds.testing.DatasetBuilderTestCase):
    """TFDS's tests of every builder."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = [TINY]
    SPLITS = {"train": TINY_SIZE}
    EXAMPLE_DIR = os.path.dirname(__file__)  # required by TFDS; the builder reads no files


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tfds.core.DatasetBuilder:
    builder = Builder(config=TINY, data_dir=tmp_path_factory.mktemp("data"))
    builder.download_and_prepare()
    return builder


def draw(resolution: int = 64, **values: int) -> np.ndarray:
    """Draws an image of the full grid [R, R] in [0, 1]; factors that are not given are as in MIDDLE."""
    return grids.draw(FULL, resolution, {**MIDDLE, **values})[:, :, 0] / 255


def centroid(image: np.ndarray) -> tuple[float, float]:
    """Returns (x, y) in canvas units."""
    middles = (np.arange(len(image)) + 0.5) * geometry.CANVAS / len(image)
    return float((image.sum(0) @ middles) / image.sum()), float((image.sum(1) @ middles) / image.sum())


def outline(shape: str, count: int = 800) -> np.ndarray:
    """Returns the corners (u, v) [n, 2] of a fine polygon around the shape of scale 1, centroid at the origin.

    Independent of geometry.py: it uses formulas of outlines, not of interiors, and the centroid of the polygon.
    """
    if shape == "square":
        points = np.array([[-10, -10], [10, -10], [10, 10], [-10, 10]], float)
    elif shape == "ellipse":
        turn = np.arange(count) * 2 * np.pi / count
        points = np.stack([15 * np.cos(turn), 400 / (15 * np.pi) * np.sin(turn)], axis=1)
    else:
        side = math.sqrt(400 / (1 + math.pi / 4))
        arc = np.linspace(-math.pi / 4, 3 * math.pi / 4, count)
        right = side / math.sqrt(8) + side / 2 * np.stack([np.cos(arc), np.sin(arc)], axis=1)
        left = right[::-1] * (-1, 1)
        points = np.concatenate([[[0, -side / math.sqrt(2)]], right, left])
    following = np.roll(points, -1, axis=0)
    cross = points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]
    middle = ((points + following) * cross[:, None]).sum(0) / (3 * cross.sum())
    return points - middle


def clipped_area(polygon: np.ndarray, left: float, top: float, edge: float) -> float:
    """Returns the area of a polygon [n, 2] inside a square, clipping it at each of the four sides in turn."""
    for axis, limit, sign in ((0, left, 1), (0, left + edge, -1), (1, top, 1), (1, top + edge, -1)):
        if not len(polygon):
            return 0.0
        depth = sign * (polygon[:, axis] - limit)
        kept = []
        for here, there, d, e in zip(polygon, np.roll(polygon, -1, 0), depth, np.roll(depth, -1), strict=True):
            if d >= 0:
                kept.append(here)
            if (d >= 0) != (e >= 0):
                kept.append(here + (there - here) * d / (d - e))
        polygon = np.array(kept).reshape(-1, 2)
    following = np.roll(polygon, -1, axis=0)
    return abs(float((polygon[:, 0] * following[:, 1] - following[:, 0] * polygon[:, 1]).sum())) / 2


def rasterise(shape: str, scale: float, angle: float, x: float, y: float, resolution: int) -> np.ndarray:
    """Computes the exact share of each pixel covered by the rotated polygon, [R, R]; slow."""
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    placed = scale * outline(shape, 60 if shape == "heart" else 120) @ turn * (1, -1) + (x, y)
    edge = geometry.CANVAS / resolution
    image = np.zeros([resolution, resolution])
    for row, column in np.ndindex(image.shape):
        left, top = column * edge, row * edge
        outside = (placed.max(0) < (left, top)) | (placed.min(0) > (left + edge, top + edge))
        if not outside.any():
            image[row, column] = clipped_area(placed, left, top, edge) / edge**2
    return image


@pytest.mark.parametrize("shape", range(3))
@pytest.mark.parametrize(
    "values",
    [
        {"scale": 5, "orientation": 0, "position_x": 0, "position_y": 31},
        {"scale": 2, "orientation": 5, "position_x": 17, "position_y": 4},
        {"scale": 0, "orientation": 33, "position_x": 30, "position_y": 9},
    ],
)
def test_images_match_an_exact_rasteriser(shape, values):
    x, y = (16 + 32 * values[name] / 31 for name in ("position_x", "position_y"))
    angle, scale = 2 * math.pi * values["orientation"] / 41, 0.5 + values["scale"] / 10
    exact = rasterise(geometry.SHAPES[shape], scale, angle, x, y, 32)
    drawn = draw(32, shape=shape, **values)
    assert np.abs(drawn - exact).max() < 0.04
    assert np.abs(drawn - exact).mean() < 0.001


@pytest.mark.parametrize("shape", range(3))
@pytest.mark.parametrize("resolution", [32, 64])
def test_area_grows_with_the_square_of_scale_and_is_the_same_for_all_shapes(shape, resolution):
    for value, scale in enumerate(grids.scales(6)):
        area = draw(resolution, shape=shape, scale=value).sum() * (64 / resolution) ** 2
        assert area == pytest.approx(geometry.AREA * scale**2, rel=0.01)


@pytest.mark.parametrize("shape", range(3))
def test_the_centroid_is_at_the_labelled_position(shape):
    for value in (0, 1, 15, 31):
        x, y = centroid(draw(shape=shape, position_x=value, position_y=31 - value))
        assert (x, y) == pytest.approx((16 + 32 * value / 31, 48 - 32 * value / 31), abs=0.05)


def test_the_ellipse_turns_counter_clockwise():
    for value in (0, 3, 11, 39):
        wanted = 2 * math.pi * value / 41
        image = draw(shape=1, scale=5, orientation=value)
        x, y = centroid(image)
        across, up = np.meshgrid(np.arange(64) + 0.5 - x, y - np.arange(64) - 0.5)
        moments = [(image * part).sum() for part in (across**2, up**2, across * up)]
        angle = math.atan2(2 * moments[2], moments[0] - moments[1]) / 2
        assert math.sin(angle - wanted) == pytest.approx(0, abs=0.01)  # an axis repeats after half a circle


def test_all_rotations_of_every_shape_differ_even_for_the_square():
    for shape in range(3):
        turns = [draw(shape=shape, scale=0, orientation=value) for value in range(40)]
        least = min(np.abs(a - b).sum() for i, a in enumerate(turns) for b in turns[:i])
        assert least > 1  # of about 100 covered pixels


def test_every_value_changes_the_image():
    for name, size in FULL.factors.items():
        images = [draw(32, **{name: value}) for value in range(size)]
        changes = np.array([np.abs(a - b).sum() for a, b in zip(images, images[1:], strict=False)])
        assert changes.min() > 1.5, name


@pytest.mark.parametrize("resolution", [16, 64])
def test_no_sprite_reaches_the_edge(resolution):
    corners = grids.places(32)[[0, 31]]
    for shape in geometry.SHAPES:
        for angle in grids.angles(40):
            images = geometry.draw(shape, 1.0, angle, corners, corners, resolution)
            # With 16 pixels of 4 units each, the margin of one unit is inside the outermost pixel.
            outermost = [images[:, :, [0, -1]], images[:, :, :, [0, -1]]]
            assert max(part.max() for part in outermost) <= (0 if resolution == 64 else 192)
            areas = images.sum(axis=(2, 3)) / 255 * (64 / resolution) ** 2
            assert areas == pytest.approx(np.full([2, 2], geometry.AREA), rel=0.01)


def test_training_reads_the_images_that_were_drawn(tiny):
    grid = grids.GRIDS["demo"]
    table = data.load("sprites2d/tiny", str(tiny.data_path.parents[2]), grids.FACTORS)
    assert table.spec.sizes == (3, 4, 10, 8, 8) and table.images.shape == (TINY_SIZE, 16, 16, 1)
    seen = set()
    for image, row in zip(table.images, table.factors, strict=True):
        values = dict(zip(grids.FACTORS, row.tolist(), strict=True))
        seen.add(grid.index_of(values))
        if len(seen) % 8 == 0:
            np.testing.assert_array_equal(image, grids.draw(grid, 16, values))
    assert seen == set(grid.indices(FIRST))


def test_two_builds_write_the_same_bytes(tiny, tmp_path):
    again = Builder(config=TINY, data_dir=tmp_path)
    again.download_and_prepare()
    files = [sorted(builder.data_path.glob("*.tfrecord*")) for builder in (tiny, again)]
    assert files[0] and [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


def test_images_come_in_index_order_from_any_number_of_processes():
    grid = grids.GRIDS["demo"]
    one = list(grids.draw_all(grid, 16, FIRST, 1))
    assert [grid.index_of(values) for values, _ in one] == grid.indices(FIRST).tolist()
    assert list(grids.draw_all(grid, 16, FIRST, 3)) == one


def test_configs(tmp_path):
    expected = {"full": (64, 737_280), "small": (32, 737_280), "demo": (32, 7_680), "demo_64": (64, 7_680)}
    assert {config.name for config in Builder.BUILDER_CONFIGS} == set(expected)
    for name, (resolution, size) in expected.items():
        builder = Builder(config=name, data_dir=tmp_path)
        assert builder.info.features["image"].shape == (resolution, resolution, 1)
        assert builder.builder_config.values.size == size
        assert list(builder.info.features["factors"]) == list(grids.FACTORS)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"grid": "ful"}, "grid: expected one of .'full', 'demo'.. Received: 'ful'"),
        ({"resolution": 48}, "resolution: expected one of .*Received: 48"),
        ({"first": {"shapes": 2}}, "first: expected names among .*Received: 'shapes'. Did you mean 'shape'"),
        ({"first": {"scale": 0}}, r"first\['scale'\]: expected 1 to 6. Received: 0"),
    ],
)
def test_bad_configs_name_the_field(fields, message):
    with pytest.raises(ValueError, match=message):
        Sprites2dConfig(name="bad", **fields)


def test_an_unknown_shape():
    with pytest.raises(ValueError, match="shape: expected one of .*Received: 'star'"):
        geometry.mask("star", 1.0, 0.0)


@pytest.mark.parametrize("shape", [(16, 16, 1), (1, 1, 1), (5, 7, 1), (5, 7, 3)])
def test_png_holds_every_pixel(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    file = Image.open(io.BytesIO(png.encode_png(image)))
    assert file.format == "PNG" and file.mode == {1: "L", 3: "RGB"}[shape[2]]
    assert np.array_equal(np.asarray(file).reshape(shape), image)


def test_a_dead_process_is_reported(capfd):
    with pytest.raises(RuntimeError, match="sums: a drawing process ended .exit code 1. before it had drawn line 2 of"):
        list(processes.map_jobs(math.sqrt, [4.0, -1.0], "sums", "line", 1))
    assert "math domain error" in capfd.readouterr().err


@pytest.mark.slow
def test_the_command_line_builds_the_demo(repository, tmp_path):
    command = [sys.executable, "-m", "tensorflow_datasets.scripts.cli.main", "build", "tfds_builders/sprites2d"]
    subprocess.run(
        [*command, "--config=demo", f"--data_dir={tmp_path}"], cwd=repository, check=True, capture_output=True
    )
    assert data.inspect("sprites2d/demo", str(tmp_path)).count == 7_680


@pytest.mark.slow
def test_the_full_set_can_be_built(repository, tmp_path):
    command = [sys.executable, "-m", "tensorflow_datasets.scripts.cli.main", "build"]
    folder = repository / "tfds_builders" / "sprites2d"
    subprocess.run([*command, "--config=full", f"--data_dir={tmp_path}"], cwd=folder, check=True, capture_output=True)
    assert data.inspect("sprites2d/full", str(tmp_path)).count == 737_280

"""Grids of images: every image in its place, bit for bit; PNG files are complete or absent."""

import os

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import visualize


def images(count: int, height: int = 4, width: int = 6, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, [count, height, width, channels], np.uint8)


def test_a_grid_reads_left_to_right_and_top_to_bottom():
    given = images(5)
    grid = visualize.tile(given, columns=3)
    assert grid.shape == (2 * 4 + 1, 3 * 6 + 2, 3)
    assert grid.dtype == np.uint8
    for i, image in enumerate(given):
        y, x = i // 3 * 5, i % 3 * 7
        assert np.array_equal(grid[y : y + 4, x : x + 6], image)
    assert (grid[4] == 255).all() and (grid[:, 6] == 255).all()  # gaps
    assert (grid[5:, 14:] == 255).all()  # the empty place of a sixth image


def test_grey_images_become_rgb():
    given = images(2, channels=1)
    grid = visualize.tile(given, columns=2)
    assert grid.shape == (4, 13, 3)
    for channel in range(3):
        assert np.array_equal(grid[:, :6, channel], given[0, :, :, 0])


@pytest.mark.parametrize(("size", "least", "times"), [(8, 64, 8), (32, 64, 2), (48, 64, 2), (64, 64, 1), (128, 64, 1)])
def test_small_images_are_enlarged_by_repeating_pixels(size, least, times):
    given = images(2, size, size)
    large = visualize.enlarge(given, least)
    assert large.shape == (2, size * times, size * times, 3)
    for dy in (0, times - 1):
        assert np.array_equal(large[:, dy::times, dy::times], given)


def test_a_traversal_has_one_row_per_factor_with_its_name():
    given = np.stack([images(3, 64, 64) for _ in range(2)])  # [K=2,V=3,H,W,C]
    grid = visualize.traversal_grid(given, ["hue", "a_rather_long_name"])
    inside = visualize.tile(given.reshape(-1, 64, 64, 3), 3)
    height, width = inside.shape[:2]
    assert np.array_equal(grid[-height:, -width:], inside)
    names = grid[-height:, :-width]
    assert (names[: height // 2] < 128).any() and (names[height // 2 :] < 128).any()  # each row has a title
    assert (grid[:-height, -width:] < 128).any()  # so have the columns
    assert (names[:, :2] == 255).all()  # no title is cut off
    longer = visualize.traversal_grid(given, ["hue", "a_rather_long_name_and_more"])
    assert longer.shape[1] > grid.shape[1]


def test_a_traversal_may_have_a_single_column():
    assert visualize.traversal_grid(images(2, 64, 64)[:, None], ["a", "b"]).ndim == 3


def test_a_png_is_read_back_as_it_was_saved(tmp_path):
    (image,) = images(1)
    path = str(tmp_path / "new" / "a.png")
    assert visualize.save_png(image, path) == path
    assert np.array_equal(np.asarray(Image.open(path)), image)
    assert os.listdir(tmp_path / "new") == ["a.png"]


def test_a_save_that_fails_leaves_the_previous_file(tmp_path, monkeypatch):
    first, second = images(2)
    path = str(tmp_path / "a.png")
    visualize.save_png(first, path)

    def fail(self, file, **kwargs):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError):
        visualize.save_png(second, path)
    assert np.array_equal(np.asarray(Image.open(path)), first)

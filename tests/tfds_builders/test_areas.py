"""Averages of areas at ratios of sizes that are not integers, against values by hand and sums over repeated pixels."""

import numpy as np
import pytest
from PIL import Image

from tfds_builders.celeba_attributes import faces
from tfds_builders.labeled_folder.images import Preprocessing, check_image, read_image
from tfds_builders.shared import images
from tfds_builders.shared.areas import average_areas


def test_lines_of_one_pixel_from_96_to_64_by_hand():
    # A pixel of the result covers 1.5 pixels: one wholly and half of the one in the middle of each three.
    lines = np.zeros([96, 96], np.uint8)
    lines[:, [0, 31, 62]] = 255
    reduced = average_areas(Image.fromarray(lines), 64)
    assert reduced.shape == (64, 64, 1) and (reduced == reduced[:1]).all()
    row = reduced[0, :, 0]
    assert {column: int(row[column]) for column in np.flatnonzero(row)} == {0: 170, 20: 85, 21: 85, 41: 170}
    assert (average_areas(Image.fromarray(lines.T), 64)[..., 0] == reduced[..., 0].T).all()


@pytest.mark.parametrize(("side", "edge"), [(96, 64), (178, 128), (178, 64), (65, 64), (127, 8)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_mean_of_every_area_is_exact(side, edge, channels):
    pixels = np.random.default_rng(side).integers(0, 256, [side, side, channels], np.uint8)
    reduced = average_areas(Image.fromarray(pixels.squeeze(-1) if channels == 1 else pixels), edge)
    share = np.eye(side).repeat(edge, axis=0).reshape(edge, side, side).mean(axis=1)  # [edge, side]
    means = np.einsum("yh,xw,hwc->yxc", share, share, pixels, optimize=True)
    assert reduced.dtype == np.uint8 and np.abs(reduced - means).max() <= 0.5 + 1e-9


def test_integer_ratios_give_the_bytes_of_earlier_versions():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, [128, 128, 3], np.uint8))
    for edge in (128, 64, 8):
        np.testing.assert_array_equal(
            average_areas(image, edge), np.asarray(image.resize((edge, edge), Image.Resampling.BOX))
        )


def test_all_builders_that_reduce_images_average_areas(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, [96, 96, 3], np.uint8)
    wanted = average_areas(Image.fromarray(pixels), 64)
    np.testing.assert_array_equal(images.reduce_image(pixels, 64), wanted)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    preprocessing = Preprocessing(64)
    check_image(tmp_path / "a.png", preprocessing)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", preprocessing, gray=False)[0], wanted)
    face = Image.fromarray(np.random.default_rng(2).integers(0, 256, [218, 178, 3], np.uint8))
    for edge in (128, 64):
        wanted = average_areas(face.crop((0, 20, 178, 198)), edge)
        np.testing.assert_array_equal(faces.crop_and_resize(face, 178, edge), wanted)

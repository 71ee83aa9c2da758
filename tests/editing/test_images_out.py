"""Images out: contents of Pillow images and files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.editing import images_out, to_image, to_uint8
from tests.support import faults

FRAMES = np.linspace(-1, 1, 6 * 8 * 8 * 3, dtype=np.float32).reshape(6, 8, 8, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_to_image_shows_one_image_a_row_or_a_grid(channels: int) -> None:
    images = FRAMES[..., :channels]
    pixels = to_uint8(images)
    one, row, grid = to_image(images[0]), to_image(images), to_image(images.reshape(2, 3, 8, 8, channels))
    assert one.mode == row.mode == grid.mode == ("L" if channels == 1 else "RGB")
    np.testing.assert_array_equal(np.asarray(one), pixels[0].squeeze())
    np.testing.assert_array_equal(np.asarray(row), np.concatenate([*pixels], axis=1).squeeze())
    rows = [np.concatenate([*pixels[i : i + 3]], axis=1) for i in (0, 3)]
    np.testing.assert_array_equal(np.asarray(grid), np.concatenate(rows).squeeze())
    np.testing.assert_array_equal(np.asarray(to_image(pixels)), np.asarray(row))  # bytes are used unchanged
    assert (one._repr_png_() or b"").startswith(b"\x89PNG")  # notebooks call this


def test_to_image_repeats_pixels() -> None:
    image = np.asarray(to_image(FRAMES[:2], scale=3))
    assert image.shape == (24, 48, 3)
    np.testing.assert_array_equal(image[1::3, 1::3], np.asarray(to_image(FRAMES[:2])))
    np.testing.assert_array_equal(image[::3, ::3], image[2::3, 2::3])


@pytest.mark.parametrize(
    ("images", "scale", "words"),
    [
        (FRAMES[0, ..., 0], 1, r"images: expected shape \[H,W,C\].* Received: \[8, 8\]"),
        (FRAMES[..., :2], 1, r"1 or 3 channels. Received: \[6, 8, 8, 2\]"),
        (FRAMES[:0], 1, r"Received: \[0, 8, 8, 3\]"),
        (np.zeros([8, 8, 3], np.int64), 1, r"float in \[-1, 1\] or uint8 in 0..255. Received: int64"),
        ("photo.png", 1, "images: expected float"),
        (FRAMES, 0, "scale: expected an integer of 1 or more. Received: 0"),
        (FRAMES, 1.5, "scale: expected an integer of 1 or more. Received: 1.5"),
    ],
)
def test_to_image_refuses_other_arrays(images, scale, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        to_image(images, scale)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif"])
def test_an_image_is_written_in_the_format_of_its_ending(channels: int, ending: str, tmp_path: Path) -> None:
    image = FRAMES[0, ..., :channels]
    path = images_out.save_image(image, str(tmp_path / f"a{ending}"))
    with Image.open(path) as found:
        assert found.mode == ("L" if channels == 1 else "RGB")
        np.testing.assert_array_equal(np.asarray(found), to_uint8(image).squeeze())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_has_a_row_for_each_name(channels: int, tmp_path: Path) -> None:
    rows = np.stack([np.full([3, 8, 8, channels], value) for value in (-1.0, 0.0)])
    rows[:, 2] = 1.0
    with Image.open(images_out.save_grid(rows, ["a", "longer name"], str(tmp_path / "grid.png"))) as image:
        page = np.asarray(image)
    cells = page[26:, -(3 * 65 - 1) :]  # below the codes and right of the names: 2 x 3 images of 64 pixels, gaps of 1
    assert cells.shape[0] == 2 * 65 - 1
    assert (cells[:64, :64] == 0).all() and (cells[65:, :64] == 128).all() and (cells[:, 130:] == 255).all()
    assert (page[:26] == 0).any() and (page[:, :90] < 255).any()  # there is text


def test_a_gif_has_the_frames_and_repeats(tmp_path: Path) -> None:
    with Image.open(images_out.save_gif(FRAMES, str(tmp_path / "a.gif"), fps=10)) as film:
        assert getattr(film, "n_frames", 1) == 6 and film.info["duration"] == 100 and film.info["loop"] == 0
        assert film.size == (256, 256)  # small images are enlarged
        film.seek(5)
        last = np.asarray(film.convert("RGB"))[16::32, 16::32].astype(int)
    assert np.abs(last - to_uint8(FRAMES[5])).max() < 16  # a GIF has only 256 colours


@pytest.mark.parametrize("channels", [1, 3])
def test_an_mp4_shows_the_frames(channels: int, tmp_path: Path) -> None:
    frames = np.stack([np.full([8, 8, channels], value, np.float32) for value in (-0.8, 0.0, 0.8)])
    path = images_out.save_mp4(frames, str(tmp_path / "a.mp4"), fps=3)
    reader = images_out.import_ffmpeg().read_frames(path)
    about = next(reader)
    found = [np.frombuffer(frame, np.uint8).reshape(256, 256, 3) for frame in reader]
    assert about["codec"] == "h264" and about["fps"] == 3 and about["duration"] == pytest.approx(1.0, abs=0.1)
    assert len(found) == 3
    for frame, expected in zip(found, to_uint8(frames), strict=True):
        assert np.abs(frame.astype(int) - expected[0, 0, 0]).max() < 10


NOISE = np.random.default_rng(0).uniform(-1, 1, [2, 256, 256, 3])


@pytest.mark.parametrize(
    ("save", "ending"),
    [
        *[(lambda path: images_out.save_image(NOISE[0], path), ending) for ending in (".png", ".jpg", ".webp", ".tif")],
        (lambda path: images_out.save_grid(NOISE[None], ["a"], path), ".bmp"),
        (lambda path: images_out.save_gif(NOISE, path), ".gif"),
        (lambda path: images_out.save_mp4(NOISE, path), ".mp4"),
    ],
)
def test_a_full_disk_leaves_the_file_as_it_was(save: Callable, ending: str, small_disk: Path) -> None:
    path = small_disk / f"image{ending}"
    path.write_bytes(b"old")
    faults.fill_disk(small_disk, 8192)
    with pytest.raises(OSError) as error:
        save(str(path))
    assert str(error.value).startswith(f"{path} cannot be written: ") and str(error.value).endswith(" disk full?")
    assert path.read_bytes() == b"old" and len(list(small_disk.iterdir())) == 2


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "image.png")
    images_out.save_image(FRAMES[0], str(tmp_path / "link.png"))
    assert (tmp_path / "link.png").is_symlink() and (tmp_path / "image.png").is_file()

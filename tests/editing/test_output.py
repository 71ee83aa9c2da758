"""Pictures out: what is in the files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.editing import output, to_uint8

FRAMES = np.linspace(-1, 1, 6 * 8 * 8 * 3, dtype=np.float32).reshape(6, 8, 8, 3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif"])
def test_a_picture_is_written_as_its_ending_says(channels: int, ending: str, tmp_path: Path) -> None:
    image = FRAMES[0, ..., :channels]
    path = output.save(image, str(tmp_path / f"a{ending}"))
    with Image.open(path) as found:
        assert found.mode == ("L" if channels == 1 else "RGB")
        np.testing.assert_array_equal(np.asarray(found), to_uint8(image).squeeze())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_has_a_row_for_each_name(channels: int, tmp_path: Path) -> None:
    rows = np.stack([np.full([3, 8, 8, channels], value) for value in (-1.0, 0.0)])
    rows[:, 2] = 1.0
    with Image.open(output.save_sheet(rows, ["a", "longer name"], str(tmp_path / "sheet.png"))) as image:
        page = np.asarray(image)
    cells = page[26:, -(3 * 65 - 1) :]  # below the codes, right of the names: 2 x 3 images of 64 pixels, one between
    assert cells.shape[0] == 2 * 65 - 1
    assert (cells[:64, :64] == 0).all() and (cells[65:, :64] == 128).all() and (cells[:, 130:] == 255).all()
    assert (page[:26] == 0).any() and (page[:, :90] < 255).any()  # something is written


def test_a_gif_has_the_frames_and_repeats(tmp_path: Path) -> None:
    with Image.open(output.save_gif(FRAMES, str(tmp_path / "a.gif"), per_second=10)) as film:
        assert getattr(film, "n_frames", 1) == 6 and film.info["duration"] == 100 and film.info["loop"] == 0
        assert film.size == (256, 256)  # small ones are enlarged
        film.seek(5)
        last = np.asarray(film.convert("RGB"))[16::32, 16::32].astype(int)
    assert np.abs(last - to_uint8(FRAMES[5])).max() < 16  # of 256 colours


@pytest.mark.parametrize("channels", [1, 3])
def test_an_mp4_shows_the_frames(channels: int, tmp_path: Path) -> None:
    frames = np.stack([np.full([8, 8, channels], value, np.float32) for value in (-0.8, 0.0, 0.8)])
    path = output.save_mp4(frames, str(tmp_path / "a.mp4"), per_second=3)
    reader = output.check_mp4().read_frames(path)
    about = next(reader)
    found = [np.frombuffer(frame, np.uint8).reshape(256, 256, 3) for frame in reader]
    assert about["codec"] == "h264" and about["fps"] == 3 and about["duration"] == pytest.approx(1.0, abs=0.1)
    assert len(found) == 3
    for frame, expected in zip(found, to_uint8(frames), strict=True):
        assert np.abs(frame.astype(int) - expected[0, 0, 0]).max() < 10

"""Image files made to exhaust memory or time: little of them is read, and a sentence says why they are refused."""

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import GifImagePlugin, Image

from ssgan_tf.editing import Editor, image_files, images_in, to_uint8
from ssgan_tf.editing import __main__ as command_line

RNG = np.random.default_rng(0)
RED = (255, 0, 0)


def load(path: Path, **options) -> tuple[np.ndarray, list[str]]:
    images, notes = images_in.load_images(path, 8, 3, **options)
    return to_uint8(images)[0], notes


def chunk(kind: bytes, data: bytes) -> bytes:
    """Returns a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(extra: bytes, path: Path, after: bool = False) -> Path:
    """Writes a red PNG file with `extra` after its header, or after its pixels."""
    Image.new("RGB", (8, 8), RED).save(path)
    data = path.read_bytes()
    place = data.index(b"IEND") - 4 if after else data.index(b"IDAT") - 4
    path.write_bytes(data[:place] + extra + data[place:])
    return path


def gif_with_frames(count: int, path: Path) -> Path:
    """Writes a GIF of red frames."""
    Image.new("P", (8, 8), 0).save(path)
    data = path.read_bytes()
    start = data.index(b",")
    path.write_bytes(data[:start] + count * data[start:-1] + b";")
    return path


def tiff_with_pages(count: int, path: Path) -> Path:
    """Writes a TIFF of red pages."""
    first, *rest = [Image.new("RGB", (8, 8), RED)] * count
    first.save(path, save_all=True, append_images=rest)
    return path


def test_only_two_frames_of_an_animation_are_looked_at(tmp_path: Path, monkeypatch) -> None:
    frames: set[int] = set()
    seek = GifImagePlugin.GifImageFile._seek

    def spy(self, frame: int, update_image: bool = True) -> None:
        frames.add(frame)
        seek(self, frame, update_image)

    monkeypatch.setattr(GifImagePlugin.GifImageFile, "_seek", spy)
    _, notes = load(gif_with_frames(1000, tmp_path / "many.gif"))
    assert frames == {0, 1} and f"{tmp_path}/many.gif: has several frames; the first one is used." in notes


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_the_first_frame_of_an_animation_is_used(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"moving.{ending}"
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)  # only WebP uses the flag
    pixels, notes = load(path)
    assert (pixels == RED).all() and notes == [f"{path}: has several frames; the first one is used."]


def test_strips_give_the_same_numbers_as_the_whole_image(tmp_path: Path, monkeypatch) -> None:
    pixels = RNG.integers(0, 256, [97, 130, 4], np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(pixels[..., :3]).save(tmp_path / "a.bmp")
    sources = [tmp_path / "a.png", tmp_path / "a.bmp", pixels, pixels[..., :3] / 127.5 - 1, pixels[:5, :6]]
    whole = [images_in.load_images(source, 8, 3) for source in sources]
    monkeypatch.setattr(images_in, "_STRIP", 200)
    for source, (images, notes) in zip(sources, whole, strict=True):
        again, notes_again = images_in.load_images(source, 8, 3)
        np.testing.assert_array_equal(again, images)
        assert notes_again == notes
    # Both are the averages of areas of the central square: 97 pixels in 8 parts, each pixel repeated 8 times.
    square = (pixels[:, 16:113, :3].astype(np.float64) / 127.5) - 1
    means = square.repeat(8, 0).repeat(8, 1).reshape(8, 97, 8, 97, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(whole[1][0][0], means, atol=1e-6)


def test_a_large_image_takes_little_more_memory_than_its_pixels(tmp_path: Path) -> None:
    Image.new("RGBA", (3000, 3000), "red").save(tmp_path / "large.png", compress_level=1)
    script = """
import re, sys
from pathlib import Path
from ssgan_tf.editing import images_in
def peak():  # getrusage counts the memory of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
images_in.load_images(sys.argv[1], 8, 3)
before = peak()
images_in.load_images(sys.argv[2], 8, 3)
print((peak() - before) * 1024 / 3000**2)
"""
    Image.new("RGBA", (9, 9), "red").save(tmp_path / "small.png")
    words = [sys.executable, "-c", script, str(tmp_path / "small.png"), str(tmp_path / "large.png")]
    bytes_per_pixel = float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert 4 <= bytes_per_pixel < 7, bytes_per_pixel  # floats of the whole image would take 40


def test_a_header_without_end_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(image_files, "_MAX_HEADER", 2**14)
    extra = chunk(b"abCd", bytes(2**15))
    for path in (png_with(extra, tmp_path / "a.png"), png_with(1500 * chunk(b"abCd", b""), tmp_path / "b.png")):
        with pytest.raises(ValueError, match=f"^{path}: expected a header of at most 16,384 bytes; save the image"):
            load(path)
    assert (load(png_with(extra, tmp_path / "a.png", after=True))[0] == RED).all()


def test_what_takes_too_long_is_refused(tmp_path: Path, monkeypatch) -> None:
    path = png_with(b"", tmp_path / "a.png")
    monkeypatch.setattr(image_files, "_MAX_SECONDS", 0.0)
    with pytest.raises(ValueError, match=f"^{path}: expected at most 0 s to read it; save the image again"):
        load(path)


def test_reading_can_be_stopped(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == stop:
            raise Enough

    path = png_with(3000 * chunk(b"abCd", b""), tmp_path / "a.png")
    for stop in (1, 2, 20, 2000):
        calls.clear()
        with pytest.raises(Enough):
            load(path, check=check)
        assert len(calls) == stop


def test_jpeg_files_with_more_pixels_are_decoded_smaller(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:128, 0:128]
    pixels = np.stack([rows, columns, 255 - rows - columns], axis=-1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95)
    whole, _ = load(tmp_path / "a.jpg")
    half, notes = load(tmp_path / "a.jpg", max_pixels=6000)
    assert np.abs(half.astype(int) - whole).max() <= 2
    assert f"{tmp_path}/a.jpg: 128x128 pixels, read at half the size." in notes
    Image.fromarray(pixels).save(tmp_path / "b.jpg", progressive=True)
    Image.fromarray(pixels).convert("CMYK").save(tmp_path / "c.jpg")
    for name, most in (("a.jpg", 5000), ("b.jpg", 6000), ("c.jpg", 6000)):
        with pytest.raises(ValueError, match=f"{name}: expected at most {most:,} pixels. Received: 128x128."):
            load(tmp_path / name, max_pixels=most)


def test_files_that_are_no_files_or_too_large_are_refused(tmp_path: Path, monkeypatch) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match="pipe.png: expected an image. Received: neither a file nor a folder."):
        load(tmp_path / "pipe.png")
    monkeypatch.setattr(image_files, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="a.png: expected at most 10 bytes. Received: "):
        load(png_with(b"", tmp_path / "a.png"))


def test_the_command_and_the_editor_share_the_bounds(editor: Editor, exported: Path, tmp_path: Path, capsys) -> None:
    Image.new("1", (10_000, 5_000)).save(tmp_path / "huge.png")
    expected = f"{tmp_path}/huge.png: expected at most 40,000,000 pixels. Received: 10000x5000."
    with pytest.raises(ValueError, match=expected):
        editor.fit(tmp_path / "huge.png")
    with (
        Image.open(tmp_path / "huge.png") as image,
        pytest.raises(ValueError, match="expected at most 40,000,000 pixels"),
    ):
        editor.fit(image)
    words = [f"--model={exported}", f"--in={tmp_path}/huge.png", f"--out={tmp_path}/out.png"]
    assert command_line.main(words) == 2
    assert capsys.readouterr().err == f"error: {expected}\n"


def damaged(path: Path, write: Callable[[Path], object]) -> Path:
    """Writes a file and turns some of its bytes into others."""
    write(path)
    data = bytearray(path.read_bytes())
    for place in RNG.integers(8, len(data), 12):
        data[place] = RNG.integers(256)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp", "tif", "gif"])
def test_damaged_files_are_read_or_refused_with_one_sentence(ending: str, tmp_path: Path) -> None:
    image = Image.fromarray(RNG.integers(0, 256, [24, 24, 3], np.uint8))
    for i in range(40):
        path = damaged(tmp_path / f"{i}.{ending}", image.save)
        try:
            load(path)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error) and len(str(error)) < 700

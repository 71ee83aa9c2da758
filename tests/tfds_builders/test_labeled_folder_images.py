"""labeled_folder, image files: all formats, bit depths and kinds of transparency, and damaged files."""

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfds_builders.labeled_folder.images import Preprocessing, check_image, read_image

PLAIN, WHITE = Preprocessing(8), Preprocessing(8, flatten=(255, 255, 255))


def pixels(seed: int, shape: tuple[int, ...] = (8, 8, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def read(path: Path, preprocessing: Preprocessing = PLAIN) -> np.ndarray:
    return read_image(path, preprocessing, check_image(path, preprocessing))[0]


def raw_png(path: Path, width: int, height: int, depth: int, color: int, rows: bytes) -> None:
    """Writes a PNG that Pillow cannot: with 16-bit colour, or with a header that promises more data than there are."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("a.tiff", {"compression": "tiff_lzw"}),
    ],
)
def test_lossless_formats_are_read_exactly(name: str, how: dict, channels: int, tmp_path: Path) -> None:
    image = pixels(0, (8, 8, channels))
    Image.fromarray(image.squeeze()).save(tmp_path / name, **how)
    found = read(tmp_path / name)
    # WebP has no grey images.
    np.testing.assert_array_equal(found, np.broadcast_to(image, (8, 8, 3)) if name == "a.webp" else image)


def test_jpeg_of_one_colour_keeps_it(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (200, 60, 30)).save(tmp_path / "a.jpg", quality=100)
    assert np.abs(read(tmp_path / "a.jpg").astype(int) - (200, 60, 30)).max() <= 2
    Image.new("L", (8, 8), 77).save(tmp_path / "gray.jpeg", quality=100)
    assert read(tmp_path / "gray.jpeg").tolist() == np.full([8, 8, 1], 77).tolist()


@pytest.mark.parametrize("name", ["a.png", "a.tiff", "big_endian.tiff", "int32.tiff"])
def test_16_bit_grey_is_scaled_to_8(name: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (8, 8)).astype(np.uint16)
    values[0] = [0, 128, 129, 256, 257, 65406, 65407, 65535]
    kind = np.dtype({"big_endian.tiff": ">u2", "int32.tiff": "<i4"}.get(name, "<u2"))
    Image.fromarray(values.astype(kind)).save(tmp_path / name)
    found = read(tmp_path / name)
    assert found.shape == (8, 8, 1)
    np.testing.assert_array_equal(found[..., 0], np.rint(values / 257))
    assert found[0, :, 0].tolist() == [0, 0, 1, 1, 1, 254, 255, 255]


def test_16_bit_colour_is_read_to_the_next_8_bit_level(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (8, 8, 3)).astype(">u2")
    raw_png(tmp_path / "a.png", 8, 8, 16, 2, b"".join(b"\0" + row.tobytes() for row in values))
    assert np.abs(read(tmp_path / "a.png") - values / 257).max() < 1


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_exif_rotation_is_applied(turn: int, tmp_path: Path) -> None:
    upright = pixels(0, (12, 8, 3))
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[turn]
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "a.png", Preprocessing(8, center_crop=True)), upright[2:10])


def save_alpha(path: Path, mode: str) -> None:
    """Saves an image that is transparent in the left half and opaque 102 (a value of the web palette) in the right."""
    image = Image.new("RGBA", (8, 8), (102, 102, 102, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    if mode in {"P", "L", "RGB"}:  # with a transparent colour
        image.convert("RGB").convert(mode).save(path, transparency=(0, 0, 0) if mode == "RGB" else 0)
    else:
        image.convert(mode).save(path)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGB", "L", "P"])
def test_transparency_is_rejected_or_laid_on_a_background(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_alpha(path, mode)
    with pytest.raises(ValueError, match='a.png: has an alpha channel .* Add "flatten": "white"'):
        check_image(path, PLAIN)
    found = read(path, WHITE)
    assert found.shape[-1] == (1 if mode in {"LA", "L"} else 3)
    assert (found[:, :4] == 255).all() and (found[:, 4:] == 102).all()
    assert read(path, Preprocessing(8, flatten=(0, 0, 255)))[0, 0].tolist() == [0, 0, 255]


def test_half_transparent_pixels_are_mixed(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (0, 100, 200, 128)).save(tmp_path / "a.webp", lossless=True)
    assert np.abs(read(tmp_path / "a.webp", WHITE)[0, 0] - [127, 177, 227]).max() <= 1


def test_the_preview_of_a_photograph_is_not_an_animation(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 8), (9, 9, 9))
    image.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[Image.new("RGB", (4, 4))])
    assert read(tmp_path / "a.jpg").shape == (8, 8, 3)


def test_a_large_photograph_is_not_a_decompression_bomb(tmp_path: Path) -> None:
    raw_png(tmp_path / "a.png", 10_000, 10_000, 8, 0, b"")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_image(tmp_path / "a.png", PLAIN)


def test_the_hash_depends_on_the_pixels_alone(tmp_path: Path) -> None:
    for name, seed in (("a.png", 0), ("a.bmp", 0), ("b.bmp", 1)):
        Image.fromarray(pixels(seed)).save(tmp_path / name)
    a, b, c = (read_image(tmp_path / name, PLAIN, gray=False)[1] for name in ("a.png", "a.bmp", "b.bmp"))
    assert a == b != c


def animated(name: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        frames = [Image.fromarray(pixels(seed)) for seed in range(2)]
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
        return name

    return write


def bomb(folder: Path) -> str:
    raw_png(folder / "bomb.png", 20_000, 20_000, 8, 2, b"")
    return "bomb.png"


def content(data: bytes) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / "a.png").write_bytes(data)
        return "a.png"

    return write


def saved(name: str, mode: str, size: tuple[int, int] = (8, 8), **how) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        Image.new(mode, size).save(folder / name, **how)
        return name

    return write


def deep(folder: Path) -> str:
    Image.fromarray(np.full([8, 8], 70_000, np.int32)).save(folder / "a.tiff")
    return "a.tiff"


BAD = {
    "empty": (content(b""), "the file is empty"),
    "text": (content(b"a chair"), "Received: a file that begins with b'a chair'"),
    "gif": (animated("a.gif"), "expected a single image. Received: 2 frames."),
    "webp": (animated("a.webp"), "expected a single image. Received: 2 frames."),
    "apng": (animated("a.png"), "expected a single image. Received: 2 frames."),
    "pages": (animated("a.tif"), "expected a single image. Received: 2 frames."),
    "bomb": (bomb, "expected at most 178,956,970 pixels, since larger files may be made to exhaust the memory."),
    "CMYK": (saved("a.jpg", "CMYK"), "Received: CMYK, the colours of a printing press"),
    "float": (saved("a.tif", "F"), "expected grey or RGB with 8 or 16 bits. Received: Pillow's mode 'F'."),
    "32 bits": (deep, "the image cannot be read: expected values from 0 to 65535, received 70000 to 70000."),
    "small": (saved("a.png", "RGB", (7, 7)), "expected at least 8x8 pixels"),
    "oblong": (saved("a.png", "RGB", (9, 8)), "expected a square image. Received: 9x8."),
    "16-bit transparent": (saved("a.png", "I;16", transparency=0), "expected 16-bit grey without transparency."),
}


@pytest.mark.parametrize(("write", "message"), BAD.values(), ids=BAD)
def test_bad_images(write: Callable[[Path], str], message: str, tmp_path: Path) -> None:
    path = tmp_path / write(tmp_path)
    with pytest.raises(ValueError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tiff", "a.gif"])
def test_damaged_files_give_an_image_or_one_message(name: str, tmp_path: Path) -> None:
    path, rng = tmp_path / name, np.random.default_rng(0)
    Image.fromarray(pixels(0, (16, 16, 3))).save(path)
    good = path.read_bytes()
    refused = 0
    for round_ in range(150):
        data = bytearray(good[: rng.integers(1, len(good))] if round_ % 2 else good)
        data[rng.integers(0, min(len(data), 200))] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            assert read(path).shape[:2] == (8, 8)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            refused += 1
    assert refused >= 50

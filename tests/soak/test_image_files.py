"""Image files of 40 million pixels, and files made to exhaust memory or time: peak memory and time of each."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIDE = 6324  # 40 million pixels
READ = """
import re, sys, time
from pathlib import Path
from ssgan_tf.editing import images_in
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
images_in.load_images(sys.argv[1], 64, 3)
before, begin = peak(), time.process_time()
try:
    images_in.load_images(sys.argv[2], 64, 3)
    outcome = "read"
except ValueError as error:
    outcome = str(error).partition(": ")[2]
print(peak() - before, time.process_time() - begin, outcome, sep="|")
"""


def photograph() -> Image.Image:
    """Returns an RGBA image of random squares."""
    squares = np.random.default_rng(0).integers(0, 256, [SIDE // 4, SIDE // 4, 4], np.uint8)
    return Image.fromarray(np.repeat(np.repeat(squares, 4, axis=0), 4, axis=1))


def rotated(image: Image.Image, path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(path, compress_level=1, exif=exif)


def grey(image: Image.Image, path: Path) -> None:
    Image.fromarray(np.asarray(image)[..., 0].astype(np.uint16) * 257).save(path, compress_level=1)


LARGE: dict[str, tuple[Callable[[Image.Image, Path], None], int]] = {  # file: how it is written, most MiB in memory
    "rgba.png": (lambda image, path: image.save(path, compress_level=1), 200),
    "rotated.png": (rotated, 350),
    "grey16.png": (grey, 120),
    "cmyk.jpg": (lambda image, path: image.convert("RGB").convert("CMYK").save(path), 200),
    "progressive.jpg": (lambda image, path: image.convert("RGB").save(path, progressive=True, subsampling=0), 410),
    "cmyk-progressive.jpg": (
        lambda image, path: image.convert("RGB").convert("CMYK").save(path, progressive=True), 490,
    ),
    "rgb.tif": (lambda image, path: image.convert("RGB").save(path, compression="tiff_lzw"), 280),
    "rgba.webp": (lambda image, path: image.save(path, method=0, quality=50), 660),
}  # fmt: skip


def chunks(count: int, after: bool) -> bytes:
    """Returns a PNG file with empty chunks before or after its pixels."""
    data = encode(Image.new("RGB", (8, 8)), "PNG")
    place = data.index(b"IEND" if after else b"IDAT") - 4
    return data[:place] + count * (bytes(4) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))) + data[place:]


def encode(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def frames(count: int) -> bytes:
    data = encode(Image.new("P", (1, 1)), "GIF")
    start = data.index(b",")
    return data[:start] + count * data[start:-1] + b";"


def comment(mebibytes: int) -> bytes:
    data = encode(Image.new("P", (1, 1)), "GIF")
    start = data.index(b",")
    return data[:start] + b"!\xfe" + (b"\xff" + bytes(255)) * (mebibytes * 2**12) + b"\0" + data[start:]


def scans(count: int) -> bytes:
    """Returns a progressive JPEG file whose last pass over 40 million pixels is repeated."""
    data = encode(Image.new("L", (SIDE, SIDE), 128), "JPEG", progressive=True)
    return data[:-2] + count * data[data.rindex(b"\xff\xda") : -2] + data[-2:]


def tags(entries: list[tuple[int, int, int, int]], size: int) -> bytes:
    """Returns a TIFF file of the given tags (number, type, count, value or offset) and `size` bytes."""
    entries = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), *entries]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(size)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "frames.gif": lambda: frames(3_900_000),
    "comment.gif": lambda: comment(64),
    "chunks-before.png": lambda: chunks(5_000_000, after=False),
    "chunks-after.png": lambda: chunks(5_000_000, after=True),
    "passes.jpg": lambda: scans(20_000),
    "segments.jpg": lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 2**24 + encode(Image.new("L", (8, 8)), "JPEG")[2:],
    "strips.tif": lambda: tags([(273, 4, 2**24, 100)], 2**26),
    "overlapping-tags.tif": lambda: tags([(1000 + i, 7, 2**26, 100) for i in range(3000)], 2**26),
}


def read(path: Path, small: Path) -> tuple[float, float, str]:
    """Reads a file in a process of its own; returns MiB of memory, seconds of processor time, and the outcome."""
    words = [sys.executable, "-c", READ, str(small), str(path)]
    output = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300).stdout
    memory, seconds, outcome = output.strip().split("|")
    size = path.stat().st_size / 2**20
    print(f"{path.name:22}{size:7.1f} MiB{float(memory):8.0f} MiB{float(seconds):7.2f} s  {outcome}")
    return float(memory), float(seconds), outcome


@pytest.fixture
def small(tmp_path: Path) -> Path:
    Image.new("RGBA", (9, 9)).save(tmp_path / "small.png")
    return tmp_path / "small.png"


@pytest.mark.slow
def test_forty_million_pixels_take_little_memory(tmp_path: Path, small: Path) -> None:
    image = photograph()
    print()
    for name, (write, most) in LARGE.items():
        write(image, tmp_path / name)
        memory, _, outcome = read(tmp_path / name, small)
        assert outcome == "read" and memory < most, name


@pytest.mark.slow
def test_hostile_files_take_little_memory_and_time(tmp_path: Path, small: Path) -> None:
    print()
    for name, content in HOSTILE.items():
        (tmp_path / name).write_bytes(content())
        memory, seconds, outcome = read(tmp_path / name, small)
        (tmp_path / name).unlink()
        assert memory < 200 and seconds < 15, name
        assert outcome == "read" or "save the image again" in outcome, outcome

"""img_align_celeba: the faces, found in a folder or in the archive, cut and brought to size."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from tfds_builders.shared import grids, sources
from tfds_builders.shared.pictures import in_parallel
from tfds_builders.shared.png import encode_png

from .attributes import FILE_NAME, file_name

FOLDER = "img_align_celeba"
WIDTH, HEIGHT = 178, 218
CROPS = (128, 178)  # What InfoGAN-CR cut, and the largest square.

INSTRUCTIONS = (
    "celeba_attributes needs two files of CelebA in one folder, named with --manual_dir=FOLDER. "
    f"1. {FOLDER}.zip, the aligned and cropped images (202,599 JPEG files, {WIDTH}x{HEIGHT} pixels), or the folder "
    f"{FOLDER} that it unpacks to. 2. {FILE_NAME}, their 40 attributes. Both are linked from "
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (Align&Cropped Images; Anno/list_attr_celeba.txt). Read the "
    "agreement there first: the images are for non-commercial research only, and may not be handed on."
)


def find(folder: Path, count: int) -> tuple[sources.Source, dict[str, int]]:
    """Where the images are, and {name of the file there: number of the image}, 1 to `count`.

    Raises:
        FileNotFoundError: if neither folder nor archive is there.
        ValueError: if the archive reaches out of its folder, or an image is missing, unknown or there twice.
    """
    source = sources.find(folder, FOLDER, [FOLDER])
    if source is None:
        raise FileNotFoundError(f"{folder}: expected {FOLDER}.zip or a folder {FOLDER}, found neither. {INSTRUCTIONS}")
    numbers = {file_name(number): number for number in range(1, count + 1)}
    found: dict[str, str] = {}
    for path in source.names():
        name = PurePosixPath(path).name
        if name.startswith(".") or path.startswith("__MACOSX/"):  # The leavings of file managers.
            continue
        if name in found:
            raise ValueError(f"{source.path}: expected every image once. Received: {found[name]!r} and {path!r}.")
        found[name] = path
    grids.check_names(found, list(numbers), numbers, str(source.path))
    return source, {path: numbers[name] for name, path in found.items()}


def read(source: sources.Source, numbers: dict[str, int], crop: int, resolution: int) -> Iterator[tuple[int, bytes]]:
    """(number of the image, PNG file [resolution, resolution, 3]) of every image, in the order of the source.

    Raises:
        ValueError: naming the file that is no image of the published size.
    """

    def prepare(file: tuple[str, bytes]) -> tuple[int, bytes]:
        path, data = file
        return numbers[path], encode_png(cut(decode(data, f"{source.path}: {path}"), crop, resolution))

    return in_parallel(prepare, source.read(numbers))


def decode(data: bytes, where: str) -> Image.Image:
    """The JPEG file `data`; raises ValueError, naming `where` it is from, unless it is one of CelebA's size."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            size, mode = image.size, image.mode
            image.load()
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        reason = "the file is empty (0 bytes)" if not data else str(error)
        raise ValueError(f"{where}: the image cannot be read: {reason}. Unpack or download it again.") from error
    if size != (WIDTH, HEIGHT) or mode != "RGB":
        raise ValueError(
            f"{where}: expected an RGB image of {WIDTH}x{HEIGHT}, aligned and cropped. Received: {mode}, "
            f"{size[0]}x{size[1]}. The images in the wild are another archive of CelebA."
        )
    return image


def cut(image: Image.Image, crop: int, resolution: int) -> np.ndarray:
    """The middle crop x crop pixels at resolution x resolution: areas averaged when reduced, Lanczos when enlarged."""
    left, top = (WIDTH - crop) // 2, (HEIGHT - crop) // 2
    how = Image.Resampling.BOX if resolution <= crop else Image.Resampling.LANCZOS
    return np.asarray(image.resize((resolution, resolution), how, (left, top, left + crop, top + crop)))

"""Reader of img_align_celeba: finds the faces in a folder or archive, crops and resizes them."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from tfds_builders.shared import grids, sources
from tfds_builders.shared.areas import average_areas
from tfds_builders.shared.images import in_parallel
from tfds_builders.shared.png import encode_png

from .attributes import FILE_NAME, file_name

FOLDER = "img_align_celeba"
WIDTH, HEIGHT = 178, 218
CROPS = (128, 178)  # the crop of InfoGAN-CR, and the largest square

INSTRUCTIONS = (
    "celeba_attributes needs two files of CelebA in one folder, passed as --manual_dir=FOLDER. "
    f"1. {FOLDER}.zip, the aligned and cropped images (202,599 JPEG files, {WIDTH}x{HEIGHT} pixels), or the folder "
    f"{FOLDER} that it unpacks to. 2. {FILE_NAME}, their 40 attributes. Both are linked from "
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (Align&Cropped Images; Anno/list_attr_celeba.txt). Read the "
    "agreement there first: the images are for non-commercial research only and may not be redistributed."
)


def find(folder: Path, count: int) -> tuple[sources.Source, dict[str, int]]:
    """Returns the source of the images, and {file name in it: image number}, 1 to `count`.

    Raises:
        FileNotFoundError: if neither the folder nor the archive exists.
        ValueError: if the archive has a member outside its folder, or an image is missing, unknown or duplicated.
    """
    places = (sources.find(folder / parent, FOLDER, [FOLDER]) for parent in ("", "Img"))
    source = next((place for place in places if place is not None), None)
    if source is None:
        raise FileNotFoundError(
            f"{folder}: expected {FOLDER}.zip or a folder {FOLDER}, also in Img/, found neither. {INSTRUCTIONS}"
        )
    numbers = {file_name(number): number for number in range(1, count + 1)}
    found: dict[str, str] = {}
    for path in source.names():
        name = PurePosixPath(path).name
        if name in found:
            raise ValueError(f"{source.path}: expected every image once. Received: {found[name]!r} and {path!r}.")
        found[name] = path
    grids.check_names(found, list(numbers), numbers, str(source.path))
    return source, {path: numbers[name] for name, path in found.items()}


def read(source: sources.Source, numbers: dict[str, int], crop: int, resolution: int) -> Iterator[tuple[int, bytes]]:
    """Yields (image number, PNG file [resolution, resolution, 3]) of every image, in the order of the source.

    Raises:
        ValueError: naming a file that is not an image of the published size.
    """

    def prepare(file: tuple[str, bytes]) -> tuple[int, bytes]:
        path, data = file
        return numbers[path], encode_png(crop_and_resize(decode(data, f"{source.path}: {path}"), crop, resolution))

    return in_parallel(prepare, source.read(numbers))


def decode(data: bytes, where: str) -> Image.Image:
    """Decodes a JPEG file. Raises ValueError naming the file, `where`, if it is damaged or not of CelebA's size."""
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
            f"{size[0]}x{size[1]}. CelebA's in-the-wild images are a different archive."
        )
    return image


def crop_and_resize(image: Image.Image, crop: int, resolution: int) -> np.ndarray:
    """Crops the middle crop x crop pixels; reduces them by area averaging or enlarges them with a Lanczos filter."""
    left, top = (WIDTH - crop) // 2, (HEIGHT - crop) // 2
    box = (left, top, left + crop, top + crop)
    if resolution <= crop:
        return average_areas(image.crop(box), resolution)
    return np.asarray(image.resize((resolution, resolution), Image.Resampling.LANCZOS, box))

"""Image files of a folder: their names, what the browser shows, and how they look as short vectors."""

import base64
import collections
import io
import os
from typing import Any

import numpy as np

from ssgan_tf.editing.image_files import FILE_ENDINGS, MAX_PIXELS, import_pillow, open_image
from ssgan_tf.label.table import natural_key

_LITTER = {"@eadir", "__macosx", "#recycle", "$recycle.bin", "system volume information", "lost+found"}
_ENDINGS = (*FILE_ENDINGS, ".gif")
_SHOWN = 768  # pixels of the longer side in the browser
_LOSSLESS = 256  # images up to this size are sent as PNG, larger ones as JPEG
_GRID = 192
_VECTOR = 12  # height and width of the image as a vector


def find_images(folder: str) -> list[str]:
    """Returns the names of the images below `folder`, at any depth and behind links, relative and in natural order.

    Raises:
        OSError: There is no such folder, or it cannot be read.
        ValueError: It contains no image.
    """
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"images: expected a folder with images. Received: {folder!r}.")
    found, entered = [], set()
    # A folder that can be reached on several ways is listed once, under its own path if it has one, as the builder
    # labeled_folder does; so links that lead in a circle end.
    own, linked = collections.deque([""]), collections.deque[str]()
    while own or linked:
        place = own.popleft() if own else linked.popleft()
        try:
            status = os.stat(os.path.join(folder, place))
            entries = sorted(os.scandir(os.path.join(folder, place)), key=lambda entry: entry.name)
        except OSError:  # a folder that may not be read
            if not place:
                raise
            continue
        if (status.st_dev, status.st_ino) in entered:
            continue
        entered.add((status.st_dev, status.st_ino))
        for entry in entries:
            if _is_litter(entry.name):
                continue
            name = os.path.join(place, entry.name)
            if os.path.isdir(entry.path):
                (linked if entry.is_symlink() else own).append(name)
            elif entry.name.lower().endswith(_ENDINGS) and os.path.isfile(entry.path):
                found.append(name)
    if not found:
        raise ValueError(f"images: expected PNG, JPEG, WebP, BMP, TIFF or GIF images in {folder!r}. Received: none.")
    return sorted(found, key=natural_key)


def _is_litter(name: str) -> bool:
    """Returns whether a file or folder is hidden, such as "._a.png" of macOS, or belongs to a file manager."""
    return name.startswith(".") or name.casefold() in _LITTER


def _read(path: str, side: int) -> Any:
    """Returns an image as RGB, upright, on white, and no larger than `side` pixels; raises ValueError if it cannot."""
    pil = import_pillow()
    with open_image(path, MAX_PIXELS, []) as image:
        image.draft("RGB", (side, side))
        image.load()
        image = pil.ImageOps.exif_transpose(image)
        if image.mode.startswith("I"):  # 16 bits
            image = pil.Image.fromarray((np.asarray(image).clip(0, 65535) / 257).astype(np.uint8))
        rgba = image.convert("RGBA")
        rgba.thumbnail((side, side), pil.Image.Resampling.BILINEAR)
        return pil.Image.alpha_composite(pil.Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def address(path: str, small: bool = False) -> str:
    """Returns an image as a `data:` address.

    Args:
        path: Path of the file.
        small: If True, the image is made for a grid.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not an image, or is damaged.
    """
    image, file = _read(path, _GRID if small else _SHOWN), io.BytesIO()
    kind = "png" if max(image.size) <= _LOSSLESS else "jpeg"
    image.save(file, kind, **({"quality": 90} if kind == "jpeg" else {}))
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def vector(path: str) -> np.ndarray:
    """Returns how an image looks, as float32; raises as `address` does."""
    image = _read(path, 4 * _VECTOR).resize((_VECTOR, _VECTOR), import_pillow().Image.Resampling.BOX)
    return np.asarray(image, np.float32).ravel() / np.float32(255.0)

"""Pictures for people: image grids and labelled traversal sheets, as uint8 arrays and PNG files."""

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ssgan_tf.utils import files

_TEXT_SIZE = 13
_GAP = 1  # pixels between images


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Lays uint8 images [N,H,W,C] out in rows of `columns`, left to right: [rows*(H+1)-1, columns*(W+1)-1, 3]."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    sheet = np.full([rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, channels], 255, np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (height + _GAP), i % columns * (width + _GAP)
        sheet[y : y + height, x : x + width] = image
    return np.repeat(sheet, 3, axis=-1) if channels == 1 else sheet


def label_rows(sheet: np.ndarray, names: Sequence[str], header: Sequence[str] = ()) -> np.ndarray:
    """Writes `names` at the left of the equally high rows of `sheet` [H,W,3], and `header` above its columns."""
    font = ImageFont.load_default(_TEXT_SIZE)
    margin = 12 + max(int(font.getlength(name)) for name in names)
    top = 2 * _TEXT_SIZE if header else 0
    height, width = sheet.shape[:2]
    page = Image.new("RGB", (margin + width, top + height), "white")
    page.paste(Image.fromarray(sheet), (margin, top))
    draw = ImageDraw.Draw(page)
    row = height / len(names)
    for i, name in enumerate(names):
        draw.text((margin - 6, top + (i + 0.5) * row), name, "black", font, anchor="rm")
    for i, text in enumerate(header):
        x = margin + (i + 0.5) * width / len(header)
        draw.text((x, top / 2), text, "black", font, anchor="mm")
    return np.asarray(page)


def enlarge(images: np.ndarray, least: int = 64) -> np.ndarray:
    """Repeats the pixels of [N,H,W,C] until an image is at least `least` pixels high; larger ones stay."""
    times = max(1, -(-least // images.shape[1]))
    return images.repeat(times, axis=1).repeat(times, axis=2)


def caption(images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """Writes a text under each of uint8 [N,H,W,C], cut off at the image's width: uint8 [N,H',W,3], H' above H."""
    font = ImageFont.load_default(_TEXT_SIZE - 2)
    count, height, width, _ = images.shape
    pages = np.full([count, height + _TEXT_SIZE + 2, width, 3], 255, np.uint8)
    pages[:, :height] = images
    for page, text in zip(pages, texts, strict=True):
        strip = Image.new("RGB", (width, _TEXT_SIZE + 2), "white")
        ImageDraw.Draw(strip).text((width / 2, _TEXT_SIZE / 2), text, "black", font, anchor="mm")
        page[height:] = np.asarray(strip)
    return pages


def traversal_sheet(images: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """One row per factor, one column per value, with names and values written beside them.

    Args:
        images: uint8 [K,V,H,W,C], factor k at code v / (V - 1), everything else fixed within a row.
        names: of the K factors.

    Returns:
        uint8 [H',W',3].
    """
    values = images.shape[1]
    sheet = tile(enlarge(images.reshape(-1, *images.shape[2:])), values)
    header = [f"{v / max(values - 1, 1):.2g}" for v in range(values)]
    return label_rows(sheet, names, header)


def save_png(image: np.ndarray, path: str) -> str:
    """Writes uint8 [H,W,3] to `path`, whole or not at all, and returns the path."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with files.atomic_write(path, "wb") as file:
        Image.fromarray(image).save(file, format="PNG")
    return path

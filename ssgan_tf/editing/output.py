"""Pictures out: image files, traversal sheets and animations. All images are float in about [-1, 1]."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from .pictures import pillow, to_uint8

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")

_TEXT_SIZE = 13
_GAP = 1  # pixels between the images of a sheet
_LEAST = 64  # pixels of an image in a sheet ...
_LEAST_MOVING = 256  # ... and in an animation


def save(image: np.ndarray, path: str) -> str:
    """Writes [R,R,C] as a file of the kind that the path's ending says; returns the path."""
    _open(to_uint8(image)).save(path)
    return path


def save_sheet(rows: np.ndarray, names: Sequence[str], path: str) -> str:
    """Writes [K,S,R,R,C] with the name of each row at its left, and above the columns the codes from 0 to 1."""
    count, steps = rows.shape[:2]
    images = _enlarged(_colours(to_uint8(rows.reshape(-1, *rows.shape[2:]))), _LEAST)
    size = images.shape[1]
    font = pillow().ImageFont.load_default(_TEXT_SIZE)
    margin = 12 + max(int(font.getlength(name)) for name in names)
    top, cell = 2 * _TEXT_SIZE, size + _GAP
    page = pillow().Image.new("RGB", (margin + steps * cell - _GAP, top + count * cell - _GAP), "white")
    draw = pillow().ImageDraw.Draw(page)
    for i, image in enumerate(images):
        page.paste(_open(image), (margin + i % steps * cell, top + i // steps * cell))
    for k, name in enumerate(names):
        draw.text((margin - 6, top + k * cell + size / 2), name, "black", font, anchor="rm")
    for step in range(steps):
        draw.text((margin + step * cell + size / 2, top / 2), f"{step / (steps - 1):.2g}", "black", font, anchor="mm")
    page.save(path)
    return path


def save_gif(frames: np.ndarray, path: str, per_second: int = 12) -> str:
    """Writes [T,R,R,C] as an animation that repeats; small pictures are enlarged."""
    first, *rest = map(_open, _enlarged(to_uint8(frames), _LEAST_MOVING))
    first.save(path, save_all=True, append_images=rest, duration=round(1000 / per_second), loop=0)
    return path


def check_mp4() -> Any:
    """The library that writes MP4.

    Raises:
        ValueError: if it is missing.
    """
    try:
        import imageio_ffmpeg
    except ImportError:
        raise ValueError(
            "--mp4: expected the package imageio-ffmpeg. Received: an installation without it. Install it with: "
            "pip install imageio-ffmpeg; --gif needs nothing more."
        ) from None
    return imageio_ffmpeg


def save_mp4(frames: np.ndarray, path: str, per_second: int = 12) -> str:
    """Writes [T,R,R,C] as an H.264 film; small pictures are enlarged.

    Raises:
        ValueError: if the library for it is missing.
        OSError: if it cannot be written.
    """
    images = _enlarged(_colours(to_uint8(frames)), _LEAST_MOVING)
    height, width = images.shape[1:3]
    writer = check_mp4().write_frames(
        path, (width, height), fps=per_second, codec="libx264", macro_block_size=2, ffmpeg_log_level="error"
    )
    writer.send(None)
    for image in images:
        writer.send(np.ascontiguousarray(image))
    writer.close()
    if not os.path.exists(path) or not os.path.getsize(path):
        raise OSError(f"{path}: ffmpeg wrote nothing.")
    return path


def _open(image: np.ndarray) -> Any:
    """uint8 [H,W,1 or 3] as a Pillow image."""
    return pillow().Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _colours(images: np.ndarray) -> np.ndarray:
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def _enlarged(images: np.ndarray, least: int) -> np.ndarray:
    """Repeats the pixels of [N,H,W,C] until an image is at least `least` pixels high."""
    times = max(1, -(-least // images.shape[1]))
    return images.repeat(times, axis=1).repeat(times, axis=2)

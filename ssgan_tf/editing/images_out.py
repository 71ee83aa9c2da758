"""Images out: Pillow images, image files, grids of traversals and animations. Images are float in about [-1, 1]."""

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .images_in import import_pillow, to_uint8
from .latents import Latents, check_integer

if TYPE_CHECKING:
    import PIL.Image

_TEXT_SIZE = 13
_GAP = 1  # pixels between the images of a grid
_MIN_CELL = 64  # minimum height of an image in a grid, in pixels
_MIN_FRAME = 256  # minimum height of a frame of an animation, in pixels


def to_image(images: ArrayLike, scale: int = 1) -> "PIL.Image.Image":
    """Converts one or several images to a single Pillow image, which notebooks display.

    Args:
        images: [H,W,C], [N,H,W,C] for a row of N images, or [M,N,H,W,C] for M rows; float in about [-1, 1] or uint8
            in 0..255, with C = 1 (grey) or 3 (RGB).
        scale: Number of times that each pixel is repeated in both directions.

    Raises:
        ValueError: If the shape or type is different, `scale` is not a positive integer, or Pillow is not installed.
    """
    if isinstance(images, Latents):
        raise ValueError(
            "images: expected an array. Received: Latents; editor.edit(latents, {}) generates their images."
        )
    pixels = np.asarray(images)
    if np.issubdtype(pixels.dtype, np.floating):
        pixels = to_uint8(pixels)
    if pixels.dtype != np.uint8:
        raise ValueError(f"images: expected float in [-1, 1] or uint8 in 0..255. Received: {pixels.dtype}.")
    if pixels.ndim not in (3, 4, 5) or pixels.shape[-1] not in (1, 3) or 0 in pixels.shape:
        raise ValueError(
            "images: expected shape [H,W,C], [N,H,W,C] or [M,N,H,W,C] with 1 or 3 channels. Received: "
            f"{list(pixels.shape)}."
        )
    rows, columns, height, width, channels = (1,) * (5 - pixels.ndim) + pixels.shape
    grid = pixels.reshape(rows, columns, height, width, channels).swapaxes(1, 2)  # [M,H,N,W,C]
    grid = grid.reshape(rows * height, columns * width, channels)
    times = check_integer("scale", scale, 1)
    return _from_uint8(grid.repeat(times, axis=0).repeat(times, axis=1))


def save_image(image: np.ndarray, path: str) -> str:
    """Writes [R,R,C] in the format that the ending of `path` names; returns the path."""
    return _save(to_image(image), path)


def save_grid(rows: np.ndarray, names: Sequence[str], path: str) -> str:
    """Writes traversals [K,S,R,R,C], with each row's name on its left and the codes from 0 to 1 above the columns."""
    count, steps = rows.shape[:2]
    images = _enlarge(_to_rgb(to_uint8(rows.reshape(-1, *rows.shape[2:]))), _MIN_CELL)
    size = images.shape[1]
    font = import_pillow().ImageFont.load_default(_TEXT_SIZE)
    margin = 12 + max(int(font.getlength(name)) for name in names)
    top, cell = 2 * _TEXT_SIZE, size + _GAP
    page = import_pillow().Image.new("RGB", (margin + steps * cell - _GAP, top + count * cell - _GAP), "white")
    draw = import_pillow().ImageDraw.Draw(page)
    for i, image in enumerate(images):
        page.paste(_from_uint8(image), (margin + i % steps * cell, top + i // steps * cell))
    for k, name in enumerate(names):
        draw.text((margin - 6, top + k * cell + size / 2), name, "black", font, anchor="rm")
    for step in range(steps):
        draw.text((margin + step * cell + size / 2, top / 2), f"{step / (steps - 1):.2g}", "black", font, anchor="mm")
    return _save(page, path)


def save_gif(frames: np.ndarray, path: str, fps: int = 12) -> str:
    """Writes [T,R,R,C] as an animation that repeats forever; small images are enlarged; returns the path."""
    first, *rest = map(_from_uint8, _enlarge(to_uint8(frames), _MIN_FRAME))
    return _save(first, path, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0)


def import_ffmpeg() -> Any:
    """Imports imageio-ffmpeg, which writes MP4.

    Raises:
        ValueError: If it is not installed.
    """
    try:
        import imageio_ffmpeg
    except ImportError:
        raise ValueError(
            "--mp4: needs the package imageio-ffmpeg, which is not installed. Install it with: "
            "pip install imageio-ffmpeg, or use --gif, which needs no further package."
        ) from None
    return imageio_ffmpeg


def save_mp4(frames: np.ndarray, path: str, fps: int = 12) -> str:
    """Writes [T,R,R,C] as an H.264 video; small images are enlarged.

    Raises:
        ValueError: If imageio-ffmpeg is not installed.
        OSError: If the file cannot be written.
    """
    images = _enlarge(_to_rgb(to_uint8(frames)), _MIN_FRAME)
    height, width = images.shape[1:3]
    ffmpeg = import_ffmpeg()
    with _replacing(path) as partial:
        writer = ffmpeg.write_frames(
            partial, (width, height), fps=fps, codec="libx264", macro_block_size=2, ffmpeg_log_level="error"
        )
        writer.send(None)
        for image in images:
            writer.send(np.ascontiguousarray(image))
        writer.close()
        # The writer does not say if it failed.
        try:
            count = ffmpeg.count_frames_and_secs(partial)[0]
        except RuntimeError:
            count = 0
        if count != len(images):
            raise OSError(f"ffmpeg wrote {count} of {len(images)} frames")
    return path


def _save(image: "PIL.Image.Image", path: str, **options: Any) -> str:
    """Writes an image in the format that the ending of `path` names; returns the path."""
    formats = import_pillow().Image.registered_extensions()
    content = io.BytesIO()  # first, because some encoders do not notice that a disk is full
    image.save(content, formats[os.path.splitext(path)[1].lower()], **options)
    with _replacing(path) as partial, open(partial, "wb") as file:
        file.write(content.getbuffer())
    return path


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[str]:
    """Provides a path for a file that replaces `path` at the end of the block, unless the block fails.

    Raises:
        OSError: The file cannot be written, for example because the disk is full.
    """
    place = os.path.realpath(path)  # a link stays a link
    partial = os.path.join(os.path.dirname(place), f".partial-{os.getpid()}{os.path.splitext(place)[1]}")
    try:
        yield partial
        os.replace(partial, place)
    except OSError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise OSError(f"{path} cannot be written: {reason}. Is its disk full?") from error
    finally:
        with contextlib.suppress(OSError):
            os.remove(partial)


def _from_uint8(image: np.ndarray) -> Any:
    """Converts uint8 [H,W,1 or 3] to a Pillow image."""
    return import_pillow().Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _to_rgb(images: np.ndarray) -> np.ndarray:
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def _enlarge(images: np.ndarray, min_height: int) -> np.ndarray:
    """Repeats the pixels of [N,H,W,C] until the images are at least `min_height` pixels high."""
    times = max(1, -(-min_height // images.shape[1]))
    return images.repeat(times, axis=1).repeat(times, axis=2)

"""Image grids to look at: samples, traversals with one row per code, and PNG files."""

import os
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from ssgan_tf.core.images import to_float, to_uint8
from ssgan_tf.utils import files
from ssgan_tf.utils.fonts import fit_font

_TEXT_SIZE = 13
_GAP = 1  # pixels between images
_BATCH = 8  # images generated at a time, so that grids need little memory at any resolution


class ImageRows(Protocol):
    """Images indexed by row number: an array, or images that stay on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> np.ndarray: ...


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Arranges uint8 images [N,H,W,C] in a grid with `columns` columns: [rows*(H+1)-1, columns*(W+1)-1, 3]."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    grid = np.full([rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, channels], 255, np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (height + _GAP), i % columns * (width + _GAP)
        grid[y : y + height, x : x + width] = image
    return np.repeat(grid, 3, axis=-1) if channels == 1 else grid


def label_rows(grid: np.ndarray, names: Sequence[str], header: Sequence[str] = ()) -> np.ndarray:
    """Writes `names` to the left of the rows of `grid` [H,W,3], all of equal height, and `header` above its columns."""
    font, texts = fit_font([*names, *header], _TEXT_SIZE)
    names, header = texts[: len(names)], texts[len(names) :]
    margin = 12 + max(int(font.getlength(name)) for name in names)
    top = 2 * _TEXT_SIZE if header else 0
    height, width = grid.shape[:2]
    page = Image.new("RGB", (margin + width, top + height), "white")
    page.paste(Image.fromarray(grid), (margin, top))
    draw = ImageDraw.Draw(page)
    row = height / len(names)
    for i, name in enumerate(names):
        draw.text((margin - 6, top + (i + 0.5) * row), name, "black", font, anchor="rm")
    for i, text in enumerate(header):
        x = margin + (i + 0.5) * width / len(header)
        draw.text((x, top / 2), text, "black", font, anchor="mm")
    return np.asarray(page)


def enlarge(images: np.ndarray, minimum: int = 64) -> np.ndarray:
    """Enlarges images [N,H,W,C] by repeating pixels until they are at least `minimum` pixels high."""
    times = max(1, -(-minimum // images.shape[1]))
    return images.repeat(times, axis=1).repeat(times, axis=2)


def caption(images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """Writes a text under each image of uint8 [N,H,W,C], clipped to its width: uint8 [N,H',W,3], H' > H."""
    font, texts = fit_font(texts, _TEXT_SIZE - 2)
    count, height, width, _ = images.shape
    pages = np.full([count, height + _TEXT_SIZE + 2, width, 3], 255, np.uint8)
    pages[:, :height] = images
    for page, text in zip(pages, texts, strict=True):
        strip = Image.new("RGB", (width, _TEXT_SIZE + 2), "white")
        ImageDraw.Draw(strip).text((width / 2, _TEXT_SIZE / 2), text, "black", font, anchor="mm")
        page[height:] = np.asarray(strip)
    return pages


def traversal_grid(images: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Returns a grid with one row per factor and one column per value, labelled with names and values.

    Args:
        images: uint8 [K,V,H,W,C]; row k varies factor k over the codes v / (V - 1) with everything else fixed.
        names: Names of the K factors.

    Returns:
        uint8 [H',W',3].
    """
    values = images.shape[1]
    grid = tile(enlarge(images.reshape(-1, *images.shape[2:])), values)
    header = [f"{v / max(values - 1, 1):.2g}" for v in range(values)]
    return label_rows(grid, names, header)


def data_grid(images: ImageRows, seed: int) -> np.ndarray:
    """Returns a grid of up to 64 random real images, uint8 [N,R,R,C], as the networks see them: uint8 [H,W,3]."""
    rows = np.random.default_rng([seed, 9]).choice(len(images), min(64, len(images)), replace=False)
    return tile(enlarge(np.stack([to_uint8(to_float(images[row])) for row in np.sort(rows)])), 8)


def make_plotter(
    model: tf.keras.Model, seed: int, titles: Sequence[str] | None = None
) -> Callable[[], dict[str, np.ndarray]]:
    """Returns a function that plots the model's "samples" and its "traversal", always from the same noise.

    The function returns an empty dict if the model generates no images.

    Args:
        model: Model with `sample` and `prior`.
        seed: Seed of noise and codes.
        titles: Titles of the traversal's rows; None for the names of the codes.
    """
    if model.sample is None:
        return dict
    prior, spec = model.prior, model.prior.spec
    noise = tf.random.stateless_normal([64, model.noise_size], [seed, 7])
    codes = prior.sample(64, tf.constant([seed, 8]))
    values = np.linspace(0, 1, 9, dtype=np.float32)
    traversed = np.tile(prior.to_unit(codes[0]).numpy(), [spec.size, len(values), 1])  # [K,V,K]
    for k in range(spec.size):
        traversed[k, :, k] = values
    traversed = traversed.reshape(-1, spec.size)

    def generate(z: tf.Tensor, c: tf.Tensor) -> np.ndarray:
        sample = tf.function(model.sample, autograph=False)  # traced each time: the resolution may have grown
        parts = [slice(i, i + _BATCH) for i in range(0, len(c), _BATCH)]
        return np.concatenate([to_uint8(sample(z[part], c[part])) for part in parts])

    def plot() -> dict[str, np.ndarray]:
        traversal = generate(tf.repeat(noise[:1], len(traversed), axis=0), prior.from_unit(tf.constant(traversed)))
        shape = [spec.size, len(values), *traversal.shape[1:]]
        return {
            "samples": tile(enlarge(generate(noise, codes)), 8),
            "traversal": traversal_grid(traversal.reshape(shape), titles or spec.names),
        }

    return plot


def save_png(image: np.ndarray, path: str) -> str:
    """Writes uint8 [H,W,3] to `path`, atomically, and returns the path."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with files.atomic_write(path, "wb") as file:
        Image.fromarray(image).save(file, format="PNG")
    return path

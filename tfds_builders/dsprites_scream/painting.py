"""The painting behind the sprites: reads it, shrinks it and cuts out random parts."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ("scream.jpg", "scream.jpeg", "scream.png")
LARGEST = (350, 274)  # maximum width and height after shrinking, as in disentanglement_lib

INSTRUCTIONS = (
    "dsprites_scream needs one image, Edvard Munch's The Scream (1893), as scream.jpg. The painting is in the public "
    "domain: save a photograph of the whole painting, for example the file The_Scream.jpg from Wikimedia Commons "
    "(https://commons.wikimedia.org/wiki/File:The_Scream.jpg), as scream.jpg in a folder, and pass that folder as "
    "--manual_dir=FOLDER. Any JPEG or PNG image (scream.png) works, but with another one the data set differs from "
    "that of the papers."
)


def read(folder: str | os.PathLike[str], edge: int) -> np.ndarray:
    """Reads the painting in `folder`, shrunk to fit into LARGEST by area averaging: float32 [H, W, 3] in [0, 1].

    Args:
        folder: Folder with a file named as in NAMES.
        edge: Height and width in pixels of the parts to cut from it.

    Raises:
        FileNotFoundError: if the painting is missing.
        ValueError: naming the file, if it cannot be read or is too small.
    """
    found = [path for path in (Path(folder) / name for name in NAMES) if path.is_file()]
    if not found:
        raise FileNotFoundError(f"{folder}: expected an image {NAMES[0]!r} in this folder, found none. {INSTRUCTIONS}")
    path = found[0]
    try:
        with Image.open(path) as file:
            image = file.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: the image cannot be read ({error}). Save it again as JPEG or PNG.") from error
    scale = min(1.0, LARGEST[0] / image.width, LARGEST[1] / image.height)
    size = (max(1, round(scale * image.width)), max(1, round(scale * image.height)))
    if min(size) < edge:
        raise ValueError(
            f"{path}: expected an image of at least {edge} pixels in both directions after shrinking to fit into "
            f"{LARGEST[0]}x{LARGEST[1]}. Received: {image.width}x{image.height}, shrunk to {size[0]}x{size[1]}. "
            "Use a larger photograph of the whole painting."
        )
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.float32) / 255


def embed(canvas: np.ndarray, sprite: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cuts out a random part of the painting and replaces it by its negative where the sprite is.

    Args:
        canvas: The painting [H, W, 3] in [0, 1].
        sprite: Share of each pixel covered by the sprite [R, R, 1]; partly covered pixels are blended.
        rng: Random generator for the position of the part and for the colour it is averaged with.

    Returns:
        The image [R, R, 3] in [0, 1].
    """
    edge = len(sprite)
    top, left = (int(rng.integers(side - edge + 1)) for side in canvas.shape[:2])
    tint = rng.random(3, np.float32)
    background = (canvas[top : top + edge, left : left + edge] + tint) / 2
    return background + sprite * (1 - 2 * background)

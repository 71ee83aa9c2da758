"""The painting behind the sprites: found, made small, cut at random."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ("scream.jpg", "scream.jpeg", "scream.png")
LARGEST = (350, 274)  # Width and height that the painting is shrunk into, as disentanglement_lib does.

INSTRUCTIONS = (
    "dsprites_scream needs one picture, Edvard Munch's The Scream (1893), as scream.jpg. The painting is in the public "
    "domain: save a photograph of the whole of it, for example the file The_Scream.jpg of Wikimedia Commons "
    "(https://commons.wikimedia.org/wiki/File:The_Scream.jpg), as scream.jpg in a folder, and name that folder: "
    "--manual_dir=FOLDER. Any picture will do, in JPEG or PNG (scream.png), but with another one the data set is "
    "not that of the papers."
)


def read(folder: str | os.PathLike[str], edge: int) -> np.ndarray:
    """The painting in `folder`, shrunk into LARGEST (averaging areas, its shape kept): float32 [H, W, 3] in [0, 1].

    Args:
        folder: holds one of NAMES.
        edge: of the parts that will be cut from it, in pixels.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: naming the file, if it cannot be read or is too small.
    """
    found = [path for path in (Path(folder) / name for name in NAMES) if path.is_file()]
    if not found:
        raise FileNotFoundError(f"{folder}: expected a picture {NAMES[0]!r} in this folder, found none. {INSTRUCTIONS}")
    path = found[0]
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: the picture cannot be read ({error}). Save it again, as JPEG or PNG.") from error
    share = min(1.0, LARGEST[0] / picture.width, LARGEST[1] / picture.height)
    size = (max(1, round(share * picture.width)), max(1, round(share * picture.height)))
    if min(size) < edge:
        raise ValueError(
            f"{path}: expected a picture of at least {edge} pixels in both directions, once it is shrunk into "
            f"{LARGEST[0]}x{LARGEST[1]}. Received: {picture.width}x{picture.height}, {size[0]}x{size[1]} then. "
            "Take a larger photograph of the whole painting."
        )
    return np.asarray(picture.resize(size, Image.Resampling.BOX), np.float32) / 255


def embed(canvas: np.ndarray, sprite: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random part of the painting, its negative where the sprite is.

    Args:
        canvas: the painting [H, W, 3] in [0, 1].
        sprite: share of each pixel that the sprite covers [R, R, 1]. At its edge the two blend.
        rng: says which part, and the colour with which it is averaged.

    Returns:
        [R, R, 3] in [0, 1].
    """
    edge = len(sprite)
    top, left = (int(rng.integers(side - edge + 1)) for side in canvas.shape[:2])
    tint = rng.random(3, np.float32)
    background = (canvas[top : top + edge, left : left + edge] + tint) / 2
    return background + sprite * (1 - 2 * background)

"""Decoder of Cars3D's .mat files, each of which holds the 96 images of one car."""

from __future__ import annotations

import io

import numpy as np
import scipy.io

EDGE = 128
ELEVATIONS, AZIMUTHS = 4, 24
_SHAPE = (EDGE, EDGE, 3, AZIMUTHS, ELEVATIONS)


def read_views(content: bytes, where: str) -> np.ndarray:
    """Returns the array `im` of a .mat file as uint8 [elevation, azimuth, 128, 128, 3].

    Args:
        content: Contents of the file.
        where: File name for error messages.

    Raises:
        ValueError: naming the file and the reason.
    """
    try:
        found = scipy.io.loadmat(io.BytesIO(content), variable_names=["im"])
    except Exception as error:  # loadmat raises almost any exception on damaged data
        raise ValueError(f"{where}: SciPy cannot read this .mat file ({error}). Unpack the archive again.") from error
    images = found.get("im")
    if images is None or images.shape != _SHAPE or images.dtype != np.uint8:
        received = "none" if images is None else f"{images.dtype} {list(images.shape)}"
        raise ValueError(f"{where}: expected an array 'im', uint8 {list(_SHAPE)}. Received: {received}.")
    return images.transpose(4, 3, 0, 1, 2)

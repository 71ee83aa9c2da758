"""Checksums of the data that a run is trained on, by which a resumed run notices other data."""

import hashlib
import json

import numpy as np

from ssgan_tf import config as configs
from ssgan_tf import data

_SAMPLE = 256  # images in the checksum of a data set's images


def labels_sha256(factors: np.ndarray) -> str:
    """Returns a checksum of labels [N,K] and of their order."""
    return hashlib.sha256(np.ascontiguousarray(factors, np.int64).tobytes()).hexdigest()


def images_sha256(images: data.Images) -> str:
    """Returns a checksum of up to 256 images at even distances, which is cheap if they are read from disk."""
    rows = np.linspace(0, len(images) - 1, min(_SAMPLE, len(images))).astype(np.int64)
    return hashlib.sha256(str(images.shape).encode() + np.ascontiguousarray(images[rows]).tobytes()).hexdigest()


def choice_sha256(dataset: data.FactorDataset, config: configs.Config, rows: np.ndarray) -> str:
    """Returns a checksum of the rows of a labelled subset and of everything that they are chosen from."""
    options = config.data
    chosen_from = [options.labeled_fraction, options.stratified, config.train.seed, labels_sha256(dataset.factors)]
    arrays = [np.ascontiguousarray(array, np.int64).tobytes() for array in (dataset.kept_for_scores, rows)]
    return hashlib.sha256(json.dumps([*chosen_from, *map(len, arrays)]).encode() + b"".join(arrays)).hexdigest()

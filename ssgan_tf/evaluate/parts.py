"""Parts of a data set that a run is scored on: images it has not seen first, and those it was trained on."""

from typing import NamedTuple

import numpy as np

from ssgan_tf.core.codes import UNKNOWN
from ssgan_tf.data import FactorDataset

_FEWEST = 100  # images that a score should be computed from


class Part(NamedTuple):
    """Images to score a run on.

    Args:
        rows: Rows of images with all labels known.
        names_codes: Whether generated images get the codes of these images. Otherwise the prior samples them.
        text: What these images are, for the table of scores.
    """

    rows: np.ndarray
    names_codes: bool
    text: str


def unseen(dataset: FactorDataset, labeled_rows: np.ndarray) -> Part:
    """Returns the images that E was not trained on.

    These are the held-out ones; or, if the config holds out none, those whose labels were not used; or, if fewer than
    100 of them have all labels, all images.

    Args:
        dataset: Images and labels, with the rows that are held out.
        labeled_rows: Rows whose labels are used in training.

    Raises:
        ValueError: Images are held out, but none of them has all labels.
    """
    known = np.flatnonzero((dataset.factors != UNKNOWN).all(axis=1))
    if len(dataset.held_out):
        held_out = np.intersect1d(known, dataset.held_out)
        if not len(held_out):
            raise ValueError("Scores need held-out images with all labels known. Received: none.")
        return Part(held_out, True, "held-out images")
    unlabeled = np.setdiff1d(known, labeled_rows)
    if len(labeled_rows) and len(unlabeled) >= _FEWEST:
        return Part(unlabeled, False, "images whose labels were not used")
    return Part(known, False, "all images")


def seen(dataset: FactorDataset, labeled_rows: np.ndarray) -> Part:
    """Returns the images to compare with `unseen`; its rows are empty if there are none.

    If images are held out, these are the training images, and otherwise those whose labels were used, for E alone.
    """
    known = np.flatnonzero((dataset.factors != UNKNOWN).all(axis=1))
    if len(dataset.held_out):
        return Part(np.setdiff1d(known, dataset.held_out), True, "training images")
    if len(unseen(dataset, labeled_rows).rows) == len(known):
        return Part(known[:0], False, "")
    return Part(np.intersect1d(known, labeled_rows), False, "labelled images")

"""Parts of a data set that a run is scored on: images it has not seen first, and those it was trained on."""

from typing import NamedTuple

import numpy as np

from ssgan_tf.core.codes import UNKNOWN
from ssgan_tf.data import FactorDataset

_FEWEST = 100  # images that a score should be computed from, if nothing was held out for it


class Part(NamedTuple):
    """Images to score a run on.

    Args:
        rows: Rows of images with labels, for E.
        images: Rows of images to compare generated images and reconstructions with; they need no labels.
        text: What the images in `rows` are, for the table of scores.
        named: Rows of images with all labels, whose codes generated images get; None if the prior samples codes.
    """

    rows: np.ndarray
    images: np.ndarray
    text: str
    named: np.ndarray | None = None


def unseen(dataset: FactorDataset, labeled_rows: np.ndarray) -> Part:
    """Returns images with labels that E was not trained on.

    These are the held-out ones; or, if the config holds out labels alone, the images with these; or, if it holds out
    nothing, those whose labels were not used. If fewer than 100 of them have labels, all images are taken.

    Args:
        dataset: Images and labels, with what is held out.
        labeled_rows: Rows whose labels are used in training.

    Raises:
        ValueError: Images or labels are held out, but none of the images has a label.
    """
    labels = dataset.factors != UNKNOWN
    known, everything = np.flatnonzero(labels.any(axis=1)), np.arange(len(dataset))
    if len(dataset.held_out):
        named = np.intersect1d(np.flatnonzero(labels.all(axis=1)), dataset.held_out)
        rows = np.intersect1d(known, dataset.held_out)
        if not len(rows):
            raise ValueError("Scores need held-out images with known labels. Received: none.")
        return Part(rows, dataset.held_out, "held-out images", named if len(named) else None)
    if len(dataset.held_out_labels):
        return Part(dataset.held_out_labels, everything, "images whose labels were held out")
    unlabeled = np.setdiff1d(known, labeled_rows)
    if len(labeled_rows) and len(unlabeled) >= _FEWEST:
        return Part(unlabeled, everything, "images whose labels were not used")
    trained = ", also those whose labels E was trained on" if len(labeled_rows) else ""
    return Part(known, everything, f"all images{trained}")


def seen(dataset: FactorDataset, labeled_rows: np.ndarray) -> Part | None:
    """Returns the images to compare with `unseen`, or None if there are none.

    If images are held out, these are the training images, and otherwise those whose labels were used, for E alone.
    """
    labels = dataset.factors != UNKNOWN
    if len(dataset.held_out):
        rows = np.setdiff1d(np.flatnonzero(labels.any(axis=1)), dataset.kept_for_scores)
        named = np.setdiff1d(np.flatnonzero(labels.all(axis=1)), dataset.held_out)
        return Part(rows, dataset.training_rows, "training images", named if len(named) else None)
    if not len(np.setdiff1d(labeled_rows, unseen(dataset, labeled_rows).rows)):
        return None
    return Part(labeled_rows, dataset.training_rows, "labelled images")

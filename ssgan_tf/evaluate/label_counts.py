"""Numbers of labels that a run uses, in figures and in words. Needs no TensorFlow."""

from collections.abc import Mapping

import numpy as np

from ssgan_tf.metrics.table import UNKNOWN


def count_labels(factors: np.ndarray, rows: np.ndarray) -> dict[str, int]:
    """Counts the labels that are used.

    Args:
        factors: Labels [N,K] of all images, -1 if unknown.
        rows: Rows whose labels are used.

    Returns:
        "images": N; "labels": number of rows; "labels_complete": number of these with all labels; "labels_known":
        number of their labels; "factors": K.
    """
    known = factors[rows] != UNKNOWN
    return {
        "images": len(factors),
        "labels": len(rows),
        "labels_complete": int(known.all(axis=1).sum()),
        "labels_known": int(known.sum()),
        "factors": factors.shape[1],
    }


def describe_labels(counts: Mapping[str, int]) -> str:
    """Returns e.g. "75 of 1,500 images (5 %), 38 of them with all labels", given the result of `count_labels`."""
    labels, complete = counts["labels"], counts["labels_complete"]
    text = f"{labels:,} of {counts['images']:,} images ({100 * labels / counts['images']:.3g} %)"
    if complete == labels:
        return text
    share = 100 * counts["labels_known"] / (labels * counts["factors"])
    return f"{text}, {complete:,} of them with all labels; {share:.3g} % of their labels are known"

"""What the feature metrics share: the check of two sets of features, and how many there were."""

from __future__ import annotations

import numpy as np


def check_features(real: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two sets as arrays that a metric can rely on.

    Args:
      real: features [N, D] of real images, all finite; N is 2 or more, D 1 or more.
      generated: features [M, D] of generated images, likewise.

    Returns:
      Both; floating types are kept, others become float64.

    Raises:
      ValueError: a shape, a type or a value is not as above; the message names the side, and the column.
    """
    real, generated = _checked("real", real), _checked("generated", generated)
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            "`real` and `generated` must have as many features. "
            f"Received: {real.shape[1]} and {generated.shape[1]}. Read both with one network."
        )
    return real, generated


def _checked(side: str, features: np.ndarray) -> np.ndarray:
    features = np.asarray(features)
    if features.dtype.kind not in "fiub":
        raise ValueError(f"`{side}` must hold real numbers. Received: dtype {features.dtype}.")
    if features.dtype.kind != "f":
        features = features.astype(np.float64)
    if features.ndim != 2 or len(features) < 2 or not features.shape[1]:
        raise ValueError(
            f"`{side}` must be features [N, D] with at least two rows and one column. Received: shape {features.shape}."
        )
    finite = np.isfinite(features)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        bad = int(np.count_nonzero(~finite[:, column]))
        raise ValueError(
            f"`{side}` must be finite. Received: {features[row, column]} in column {column} (row {row}; {bad} of "
            f"{len(features)} rows of this column are not finite). The feature network cannot read these images."
        )
    return features


def counts(metric: str, real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    """How many samples of how many features a score is of: three ints under "<metric>/..."."""
    return {
        f"{metric}/samples_real": len(real),
        f"{metric}/samples_generated": len(generated),
        f"{metric}/features": np.shape(real)[1],
    }

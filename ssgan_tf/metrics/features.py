"""Checks and counts shared by the feature metrics."""

from __future__ import annotations

import numpy as np


def check_features(real: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Checks two sets of features and returns them as floating-point arrays.

    Args:
        real: Features [N, D] of real images, all finite; N is at least 2, D at least 1.
        generated: Features [M, D] of generated images, all finite; M is at least 2.

    Returns:
        Both sets. Floating-point types stay the same, other types become float64.

    Raises:
        ValueError: If a shape, type or value is not as above; the message names the argument and the column.
    """
    real, generated = _check_set("real", real), _check_set("generated", generated)
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            "`real` and `generated` must have the same number of features. "
            f"Received: {real.shape[1]} and {generated.shape[1]}. Use the same network for both."
        )
    return real, generated


def _check_set(name: str, features: np.ndarray) -> np.ndarray:
    """Checks one of the two sets, the argument `name` of `check_features`."""
    features = np.asarray(features)
    if features.dtype.kind not in "fiub":
        raise ValueError(f"`{name}` must hold real numbers. Received: dtype {features.dtype}.")
    if features.dtype.kind != "f":
        features = features.astype(np.float64)
    if features.ndim != 2 or len(features) < 2 or not features.shape[1]:
        raise ValueError(
            f"`{name}` must be features [N, D] with at least two rows and one column. Received: shape {features.shape}."
        )
    finite = np.isfinite(features)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        bad = int(np.count_nonzero(~finite[:, column]))
        raise ValueError(
            f"`{name}` must be finite. Received: {features[row, column]} in column {column} (row {row}; {bad} of "
            f"{len(features)} rows of this column are not finite). The feature network fails on these images."
        )
    return features


def counts(metric: str, real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    """Returns the numbers of samples and features as three ints with keys "<metric>/..."."""
    return {
        f"{metric}/samples_real": len(real),
        f"{metric}/samples_generated": len(generated),
        f"{metric}/features": np.shape(real)[1],
    }

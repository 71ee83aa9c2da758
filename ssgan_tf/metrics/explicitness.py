"""Explicitness: how well a linear classifier predicts each factor from all codes together."""

from __future__ import annotations

import warnings

import joblib
import numpy as np
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def explicitness(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the mean area under the ROC curve over factors and their values, one value against the rest.

    The score is 1 if each value can be separated from all others, and 1/2 for uninformative codes. Codes are
    standardised with the mean and standard deviation of the training rows; a constant code stays constant. The
    classifier is scikit-learn's LogisticRegression with its defaults (multinomial, lbfgs, C = 1, at most 100
    iterations). Its older versions fitted one class against the rest with liblinear; scores published with them
    differ by about 0.04.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Random generator for the split.
        settings: Uses `train_share`.

    Returns:
        "explicitness" on the test rows and "explicitness/train", in [0, 1]; per factor "explicitness/area/<name>";
        counts "explicitness/samples_train", "explicitness/samples_test" and "explicitness/excluded/<name>" for each
        excluded factor. A factor is excluded if it does not take two values in the training rows, or if there is no
        value that some test rows have and others do not. Values without such rows are left out of the factor's mean.

    Raises:
        ValueError: If no factor takes two values, or if all factors that do are excluded.

    References: Ridgeway & Mozer 2018 (1802.05312), section 3; as computed by disentanglement_lib.
    """
    # Standardise the codes of both sets of rows.
    train, test = table.split(rng, settings.train_share)
    mean, deviation = train.codes.mean(axis=0, dtype=np.float64), train.codes.std(axis=0, dtype=np.float64)
    deviation[~train.active] = 1
    sides = [((side.codes - mean) / deviation, side) for side in (train, test)]
    # Train one classifier per factor.
    varying = train.varying("Explicitness's training")
    with threadpool_limits(1), warnings.catch_warnings():
        # BLAS gets one thread, since each core works on its own factor; two threads per small product took twice the
        # time. The reference also stops after 100 iterations, converged or not. Warning filters belong to the process,
        # not to a thread, so they are set here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        areas = joblib.Parallel(n_jobs=-1, prefer="threads")(joblib.delayed(_areas)(f, sides) for f in varying)
    # Average over the factors that can be scored.
    scored = {f: pair for f, pair in zip(varying, areas, strict=True) if np.isfinite(pair).all()}
    if not scored:
        raise ValueError(
            "Explicitness needs a factor that takes different values in the test rows. "
            "Received: no such factor. Take more samples."
        )
    means = np.mean(list(scored.values()), axis=0)
    return {
        "explicitness": float(means[1]),
        "explicitness/train": float(means[0]),
        **{f"explicitness/area/{table.names[f]}": float(pair[1]) for f, pair in scored.items()},
        "explicitness/samples_train": len(train.codes),
        "explicitness/samples_test": len(test.codes),
        **table.excluded("explicitness", scored),
    }


def _areas(f: int, sides: list[tuple[np.ndarray, Table]]) -> tuple[float, float]:
    """Trains a classifier of factor f and returns its mean area on the training and on the test rows (NaN: none)."""
    (codes, train), _ = sides
    rows = train.known[:, f]
    classifier = LogisticRegression().fit(codes[rows], train.factors[rows, f])
    result = []
    for codes, side in sides:
        rows = side.known[:, f]
        if not rows.any():
            return np.nan, np.nan
        probabilities = classifier.predict_proba(codes[rows])
        if len(classifier.classes_) == 2:
            probabilities = probabilities[:, 1:]  # the other class has the same area
        classes = classifier.classes_[-probabilities.shape[1] :]
        found = areas(probabilities, side.factors[rows, f, None] == classes)
        result.append(float(np.nanmean(found)) if np.isfinite(found).any() else np.nan)
    return result[0], result[1]


def areas(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Computes the area under the ROC curve of each column [C] of `scores` [N, C] for `labels` [N, C] bool.

        area = (sum of the ranks of the true rows - T (T + 1) / 2) / (T F),   T true rows, F false rows

    This is the share of (true, false) pairs in which the true row scores higher; ties count half. The area is NaN if
    all labels of a column are equal.
    """
    ranks = rankdata(scores, axis=0)
    true = labels.sum(axis=0).astype(np.float64)
    false = len(labels) - true
    above = np.sum(ranks, axis=0, where=labels) - true * (true + 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return above / (true * false)

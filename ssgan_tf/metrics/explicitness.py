"""Explicitness: can a linear classifier read each factor off all codes together?"""

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
    """Mean over factors and their values of the area under the ROC curve of "has this value", by logistic regression.

    1 when every value is told from all others, 1/2 for codes that know nothing. Codes are standardised with the mean
    and deviation of the training rows; a constant one stays constant. The classifier is scikit-learn's
    LogisticRegression with its defaults (multinomial by lbfgs, C = 1, at most 100 iterations). Older versions fitted
    one class against the rest by liblinear, and published values of that time differ by about 0.04.

    Args:
      table: codes [N, K] and factors [N, F].
      rng: draws the split.
      settings: `train_share`.

    Returns:
      "explicitness" on the test rows and "explicitness/train", in [0, 1]; per factor "explicitness/area/<name>"; counts
      "explicitness/samples_train", "explicitness/samples_test" and "explicitness/excluded/<name>" of factors left out:
      those that do not take two values in the training rows, or none of whose values some test rows have and some do
      not. Values with no row to tell are left out of a factor's mean.

    Raises:
      ValueError: no factor takes two values, or none of those can be told in test rows.

    References: Ridgeway & Mozer 2018 (1802.05312), section 3; as disentanglement_lib computes it.
    """
    train, test = table.split(rng, settings.train_share)
    mean, deviation = train.codes.mean(axis=0, dtype=np.float64), train.codes.std(axis=0, dtype=np.float64)
    deviation[~train.live] = 1
    sides = [((side.codes - mean) / deviation, side) for side in (train, test)]
    varying = train.varying("Explicitness's training")
    with threadpool_limits(1), warnings.catch_warnings():
        # A factor on each core: small products on two cores each took twice the time.
        # The reference stops after as many iterations, converged or not. (Filters are the process's, not a thread's.)
        warnings.simplefilter("ignore", ConvergenceWarning)
        areas = joblib.Parallel(n_jobs=-1, prefer="threads")(joblib.delayed(_areas)(f, sides) for f in varying)
    scored = {f: pair for f, pair in zip(varying, areas, strict=True) if np.isfinite(pair).all()}
    if not scored:
        raise ValueError(
            "Explicitness needs a factor of which test rows have different values. Received: none. Take more samples."
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
    """Factor f's mean area on the training and on the test rows, by a classifier of the former; NaN: none."""
    (codes, train), _ = sides
    rows = train.known[:, f]
    classifier = LogisticRegression().fit(codes[rows], train.factors[rows, f])
    result = []
    for codes, side in sides:
        rows = side.known[:, f]
        if not rows.any():
            return np.nan, np.nan
        chance = classifier.predict_proba(codes[rows])
        if len(classifier.classes_) == 2:
            chance = chance[:, 1:]  # the other class's is its mirror image, with the same area
        classes = classifier.classes_[-chance.shape[1] :]
        found = areas(chance, side.factors[rows, f, None] == classes)
        result.append(float(np.nanmean(found)) if np.isfinite(found).any() else np.nan)
    return result[0], result[1]


def areas(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each column of `scores` [N, C] for `labels` [N, C] bool; NaN where all are equal.

    The share of (true, false) pairs in which the true one scores higher, ties half: from ranks.
    """
    ranks = rankdata(scores, axis=0)
    true = labels.sum(axis=0).astype(np.float64)
    false = len(labels) - true
    above = np.sum(ranks, axis=0, where=labels) - true * (true + 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return above / (true * false)

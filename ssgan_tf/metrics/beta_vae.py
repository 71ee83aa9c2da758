"""BetaVAE score: can a linear classifier tell from code differences which factor two pictures share?"""

from __future__ import annotations

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression

from ssgan_tf.metrics.groups import Groups, check_enough, is_whole_grid
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table

_CHUNK = 250  # groups at a time: 64 pairs of rows of 10 codes each are 2.6 MB


def beta_vae(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Accuracy of a logistic regression that names the shared factor from mean absolute code differences.

    A point is the mean over `group` pairs of |code_1 - code_2|, where the two pictures of a pair share one factor's
    value, the same factor in all pairs. The classifier learns from `train_groups` points and is scored on
    `eval_groups`: 1 for perfect codes, duplicated ones or if one single factor has no code too; about 1 / F for codes
    that know nothing. With one factor alone there is nothing to tell apart: 1.

    Args:
      table: codes [N, K] and factors [N, F].
      rng: draws the groups.
      settings: `group`, `train_groups`, `eval_groups`.

    Returns:
      "beta_vae" and "beta_vae/train" in [0, 1]; counts "beta_vae/samples" (N), "beta_vae/whole_grid" (0: the groups
      were drawn within a part of the grid) and "beta_vae/excluded/<name>" of factors with fewer than two values.

    Raises:
      ValueError: no factor takes two values, or there are too few samples for groups; the message says how many it
        takes.

    References: Higgins et al. 2017 (beta-VAE), appendix A.4; differences and classifier of disentanglement_lib
      (scikit-learn's LogisticRegression with its defaults: lbfgs, multinomial, C = 1, 100 iterations).
    """
    factors = table.varying("BetaVAE")
    check_enough(table, factors, settings.group, "BetaVAE")
    groups = Groups(table, factors)
    train = _points(table, groups.pairs(settings.train_groups, settings.group, rng))
    test = _points(table, groups.pairs(settings.eval_groups, settings.group, rng))
    return {
        **accuracies(*train, *test),
        "beta_vae/samples": len(table.codes),
        "beta_vae/whole_grid": int(is_whole_grid(table)),
        **table.excluded("beta_vae", factors),
    }


def accuracies(
    points: np.ndarray, labels: np.ndarray, test_points: np.ndarray, test_labels: np.ndarray
) -> dict[str, float]:
    """Fits on points [P, K] with labels [P] and scores on both sets."""
    if len(np.unique(labels)) == 1:  # one factor, or a single group
        same = float(np.mean(test_labels == labels[0]))
        return {"beta_vae": same, "beta_vae/train": 1.0}
    # The reference fixes this seed, which lbfgs does not use.
    classifier = LogisticRegression(random_state=0).fit(points, labels)
    return {
        "beta_vae": float(classifier.score(test_points, test_labels)),
        "beta_vae/train": float(classifier.score(points, labels)),
    }


def _points(table: Table, drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean absolute differences of the pairs of each group [P, K], and the factor of each [P]."""
    chosen, first, second = drawn

    def mean_difference(i: int) -> np.ndarray:
        difference = table.codes[first[i : i + _CHUNK]] - table.codes[second[i : i + _CHUNK]]  # [_CHUNK, size, K]
        return np.mean(np.abs(difference, out=difference), axis=1)

    starts = range(0, len(chosen), _CHUNK)
    parts = joblib.Parallel(n_jobs=-1, prefer="threads")(joblib.delayed(mean_difference)(i) for i in starts)
    return np.concatenate(parts), chosen

"""BetaVAE score: accuracy of a linear classifier that infers the shared factor of image pairs from code differences."""

from __future__ import annotations

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression

from ssgan_tf.metrics.groups import Groups, check_enough_rows, is_whole_grid
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table

_CHUNK = 250  # groups per task: 64 pairs of rows with 10 codes each take 2.6 MB


def beta_vae(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the accuracy of a logistic regression that predicts the shared factor from mean code differences.

    A point is the mean of |code_1 - code_2| over `group` pairs of images. The two images of a pair have equal values of
    one factor, and this factor is the same for all pairs of a point. The classifier is trained on `train_groups`
    points and scored on `eval_groups` others.

    The score is 1 for perfect or duplicated codes, and also if just one factor has no code. It is about 1 / F for
    uninformative codes, and 1 if there is only one factor, since there is nothing to distinguish.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Random generator for the groups.
        settings: Uses `group`, `train_groups` and `eval_groups`.

    Returns:
        "beta_vae" and "beta_vae/train" in [0, 1]; counts "beta_vae/samples" (N), "beta_vae/whole_grid" (0 if the
        groups were sampled within a part of the grid) and "beta_vae/excluded/<name>" for each factor with fewer than
        two values.

    Raises:
        ValueError: If no factor takes two values, or if there are too few samples for the groups; the message says
            how many are needed.

    References: Higgins et al. 2017 (beta-VAE), appendix A.4; differences and classifier of disentanglement_lib
        (scikit-learn's LogisticRegression with its defaults: lbfgs, multinomial, C = 1, 100 iterations).
    """
    factors = table.varying("BetaVAE")
    check_enough_rows(table, factors, settings.group, "BetaVAE")
    groups = Groups(table, factors)
    train = _points(table, groups.sample_pairs(settings.train_groups, settings.group, rng))
    test = _points(table, groups.sample_pairs(settings.eval_groups, settings.group, rng))
    return {
        **accuracies(*train, *test),
        "beta_vae/samples": len(table.codes),
        "beta_vae/whole_grid": int(is_whole_grid(table)),
        **table.excluded("beta_vae", factors),
    }


def accuracies(
    points: np.ndarray, labels: np.ndarray, test_points: np.ndarray, test_labels: np.ndarray
) -> dict[str, float]:
    """Trains the classifier on points [P, K] with labels [P] and returns its accuracy on both sets."""
    if len(np.unique(labels)) == 1:  # one factor, or a single group
        same = float(np.mean(test_labels == labels[0]))
        return {"beta_vae": same, "beta_vae/train": 1.0}
    # The reference fixes this seed; lbfgs does not use it.
    classifier = LogisticRegression(random_state=0).fit(points, labels)
    return {
        "beta_vae": float(classifier.score(test_points, test_labels)),
        "beta_vae/train": float(classifier.score(points, labels)),
    }


def _points(table: Table, pairs: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean absolute code difference of each group [P, K] and the index of its shared factor [P]."""
    shared, first, second = pairs

    def mean_difference(i: int) -> np.ndarray:
        difference = table.codes[first[i : i + _CHUNK]] - table.codes[second[i : i + _CHUNK]]  # [_CHUNK, size, K]
        return np.mean(np.abs(difference, out=difference), axis=1)

    starts = range(0, len(shared), _CHUNK)
    parts = joblib.Parallel(n_jobs=-1, prefer="threads")(joblib.delayed(mean_difference)(i) for i in starts)
    return np.concatenate(parts), shared

"""UDR, unsupervised disentanglement ranking: do two encoders agree on their codes, up to order, sign and scale?

References: Duan et al. 2019 (1905.12614); disentanglement_lib's evaluation/udr/metrics/udr.py, in the variant that
compares every model with all others. There a code is masked if its KL divergence from the prior is at most 0.01 nats.
No publication says what replaces that rule for models without a posterior. Here the variance of E(x) is compared with
the variance of the prior: see `active_codes`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import scipy.stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso

MIN_NATS = 0.01
"""Codes with at most this much information are masked, as in the reference."""
MIN_SHARE = 1.0 - np.exp(-2.0 * MIN_NATS)
"""The same threshold as a share of the prior's variance, 0.0198. In a Gaussian latent with prior variance 1, if the
means have variance v and the posterior has 1 - v, the latent carries -log(1 - v) / 2 nats."""
PENALTY = 0.1
"""Penalty of the Lasso (scikit-learn's alpha)."""

Relation = Callable[[np.ndarray, np.ndarray], np.ndarray]  # codes [N,K], codes [N,J] -> strengths [K,J]


def active_codes(codes: np.ndarray, prior_variance: np.ndarray) -> np.ndarray:
    """Returns the mask of codes that carry enough information about the image, bool [K].

    Args:
        codes: Codes E(x) of many images [N, K].
        prior_variance: Variance of each code under the model's prior [K].
    """
    return np.var(codes.astype(np.float64), axis=0) > MIN_SHARE * prior_variance


def lasso(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the |coefficients| [K, J] of a Lasso that predicts codes [N, J] from codes [N, K], both standardised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.abs(Lasso(alpha=PENALTY).fit(first, second).coef_).reshape(second.shape[1], -1).T


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the |rank correlations| [K, J] of codes [N, K] with codes [N, J]."""
    ranks = [scipy.stats.zscore(scipy.stats.rankdata(codes, axis=0), axis=0) for codes in (first, second)]
    return np.abs(ranks[0].T @ ranks[1]) / len(first)


RELATIONS: dict[str, Relation] = {"udr_lasso": lasso, "udr_spearman": spearman}


def agreement(strengths: np.ndarray) -> float:
    """Measures how close strengths [K, J] are to a one-to-one pairing: 1 if each code has one partner, 0 without codes.

    It is the mean over columns of max^2 / sum, averaged with the same mean over rows. A column of zeros counts as 0.
    """
    if not strengths.size:
        return 0.0

    def one_way(array: np.ndarray) -> float:
        total = array.sum(axis=0)
        return float(np.mean(np.where(total > 0, array.max(axis=0) ** 2 / np.where(total > 0, total, 1.0), 0.0)))

    return 0.5 * (one_way(strengths) + one_way(strengths.T))


def udr(codes: Sequence[np.ndarray], active: Sequence[np.ndarray], relation: Relation) -> np.ndarray:
    """Computes the UDR of each model [N]: its median agreement with the others; 0 for a model without active codes.

    Masked codes are left out. The reference sets them to zero before the fit, where neither a Lasso nor a rank
    correlation gives them any weight, and leaves them out afterwards.

    Args:
        codes: Codes [images, K_i] of each model, for the same images in the same order.
        active: Mask of the codes that count, bool [K_i], for each model.
        relation: `lasso` or `spearman`.

    Raises:
        ValueError: There are fewer than two models.
    """
    if len(codes) < 2:
        raise ValueError(f"Expected two models or more. Received: {len(codes)}.")
    scaled = [_standardized(c[:, mask]) for c, mask in zip(codes, active, strict=True)]
    count = len(scaled)
    matrix = np.array([[_agreement(a, b, relation) if a is not b else 0.0 for b in scaled] for a in scaled])
    return np.array([np.median(matrix[np.arange(count) != i, i]) for i in range(count)])


def _agreement(first: np.ndarray, second: np.ndarray, relation: Relation) -> float:
    return agreement(relation(first, second)) if first.size and second.size else 0.0


def _standardized(codes: np.ndarray) -> np.ndarray:
    codes = codes.astype(np.float64)
    return (codes - codes.mean(axis=0)) / codes.std(axis=0)

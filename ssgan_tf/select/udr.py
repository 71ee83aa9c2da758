"""UDR, unsupervised disentanglement ranking: do two models see the same codes, up to order, sign and scale?

References: Duan et al. 2019 (1905.12614), as coded in disentanglement_lib (udr/metrics/udr.py, every model against all
others); spec/infogan_cr_and_metrics.md 2.3. There a code is masked if its KL divergence from the prior is 0.01 nats or
less; what stands for it in models without a posterior is written nowhere. Here it is the variance of the mean code
beside the prior's: see `live_codes`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import scipy.stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso

LEAST_NATS = 0.01
"""A code that tells no more is masked, as in the reference."""
LEAST_SHARE = 1.0 - np.exp(-2.0 * LEAST_NATS)
"""The same as a part of the prior's variance, 0.0198. A Gaussian latent of whose variance 1 the means keep v and the
posterior 1 - v tells -log(1 - v) / 2 nats."""
PENALTY = 0.1  # alpha of the Lasso

Relation = Callable[[np.ndarray, np.ndarray], np.ndarray]  # codes [N,K], codes [N,J] -> strengths [K,J]


def live_codes(codes: np.ndarray, prior_variance: np.ndarray) -> np.ndarray:
    """Which codes [N, K] say enough of an image: bool [K]; `prior_variance` [K] is of the model's prior."""
    return np.var(codes.astype(np.float64), axis=0) > LEAST_SHARE * prior_variance


def lasso(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """|coefficients| [K, J] of the Lasso that predicts codes [N, J] from codes [N, K], all of mean 0 and variance 1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.abs(Lasso(alpha=PENALTY).fit(first, second).coef_).reshape(second.shape[1], -1).T


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """|rank correlations| [K, J] of codes [N, K] with codes [N, J]."""
    ranks = [scipy.stats.zscore(scipy.stats.rankdata(codes, axis=0), axis=0) for codes in (first, second)]
    return np.abs(ranks[0].T @ ranks[1]) / len(first)


RELATIONS: dict[str, Relation] = {"udr_lasso": lasso, "udr_spearman": spearman}


def agreement(strengths: np.ndarray) -> float:
    """How near strengths [K, J] are to a pairing: 1 if every code has one partner; 0 without codes.

    The mean of max^2 / sum over the columns, averaged with that over the rows; a column of zeros counts 0.
    """
    if not strengths.size:
        return 0.0

    def one_way(array: np.ndarray) -> float:
        total = array.sum(axis=0)
        return float(np.mean(np.where(total > 0, array.max(axis=0) ** 2 / np.where(total > 0, total, 1.0), 0.0)))

    return 0.5 * (one_way(strengths) + one_way(strengths.T))


def udr(codes: Sequence[np.ndarray], live: Sequence[np.ndarray], relation: Relation) -> np.ndarray:
    """The score of each model [N]: the median agreement with the others; 0 of a model without a live code.

    Masked codes are left out. In the reference they are put to zero before the fit, where neither a Lasso nor a rank
    correlation gives them any weight, and left out after it.

    Args:
      codes: of every model, [images, K_i], the same images in the same order.
      live: which of them count, bool [K_i].
      relation: `lasso` or `spearman`.

    Raises:
      ValueError: there are fewer than two models.
    """
    if len(codes) < 2:
        raise ValueError(f"Expected two models or more. Received: {len(codes)}.")
    scaled = [_standardized(c[:, mask]) for c, mask in zip(codes, live, strict=True)]
    count = len(scaled)
    matrix = np.array([[_agreement(a, b, relation) if a is not b else 0.0 for b in scaled] for a in scaled])
    return np.array([np.median(matrix[np.arange(count) != i, i]) for i in range(count)])


def _agreement(first: np.ndarray, second: np.ndarray, relation: Relation) -> float:
    return agreement(relation(first, second)) if first.size and second.size else 0.0


def _standardized(codes: np.ndarray) -> np.ndarray:
    codes = codes.astype(np.float64)
    return (codes - codes.mean(axis=0)) / codes.std(axis=0)

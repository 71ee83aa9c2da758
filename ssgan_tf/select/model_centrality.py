"""ModelCentrality: the model that agrees most with all others.

A[i, j] is the FactorVAE score of encoder i on images of generator j, whose codes serve as the ground truth. B is
(A + A^T) / 2, and the centrality of a model is the mean of its B with all other models. The most central model is the
medoid of the pool under the distance 1 - B.

References: InfoGAN-CR and ModelCentrality, Lin et al. 2020 (1906.06034); protocol of the authors' code.
"""

from __future__ import annotations

import math

import numpy as np

from ssgan_tf.metrics.factor_vae import accuracy

INACTIVE = 1e-6
"""A code is inactive if its standard deviation is at most this fraction of max(1, |mean|), as by rounding.
Posterior collapse leaves far more variation, and such codes take part in the vote, as in the published protocol."""


def active_codes(codes: np.ndarray) -> np.ndarray:
    """Returns the mask of active codes, bool [K], of codes [N, K]."""
    codes = codes.astype(np.float64)
    return np.std(codes, axis=0) > INACTIVE * np.maximum(1.0, np.abs(np.mean(codes, axis=0)))


def vote(groups: np.ndarray, over_all: np.ndarray, factors: int) -> np.ndarray:
    """Counts how often each code varied least while each factor was fixed: int [factors, K].

    Each group votes for the code with the smallest standard deviation within the group, relative to its standard
    deviation over all images. Inactive codes receive no votes; if no code is active, there are no votes at all.

    Args:
        groups: Codes [M, L, K] of M groups; factor m mod `factors` was fixed in group m.
        over_all: Codes [S, K] of images in which no factor was fixed.
        factors: Number of codes of the generator.
    """
    result = np.zeros((factors, groups.shape[2]), np.int64)
    active = np.flatnonzero(active_codes(over_all))
    if not len(active):
        return result
    overall = np.std(over_all[:, active].astype(np.float64), axis=0)
    for m, group in enumerate(groups):
        relative = np.std(group[:, active].astype(np.float64), axis=0) / overall
        result[m % factors, active[np.argmin(relative)]] += 1
    return result


def majority_share(votes: np.ndarray) -> float:
    """Returns the share of votes [F, K] that agree with their own majority; 0 if there are none.

    Each code is assigned the factor for which it got the most votes. Chance is slightly above 1 / F. Unlike
    metrics/factor_vae.py, no votes are held out and no codes are pruned.
    """
    return accuracy(votes, votes)[0] if votes.sum() else 0.0


def symmetric(matrix: np.ndarray) -> np.ndarray:
    """Returns B = (A + A^T) / 2, [N, N]."""
    return (matrix + matrix.T) / 2.0


def centrality(matrix: np.ndarray) -> np.ndarray:
    """Computes the centrality [N] of each model: the mean of B[i, j] over all j != i.

    The diagonal, a model's score on its own images, does not count. Sums are exact in any order, so that models with
    equal scores get equal numbers.

    Args:
        matrix: A [N, N].

    Raises:
        ValueError: There are fewer than two models, or a score is not finite.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise ValueError(f"Expected a square matrix of two models or more. Received: shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("Expected finite scores. Received: NaN or infinity.")
    both = symmetric(matrix)
    others = ~np.eye(len(both), dtype=bool)
    return np.array([math.fsum(row[other]) / (len(both) - 1) for row, other in zip(both, others, strict=True)])

"""ModelCentrality: the model that agrees most with the others about what belongs together.

A[i, j] is the FactorVAE score of encoder i where generator j is the ground truth: which of j's codes was held? B is
(A + A^T) / 2, and a model's centrality is its mean B with the others. The most central model is the pool's medoid
under the distance 1 - B.

References: InfoGAN-CR (1906.06034), as coded by its authors; spec/infogan_cr_and_metrics.md 2.1 and 4.8.
"""

from __future__ import annotations

import math

import numpy as np

from ssgan_tf.metrics.factor_vae import accuracy

DEAD = 1e-6
"""A code is dead if its standard deviation is no more than this part of its mean's size, or of 1 where that is
smaller: then what is left of it is rounding. Posterior collapse leaves far more, and counts as the protocol has it."""


def live_codes(codes: np.ndarray) -> np.ndarray:
    """Which codes are not dead: bool [K] of codes [N, K]."""
    codes = codes.astype(np.float64)
    return np.std(codes, axis=0) > DEAD * np.maximum(1.0, np.abs(np.mean(codes, axis=0)))


def vote(groups: np.ndarray, over_all: np.ndarray, factors: int) -> np.ndarray:
    """How often each code varied least while each factor was held: int [factors, K].

    A group votes for the code of the smallest standard deviation, relative to that over all images (ddof 0 both). A
    dead code cannot be voted for; where all are dead nobody votes.

    Args:
      groups: codes [M, L, K] of M groups; in group m factor m mod `factors` was held.
      over_all: codes [S, K] of images in which nothing was held.
      factors: codes of the generator.
    """
    result = np.zeros((factors, groups.shape[2]), np.int64)
    live = np.flatnonzero(live_codes(over_all))
    if not len(live):
        return result
    whole = np.std(over_all[:, live].astype(np.float64), axis=0)
    for m, group in enumerate(groups):
        result[m % factors, live[np.argmin(np.std(group[:, live].astype(np.float64), axis=0) / whole)]] += 1
    return result


def score(votes: np.ndarray) -> float:
    """Share of the votes [F, K] that their own majority names rightly: 1 / F or a little more by chance, 0 without any.

    No code is pruned and no votes are held out: this is not the score of metrics/factor_vae.py.
    """
    return accuracy(votes, votes)[0] if votes.sum() else 0.0


def symmetric(matrix: np.ndarray) -> np.ndarray:
    """B [N, N] of A [N, N]."""
    return (matrix + matrix.T) / 2.0


def centrality(matrix: np.ndarray) -> np.ndarray:
    """s [N] of A [N, N]: the mean of B[i, j] over j != i. What a model makes of its own images does not count.

    Sums are exact, in whatever order: equal scores are equal numbers.

    Raises:
      ValueError: there are fewer than two models, or a number is not finite.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise ValueError(f"Expected a square matrix of two models or more. Received: shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("Expected finite scores. Received: NaN or infinity.")
    both = symmetric(matrix)
    others = ~np.eye(len(both), dtype=bool)
    return np.array([math.fsum(row[other]) / (len(both) - 1) for row, other in zip(both, others, strict=True)])

"""Entropy and mutual information of binned codes and integer factors, in nats, estimated from counts.

Codes are binned as in disentanglement_lib (`metrics/utils.py`, histogram discretizer): bins of equal width over each
code's own range, where a value belongs to the last bin whose left edge it reaches. Mutual information is the plug-in
estimate, as in scikit-learn's `mutual_info_score`.
"""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.table import Table


def discretize(codes: np.ndarray, bins: int) -> np.ndarray:
    """Converts codes [N, K] to bin numbers [N, K] in 0..bins-1, with bins over the observed range of each column.

    The result equals `np.digitize(x, np.histogram(x, bins)[1][:-1]) - 1`. The edges are computed here because recent
    versions of `np.histogram` raise an error for a column that is constant up to its last bits, such as an inactive
    code. A constant column falls into one bin.

    Raises:
        ValueError: If `bins` is less than 2.
    """
    if bins < 2:
        raise ValueError(f"`bins` must be 2 or more: a single bin carries no information. Received: {bins}.")
    binned = np.zeros(codes.shape, dtype=np.intp)
    for k, column in enumerate(codes.T):
        # Edges are computed in float64 and rounded to the codes' type: grid codes such as 1/5 lie exactly on an edge,
        # and the type decides on which side.
        edges = np.linspace(float(column.min()), float(column.max()), bins + 1).astype(codes.dtype)
        if edges[0] < edges[-1]:
            binned[:, k] = np.searchsorted(edges[:-1], column, side="right") - 1
    return binned


def entropy(labels: np.ndarray) -> float:
    """Computes the entropy H of non-negative integer labels [N], N > 0, in nats."""
    counts = np.bincount(labels)
    share = counts[counts > 0] / len(labels)
    return max(0.0, float(-np.sum(share * np.log(share))))


def mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    """Computes the mutual information I(first; second) of non-negative integer labels [N] each, N > 0, in nats.

        I = sum_ij n_ij / n log(n n_ij / (n_i n_j)),   over the cells with n_ij > 0

    Counts are multiplied before the logarithm is taken, so exactly independent labels give exactly 0.
    """
    width = int(second.max()) + 1
    height = int(first.max()) + 1
    counts = np.bincount(first * width + second, minlength=height * width).reshape(height, width)
    rows, columns = np.nonzero(counts)
    joint = counts[rows, columns].astype(np.float64)
    outer = counts.sum(1)[rows].astype(np.float64) * counts.sum(0)[columns]
    total = float(len(first))
    return max(0.0, float(np.sum(joint / total * np.log(joint * total / outer))))


def information_matrix(table: Table, bins: int) -> np.ndarray:
    """Computes the mutual information [K, F] between binned codes and factors, in nats.

    The column of a factor uses only rows with a known label; other rows affect neither counts nor the codes' range.
    """
    matrix = np.zeros((table.codes.shape[1], len(table.sizes)))
    whole = discretize(table.codes, bins)
    for f, known in enumerate(table.known.T):
        if not known.any():
            continue
        binned = whole if known.all() else discretize(table.codes[known], bins)
        labels = table.factors[known, f]
        matrix[:, f] = [mutual_information(column, labels) for column in binned.T]
    return matrix

"""Table of codes beside labels, as the metrics take it."""

import numpy as np

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.metrics import Table

NUMBER_BINS = 20
"""Number of classes that a numeric factor is divided into: equal parts of its range."""


def make_table(codes: np.ndarray, factors: np.ndarray, spec: CodeSpec) -> Table:
    """Builds the metrics' `Table` from codes [N,K] and labels [N,K].

    Metrics that need classes see a numeric factor in NUMBER_BINS classes; L2 sees the number itself.
    """
    if not any(factor.range for factor in spec.factors):
        return Table(codes, factors, spec.sizes, spec.names)
    coarse, sizes = factors.copy(), list(spec.sizes)
    for k, factor in enumerate(spec.factors):
        if factor.range is not None:
            sizes[k] = NUMBER_BINS
            coarse[:, k] = np.where(factors[:, k] < 0, factors[:, k], factors[:, k] * NUMBER_BINS // factor.size)
    truth = np.where(spec.mask(factors) > 0, spec.encode(factors), np.nan)
    return Table(codes, coarse, tuple(sizes), spec.names, truth, spec.sizes)

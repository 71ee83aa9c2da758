"""Metrics: pure NumPy functions of a `Table` (codes beside factors) and a random generator.

    table = Table(codes, factors, spec.sizes, spec.names)
    scores = METRICS["mig"](table, np.random.default_rng(0))

Each returns a flat {key: number}: the score under the metric's own name, its settings and counts
under "<metric>/<setting>", what it says of a factor under "<metric>/<what>/<factor name>". What
cannot be scored raises ValueError. To add one: a file here and a line in METRICS.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ssgan_tf.metrics.l2 import chance_l2, l2
from ssgan_tf.metrics.mig import mig
from ssgan_tf.metrics.table import Table

Metric = Callable[[Table, np.random.Generator], dict[str, float]]

METRICS: dict[str, Metric] = {
    "mig": mig,
    "l2": l2,
}

__all__ = ["METRICS", "Metric", "Table", "chance_l2"]

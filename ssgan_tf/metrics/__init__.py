"""Disentanglement and image metrics: pure NumPy functions with an explicit random generator.

Metrics of codes score a `Table` (codes beside factors):

    table = Table(codes, factors, spec.sizes, spec.names)
    scores = METRICS["mig"](table, np.random.default_rng(0), Settings(bins=10))

Metrics of features compare features [N, D] of real images with features [M, D] of generated ones:

    scores = FEATURE_METRICS["fid"](real_features, generated_features, np.random.default_rng(0))

Metrics in GENERATOR_METRICS score generators only, by a `Table` of the codes that went in and the factors that the
oracle reads in the images.

All return a flat {key: number}. The score has the metric's own name as its key, further values have
"<metric>/<value>", and values of one factor have "<metric>/<value>/<factor name>". Scores are floats; counts,
indices and settings are ints. A metric raises ValueError if it cannot score its input. The same input and the same
random generator give the same numbers on any number of cores.

To add a metric, add a file here and a line in METRICS, GENERATOR_METRICS or FEATURE_METRICS.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ssgan_tf.metrics.beta_vae import beta_vae
from ssgan_tf.metrics.dci import dci, dci_histogram
from ssgan_tf.metrics.dci_es import dci_es
from ssgan_tf.metrics.exact_match import exact_match
from ssgan_tf.metrics.explicitness import explicitness
from ssgan_tf.metrics.factor_vae import factor_vae
from ssgan_tf.metrics.frechet import frechet
from ssgan_tf.metrics.infomec import infomec
from ssgan_tf.metrics.irs import irs
from ssgan_tf.metrics.kid import kid
from ssgan_tf.metrics.l2 import chance_l2, l2
from ssgan_tf.metrics.mig import mig
from ssgan_tf.metrics.mig_swapped import mig_swapped
from ssgan_tf.metrics.modularity import modularity
from ssgan_tf.metrics.precision_recall import precision_recall
from ssgan_tf.metrics.sap import sap, sap_continuous
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table
from ssgan_tf.metrics.total_correlation import total_correlation


class Metric(Protocol):
    """Signature of the functions in METRICS and GENERATOR_METRICS."""

    def __call__(self, table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]: ...


class FeatureMetric(Protocol):
    """Signature of the functions in FEATURE_METRICS."""

    def __call__(self, real: np.ndarray, generated: np.ndarray, rng: np.random.Generator) -> dict[str, float]: ...


METRICS: dict[str, Metric] = {
    "mig": mig,
    "l2": l2,
    "exact_match": exact_match,
    "factor_vae": factor_vae,
    "beta_vae": beta_vae,
    "dci": dci,
    "dci_histogram": dci_histogram,
    "dci_es": dci_es,
    "infomec": infomec,
    "sap": sap,
    "sap_continuous": sap_continuous,
    "modularity": modularity,
    "explicitness": explicitness,
    "irs": irs,
    "total_correlation": total_correlation,
}

GENERATOR_METRICS: dict[str, Metric] = {
    "mig_swapped": mig_swapped,
}

FEATURE_METRICS: dict[str, FeatureMetric] = {
    "fid": frechet,
    "kid": kid,
    "precision_recall": precision_recall,
}

__all__ = [
    "DEFAULTS",
    "FEATURE_METRICS",
    "GENERATOR_METRICS",
    "METRICS",
    "FeatureMetric",
    "Metric",
    "Settings",
    "Table",
    "chance_l2",
    "frechet",
]

"""InfoMEC: modularity, explicitness and compactness in terms of mutual information."""

from __future__ import annotations

import warnings

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ssgan_tf.metrics.information import entropy
from ssgan_tf.metrics.neighbors import neighbor_information
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table

NEIGHBORS = 10
LEAST = 1 / 20
"""Share of the largest range, and of a factor's entropy, below which a code is inactive."""


def infomec(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes modularity (InfoM), explicitness (InfoE) and compactness (InfoC) from information, in [0, 1].

        InfoM = (mean_k max_f NMI[k, f] / sum_f NMI[k, f] - 1 / F) / (1 - 1 / F)
        InfoC = (mean_f max_k NMI[k, f] / sum_k NMI[k, f] - 1 / K) / (1 - 1 / K)
        InfoE = mean_f (H(f) - loss(f given c)) / H(f)
        NMI[k, f] = I(c_k; f) / H(f)

    InfoM is 1 if each code is informative about one factor only, InfoC if only one code is informative about each
    factor, and InfoE if a linear classifier can read all factors from all codes. `loss` is the cross-entropy of a
    logistic regression on standardised codes without a penalty, at most 100 iterations, on the rows that it was fitted
    to; so H(f) - loss is the predictive V-information of the linear classifiers. Mutual information is estimated from
    10 nearest neighbours, without bins.

    K counts the active codes. As in the authors' program, a code is inactive if its range is at most 1/20 of the
    largest one. That program leaves codes without information undefined: estimates around 0 divided by their sum are
    anything. Here, a code is inactive too if it has at most 1/20 of the entropy of every factor, and a factor of which
    no code has more counts as 0 in InfoC. So noise scores 0.

    The authors weight the values of a factor equally in the logistic regression. Here each row has the same weight, and
    H(f) is the loss of the best constant prediction. Both are equal if all values are equally frequent.

    Permuting, flipping, shifting and scaling codes together changes nothing. Duplicated codes lower only InfoC. Rotated
    codes lower InfoM and InfoC. With a single factor, each active code has modularity 1; with a single active code,
    each factor that it is informative about has compactness 1. If no code is active, all scores are 0. InfoE needs many
    more rows than factor values times codes, since it is too high otherwise.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Not used; part of every metric's signature.
        settings: Not used; part of every metric's signature.

    Returns:
        "infomec" (InfoM), "infomec/explicitness" (InfoE) and "infomec/compactness" (InfoC); per factor
        "infomec/explicitness/<name>" and "infomec/compactness/<name>"; counts "infomec/live_codes" (active codes),
        "infomec/samples" and "infomec/excluded/<name>" for each factor with fewer than two values.

    Raises:
        ValueError: If no factor takes two values.

    References: Hsu et al. 2023, "Disentanglement via latent quantization" (2305.18378), as its program `infomec.py`
        computes the scores; predictive V-information of Xu et al. 2020 (2002.10689).
    """
    del rng, settings
    factors = table.varying("InfoMEC")
    names = [table.names[f] for f in factors]
    codes = _standardized(table)
    information = normalized_information(codes, table, factors)
    information = information[active_codes(table.codes, information)]
    compactness = _dominance(information.T)
    explicitness = _explicitness(codes, table, factors)
    return {
        "infomec": float(np.mean(_dominance(information))) if len(information) else 0.0,
        "infomec/explicitness": float(np.mean(explicitness)),
        "infomec/compactness": float(np.mean(compactness)),
        **{f"infomec/explicitness/{name}": float(value) for name, value in zip(names, explicitness, strict=True)},
        **{f"infomec/compactness/{name}": float(value) for name, value in zip(names, compactness, strict=True)},
        "infomec/live_codes": len(information),
        "infomec/samples": len(table.codes),
        **table.excluded("infomec", factors),
    }


def normalized_information(codes: np.ndarray, table: Table, factors: list[int]) -> np.ndarray:
    """Computes NMI [K, len(factors)], the share of each factor's entropy that each of the codes [N, K] has."""
    shares = np.empty((codes.shape[1], len(factors)))
    for column, f in enumerate(factors):
        labels = table.factors[table.known[:, f], f]
        found = [neighbor_information(code, labels, NEIGHBORS) for code in codes[table.known[:, f]].T]
        shares[:, column] = np.minimum(np.array(found) / entropy(labels), 1)
    return shares


def active_codes(codes: np.ndarray, information: np.ndarray) -> np.ndarray:
    """Returns which codes [K] are active, from the codes [N, K] and NMI [K, F]."""
    ranges = np.ptp(codes.astype(np.float64), axis=0)
    return (ranges > LEAST * ranges.max()) & (information.max(axis=1) > LEAST)


def _standardized(table: Table) -> np.ndarray:
    """Returns the codes [N, K] with mean 0 and standard deviation 1, and constant codes as 0."""
    codes = table.codes.astype(np.float64)
    codes = np.where(table.active, codes - codes.mean(axis=0), 0)
    # Division by the largest value first: the square of a small code would be 0.
    codes /= np.where(table.active, np.abs(codes).max(axis=0), 1)
    return codes / np.where(table.active, codes.std(axis=0), 1)


def _dominance(information: np.ndarray) -> np.ndarray:
    """Computes how far the largest entry dominates each row of information [A, B]: 1 if alone, 0 if all are equal.

    A row without an entry above LEAST has 0. For B = 1, any other row has 1.
    """
    if not information.size:
        return np.zeros(len(information))
    largest, width = information.max(axis=1), information.shape[1]
    share = largest / np.maximum(information.sum(axis=1), np.finfo(float).tiny)
    dominance = (share - 1 / width) / (1 - 1 / width) if width > 1 else np.ones(len(information))
    return np.where(largest > LEAST, dominance, 0)


def _explicitness(codes: np.ndarray, table: Table, factors: list[int]) -> list[float]:
    """Computes the share of each factor's entropy that a linear classifier reads from standardised codes [N, K]."""
    with threadpool_limits(1), warnings.catch_warnings():
        # As in `explicitness`: each core works on its own factor, and 100 iterations are the definition.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)  # a factor of many values
        return joblib.Parallel(n_jobs=-1, prefer="threads")(
            joblib.delayed(_linear_share)(codes[table.known[:, f]], table.factors[table.known[:, f], f])
            for f in factors
        )


def _linear_share(codes: np.ndarray, labels: np.ndarray) -> float:
    """Computes the share of the labels' entropy that a logistic regression on codes [N, K] reads, in [0, 1]."""
    classifier = LogisticRegression(C=np.inf).fit(codes, labels)
    columns = np.searchsorted(classifier.classes_, labels)
    probabilities = classifier.predict_proba(codes)[np.arange(len(labels)), columns]
    loss = -np.mean(np.log(np.maximum(probabilities, np.finfo(float).tiny)))
    return float(np.clip(1 - loss / entropy(labels), 0, 1))

"""Separated attribute predictability (SAP), with factors as classes (`sap`) or as numbers (`sap_continuous`)."""

from __future__ import annotations

import joblib
import numpy as np
from sklearn.svm import LinearSVC

from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table

_MIN_VARIANCE = 1e-12  # codes with at most this variance are constant, as in the reference


def sap(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the mean, over factors, of the gap between the two codes that best predict the factor's class.

    The score of a code for a factor is the test accuracy of a linear support vector machine (C = 0.01, balanced
    classes) on this code alone. Such a machine cannot separate all values of an ordered factor, so even exact
    linear codes score far below 1: 0.24 on dSprites, 0.34 on SmallNORB, 0.25 on Shapes3D, 0.48 on MPI3D. Compare only
    with published scores of the same definition. A single code is compared with a constant one.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Random generator for the split.
        settings: Uses `train_share`.

    Returns:
        "sap" in [0, 1]; per factor "sap/gap/<name>" and "sap/code/<name>" (index of the best code); counts
        "sap/samples_train", "sap/samples_test" and "sap/excluded/<name>" for each factor that does not take two
        values in the training rows or has no label in the test rows.

    Raises:
        ValueError: If no factor takes two values, or if none of the factors that do has a label in the test rows.

    References: Kumar et al. 2018 (1711.00848), section 3; discrete mode of disentanglement_lib.
    """
    train, test = table.split(rng, settings.train_share)
    factors = [f for f in train.varying("SAP's training") if test.known[:, f].any()]
    if not factors:
        raise ValueError(
            "SAP needs a factor with labels in the test rows. Received: no such factor. Take more samples."
        )
    codes, test_codes = _at_least_two(train.codes), _at_least_two(test.codes)

    def accuracy(k: int, f: int) -> float:
        rows, test_rows = train.known[:, f], test.known[:, f]
        machine = LinearSVC(C=0.01, class_weight="balanced").fit(codes[rows, k, None], train.factors[rows, f])
        return machine.score(test_codes[test_rows, k, None], test.factors[test_rows, f])

    pairs = [(k, f) for k in range(codes.shape[1]) for f in factors]
    scores = joblib.Parallel(n_jobs=-1, prefer="threads")(joblib.delayed(accuracy)(k, f) for k, f in pairs)
    matrix = np.reshape(scores, (-1, len(factors)))  # [K, F]
    return {
        **_gaps("sap", matrix, table, factors),
        "sap/samples_train": len(train.codes),
        "sap/samples_test": len(test.codes),
    }


def sap_continuous(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes SAP with squared correlations between codes and factor indices instead of accuracies.

        score[k, f] = cov(c_k, f)^2 / (var(c_k) var(f))

    The result is 1 for exact linear codes.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Not used; part of every metric's signature.
        settings: Not used; part of every metric's signature.

    Returns:
        "sap_continuous" in [0, 1]; per factor "sap_continuous/gap/<name>" and "sap_continuous/code/<name>" (index of
        the best code); counts "sap_continuous/samples" and "sap_continuous/excluded/<name>".

    Raises:
        ValueError: If no factor takes two values.

    References: Kumar et al. 2018, section 3; continuous mode of disentanglement_lib.
    """
    del rng, settings
    factors = table.varying("SAP-continuous")
    all_codes = _at_least_two(table.codes).astype(np.float64)
    matrix = np.zeros((all_codes.shape[1], len(factors)))
    for column, f in enumerate(factors):
        rows = table.known[:, f]
        codes, labels = all_codes[rows], table.factors[rows, f].astype(np.float64)
        codes, labels = codes - codes.mean(axis=0), labels - labels.mean()
        variance = np.sum(codes**2, axis=0) / (len(codes) - 1)
        active = variance > _MIN_VARIANCE
        covariance = labels @ codes[:, active] / (len(codes) - 1)
        factor_variance = np.sum(labels**2) / (len(codes) - 1)
        matrix[active, column] = covariance**2 / (variance[active] * factor_variance)
    return {**_gaps("sap_continuous", matrix, table, factors), "sap_continuous/samples": len(table.codes)}


def _at_least_two(codes: np.ndarray) -> np.ndarray:
    """Adds a constant code to a single code [N, 1]; returns several codes unchanged."""
    return codes if codes.shape[1] > 1 else np.concatenate([codes, np.zeros_like(codes)], axis=1)


def _gaps(name: str, matrix: np.ndarray, table: Table, factors: list[int]) -> dict[str, float]:
    """Computes the metric `name` and its gaps from the scores [K, F] of all codes for all factors."""
    ranked = np.sort(matrix, axis=0)
    gaps = ranked[-1] - ranked[-2]
    result: dict[str, float] = {name: float(np.mean(gaps))}
    for column, f in enumerate(factors):
        result[f"{name}/gap/{table.names[f]}"] = float(gaps[column])
        result[f"{name}/code/{table.names[f]}"] = int(np.argmax(matrix[:, column]))
    return {**result, **table.excluded(name, factors)}

"""SAP score (separated attribute predictability), for factors taken as classes and as numbers."""

from __future__ import annotations

import joblib
import numpy as np
from sklearn.svm import LinearSVC

from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table

_DEAD = 1e-12  # variance at which the reference takes a code for a constant


def sap(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Mean over factors of the gap between the two codes that best predict the factor's class.

    A code predicts by a linear support vector machine (C = 0.01, balanced classes) on it alone; its score is the
    accuracy on the test rows. Adjacent values of an ordered factor overlap for such a machine, so even an exact linear
    code is far from 1: 0.24 on dSprites, 0.34 on SmallNORB, 0.25 on Shapes3D, 0.48 on MPI3D. Compare with published
    values of the same definition only. A lone code is compared with a constant one.

    Args:
      table: codes [N, K] and factors [N, F].
      rng: draws the split.
      settings: `train_share`.

    Returns:
      "sap" in [0, 1]; per factor "sap/gap/<name>" and "sap/code/<name>" (index of the best code); counts
      "sap/samples_train", "sap/samples_test" and "sap/excluded/<name>" of factors left out: those that do not take
      two values in the training rows, or that no test row knows.

    Raises:
      ValueError: no factor takes two values, or none of those is known in a test row.

    References: Kumar et al. 2018 (1711.00848), section 3; discrete mode of disentanglement_lib.
    """
    train, test = table.split(rng, settings.train_share)
    factors = [f for f in train.varying("SAP's training") if test.known[:, f].any()]
    if not factors:
        raise ValueError("SAP needs a factor that test rows know. Received: none. Take more samples.")
    codes, test_codes = _at_least_two(train.codes), _at_least_two(test.codes)

    def one(k: int, f: int) -> float:
        rows, test_rows = train.known[:, f], test.known[:, f]
        machine = LinearSVC(C=0.01, class_weight="balanced").fit(codes[rows, k, None], train.factors[rows, f])
        return machine.score(test_codes[test_rows, k, None], test.factors[test_rows, f])

    pairs = [(k, f) for k in range(codes.shape[1]) for f in factors]
    scores = joblib.Parallel(n_jobs=-1, prefer="threads")(joblib.delayed(one)(k, f) for k, f in pairs)
    matrix = np.reshape(scores, (-1, len(factors)))  # [K, F]
    return {
        **_gaps("sap", matrix, table, factors),
        "sap/samples_train": len(train.codes),
        "sap/samples_test": len(test.codes),
    }


def sap_continuous(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """The same gap between squared correlations of codes with the factor's index: 1 for exact linear codes.

    Args:
      table: codes [N, K] and factors [N, F].
      rng: not used; every metric has it.
      settings: not used.

    Returns:
      "sap_continuous" in [0, 1] and entries as of `sap`.

    Raises:
      ValueError: no factor takes two values.

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
        live = variance > _DEAD
        shared = labels @ codes[:, live] / (len(codes) - 1)
        spread = np.sum(labels**2) / (len(codes) - 1)
        matrix[live, column] = shared**2 / (variance[live] * spread)
    return {**_gaps("sap_continuous", matrix, table, factors), "sap_continuous/samples": len(table.codes)}


def _at_least_two(codes: np.ndarray) -> np.ndarray:
    """A lone code [N, 1] beside a constant one; others as they are."""
    return codes if codes.shape[1] > 1 else np.concatenate([codes, np.zeros_like(codes)], axis=1)


def _gaps(name: str, matrix: np.ndarray, table: Table, factors: list[int]) -> dict[str, float]:
    """The score and its parts from the scores of every code for every factor [K, F]."""
    ranked = np.sort(matrix, axis=0)
    gaps = ranked[-1] - ranked[-2]
    result: dict[str, float] = {name: float(np.mean(gaps))}
    for column, f in enumerate(factors):
        result[f"{name}/gap/{table.names[f]}"] = float(gaps[column])
        result[f"{name}/code/{table.names[f]}"] = int(np.argmax(matrix[:, column]))
    return {**result, **table.excluded(name, factors)}

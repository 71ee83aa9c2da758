"""DCI: disentanglement, completeness and informativeness of codes, from the importances of boosted trees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor

import joblib
import numpy as np
import threadpoolctl
from sklearn.ensemble import HistGradientBoostingClassifier

from ssgan_tf.metrics import boosting
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table

# Importances [K], predicted labels of the training rows, predicted labels of the test rows.
_Fitted = tuple[np.ndarray, np.ndarray, np.ndarray]
# (training codes, training labels, test codes, seed, executor for the trees) -> _Fitted
_Fit = Callable[[np.ndarray, np.ndarray, np.ndarray, int, Executor], _Fitted]


@dataclasses.dataclass(frozen=True)
class _FactorResult:
    """Importances and accuracies of one factor's classifier; `accuracy_test` is None without test rows."""

    importances: np.ndarray
    samples_train: int
    samples_test: int
    accuracy_train: float
    accuracy_test: float | None


def dci(
    table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS, jobs: int | None = None
) -> dict[str, float]:
    """Computes disentanglement, completeness and informativeness with the reference's boosted trees.

    For each factor, boosted trees are trained to predict its value from all codes. R[k, f] is the importance of code k
    to the trees of factor f; each column of R sums to 1, or to 0 if no code varies.

        disentanglement = sum_k w_k (1 - H_F(R[k])),     w_k: share of row R[k] in the sum of R, H_F: entropy to base F
        completeness    = sum_f w_f (1 - H_K(R[:, f])),  w_f: share of column R[:, f] in the sum of R
        informativeness = mean over factors of the accuracy on test rows

    Disentanglement is 1 if each code is used for one factor only, even if several codes are used for the same factor.
    Completeness is 1 if only one code is used for each factor. Duplicated codes lower only completeness. Permuting or
    flipping codes changes only which of several equally good codes is chosen at random. Inactive codes have no
    importance; if all codes are inactive, disentanglement and completeness are 0, and informativeness is the accuracy
    of predicting the most common value. With a single factor, disentanglement is 1 if any code has importance, and
    with a single code, completeness is 1; the reference divides by log 1 = 0 in both cases.

    A factor with fewer than two known values among the training rows is excluded and listed. A row with an unknown
    label is left out for that factor only, in training and in testing. A factor without labels in the test rows is
    left out of informativeness only. Values that occur only in test rows cannot be learned and count as errors.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Random generator for the split and for ties between codes.
        settings: Uses `train_share`.
        jobs: Number of threads, by default one per core; the results do not depend on it.

    Returns:
        "dci" (disentanglement), "dci/completeness", "dci/informativeness" (test rows) and
        "dci/informativeness_train", in [0, 1]; row counts "dci/samples_train" and "dci/samples_test". Per factor
        "dci/completeness/<name>", "dci/informativeness/<name>" (if there are labels in the test rows) and the numbers
        of labelled rows, "dci/samples_train/<name>" and "dci/samples_test/<name>"; or, for an excluded factor,
        "dci/excluded/<name>": the number of values in the training rows (0 or 1).

    Raises:
        ValueError: If there are fewer than two images, no factor takes two values in the training rows, no factor that
            does has labels in the test rows, or a code is too large for float32.

    References: Eastwood & Williams 2018, "A framework for the quantitative evaluation of disentangled
        representations"; trees and weights as in disentanglement_lib's study (1811.12359).
    """
    return _scores("dci", "DCI", _fit_boosted_trees, table, rng, settings, jobs)


def dci_histogram(
    table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS, jobs: int | None = None
) -> dict[str, float]:
    """Computes DCI with trees on binned codes: faster than `dci`, but not on the same scale.

    The trees are scikit-learn's HistGradientBoostingClassifier with the number, depth and learning rate of `dci`, but
    with 255 bins per code and at least 20 rows per leaf, so fewer than 40 training rows give no splits. If several
    codes are equally good, the first one gets all the importance, so duplicated codes do not lower completeness.

    Everything else is as in `dci`, with the keys "dci_histogram", "dci_histogram/completeness" and so on.
    """
    return _scores("dci_histogram", "DCI-histogram", _fit_histogram_trees, table, rng, settings, jobs)


def disentanglement(importances: np.ndarray) -> float:
    """Computes disentanglement in [0, 1] from importances R [K, F], which are at least 0.

    Each code is weighted by its total importance. The result is 1 if each code has importance for at most one factor,
    which includes F = 1, and 0 if R is all 0.
    """
    return _weighted_mean(concentration(importances), importances.sum(axis=1))


def completeness(importances: np.ndarray) -> float:
    """Computes completeness in [0, 1] from importances R [K, F]: the disentanglement of R transposed."""
    return disentanglement(importances.T)


def concentration(importances: np.ndarray) -> np.ndarray:
    """Computes how concentrated each row of importances [A, B] is on one entry: 1 - entropy to base B, [A] in [0, 1].

    A row of zeros has concentration 0. For B = 1, any other row has concentration 1.
    """
    if importances.shape[1] == 1:
        return (importances[:, 0] > 0).astype(np.float64)
    # The reference adds this constant too; it avoids log 0.
    share = importances + 1e-11
    share = share / share.sum(axis=1, keepdims=True)
    return np.clip(1 + np.sum(share * np.log(share), axis=1) / np.log(importances.shape[1]), 0, 1)


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Computes the mean of values [A] with the given weights [A], or with equal weights if all are 0."""
    return float(np.average(values, weights=weights if weights.sum() > 0 else None))


def _scores(
    metric: str, title: str, fit: _Fit, table: Table, rng: np.random.Generator, settings: Settings, jobs: int | None
) -> dict[str, float]:
    """Computes all scores of the metric `metric`, titled `title` in messages, with the classifier `fit`."""
    # Split the rows and check that some factor can be scored.
    train, test = table.split(rng, settings.train_share)
    varying = train.varying(f"{title}'s training")
    seeds = rng.integers(2**32, size=len(varying))
    if not test.known[:, varying].any():
        raise ValueError(
            f"{title} needs test rows with labels for a factor of {[table.names[f] for f in varying]}. "
            f"Received: {len(test.codes)} test rows without any. Label more rows or lower `train_share`."
        )

    # Train one classifier per factor.
    results = _fit_factors(fit, train, test, varying, seeds, jobs)
    importances = np.stack([results[f].importances for f in varying], axis=1)  # R [K, F]
    by_factor = dict(zip(varying, concentration(importances.T), strict=True))
    tested = [factor.accuracy_test for factor in results.values() if factor.accuracy_test is not None]

    # Collect the scores: first of the whole table, then of each factor.
    scores: dict[str, float] = {
        metric: disentanglement(importances),
        f"{metric}/completeness": completeness(importances),
        f"{metric}/informativeness": float(np.mean(tested)),
        f"{metric}/informativeness_train": float(np.mean([factor.accuracy_train for factor in results.values()])),
        f"{metric}/samples_train": len(train.codes),
        f"{metric}/samples_test": len(test.codes),
    }
    for f, name in enumerate(table.names):
        if f not in results:
            scores[f"{metric}/excluded/{name}"] = train.distinct(f)
            continue
        scores[f"{metric}/completeness/{name}"] = float(by_factor[f])
        if (accuracy := results[f].accuracy_test) is not None:
            scores[f"{metric}/informativeness/{name}"] = accuracy
        scores[f"{metric}/samples_train/{name}"] = results[f].samples_train
        scores[f"{metric}/samples_test/{name}"] = results[f].samples_test
    return scores


def _fit_factors(
    fit: _Fit, train: Table, test: Table, varying: list[int], seeds: np.ndarray, jobs: int | None
) -> dict[int, _FactorResult]:
    """Trains one classifier per varying factor, in parallel.

    Threads suffice, since the trees are grown outside of Python's interpreter lock.
    """
    jobs = jobs or joblib.cpu_count()

    def fit_factor(f: int, seed: int) -> _FactorResult:
        known, known_test = train.known[:, f], test.known[:, f]
        labels, labels_test = train.factors[known, f], test.factors[known_test, f]
        # OpenMP keeps a thread limit per calling thread, so it is set here. The factors alone keep all cores busy.
        with threadpoolctl.threadpool_limits(1, "openmp"):
            importances, fitted, predicted = fit(train.codes[known], labels, test.codes[known_test], int(seed), trees)
        accuracy_test = float(np.mean(predicted == labels_test)) if len(labels_test) else None
        return _FactorResult(
            importances, len(labels), len(labels_test), float(np.mean(fitted == labels)), accuracy_test
        )

    # Factors with the most values take longest, so they start first and no core is idle at the end.
    order = sorted(zip(varying, seeds, strict=True), key=lambda item: -train.distinct(item[0]))
    with (
        threadpoolctl.threadpool_limits(1, "blas"),
        ThreadPoolExecutor(jobs) as trees,
        ThreadPoolExecutor(jobs) as factors,
    ):
        results = factors.map(fit_factor, *zip(*order, strict=True))
        return dict(zip((f for f, _ in order), results, strict=True))


def _fit_boosted_trees(codes: np.ndarray, labels: np.ndarray, test: np.ndarray, seed: int, pool: Executor) -> _Fitted:
    """Trains the trees of our `boosting`, which follow the reference's definition."""
    boosted = boosting.fit(codes, labels, np.random.default_rng(seed), pool)
    return boosted.importances, boosted.fitted, boosted.predict(test)


def _fit_histogram_trees(codes: np.ndarray, labels: np.ndarray, test: np.ndarray, seed: int, pool: Executor) -> _Fitted:
    """Trains scikit-learn's trees on binned codes; `pool` is not used, since they run in threads of their own."""
    del pool
    model = HistGradientBoostingClassifier(
        max_iter=boosting.STAGES,
        max_depth=3,
        learning_rate=boosting.LEARNING_RATE,
        early_stopping=False,
        random_state=seed,
    )
    model.fit(codes, labels)
    # scikit-learn computes no importances for these trees, so the gains are read from the private `_predictors`.
    gains = np.zeros(codes.shape[1])
    for stage in model._predictors:
        for tree in stage:
            splits = tree.nodes[tree.nodes["is_leaf"] == 0]
            np.add.at(gains, splits["feature_idx"], splits["gain"])
    return gains / (gains.sum() or 1.0), model.predict(codes), model.predict(test) if len(test) else labels[:0]

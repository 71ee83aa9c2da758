"""DCI: disentanglement, completeness and informativeness of codes, by boosted trees."""

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

# Importances [K], and the labels it gives to the rows it has learned from and to the test rows.
_Trained = tuple[np.ndarray, np.ndarray, np.ndarray]
# (codes and labels to learn from, codes to test on, seed, where to grow trees) -> the above.
_Fit = Callable[[np.ndarray, np.ndarray, np.ndarray, int, Executor], _Trained]


@dataclasses.dataclass(frozen=True)
class _Factor:
    """What is measured of one factor; without test rows there is no accuracy on them."""

    importances: np.ndarray
    samples_train: int
    samples_test: int
    accuracy_train: float
    accuracy_test: float | None


def dci(
    table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS, jobs: int | None = None
) -> dict[str, float]:
    """Whether a code tells one factor, a factor is told by one code, and how well, by the trees of the reference.

    For each factor, boosted trees learn to tell its value from all codes; R[k, f] is the importance of code k to the
    trees of factor f, columns summing to 1 (to 0 if no code varies).

        disentanglement = sum_k w_k (1 - H_F(R[k])),     w_k = R[k]'s part of all R, H_F: entropy to the base F
        completeness    = sum_f w_f (1 - H_K(R[:, f])),  w_f = R[:, f]'s part of all R
        informativeness = the mean of the factors' accuracies, on rows the trees have not seen

    Disentanglement is 1 when each code serves one factor, however many serve it, completeness is 1 when each factor
    is served by one code. Copying codes costs completeness only. Permuting codes changes nothing but which of two
    equally good ones is drawn, and neither does flipping one. Dead codes have no importance; when all are dead, both
    are 0, and informativeness is that of the commonest value.
    With one factor there is nothing to disentangle: any code of importance serves one factor, so disentanglement is
    1. With one code it is completeness that is 1. (The reference divides by log 1 = 0 there.)

    Factors with fewer than two known values among the training rows are left out and listed. A row that does not know
    a factor is left out for that factor only, in training and in testing; a factor that no test row knows counts in
    all but the informativeness. Values that only test rows take cannot be learned and count as mistakes.

    Args:
      table: codes [N, K] and factors [N, F].
      rng: splits the rows and draws between equally good codes.
      settings: `train_share`.
      jobs: threads, all cores by default; the numbers do not depend on it.

    Returns:
      In [0, 1]: "dci" (the disentanglement), "dci/completeness", "dci/informativeness" (test rows),
      "dci/informativeness_train"; "dci/samples_train", "dci/samples_test": rows; and per factor
      "dci/completeness/<name>", "dci/informativeness/<name>" (if any test row knows it),
      "dci/samples_train/<name>", "dci/samples_test/<name>": rows that know it; or, if it is left out,
      "dci/excluded/<name>": how many values it takes in the training rows (0 or 1).

    Raises:
      ValueError: fewer than two pictures, no factor takes two values in the training rows, no test row knows any of
        those that do, or a code is too large for float32.

    References: Eastwood & Williams 2018, "A framework for the quantitative evaluation of disentangled
      representations"; trees and weights as in disentanglement_lib's study (1811.12359).
    """
    return _scores("dci", "DCI", _trees, table, rng, settings, jobs)


def dci_histogram(
    table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS, jobs: int | None = None
) -> dict[str, float]:
    """DCI by trees on binned codes: faster than `dci`, and a scale of its own.

    The trees are scikit-learn's HistGradientBoostingClassifier, as many, as deep and as fast to learn as those of
    `dci`, but on 255 bins per code, and with 20 rows or more in a leaf: fewer than 40 training rows say nothing.
    Of codes that serve equally well the first takes all importance, so that copies do not cost completeness.

    The same as `dci` otherwise, with keys "dci_histogram", "dci_histogram/completeness" and so on.
    """
    return _scores("dci_histogram", "DCI-histogram", _histogram_trees, table, rng, settings, jobs)


def disentanglement(importances: np.ndarray) -> float:
    """Importances R [K, F], 0 or more -> how far a code serves one factor only, in [0, 1], weighted by its mass.

    1 where codes have importance for one factor at most, F = 1 included; 0 where R is all 0.
    """
    return _weighted(concentration(importances), importances.sum(axis=1))


def completeness(importances: np.ndarray) -> float:
    """Importances R [K, F], 0 or more -> how far a factor is served by one code only, as `disentanglement` of R.T."""
    return disentanglement(importances.T)


def concentration(importances: np.ndarray) -> np.ndarray:
    """Importances [A, B] -> how far each row lies in one entry, [A] in [0, 1]: 1 - entropy to the base B; 0 if all 0.

    A row of one entry is in one entry: 1.
    """
    if importances.shape[1] == 1:
        return (importances[:, 0] > 0).astype(np.float64)
    share = importances + 1e-11
    share = share / share.sum(axis=1, keepdims=True)
    return np.clip(1 + np.sum(share * np.log(share), axis=1) / np.log(importances.shape[1]), 0, 1)


def _weighted(values: np.ndarray, masses: np.ndarray) -> float:
    """The mean of values [A] weighted by masses [A]; all equal where there is no mass."""
    return float(np.average(values, weights=masses if masses.sum() > 0 else None))


def _scores(
    metric: str, title: str, fit: _Fit, table: Table, rng: np.random.Generator, settings: Settings, jobs: int | None
) -> dict[str, float]:
    """Everything under the name `metric`, by the classifier `fit`."""
    train, test = table.split(rng, settings.train_share)
    varying = train.varying(f"{title}'s training")
    seeds = rng.integers(2**32, size=len(varying))
    if not test.known[:, varying].any():
        raise ValueError(
            f"{title} needs test rows that know a factor of {[table.names[f] for f in varying]}. "
            f"Received: {len(test.codes)} test rows, of which none does: label more rows, or lower `train_share`."
        )
    learned = _learn(fit, train, test, varying, seeds, jobs)
    importances = np.stack([learned[f].importances for f in varying], axis=1)
    shares = dict(zip(varying, concentration(importances.T), strict=True))
    tested = [factor.accuracy_test for factor in learned.values() if factor.accuracy_test is not None]
    result: dict[str, float] = {
        metric: disentanglement(importances),
        f"{metric}/completeness": completeness(importances),
        f"{metric}/informativeness": float(np.mean(tested)),
        f"{metric}/informativeness_train": float(np.mean([factor.accuracy_train for factor in learned.values()])),
        f"{metric}/samples_train": len(train.codes),
        f"{metric}/samples_test": len(test.codes),
    }
    for f, name in enumerate(table.names):
        if f not in learned:
            result[f"{metric}/excluded/{name}"] = train.distinct(f)
            continue
        result[f"{metric}/completeness/{name}"] = float(shares[f])
        if (accuracy := learned[f].accuracy_test) is not None:
            result[f"{metric}/informativeness/{name}"] = accuracy
        result[f"{metric}/samples_train/{name}"] = learned[f].samples_train
        result[f"{metric}/samples_test/{name}"] = learned[f].samples_test
    return result


def _learn(
    fit: _Fit, train: Table, test: Table, varying: list[int], seeds: np.ndarray, jobs: int | None
) -> dict[int, _Factor]:
    """A classifier per varying factor, side by side: threads do, as the work is done outside of Python."""
    jobs = jobs or joblib.cpu_count()

    def one(f: int, seed: int) -> _Factor:
        known, known_test = train.known[:, f], test.known[:, f]
        labels, labels_test = train.factors[known, f], test.factors[known_test, f]
        # OpenMP keeps a number of threads for every thread that calls it. The factors keep the cores busy.
        with threadpoolctl.threadpool_limits(1, "openmp"):
            importances, said, said_test = fit(train.codes[known], labels, test.codes[known_test], int(seed), trees)
        accuracy_test = float(np.mean(said_test == labels_test)) if len(labels_test) else None
        return _Factor(importances, len(labels), len(labels_test), float(np.mean(said == labels)), accuracy_test)

    # The most values first, so that what ends last is small.
    order = sorted(zip(varying, seeds, strict=True), key=lambda item: -train.distinct(item[0]))
    with (
        threadpoolctl.threadpool_limits(1, "blas"),
        ThreadPoolExecutor(jobs) as trees,
        ThreadPoolExecutor(jobs) as factors,
    ):
        return dict(zip((f for f, _ in order), factors.map(one, *zip(*order, strict=True)), strict=True))


def _trees(codes: np.ndarray, labels: np.ndarray, test: np.ndarray, seed: int, pool: Executor) -> _Trained:
    """Our trees, the reference's definition."""
    boosted = boosting.fit(codes, labels, np.random.default_rng(seed), pool)
    return boosted.importances, boosted.fitted, boosted.predict(test)


def _histogram_trees(codes: np.ndarray, labels: np.ndarray, test: np.ndarray, seed: int, pool: Executor) -> _Trained:
    """scikit-learn's trees on binned codes; `pool` is not used, they are grown inside."""
    del pool
    model = HistGradientBoostingClassifier(
        max_iter=boosting.STAGES,
        max_depth=3,
        learning_rate=boosting.LEARNING_RATE,
        early_stopping=False,
        random_state=seed,
    )
    model.fit(codes, labels)
    gains = np.zeros(codes.shape[1])
    # There are no public importances: the gains are read off the splits of the private `_predictors`.
    for stage in model._predictors:
        for tree in stage:
            splits = tree.nodes[tree.nodes["is_leaf"] == 0]
            np.add.at(gains, splits["feature_idx"], splits["gain"])
    return gains / (gains.sum() or 1.0), model.predict(codes), model.predict(test) if len(test) else labels[:0]

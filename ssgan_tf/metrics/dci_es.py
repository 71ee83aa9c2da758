"""DCI-ES: explicitness (ease of use) and size of codes, the two scores that extend DCI."""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table

DEPTH = 32
LEAST = 1 / 10
"""Share of the baseline's errors that a tree must avoid for its factor to count."""


def dci_es(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes how little capacity a classifier needs to read the factors from the codes, and the size of the codes.

        E = mean_f (1 - 2 area_f / ((DEPTH - 1) baseline_f)),   area_f = integral from 1 to DEPTH of l_f(d) - l_f(DEPTH)
        S = F / K

    l_f(d): lowest error rate, on test rows, of decision trees of at most d levels that predict factor f from all codes.
    baseline_f: error rate of the most common value. E is 1 if one split per tree reads all that any tree can read, and
    0 if the error falls evenly with every level. Exact codes of few values come close to 1: a factor with m values
    needs log2 m levels or more, so exact codes score 0.96 for 4 values and 0.72 for 20. E measures how easy the
    information is to use, not how much there is, so noisy codes can score higher than exact ones: read it beside
    "dci_es/informativeness", the mean of 1 - l_f(DEPTH) / baseline_f.

    Here the capacity is the depth of one decision tree. The authors' random forests have the same capacities, from 1 to
    32, but 100 trees; all depths of one tree are one fit, which takes milliseconds. They also have multilayer
    perceptrons and random Fourier features. Scores of different classifiers are not comparable: trees read one code at
    a time, so rotated codes score lower here. All factors are classes, while the authors predict some as numbers.

    The authors' formula is 1 for codes without information, whose error does not fall. Here a factor counts as 0 if no
    tree avoids 1/10 of the baseline's errors.

    Permuting, flipping, shifting and scaling codes changes only ties between splits. Constant codes and duplicates
    change S, which counts all codes, but not E. Values that occur only in test rows count as errors. A factor with
    fewer than two known values in the training rows, or of which all test rows have the most common value, is excluded.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Random generator for the split and for ties between splits.
        settings: Uses `train_share`.

    Returns:
        "dci_es" (E) in [-1, 1], "dci_es/size" (S) and "dci_es/informativeness"; per factor "dci_es/explicitness/<name>"
        and "dci_es/informativeness/<name>"; counts "dci_es/samples_train", "dci_es/samples_test" and
        "dci_es/excluded/<name>" for each excluded factor.

    Raises:
        ValueError: If there are fewer than two images, no factor takes two values in the training rows, or all factors
            that do are excluded.

    References: Eastwood et al. 2023, "DCI-ES: An extended disentanglement framework with connections to
        identifiability" (2210.00364); area and normalisation as in the authors' program `explitcitness.py`.
    """
    train, test = table.split(rng, settings.train_share)
    varying = train.varying("DCI-ES's training")
    codes, codes_test = _scaled(train, test)
    scores: dict[int, tuple[float, float]] = {}
    for f, seed in zip(varying, rng.integers(2**32, size=len(varying)), strict=True):
        rows, rows_test = train.known[:, f], test.known[:, f]
        labels, labels_test = train.factors[rows, f], test.factors[rows_test, f]
        common = np.bincount(labels).argmax()
        if not np.any(labels_test != common):
            continue
        baseline = float(np.mean(labels_test != common))
        tree = DecisionTreeClassifier(max_depth=DEPTH, random_state=int(seed)).fit(codes[rows], labels)
        scores[f] = explicitness(errors_by_depth(tree, codes_test[rows_test], labels_test), baseline)
    if not scores:
        raise ValueError(
            "DCI-ES needs a factor that takes different values in the test rows. "
            "Received: no such factor. Take more samples."
        )
    ease, informativeness = np.mean(list(scores.values()), axis=0)
    return {
        "dci_es": float(ease),
        "dci_es/size": len(scores) / table.codes.shape[1],
        "dci_es/informativeness": float(informativeness),
        **{f"dci_es/explicitness/{table.names[f]}": pair[0] for f, pair in scores.items()},
        **{f"dci_es/informativeness/{table.names[f]}": pair[1] for f, pair in scores.items()},
        "dci_es/samples_train": len(train.codes),
        "dci_es/samples_test": len(test.codes),
        **table.excluded("dci_es", scores),
    }


def explicitness(losses: np.ndarray, baseline: float) -> tuple[float, float]:
    """Returns E and the informativeness of one factor from the losses [D] at capacities 1, 2, ... D.

    Args:
        losses: Losses; a capacity has the lowest loss of all up to it.
        baseline: Loss without any code, above 0.
    """
    lowest = np.minimum.accumulate(losses)
    informativeness = max(0.0, 1 - float(lowest[-1]) / baseline)
    if informativeness <= LEAST:
        return 0.0, informativeness
    area = float(np.sum((lowest[1:] + lowest[:-1]) / 2 - lowest[-1]))
    return 1 - 2 * area / ((len(losses) - 1) * baseline), informativeness


def errors_by_depth(tree: DecisionTreeClassifier, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the error rate on codes [N, K] with labels [N] of the tree cut at depth 1, 2, ... DEPTH: [DEPTH].

    Trees are grown from the top, so a tree cut at a depth is the tree that would have been fitted with this depth.
    """
    nodes = tree.tree_
    classes = tree.classes_[nodes.value[:, 0].argmax(axis=1)]
    node, rows = np.zeros(len(codes), dtype=np.intp), np.arange(len(codes))
    errors = np.empty(DEPTH)
    for depth in range(DEPTH):
        left = codes[rows, np.maximum(nodes.feature[node], 0)] <= nodes.threshold[node]
        child = np.where(left, nodes.children_left[node], nodes.children_right[node])
        node = np.where(child >= 0, child, node)  # a leaf has no children
        errors[depth] = np.mean(classes[node] != labels)
    return errors


def _scaled(train: Table, test: Table) -> tuple[np.ndarray, np.ndarray]:
    """Returns both tables' codes, scaled so that those of the training rows go from 0 to 1; constant ones are 0.

    scikit-learn's trees do not split between values that differ by less than 1e-7.
    """
    low, high = train.codes.min(axis=0).astype(np.float64), train.codes.max(axis=0).astype(np.float64)
    width = np.where(train.active, high - low, np.inf)
    # Test rows outside the range are on the same side of all splits as its ends.
    first, second = (np.clip((side.codes - low) / width, 0, 1).astype(np.float32) for side in (train, test))
    return first, second

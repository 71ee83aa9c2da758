"""Boosted trees: small ones computed by hand, larger ones compared with scikit-learn's."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from ssgan_tf.metrics import boosting

# The first code splits the rows 3:3, and the second splits the left side. No other split lowers the error.
BY_HAND = np.array([[0, 0], [0, 0], [0, 1], [1, 0], [1, 1], [1, 0]])
LABELS = np.array([0, 0, 1, 1, 1, 1])


def fit(codes, labels, **options) -> boosting.BoostedTrees:
    return boosting.fit(np.asarray(codes), np.asarray(labels), np.random.default_rng(0), **options)


def noisy(rng, values: int, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Returns codes [rows, 4] that mix labels with another factor, and labels [rows] with gaps and negative values."""
    label, other = rng.integers(values, size=rows), rng.integers(4, size=rows)
    codes = np.stack([label / values + other / 9, other - label / 3, label % 2, other * 0], axis=1)
    return (codes + rng.normal(size=codes.shape) / 3).astype(np.float32), 5 * label - 3


def test_one_stage_by_hand() -> None:
    # The residuals are -2/3 (twice) and 1/3. Root: S = -1 on the left, S^2 (1/3 + 1/3) = 2/3. Left side, after
    # subtracting its mean of -1/3: S = -2/3, S^2 (1/2 + 1/1) = 2/3. The right side is pure.
    assert fit(BY_HAND, LABELS, stages=1).importances == pytest.approx([1 / 2, 1 / 2], abs=1e-12)


@pytest.mark.parametrize(("stages", "first"), [(2, 1), (3, 0)])
def test_newton_steps_by_hand(stages: int, first: int) -> None:
    # The log odds of the first two rows start at log(4 / 2) = 0.69, then fall by 0.1 / (1 - p): 0.39, 0.15, -0.07.
    boosted = fit(BY_HAND, LABELS, stages=stages)
    assert list(boosted.fitted) == [first, first, 1, 1, 1, 1]
    assert list(boosted.predict(BY_HAND)) == [first, first, 1, 1, 1, 1]


def test_a_threshold_is_the_midpoint() -> None:
    boosted = fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    assert list(boosted.predict(np.array([[-9], [1.49], [1.5], [1.51], [9]]))) == [0, 0, 0, 1, 1]


def test_neighbouring_float32_values_are_split_and_closer_ones_are_not() -> None:
    low = np.float32(2)
    codes = np.array([[low], [np.nextafter(low, np.float32(3))]] * 4)
    boosted = fit(codes, [7, -7] * 4)
    assert list(boosted.predict(codes)) == [7, -7] * 4
    assert list(fit([[0.0], [5e-8]] * 4, [7, -7] * 4).importances) == [0]


def test_a_first_split_that_gains_nothing_is_still_taken() -> None:
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 2)
    boosted = fit(codes, [0, 1, 1, 0] * 2)
    assert list(boosted.fitted) == [0, 1, 1, 0] * 2
    assert boosted.importances.sum() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["continuous", "grid"])
@pytest.mark.parametrize("values", [2, 3, 7])
def test_the_trees_equal_scikit_learns(rng, values: int, kind: str) -> None:
    codes, labels = noisy(rng, values)
    if kind == "grid":
        codes = (np.round(codes * 5) / 5).astype(np.float32)
    reference = GradientBoostingClassifier(random_state=0).fit(codes, labels)
    boosted = fit(codes, labels)
    assert boosted.importances == pytest.approx(reference.feature_importances_, abs=5e-3)
    assert np.mean(boosted.fitted == reference.predict(codes)) >= 0.995
    assert list(boosted.fitted) == list(boosted.predict(codes))
    fresh = codes + rng.normal(size=codes.shape).astype(np.float32) / 9
    assert np.mean(boosted.predict(fresh) == reference.predict(fresh)) >= 0.97
    assert set(boosted.predict(fresh)) <= set(boosted.classes) == set(labels)


def test_copied_and_mirrored_codes_share_the_importance_and_change_nothing_else(rng) -> None:
    codes, labels = noisy(rng, 3)
    alone = fit(codes, labels)
    copied = fit(codes[:, [0, 1, 0, 2, 3, 0]] * [1, 1, -1, 1, 1, 2], labels)
    shares = copied.importances[[0, 2, 5]]
    assert shares.sum() == pytest.approx(alone.importances[0], abs=1e-2)
    assert shares.min() > shares.sum() / 5
    assert np.mean(copied.fitted == alone.fitted) >= 0.995


def test_only_the_order_of_a_codes_values_matters(rng) -> None:
    codes, labels = noisy(rng, 3)
    alone = fit(codes, labels)
    grown = fit(np.exp(codes.astype(np.float64)), labels)
    assert grown.importances == pytest.approx(alone.importances, abs=1e-6)
    assert list(grown.fitted) == list(alone.fitted)
    flipped = fit(codes * [1, -1, -5, 1], labels)
    assert flipped.importances == pytest.approx(alone.importances, abs=5e-3)
    permuted = fit(codes[:, ::-1], labels)
    assert permuted.importances[::-1] == pytest.approx(alone.importances, abs=5e-3)


@pytest.mark.parametrize("values", [2, 5])
def test_the_number_of_cores_changes_nothing(rng, values: int) -> None:
    codes, labels = noisy(rng, values)
    codes = codes[:, [0, 1, 2, 3, 0, 1]]
    alone = fit(codes, labels, stages=30)
    for jobs in (1, 2, 3):
        with ThreadPoolExecutor(jobs) as pool:
            pooled = fit(codes, labels, pool=pool, stages=30)
        assert list(pooled.importances) == list(alone.importances)
        assert list(pooled.predict(codes)) == list(alone.predict(codes)) == list(alone.fitted)


@pytest.mark.parametrize("labels", [[3, 3, 1, 3], [2, 2, 0, 4]])
def test_inactive_codes_have_no_importance_and_predict_the_most_common_label(labels) -> None:
    boosted = fit([[0.3, -7]] * 4, labels)
    assert list(boosted.importances) == [0, 0]
    assert set(boosted.predict(np.eye(2))) == {labels[0]}


def test_an_inactive_code_beside_others_has_no_importance() -> None:
    boosted = fit(np.insert(BY_HAND.astype(float), 1, 0.5, axis=1), LABELS, stages=1)
    assert boosted.importances == pytest.approx([1 / 2, 0, 1 / 2], abs=1e-12)


def test_no_rows_give_no_predictions() -> None:
    assert fit(BY_HAND, LABELS).predict(np.empty((0, 2))).shape == (0,)


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two classes.*6 rows of \\[4\\]"):
        fit(BY_HAND, np.full(6, 4))


@pytest.mark.parametrize("value", [1e39, np.nan])
def test_numbers_beyond_float32_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite as float32"):
        fit(BY_HAND * value, LABELS)

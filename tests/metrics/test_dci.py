"""DCI of ideal codes, computed by hand, and compared with scikit-learn's trees."""

import math

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier

from ssgan_tf.metrics import Settings, Table
from ssgan_tf.metrics.dci import completeness, concentration, dci, dci_histogram, disentanglement
from tests.support.ideals import exact

SIZES = (3, 4, 2)
NAMES = ("shape", "hue", "side")
ROWS = 360

BOTH = pytest.mark.parametrize("metric", [dci, dci_histogram])


def score(metric, codes, factors, sizes=SIZES, names=NAMES, **options) -> dict[str, float]:
    """Scores codes and removes the metric's name from the keys; the key of the disentanglement is ""."""
    result = metric(Table(codes, factors, sizes, names), np.random.default_rng(0), Settings(**options))
    return {key.removeprefix(metric.__name__).removeprefix("/"): value for key, value in result.items()}


def halves(count: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows that `score` trains and tests on."""
    numbers = np.arange(count)[:, None]
    train, test = Table(numbers, numbers, (count,)).split(np.random.default_rng(0), Settings().train_share)
    return train.origins, test.origins


@pytest.fixture
def factors(grid) -> np.ndarray:
    return np.tile(grid(SIZES), (ROWS // 24, 1))


@BOTH
def test_perfect_codes_score_one(metric, factors) -> None:
    result = score(metric, exact(factors, SIZES), factors)
    assert [result[key] for key in ("", "completeness")] == pytest.approx([1, 1], abs=1e-6)
    assert [result["informativeness"], result["informativeness_train"]] == [1, 1]
    assert [result[f"informativeness/{name}"] for name in NAMES] == [1, 1, 1]
    assert [result[f"completeness/{name}"] for name in NAMES] == pytest.approx([1, 1, 1], abs=1e-6)
    assert (result["samples_train"], result["samples_test"]) == (240, 120)
    assert (result["samples_train/hue"], result["samples_test/hue"]) == (240, 120)


@BOTH
def test_permuted_and_flipped_codes_score_the_same(metric, factors, rng) -> None:
    codes = exact(factors, SIZES) + rng.normal(size=factors.shape) / 4
    plain, moved = score(metric, codes, factors), score(metric, codes[:, [2, 0, 1]] * [-1, 1, -3], factors)
    for key in ("", "completeness", "informativeness", "informativeness_train"):
        assert moved[key] == pytest.approx(plain[key], abs=0.03)


@BOTH
def test_mixed_codes_score_clearly_lower(metric, factors, rng) -> None:
    codes = exact(factors, SIZES) + rng.normal(size=factors.shape) / 20
    mixed = codes @ np.array([[1, 1, 0], [1, -1, 0], [0, 0, 1]])
    plain, turned = score(metric, codes, factors), score(metric, mixed, factors)
    assert plain[""] > 0.9 and plain["completeness"] > 0.9
    assert turned[""] < plain[""] - 0.3 and turned["completeness"] < plain["completeness"] - 0.3
    assert turned["completeness/side"] > 0.9


# Histogram trees give all importance to the first of several copies.
@pytest.mark.parametrize(("metric", "share"), [(dci, 1 / 2), (dci_histogram, 1)])
def test_copied_codes_cost_completeness_only(metric, share: float, factors) -> None:
    codes = exact(factors, SIZES)
    result = score(metric, np.concatenate([codes, codes], axis=1), factors)
    assert [result[""], result["informativeness"]] == pytest.approx([1, 1], abs=1e-6)
    assert result["completeness"] == pytest.approx(1 + math.log(share) / math.log(6), abs=0.05)


@BOTH
@pytest.mark.parametrize("value", [0.0, 0.3, -1e6])
def test_inactive_codes_score_zero(metric, factors, value: float) -> None:
    result = score(metric, np.full((ROWS, 3), value), factors)
    assert [result[""], result["completeness"]] == pytest.approx([0, 0], abs=1e-12)
    train, test = halves()
    most_common = [np.bincount(factors[train, f]).argmax() for f in range(3)]
    assert result["informativeness"] == pytest.approx(np.mean(factors[test] == most_common))


@BOTH
def test_one_inactive_code_leaves_its_factor_unpredicted(metric, factors) -> None:
    codes = exact(factors, SIZES)
    codes[:, 1] = 0.5
    result = score(metric, codes, factors)
    assert result["informativeness/hue"] < 0.5
    assert [result["informativeness/shape"], result["informativeness/side"]] == [1, 1]
    assert result["completeness/shape"] == pytest.approx(1, abs=1e-6)


@BOTH
def test_inactive_codes_beside_perfect_ones_cost_nothing(metric, factors) -> None:
    result = score(metric, np.concatenate([np.zeros((ROWS, 2)), exact(factors, SIZES)], axis=1), factors)
    assert [result[""], result["completeness"], result["informativeness"]] == pytest.approx([1, 1, 1], abs=1e-6)


@BOTH
def test_a_factor_with_one_value_is_excluded_and_listed(metric, factors) -> None:
    factors = factors.copy()
    codes = exact(factors, SIZES)
    factors[:, 0] = 2
    result = score(metric, codes, factors)
    assert (result["excluded/shape"], "completeness/shape" in result, "excluded/hue" in result) == (1, False, False)
    assert [result[""], result["completeness"], result["informativeness"]] == pytest.approx([1, 1, 1], abs=1e-6)
    for key, value in result.items():
        count = key.split("/")[0] in ("samples_train", "samples_test", "excluded")
        assert type(value) is (int if count else float), key


@BOTH
def test_unknown_labels_leave_out_rows_of_that_factor_only(metric, factors, rng) -> None:
    codes = exact(factors, SIZES) + rng.normal(size=factors.shape) / 4
    partly = factors.copy()
    partly[:120, 2] = -1
    partly[:, 0] = -1
    result, whole = score(metric, codes, partly), score(metric, codes, factors)
    train, test = halves()
    assert (result["samples_train/side"], result["samples_test/side"]) == (np.sum(train >= 120), np.sum(test >= 120))
    assert result["informativeness/hue"] == pytest.approx(whole["informativeness/hue"], abs=0.03)
    assert result["excluded/shape"] == 0
    assert "samples_train/shape" not in result


@BOTH
def test_a_factor_without_labels_in_the_test_rows_is_not_tested(metric, factors) -> None:
    codes, partly = exact(factors, SIZES), factors.copy()
    partly[halves()[1], 1] = -1
    codes[halves()[1], 1] = 9
    result = score(metric, codes, partly)
    assert result["samples_test/hue"] == 0 and "informativeness/hue" not in result
    assert result["completeness/hue"] == pytest.approx(1, abs=1e-6)
    assert (result["informativeness"], result["informativeness_train"]) == (1, 1)


@BOTH
def test_a_table_without_any_scorable_factor_is_refused(metric, factors) -> None:
    untested = factors.copy()
    untested[halves()[1]] = -1
    with pytest.raises(ValueError, match="DCI.* needs test rows with labels for a factor of .*'shape'.*120 test rows"):
        score(metric, exact(factors, SIZES), untested)
    for value in (-1, 1):
        with pytest.raises(ValueError, match="DCI.* training needs at least one factor.*shape"):
            score(metric, exact(factors, SIZES), np.full_like(factors, value))


@BOTH
def test_a_value_that_only_test_rows_take_counts_as_an_error(metric, factors) -> None:
    factors, test = factors.copy(), halves()[1]
    codes = exact(factors, SIZES)
    factors[test[:30], 2] = 2
    result = score(metric, codes, factors, sizes=(3, 4, 3))
    assert result["informativeness/side"] == pytest.approx(90 / 120)
    assert result["informativeness_train"] == 1


@BOTH
def test_a_single_factor_is_disentangled_by_any_code(metric, factors, rng) -> None:
    mixed = exact(factors, SIZES) @ rng.normal(size=(3, 3))
    result = score(metric, mixed, factors[:, :1], (3,), ("shape",))
    assert result[""] == 1
    assert result["completeness"] < 0.7
    assert score(metric, mixed * 0, factors[:, :1], (3,), ("shape",))[""] == 0


@BOTH
def test_a_single_code_is_complete_for_all_factors(metric, factors) -> None:
    result = score(metric, factors @ [[8.0], [2], [1]], factors)
    assert result["completeness"] == 1
    assert result[""] == pytest.approx(0, abs=1e-6)
    assert result["informativeness"] > 0.9


def test_many_binary_factors_of_few_rows(rng) -> None:
    factors = rng.integers(2, size=(60, 40))
    result = score(dci, factors.astype(np.float32), factors, (2,) * 40, ())
    assert [result[""], result["completeness"], result["informativeness"]] == pytest.approx([1, 1, 1], abs=1e-6)
    # Histogram trees have at least 20 rows in a leaf.
    result = score(dci_histogram, factors.astype(np.float32), factors, (2,) * 40, (), train_share=1 / 3)
    assert [result[""], result["completeness"]] == pytest.approx([0, 0], abs=1e-9)


@BOTH
def test_fewer_rows_than_values(metric, rng) -> None:
    factors = np.arange(30)[:, None]
    result = score(metric, factors / 29, factors, (40,), ("hue",))
    assert result["informativeness"] == 0
    assert (result["samples_train/hue"], result["samples_test/hue"]) == (20, 10)


@BOTH
def test_the_number_of_cores_changes_nothing(metric, factors, rng) -> None:
    codes = exact(factors, SIZES) + rng.normal(size=factors.shape) / 4
    table = Table(np.concatenate([codes, codes], axis=1), factors, SIZES)
    one, two = (metric(table, np.random.default_rng(3), jobs=jobs) for jobs in (1, 2))
    assert one == two


@pytest.mark.parametrize(
    ("importances", "parts", "whole"),
    [
        ([[1, 0], [0, 1]], [1, 1], 1),
        ([[1, 1], [0, 0]], [0, 0], 0),
        ([[0, 0], [0, 0]], [0, 0], 0),
        ([[3 / 4, 1 / 4], [1 / 4, 3 / 4]], [0.188722, 0.188722], 0.188722),
        ([[1, 1 / 2], [0, 1 / 2]], [0.081704, 1], 3 / 4 * 0.081704 + 1 / 4),
        ([[0.2], [0.8], [0]], [1, 1, 0], 1),
        ([[0], [0]], [0, 0], 0),
    ],
)
def test_scores_by_hand(importances, parts, whole: float) -> None:
    # H_2(1/4) = 0.811278, H_2(1/3) = 0.918296.
    matrix = np.array(importances, dtype=float)
    assert concentration(matrix) == pytest.approx(parts, abs=1e-6)
    assert disentanglement(matrix) == pytest.approx(whole, abs=1e-6)
    assert completeness(matrix.T) == pytest.approx(whole, abs=1e-6)


def reference(codes, factors) -> tuple[float, float, float, float]:
    """Computes the definition with scikit-learn's trees and SciPy's entropy."""
    train, test = halves(len(codes))
    columns, hits = [], []
    for labels in factors.T:
        trees = GradientBoostingClassifier(random_state=0).fit(codes[train], labels[train])
        columns.append(trees.feature_importances_)
        hits.append([trees.score(codes[rows], labels[rows]) for rows in (test, train)])
    matrix = np.array(columns).T
    by_code = 1 - entropy(matrix.T + 1e-11, base=matrix.shape[1])
    by_factor = 1 - entropy(matrix + 1e-11, base=matrix.shape[0])
    weights = matrix / matrix.sum()
    return (by_code @ weights.sum(axis=1), by_factor @ weights.sum(axis=0), *np.mean(hits, axis=0))


def test_the_scores_equal_the_reference(rng) -> None:
    sizes = (2, 3, 5)
    factors = np.stack([rng.integers(size, size=450) for size in sizes], axis=1)
    # Noisy, since codes that separate a factor perfectly are tied, and the reference then decides by rounding.
    codes = exact(factors, sizes) @ rng.normal(size=(3, 5)) + rng.normal(size=(450, 5)) / 3
    result = score(dci, codes, factors, sizes, ())
    found = [result[key] for key in ("", "completeness", "informativeness", "informativeness_train")]
    assert found == pytest.approx(reference(codes, factors), abs=1e-2)

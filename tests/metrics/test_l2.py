"""L2 of ideal codes, computed by hand, and the exact chance levels."""

import numpy as np
import pytest

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.metrics import Table, chance_l2
from ssgan_tf.metrics.l2 import l2

DSPRITES = (3, 6, 40, 32, 32)
ISAAC3D = (3, 8, 5, 4, 4, 4, 6, 4, 4)
FALCOR3D = (5, 6, 6, 6, 6, 6, 6)

SIZES = (3, 5)
NAMES = ("shape", "hue")


def score(codes, factors, sizes=SIZES, names=NAMES):
    return l2(Table(codes, factors, sizes, names), np.random.default_rng(0))


@pytest.fixture
def factors(grid) -> np.ndarray:
    return grid(SIZES)


def test_perfect_codes_score_zero(factors) -> None:
    result = score(factors / [2, 4], factors)
    assert result["l2"] == 0
    assert (result["l2/error/shape"], result["l2/error/hue"]) == (0, 0)
    assert result["l2/samples"] == result["l2/samples/shape"] == result["l2/samples/hue"] == 15


def test_a_table_by_hand() -> None:
    factors = np.array([[0, 0], [2, 4], [1, 2]])
    codes = np.array([[0.3, 0.4], [1.0, 1.0], [0.5, 0.25]])  # distances 0.5, 0, 0.25
    result = score(codes, factors)
    assert result["l2"] == pytest.approx(0.25, abs=1e-15)
    assert result["l2/error/shape"] == pytest.approx(0.1, abs=1e-15)
    assert result["l2/error/hue"] == pytest.approx(0.65 / 3, abs=1e-15)


def test_permuted_and_flipped_codes_are_wrong(factors) -> None:
    codes = factors / [2, 4]
    assert score(codes[:, ::-1], factors)["l2"] > 0.3
    # The shape's code becomes 1 - c, so its error |1 - 2c| is (1, 0, 1); the hue's code is unchanged.
    flipped = score(np.stack([1 - codes[:, 0], codes[:, 1]], axis=1), factors)
    assert flipped["l2"] == pytest.approx(2 / 3, abs=1e-12)
    assert flipped["l2/error/hue"] == 0


def test_an_inactive_code_costs_its_factor_alone(factors) -> None:
    codes = factors / [2, 4]
    codes[:, 1] = 0.5
    result = score(codes, factors)
    assert result["l2"] == result["l2/error/hue"] == pytest.approx((0.5 + 0.25) * 2 / 5)
    assert result["l2/error/shape"] == 0


@pytest.mark.parametrize(("sizes", "stated"), [(ISAAC3D, 1.0893), (FALCOR3D, 0.8955), (DSPRITES, 0.7251)])
def test_constant_codes_score_the_stated_value(grid, sizes, stated: float) -> None:
    factors = grid(sizes)
    result = score(np.full(factors.shape, 0.5), factors, sizes, ())
    assert result["l2"] == pytest.approx(stated, abs=5e-5)
    assert result["l2"] < result["l2/chance"]


@pytest.mark.parametrize(("sizes", "stated"), [(ISAAC3D, 1.5250), (FALCOR3D, 1.2512), (DSPRITES, 1.0064)])
def test_chance_equals_the_stated_and_the_exact_value(sizes, stated: float) -> None:
    exact = exact_chance(sizes)
    assert exact == pytest.approx(stated, abs=5e-5)
    estimate = chance_l2(sizes, np.random.default_rng(3), n=200_000)
    assert estimate == pytest.approx(exact, abs=4 * 0.31 / np.sqrt(200_000))


def exact_chance(sizes) -> float:
    """Computes the mean norm over all combinations of absolute differences, weighted by their probability."""
    squares, weights = np.zeros(1), np.ones(1)
    for m in sizes:
        step = np.arange(m)
        share = np.where(step == 0, m, 2 * (m - step)) / m**2
        squares = np.add.outer(squares, (step / (m - 1)) ** 2).ravel()
        weights = np.multiply.outer(weights, share).ravel()
    assert weights.sum() == pytest.approx(1)
    return float(np.sqrt(squares) @ weights)


def test_chance_depends_on_the_generator_alone_and_skips_factors_with_one_value() -> None:
    first = chance_l2((2,), np.random.default_rng(1), n=1000)
    assert first == chance_l2((2,), np.random.default_rng(1), n=1000)
    assert first == pytest.approx(0.5, abs=0.06)
    assert chance_l2((1, 1), np.random.default_rng(1)) == 0


def test_rows_without_a_label_for_a_factor_count_for_the_other_factor_only(factors) -> None:
    codes = factors / [2, 4]
    codes[0] += [0.5, 0.0]
    codes[1] += [0.0, 0.5]
    partly = factors.copy()
    partly[0, 1] = -1
    result = score(codes, partly)
    assert result["l2/samples"] == result["l2/samples/hue"] == 14
    assert result["l2/samples/shape"] == 15
    assert result["l2"] == result["l2/error/hue"] == pytest.approx(0.5 / 14)
    assert result["l2/error/shape"] == pytest.approx(0.5 / 15)


def test_a_factor_without_known_labels_or_with_one_value_is_excluded_and_listed(grid) -> None:
    factors = grid((3, 1, 5))
    codes = np.stack([factors[:, 0] / 2, np.full(15, 9.0), factors[:, 2] / 4], axis=1)
    result = score(codes, factors, (3, 1, 5), ("shape", "colour", "hue"))
    assert result["l2"] == 0
    assert result["l2/excluded/colour"] == 1
    factors[:, 2] = -1
    result = score(codes, factors, (3, 1, 5), ("shape", "colour", "hue"))
    assert (result["l2"], result["l2/excluded/hue"]) == (0, 0)
    assert result["l2/samples"] == 15
    # Chance uses the same factors as the score: two values of a factor with three differ by 4/9 on average.
    assert result["l2/chance"] == pytest.approx(4 / 9, abs=0.02)


def test_a_table_without_a_complete_row_is_refused() -> None:
    factors = np.array([[0, -1], [-1, 3]])
    with pytest.raises(ValueError, match="2 rows, none of them complete"):
        score(np.zeros((2, 2)), factors)
    with pytest.raises(ValueError, match="none of them complete"):
        score(np.zeros((2, 2)), np.full((2, 2), -1))


@pytest.mark.parametrize("count", [1, 3])
def test_different_numbers_of_codes_and_factors_are_refused(factors, count: int) -> None:
    with pytest.raises(ValueError, match=f"expected 2 codes.*Received: {count}"):
        score(np.zeros((15, count)), factors)


def test_a_single_code_is_a_mean_absolute_error() -> None:
    result = score(np.array([[0.1], [0.7]]), np.array([[0], [1]]), (2,), ("hue",))
    assert result["l2"] == result["l2/error/hue"] == pytest.approx(0.2)


def test_true_codes_equal_those_that_the_networks_learn(factors) -> None:
    spec = CodeSpec(tuple(FactorSpec(name, size) for name, size in zip(NAMES, SIZES, strict=True)))
    np.testing.assert_allclose(truth(factors), spec.encode(factors), atol=1e-7)
    expected = np.array([[0, 0], [0.5, 1], [1, 0.25]])
    np.testing.assert_array_equal(truth(np.array([[0, 0], [1, 4], [2, 1]])), expected)
    np.testing.assert_array_equal(truth(np.array([[-1, 4]])), [[np.nan, 1]])


def truth(factors: np.ndarray) -> np.ndarray:
    return Table(np.zeros(factors.shape), factors, SIZES).truth


def test_codes_are_compared_with_a_finer_truth(factors) -> None:
    fine = factors / (np.array(SIZES) - 1) * 0.9 + 0.05
    table = Table(fine, factors, SIZES, NAMES, fine)
    assert l2(table, np.random.default_rng(0))["l2"] == 0
    assert l2(table.rows(np.arange(0, len(fine), 3)), np.random.default_rng(0))["l2"] == 0
    with pytest.raises(ValueError, match="`truth` must have the shape"):
        Table(fine, factors, SIZES, NAMES, fine[:1])

"""MIG of ideal codes, its ceilings, one table computed by hand, and a comparison with the reference."""

import math

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from ssgan_tf.metrics import Settings, Table
from ssgan_tf.metrics.mig import mig
from tests.support.ideals import exact

SIZES = (3, 5, 4)
NAMES = ("shape", "hue", "scale")

DSPRITES = (3, 6, 40, 32, 32)


def score(codes, factors, sizes=SIZES, names=NAMES, **options):
    return mig(Table(codes, factors, sizes, names), np.random.default_rng(0), Settings(**options))


@pytest.fixture
def factors(grid) -> np.ndarray:
    return grid(SIZES)


def test_perfect_codes_score_one_and_match_their_factors(factors) -> None:
    result = score(exact(factors, SIZES), factors)
    assert result["mig"] == pytest.approx(1, abs=1e-12)
    assert [result[f"mig/gap/{name}"] for name in NAMES] == pytest.approx([1, 1, 1], abs=1e-12)
    assert [result[f"mig/code/{name}"] for name in NAMES] == [0, 1, 2]
    assert [result[f"mig/samples/{name}"] for name in NAMES] == [60, 60, 60]
    assert (result["mig/bins"], result["mig/samples"]) == (20, 60)


def test_permuted_and_flipped_codes_score_the_same(factors) -> None:
    codes = exact(factors, SIZES)
    permuted = score(codes[:, [2, 0, 1]], factors)
    assert permuted["mig"] == score(codes, factors)["mig"]
    assert [permuted[f"mig/code/{name}"] for name in NAMES] == [1, 2, 0]
    assert score(codes * [-1, 1, -3], factors)["mig"] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.3, -1e6])
def test_constant_codes_score_zero_and_match_no_factor(factors, value: float) -> None:
    result = score(np.full((60, 3), value), factors)
    assert result["mig"] == 0
    assert [result[f"mig/code/{name}"] for name in NAMES] == [-1, -1, -1]


def test_duplicated_codes_score_zero(factors) -> None:
    codes = exact(factors, SIZES)
    assert score(np.concatenate([codes, codes], axis=1), factors)["mig"] == 0


def test_one_inactive_code_costs_its_factor(factors) -> None:
    codes = exact(factors, SIZES)
    codes[:, 1] = 0.5
    result = score(codes, factors)
    assert result["mig"] == pytest.approx(2 / 3, abs=1e-12)
    assert result["mig/gap/hue"] == 0
    assert result["mig/code/hue"] == -1


def test_inactive_codes_beside_perfect_ones_cost_nothing(factors) -> None:
    codes = np.concatenate([np.zeros((60, 2)), exact(factors, SIZES)], axis=1)
    result = score(codes, factors)
    assert result["mig"] == pytest.approx(1, abs=1e-12)
    assert [result[f"mig/code/{name}"] for name in NAMES] == [2, 3, 4]


def test_a_single_code_is_compared_with_zero(factors) -> None:
    result = score(exact(factors, SIZES)[:, 1:2], factors)
    assert result["mig/gap/hue"] == pytest.approx(1, abs=1e-12)
    assert result["mig"] == pytest.approx(1 / 3, abs=1e-12)


def test_a_factor_with_one_value_is_excluded_and_listed(factors) -> None:
    factors = factors.copy()
    codes = exact(factors, SIZES)
    factors[:, 0] = 2
    result = score(codes, factors)
    assert result["mig"] == pytest.approx(1, abs=1e-12)
    assert result["mig/excluded/shape"] == 1
    assert "mig/gap/shape" not in result and "mig/excluded/hue" not in result


def test_unknown_labels_leave_out_rows_of_that_factor_only(factors) -> None:
    codes = exact(factors, SIZES)
    partly = factors.copy()
    partly[10:, 2] = -1
    partly[:, 0] = -1
    result = score(codes, partly)
    alone = score(codes[:10], factors[:10])
    assert result["mig/gap/scale"] == alone["mig/gap/scale"]
    assert result["mig/gap/hue"] == score(codes, factors)["mig/gap/hue"]
    assert (result["mig/samples/scale"], result["mig/samples/hue"]) == (10, 60)
    assert result["mig/excluded/shape"] == 0


@pytest.mark.parametrize("value", [-1, 1])
def test_a_table_without_any_scorable_factor_is_refused(factors, value: int) -> None:
    with pytest.raises(ValueError, match="at least one factor that takes two known values.*shape"):
        score(exact(factors, SIZES), np.full_like(factors, value))


def test_a_table_by_hand() -> None:
    # Code 0 separates the two values; code 1 separates one sample from the other three.
    factors = np.array([[0], [0], [1], [1]])
    codes = np.array([[0.0, 0.0], [0.1, 0.0], [0.9, 0.0], [1.0, 1.0]])
    result = score(codes, factors, (2,), ("side",), bins=2)
    second = 2 / 4 * math.log(4 / 3) + math.log(2 / 3) / 4 + math.log(2) / 4
    assert result["mig"] == pytest.approx(1 - second / math.log(2), abs=1e-15)
    assert result["mig/bins"] == 2
    # With 20 bins the first code identifies every sample, but has no more information about the side.
    assert score(codes, factors, (2,), ("side",))["mig"] == pytest.approx(result["mig"], abs=1e-15)


@pytest.mark.parametrize(
    ("sizes", "gaps", "mean"),
    [
        (DSPRITES, (1, 1, 0.812, 0.850, 0.850), 0.902),
        ((4, 24, 183), None, 0.834),
        ((4, 4, 2, 3, 3, 40, 40), None, 0.946),
        ((5, 9, 18, 6), (1, 1, 1, 1), 1.0),
        ((10, 10, 10, 8, 4, 15), (1, 1, 1, 1, 1, 1), 1.0),
    ],
    ids=["dsprites", "cars3d", "mpi3d", "smallnorb", "shapes3d"],
)
def test_the_ceiling_of_an_exact_linear_code(grid, sizes, gaps, mean) -> None:
    factors = grid(sizes)
    result = score(exact(factors, sizes), factors, sizes, ())
    assert result["mig"] == pytest.approx(mean, abs=5e-4)
    if gaps:
        seen = [result[f"mig/gap/{f}"] for f in range(len(sizes))]
        assert seen == pytest.approx(gaps, abs=5e-4)


@pytest.mark.parametrize("bins", [10, 20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_score_equals_the_reference(rng, bins: int, dtype: type) -> None:
    # More noisy, mixed codes than factors, scored with scikit-learn and np.histogram.
    factors = np.stack([rng.integers(size, size=3000) for size in DSPRITES], axis=1)
    codes = exact(factors, DSPRITES) @ rng.normal(size=(5, 10)) + rng.normal(size=(3000, 10)) / 4
    codes = codes.astype(dtype)
    binned = [np.digitize(x, np.histogram(x, bins)[1][:-1]) for x in codes.T]
    matrix = np.array([[mutual_info_score(f, b) for f in factors.T] for b in binned])
    ranked = np.sort(matrix, axis=0)
    entropies = [mutual_info_score(f, f) for f in factors.T]
    expected = np.mean((ranked[-1] - ranked[-2]) / entropies)
    result = score(codes, factors, DSPRITES, (), bins=bins)
    assert result["mig"] == pytest.approx(expected, abs=1e-9)
    assert [result[f"mig/code/{f}"] for f in range(5)] == list(np.argmax(matrix, axis=0))

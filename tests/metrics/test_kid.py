"""KID compared with its definition, its expectation, and its behaviour over subsets."""

import importlib

import numpy as np
import pytest

from ssgan_tf.metrics.kid import LARGEST_SUBSET, SUBSETS, kid, squared_mmd


def by_loops(real: np.ndarray, generated: np.ndarray) -> float:
    def kernel(x, y) -> float:
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    def pairs(rows) -> float:
        values = [kernel(x, y) for i, x in enumerate(rows) for j, y in enumerate(rows) if i != j]
        return sum(values) / len(values)

    across = [kernel(x, y) for x in real for y in generated]
    return pairs(real) + pairs(generated) - 2 * sum(across) / len(across)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("counts", [(2, 2), (5, 5), (3, 7)])
def test_the_estimate_equals_the_definition(rng, counts, dtype) -> None:
    real, generated = (rng.normal(size=(count, 4)).astype(dtype) for count in counts)
    expected = by_loops(real.astype(np.float64), generated.astype(np.float64))
    assert squared_mmd(real, generated) == pytest.approx(expected, abs=1e-12)


def test_a_case_by_hand() -> None:
    # With one feature, k(x, y) = (x y + 1)^3: (0*1 + 1)^3 = 1 within real, (2*3 + 1)^3 = 343 within generated, and
    # 1, 1, (2 + 1)^3 = 27 and (3 + 1)^3 = 64 between them.
    assert squared_mmd(np.array([[0.0], [1]]), np.array([[2.0], [3]])) == pytest.approx(1 + 343 - 2 * 93 / 4)


def test_one_distribution_scores_zero_on_average(rng) -> None:
    values = [squared_mmd(rng.normal(size=(10, 3)), rng.normal(size=(15, 3))) for _ in range(3000)]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * error < 0.1
    assert 0.2 < np.mean(np.array(values) < 0) < 0.8  # not clipped at 0


def test_the_number_of_samples_does_not_change_the_mean(rng) -> None:
    # One feature with normal distributions around 0 and 1, k = 1 + 3 x y + 3 x^2 y^2 + x^3 y^3. The moments are 0, 1, 0
    # and 1, 2, 4, so the squared MMD is 3 (1 - 0)^2 + 3 (2 - 1)^2 + (4 - 0)^2 = 22.
    for count in (2, 5, 40):
        samples = rng.normal(size=(2, 200_000 // count, count, 1))
        values = [squared_mmd(real, generated + 1) for real, generated in zip(*samples[:, :5000], strict=True)]
        assert abs(np.mean(values) - 22) < 4 * np.std(values) / np.sqrt(len(values))


def test_small_sets_are_used_completely(rng) -> None:
    real, generated = rng.normal(size=(30, 4)), rng.normal(size=(30, 4)) + 0.5
    result = kid(real, generated, rng)
    assert result["kid"] == pytest.approx(squared_mmd(real, generated), abs=1e-12)
    assert result["kid/std"] == pytest.approx(0, abs=1e-12)


def test_result_and_settings(rng) -> None:
    result = kid(rng.normal(size=(30, 4)), rng.normal(size=(20, 4)), rng)
    counts = {key: value for key, value in result.items() if isinstance(value, int)}
    assert counts == {
        "kid/subsets": 100,
        "kid/subset_size": 20,
        "kid/samples_real": 30,
        "kid/samples_generated": 20,
        "kid/features": 4,
    }
    assert [type(result[key]) for key in ("kid", "kid/std")] == [float, float]
    assert result["kid/std"] > 0


def test_subsets_of_large_sets_are_sampled_without_replacement(rng, monkeypatch) -> None:
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def count(first: np.ndarray, second: np.ndarray) -> float:
        seen.append((first, second))
        return float(len(seen))

    monkeypatch.setattr(importlib.import_module("ssgan_tf.metrics.kid"), "squared_mmd", count)
    real, generated = np.arange(1500.0)[:, None], -np.arange(1200.0)[:, None]
    result = kid(real, generated, rng)
    assert len(seen) == SUBSETS
    for subsets, whole in zip(zip(*seen, strict=True), (real, generated), strict=True):
        assert all(len(np.unique(rows)) == LARGEST_SUBSET for rows in subsets)
        assert len(np.unique(np.concatenate(subsets))) == len(whole)  # every row is in some subset
    assert result["kid"] == np.mean(np.arange(1, 101))
    assert result["kid/std"] == np.std(np.arange(1, 101))


@pytest.mark.slow
@pytest.mark.slow
def test_two_halves_of_one_set_score_about_zero(rng) -> None:
    first, second = rng.normal(size=(2, 1100, 8))
    result = kid(first, second, rng)
    assert abs(result["kid"]) < 3 * 0.003  # its standard deviation over random halves
    far = kid(first, second + 0.5, rng)
    assert far["kid"] > 20 * far["kid/std"]


def test_a_set_against_itself_scores_just_below_zero(rng) -> None:
    # Both sets consist of the same rows, so the pairs (i, i) count only in the mean between the sets.
    features = rng.normal(size=(300, 8))
    same = np.mean([(row @ row / 8 + 1) ** 3 for row in features])
    different = np.mean([(x @ y / 8 + 1) ** 3 for i, x in enumerate(features) for y in features[:i]])
    assert kid(features, features, rng)["kid"] == pytest.approx(-2 / 300 * (same - different), rel=1e-9)


def test_the_random_generator_determines_the_subsets(rng) -> None:
    real, generated = rng.normal(size=(60, 3)), rng.normal(size=(50, 3))
    first, again, other = (kid(real, generated, np.random.default_rng(seed))["kid"] for seed in (1, 1, 2))
    assert first == again != other


def test_the_order_of_rows_does_not_matter(rng) -> None:
    real, generated = rng.normal(size=(60, 3)), rng.normal(size=(50, 3))
    permuted = squared_mmd(rng.permutation(real), rng.permutation(generated))
    assert permuted == pytest.approx(squared_mmd(real, generated), abs=1e-12)


def test_constant_features_by_their_kernel(rng) -> None:
    # (1 + 1)^3 + (4 + 1)^3 - 2 (2 + 1)^3
    result = kid(np.ones((5, 2)), np.full((6, 2), 2.0), rng)
    assert result["kid"] == pytest.approx(8 + 125 - 54, abs=1e-12)
    assert kid(np.ones((5, 2)), np.ones((6, 2)), rng)["kid"] == 0


@pytest.mark.parametrize(("real", "generated"), [(1, 5), (5, 1)])
def test_a_single_row_is_refused(rng, real: int, generated: int) -> None:
    with pytest.raises(ValueError, match=r"at least two rows.*Received: shape \(1, 3\)"):
        kid(np.zeros((real, 3)), np.zeros((generated, 3)), rng)

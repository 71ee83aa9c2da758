"""Frechet distance compared with closed forms and SciPy's matrix root, and with singular covariances."""

import math

import numpy as np
import pytest
import scipy.linalg

from ssgan_tf.metrics.frechet import covariance_factor, frechet, frechet_distance


def sample_moments(rng, covariance: np.ndarray, count: int, mean=0.0) -> np.ndarray:
    """Samples `count` rows whose sample mean and covariance are `mean` and `covariance`, up to rounding."""
    values, vectors = np.linalg.eigh(covariance)
    return sample_spectrum(rng, np.clip(values, 0, None), vectors, count) + mean


def sample_spectrum(rng, values: np.ndarray, vectors: np.ndarray, count: int) -> np.ndarray:
    """Samples `count` rows with mean 0 and a covariance with the given eigenvalues and eigenvectors."""
    normal = rng.normal(size=(count, len(values)))
    white = np.linalg.qr(normal - normal.mean(axis=0))[0] * math.sqrt(count - 1)
    return white * np.sqrt(values) @ vectors.T


def rotation(rng, size: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


def by_sqrtm(real: np.ndarray, generated: np.ndarray) -> float:
    """Computes the distance with SciPy's matrix root."""
    first, second = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (real, generated))
    root = scipy.linalg.sqrtm(first @ second).real
    shift = real.mean(axis=0) - generated.mean(axis=0)
    return shift @ shift + np.trace(first + second - 2 * root)


def by_cross_product(real: np.ndarray, generated: np.ndarray) -> float:
    """Computes the distance with the trace of the root as the sum of singular values of the cross product [N, M]."""
    shift = real.mean(axis=0) - generated.mean(axis=0)
    first = (real - real.mean(axis=0)) / math.sqrt(len(real) - 1)
    second = (generated - generated.mean(axis=0)) / math.sqrt(len(generated) - 1)
    singular = scipy.linalg.svdvals(first @ second.T)
    return shift @ shift + (first**2).sum() + (second**2).sum() - 2 * singular.sum()


def trace(*sets: np.ndarray) -> float:
    return sum(features.var(axis=0, ddof=1).sum() for features in sets)


@pytest.mark.parametrize("shape", [(50, 7), (7, 50), (5, 1), (2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_identical_sets_have_distance_zero(rng, shape, dtype) -> None:
    features = rng.normal(size=shape).astype(dtype)
    assert 0 <= frechet_distance(features, features) <= 1e-12
    assert frechet_distance(features, features[::-1]) <= 1e-12


def test_two_gaussians_with_known_moments(rng) -> None:
    # For commuting covariances, tr (S1 S2)^(1/2) is the sum of the roots of the products of eigenvalues.
    axes, mean = rotation(rng, 4), np.array([1.0, -2, 0, 3])
    first, second = np.array([1.0, 4, 9, 0.25]), np.array([4.0, 4, 1, 0])
    real = sample_spectrum(rng, first, axes, 40) + 5
    generated = sample_spectrum(rng, second, axes, 90) + 5 + mean
    expected = 14 + (1 + 0 + 4 + 0.25)  # sum of (root - root)^2
    assert frechet_distance(real, generated) == pytest.approx(expected, abs=1e-12)
    assert frechet_distance(generated, real) == pytest.approx(expected, abs=1e-12)


def test_covariances_that_do_not_commute(rng) -> None:
    # For 2 x 2 matrices P = S1 S2: tr root(P) = root(tr P + 2 root(det P)).
    first, second = np.array([[2.0, 1], [1, 3]]), np.array([[1.0, -0.5], [-0.5, 4]])
    product = first @ second
    root = math.sqrt(np.trace(product) + 2 * math.sqrt(np.linalg.det(product)))
    distance = frechet_distance(sample_moments(rng, first, 30), sample_moments(rng, second, 50, mean=[3, 4]))
    assert distance == pytest.approx(25 + 5 + 5 - 2 * root, abs=1e-12)


def test_one_feature_is_the_distance_of_means_and_deviations() -> None:
    # Means 2 and 6; deviations over N - 1: 2 and 1.
    assert frechet_distance(np.array([[0.0], [2], [4]]), np.array([[5.0], [6], [7]])) == pytest.approx(17, abs=1e-14)


def test_the_distance_of_constant_features_is_that_of_the_means(rng) -> None:
    generated = rng.normal(size=(30, 3))
    assert frechet_distance(np.full((4, 3), 2.0), np.full((5, 3), 1.0)) == 3
    expected = (generated.mean(axis=0) ** 2).sum() + trace(generated)
    assert frechet_distance(np.zeros((9, 3)), generated) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_the_distance_equals_that_with_scipys_root(rng, size: int) -> None:
    mixing = rng.normal(size=(size, size))
    real, generated = rng.normal(size=(300, size)), rng.normal(size=(200, size)) @ mixing + 1
    assert frechet_distance(real, generated) == pytest.approx(by_sqrtm(real, generated), abs=1e-9 * trace(generated))


@pytest.mark.parametrize("order", [1, -1])
def test_eigenvalues_over_twelve_orders_of_magnitude(rng, order: int) -> None:
    values, axes = np.logspace(-12, 0, 256), rotation(rng, 256)
    real = sample_spectrum(rng, values, axes, 600)
    generated = sample_spectrum(rng, values[::order], axes, 700)
    expected = ((np.sqrt(values) - np.sqrt(values[::order])) ** 2).sum()
    assert frechet_distance(real, generated) == pytest.approx(expected, abs=1e-12 * trace(real, generated))


def test_small_directions_beside_a_large_one_are_not_lost(rng) -> None:
    # The products of the small eigenvalues, 1e-14, are close to the rounding error of 1: the eigenvalues of S1 S2 would
    # lose all 255 directions.
    values, axes = np.full(256, 1e-7), rotation(rng, 256)
    values[0] = 1
    real, generated = (sample_spectrum(rng, values, axes, count) for count in (600, 700))
    assert frechet_distance(real, generated) <= 1e-12


@pytest.mark.parametrize("counts", [(100, 90), (100, 2000), (2, 2)])
def test_fewer_rows_than_columns(rng, counts) -> None:
    real, generated = rng.normal(size=(counts[0], 256)), rng.normal(size=(counts[1], 256)) * 2 + 1
    expected = by_cross_product(real, generated)
    assert frechet_distance(real, generated) == pytest.approx(expected, abs=1e-12 * trace(real, generated))


def test_repeated_and_linearly_dependent_columns(rng) -> None:
    half = rng.normal(size=(1000, 128))
    repeated = np.concatenate([half, half], axis=1)
    low_rank = rng.normal(size=(1000, 20)) @ rng.normal(size=(20, 256))
    for real, generated in ((repeated, low_rank), (low_rank, low_rank[:500]), (repeated, repeated + 1)):
        distance = frechet_distance(real, generated)
        expected = by_cross_product(real, generated)
        assert distance == pytest.approx(expected, abs=1e-12 * trace(real, generated))
    # Doubling every column doubles the distance.
    other = rng.normal(size=(400, 128)) * 3
    doubled = frechet_distance(repeated, np.concatenate([other, other], axis=1))
    assert doubled == pytest.approx(2 * frechet_distance(half, other), rel=1e-12)


def test_a_mean_far_from_zero_costs_no_accuracy(rng) -> None:
    real, generated = rng.normal(size=(200, 10)), rng.normal(size=(300, 10))
    far = frechet_distance(real + 2**20, generated + 2**20)
    assert far == pytest.approx(frechet_distance(real, generated), abs=1e-8)


def test_the_order_of_rows_does_not_matter(rng) -> None:
    real, generated = rng.normal(size=(200, 10)), rng.normal(size=(100, 10)) * 2
    permuted = frechet_distance(rng.permutation(real), rng.permutation(generated))
    assert permuted == pytest.approx(frechet_distance(real, generated), rel=1e-12)


@pytest.mark.parametrize("block", [1, 100, 12_000])
def test_a_factor_in_blocks_is_a_factor_of_the_covariance(rng, block: int) -> None:
    features = rng.normal(size=(500, 24)).astype(np.float32) @ rng.normal(size=(24, 24)) + 7
    factor = covariance_factor(features, block)
    assert factor.shape == (24, 24)
    np.testing.assert_allclose(factor.T @ factor, np.cov(features, rowvar=False), rtol=1e-12, atol=1e-12)


def test_results_have_the_metrics_name_and_counts(rng) -> None:
    real, generated = rng.normal(size=(30, 4)), rng.normal(size=(20, 4))
    distance = frechet_distance(real, generated)
    expected = {"fid": distance, "fid/samples_real": 30, "fid/samples_generated": 20, "fid/features": 4}
    result = frechet(real, generated, rng)
    assert result == expected
    assert [type(value) for value in result.values()] == [float, int, int, int]
    other = frechet(real, generated, rng, "frechet_oracle")
    assert other == {key.replace("fid", "frechet_oracle"): value for key, value in expected.items()}


@pytest.mark.parametrize(("counts", "singular"), [((5, 5), False), ((4, 5), True), ((5, 4), True), ((2, 2), True)])
def test_a_singular_covariance_is_reported(rng, counts, singular: bool) -> None:
    result = frechet(rng.normal(size=(counts[0], 4)), rng.normal(size=(counts[1], 4)), rng)
    assert result.get("fid/singular", 0) == int(singular)
    assert np.isfinite(result["fid"])

"""Mutual information from nearest neighbours: agreement with scikit-learn and with counting, and known values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif

from ssgan_tf.metrics.neighbors import neighbor_information


def count_neighbors(codes: np.ndarray, labels: np.ndarray, neighbors: int) -> float:
    """Computes the estimate from all distances between rows."""
    kept = np.isin(labels, [label for label in set(labels) if np.sum(labels == label) > 1])
    codes, labels = codes[kept].astype(float), labels[kept]
    terms = []
    for n, (code, label) in enumerate(zip(codes, labels, strict=True)):
        same = labels == label
        distances = np.abs(codes - code)
        others = np.sort(np.delete(distances, n)[np.delete(same, n)])
        radius = others[min(neighbors, len(others)) - 1]
        near = distances < radius if radius > 0 else distances == 0
        terms.append(digamma(np.sum(near & same)) - digamma(np.sum(same)) - digamma(np.sum(near)))
    return max(0.0, digamma(len(codes)) + np.mean(terms))


@pytest.mark.parametrize("noise", [0.1, 0.5, 5.0])
def test_agreement_with_scikit_learn(noise: float) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(5, size=600)
    codes = labels + noise * rng.normal(size=600)
    codes = (codes - codes.mean()) / codes.std()  # scikit-learn adds noise of 1e-10 that depends on the scale
    expected = mutual_info_classif(codes[:, None], labels, discrete_features=False, n_neighbors=10, random_state=0)
    assert neighbor_information(codes, labels, 10) == pytest.approx(expected[0], abs=1e-9)


@pytest.mark.parametrize("neighbors", [1, 3, 10])
@pytest.mark.parametrize("step", [0, 0.25, 1])
def test_agreement_with_counting_for_repeated_codes_and_rare_labels(neighbors: int, step: float) -> None:
    rng = np.random.default_rng(1)
    labels = np.minimum(rng.geometric(0.3, size=80), 12)
    codes = labels + rng.normal(size=80)
    codes = np.round(codes / step) * step if step else codes
    assert 1 in np.bincount(labels)
    assert neighbor_information(codes, labels, neighbors) == pytest.approx(count_neighbors(codes, labels, neighbors))


def test_exact_codes_have_the_entropy_and_noise_has_nearly_nothing() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(4, size=4000)
    assert neighbor_information(labels / 3, labels, 10) == pytest.approx(np.log(4), abs=0.002)
    assert neighbor_information(np.zeros(4000), labels, 10) == 0
    assert neighbor_information(rng.normal(size=4000), labels, 10) < 0.02
    # Two normal distributions at a distance of 2 standard deviations have 0.3368 nats, by numerical integration.
    sides = rng.integers(2, size=4000)
    assert neighbor_information(2 * sides + rng.normal(size=4000), sides, 10) == pytest.approx(0.3368, abs=0.02)


def test_labels_that_occur_once_have_no_information() -> None:
    assert neighbor_information(np.arange(5.0), np.arange(5), 10) == 0
    assert neighbor_information(np.array([0.0, 1.0]), np.array([0, 0]), 10) == 0

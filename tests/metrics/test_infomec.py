"""InfoMEC: ideal codes, one table computed by hand, and agreement with a direct computation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.feature_selection import mutual_info_classif

from ssgan_tf.metrics.infomec import infomec
from ssgan_tf.metrics.information import entropy
from tests.support import ideals

SIZES, NAMES = (3, 5, 4), ("shape", "hue", "scale")
FACTORS = ideals.sample_factors(SIZES, 1500)
PERFECT = ideals.exact(FACTORS, SIZES)
KEYS = ("infomec", "infomec/explicitness", "infomec/compactness")


def score(codes: np.ndarray, factors: np.ndarray = FACTORS, sizes=SIZES, names=NAMES) -> dict[str, float]:
    return infomec(ideals.make_table(codes, factors, sizes, names), np.random.default_rng(0))


def triple(codes: np.ndarray, *table) -> list[float]:
    """Returns InfoM, InfoE and InfoC."""
    found = score(codes, *table)
    return [found[key] for key in KEYS]


@pytest.mark.parametrize("codes", [PERFECT, PERFECT[:, [2, 0, 1]] * [-1, 5, 1] + 3])
def test_perfect_codes_in_any_order_and_scale(codes: np.ndarray) -> None:
    assert triple(codes) == pytest.approx([1, 1, 1], abs=0.005)


def test_duplicated_codes_are_less_compact() -> None:
    # Two of six codes share each factor: (1/2 - 1/6) / (1 - 1/6) = 0.4.
    assert triple(np.tile(PERFECT, 2)) == pytest.approx([1, 1, 0.4], abs=0.005)


def test_rotated_codes_are_less_modular_and_less_compact_but_as_explicit() -> None:
    modularity, explicitness, compactness = triple(ideals.rotated(PERFECT))
    assert modularity < 0.7 and compactness < 0.7 and explicitness > 0.99


def test_constant_codes_and_codes_of_small_range_are_left_out() -> None:
    rng = np.random.default_rng(0)
    constant, small = np.full((1500, 1), 0.3), PERFECT[:, :1] / 25  # of the range 1 of the others
    assert triple(np.concatenate([PERFECT, constant, small], axis=1)) == pytest.approx(triple(PERFECT), abs=0.005)
    assert score(np.concatenate([PERFECT, constant], axis=1))["infomec/live_codes"] == 3
    assert triple(constant) == [0, 0, 0]
    # Noise is left out too, since it is not informative.
    noisy = np.concatenate([PERFECT, rng.random((1500, 2))], axis=1)
    assert triple(noisy) == pytest.approx(triple(PERFECT), abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_random_codes_have_nearly_0(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=(1500, 4))
    assert triple(noise) == pytest.approx([0, 0, 0], abs=0.01)


def test_a_factor_without_a_code_counts_as_0_in_explicitness_and_compactness() -> None:
    found = score(PERFECT[:, 1:])
    assert found["infomec"] > 0.99
    assert found["infomec/compactness/shape"] == 0 and found["infomec/explicitness/shape"] < 0.01
    assert found["infomec/explicitness"] == pytest.approx(2 / 3, abs=0.01)
    assert found["infomec/compactness"] == pytest.approx(2 / 3, abs=0.01)


def test_noisier_codes_are_less_explicit() -> None:
    rng = np.random.default_rng(0)
    found = [triple(PERFECT + noise * rng.normal(size=PERFECT.shape))[1] for noise in (0.05, 0.2, 0.8)]
    assert found[0] > found[1] + 0.1 > found[2] + 0.2


def test_a_small_example() -> None:
    # Codes 0 and 2 are the first factor, code 1 is the second: a grid of two binary factors, 25 times.
    factors = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (25, 1))
    found = score(factors[:, [0, 1, 0]].astype(float), factors, (2, 2), ("a", "b"))
    assert found["infomec"] == 1 and found["infomec/explicitness"] == pytest.approx(1, abs=1e-3)
    assert found["infomec/compactness/a"] == pytest.approx((1 / 2 - 1 / 3) / (1 - 1 / 3))
    assert found["infomec/compactness/b"] == 1
    assert (found["infomec/live_codes"], found["infomec/samples"]) == (3, 100)
    # One code is both: 0, 1, 2, 3. A linear classifier reads the second factor, but not the first.
    both = score(2.0 * factors[:, :1] + factors[:, 1:], factors, (2, 2), ("a", "b"))
    assert both["infomec"] == 0 and both["infomec/compactness"] == 1
    assert both["infomec/explicitness/a"] == pytest.approx(1, abs=1e-3) and both["infomec/explicitness/b"] < 0.2


def linear_loss(codes: np.ndarray, labels: np.ndarray) -> float:
    """Minimises the cross-entropy of a linear classifier."""
    inputs = np.concatenate([codes, np.ones((len(codes), 1))], axis=1)

    def loss(weights: np.ndarray) -> float:
        scores = inputs @ weights.reshape(inputs.shape[1], -1)
        return float(np.mean(logsumexp(scores, axis=1) - scores[np.arange(len(labels)), labels]))

    return minimize(loss, np.zeros(inputs.shape[1] * (labels.max() + 1)), method="BFGS").fun


def test_agreement_with_a_direct_computation() -> None:
    sizes = (3, 2)
    factors = ideals.sample_factors(sizes, 400)
    codes = ideals.mixed(factors, sizes, 3)
    codes = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    found = score(codes, factors, sizes, ("a", "b"))
    nmi = np.array(
        [
            mutual_info_classif(codes, labels, discrete_features=False, n_neighbors=10, random_state=0)
            / entropy(labels)
            for labels in factors.T
        ]
    )  # [F, K]
    assert nmi.max(axis=0).min() > 0.05  # all codes are active
    modularity = np.mean([(max(column) / sum(column) - 1 / 2) / (1 - 1 / 2) for column in nmi.T])
    compactness = np.mean([(max(row) / sum(row) - 1 / 3) / (1 - 1 / 3) for row in nmi])
    explicitness = np.mean([1 - linear_loss(codes, labels) / entropy(labels) for labels in factors.T])
    assert [found[key] for key in KEYS] == pytest.approx([modularity, explicitness, compactness], abs=1e-3)


def test_unknown_labels_leave_out_rows_for_their_factor_only() -> None:
    factors = FACTORS.copy()
    factors[:500, 0] = -1
    codes = PERFECT.copy()
    codes[:500, 0] = 0.123
    assert triple(codes, factors) == pytest.approx([1, 1, 1], abs=0.01)


def test_few_rows() -> None:
    # Twelve rows: each value occurs three or four times.
    factors = np.stack([np.arange(12) % 3, np.arange(12) % 4], axis=1)
    assert triple(ideals.exact(factors, (3, 4)), factors, (3, 4), ("a", "b")) == pytest.approx([1, 1, 1], abs=0.01)
    # Each value occurs once, so there are no neighbours.
    assert triple(np.arange(5.0)[:, None], np.arange(5)[:, None], (5,), ("a",))[::2] == [0, 0]

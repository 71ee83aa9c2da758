"""Reliability of an oracle: compared with a constant guess, on images that it was not trained on."""

import numpy as np
import pytest

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.evaluate import reliability

SPEC = CodeSpec((FactorSpec("shape", 2), FactorSpec("hue", 5)))


def score(noise: float, count: int = 200, known: float = 1.0) -> dict[str, float]:
    """Scores codes that mix the truth with uniform noise."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, SPEC.sizes, size=(count, 2))
    codes = (1 - noise) * SPEC.encode(factors) + noise * rng.random((count, 2))
    factors[rng.random(factors.shape) > known] = -1
    trained = rng.integers(0, SPEC.sizes, size=(500, 2))
    return reliability.score(codes, factors, trained, SPEC)


def test_errors_by_hand():
    """The median of the training labels is (1, 1/2); three labels are known."""
    trained = np.array([[1, 2], [1, 2], [0, -1], [-1, 2]])
    found = reliability.compare_with_constant(
        np.array([[1.0, 0.25], [0.5, 0.5]]), np.array([[1, 0], [0, -1]]), trained, SPEC
    )
    assert found["error"] == pytest.approx((0 + 0.25 + 0.5) / 3)
    assert found["constant_error"] == pytest.approx((0 + 0.5 + 1) / 3)
    assert found["samples"] == 2


@pytest.mark.parametrize(("noise", "count", "reliable"), [(0, 20, True), (0.3, 50, True), (1, 2000, False)])
def test_an_oracle_judges_only_if_it_is_clearly_better_than_a_constant(noise, count, reliable):
    assert (not reliability.unreadable_factors(score(noise, count), SPEC.names)) == reliable


def test_few_images_leave_a_doubt():
    assert reliability.unreadable_factors(score(0.5, 5000), SPEC.names) == {}
    reasons = reliability.unreadable_factors(score(0.5, 12), SPEC.names)
    assert reasons and all(why.startswith("on 12 held-out images the oracle's error is 0.") for why in reasons.values())


def test_each_factor_is_judged_by_itself():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, SPEC.sizes, size=(100, 2))
    codes = np.stack([SPEC.encode(factors)[:, 0], rng.random(100)], axis=1)
    assert list(reliability.unreadable_factors(reliability.score(codes, factors, factors, SPEC), SPEC.names)) == ["hue"]
    factors[:, 0] = -1
    reasons = reliability.unreadable_factors(reliability.score(codes, factors, factors, SPEC), SPEC.names)
    assert reasons["shape"] == "no held-out image has a label of it"


def test_scores_that_need_all_labels_are_left_out_where_no_image_has_them():
    found = score(0.1, known=1.0)
    assert {"mig", "l2", "exact_match", "error"} <= set(found)
    factors = np.array([[0, -1], [1, -1], [-1, 4], [-1, 2]] * 5)
    found = reliability.score(np.full([20, 2], 0.5), factors, factors, SPEC)
    assert {"mig", "error"} <= set(found) and not {"l2", "exact_match"} & set(found)

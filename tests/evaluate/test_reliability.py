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
    assert (reliability.why_unreliable(score(noise, count)) == "") == reliable


def test_few_images_leave_a_doubt():
    assert reliability.why_unreliable(score(0.62, 2000)) == ""
    reason = reliability.why_unreliable(score(0.62, 12))
    assert (
        "not clearly better than a constant guess: on 12 held-out images" in reason
        and "expected at most 0.75" in reason
    )


def test_scores_that_need_all_labels_are_left_out_where_no_image_has_them():
    found = score(0.1, known=1.0)
    assert {"mig", "l2", "exact_match", "error"} <= set(found)
    factors = np.array([[0, -1], [1, -1], [-1, 4], [-1, 2]] * 5)
    found = reliability.score(np.full([20, 2], 0.5), factors, factors, SPEC)
    assert {"mig", "error"} <= set(found) and not {"l2", "exact_match"} & set(found)

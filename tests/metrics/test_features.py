"""Feature metrics refuse invalid features and report counts."""

import numpy as np
import pytest

from ssgan_tf.metrics.features import check_features, counts

GOOD = np.zeros((5, 3))


@pytest.mark.parametrize(
    ("real", "generated", "words"),
    [
        (np.zeros(5), GOOD, r"`real` must be features \[N, D\].*Received: shape \(5,\)"),
        (GOOD, np.zeros((5, 3, 1)), r"`generated` must be features.*Received: shape \(5, 3, 1\)"),
        (GOOD, np.zeros((1, 3)), r"`generated` must be features.*two rows.*Received: shape \(1, 3\)"),
        (np.zeros((5, 0)), GOOD, r"`real` must be features.*Received: shape \(5, 0\)"),
        (GOOD, np.zeros((5, 4)), "the same number of features. Received: 3 and 4"),
        (np.full((5, 3), "a"), GOOD, "`real` must hold real numbers. Received: dtype <U1"),
        (
            np.where(np.arange(15).reshape(5, 3) == 7, np.nan, 0),
            GOOD,
            "`real` must be finite. Received: nan in column 1 .row 2; 1 of 5",
        ),
        (
            GOOD,
            np.where(np.arange(15).reshape(5, 3) == 14, np.inf, 0),
            "`generated` must be finite. Received: inf in column 2",
        ),
    ],
)
def test_features_that_cannot_be_compared_are_refused(real, generated, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_features(real, generated)


def test_floating_types_are_kept() -> None:
    real, generated = check_features(np.zeros((2, 3), np.float32), np.zeros((2, 3), np.uint8))
    assert (real.dtype, generated.dtype) == (np.float32, np.float64)


def test_counts_are_named_after_the_metric() -> None:
    expected = {"fid/samples_real": 2, "fid/samples_generated": 4, "fid/features": 3}
    assert counts("fid", np.zeros((2, 3)), np.zeros((4, 3))) == expected

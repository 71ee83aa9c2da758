"""Confusion tables: counts by hand, and factors that have none."""

import numpy as np

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.evaluate import confusion

SPEC = CodeSpec(
    (FactorSpec("shape", 2, ("cube", "ball")), FactorSpec("hue", 3), FactorSpec("angle", 1001, range=(0.0, 90.0)))
)


def test_counts_by_hand():
    factors = np.array([[0, 0, 5], [0, 1, 5], [1, 2, 5], [1, -1, 5]])
    codes = np.array([[0.4, 0.1, 0], [0.6, 0.9, 0], [1.2, 0.5, 0], [0.9, 0.5, 0]])
    found = confusion.count(codes, factors, SPEC)
    assert found == {
        "shape": {"values": ["cube", "ball"], "counts": [[1, 1], [0, 2]]},
        "hue": {"values": ["0", "1", "2"], "counts": [[1, 0, 0], [0, 0, 1], [0, 1, 0]]},
    }
    assert [line.split() for line in confusion.to_lines(found, 12)] == [
        ["shape", "cube", "ball"], ["cube", "1", "1"], ["ball", "0", "2"],
        ["hue", "0", "1", "2"], ["0", "1", "0", "0"], ["1", "0", "0", "1"], ["2", "0", "1", "0"],
    ]  # fmt: skip


def test_a_factor_with_many_values_has_none():
    spec = CodeSpec((FactorSpec("place", 11), FactorSpec("shape", 2)))
    assert list(confusion.count(np.zeros([3, 2]), np.zeros([3, 2], int), spec)) == ["shape"]

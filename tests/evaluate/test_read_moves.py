"""Effect of sliders as the oracle reads it: generators and oracles whose faults are known."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.priors import GridPrior
from ssgan_tf.evaluate import inference, moves, read_moves

SPEC = CodeSpec((FactorSpec("a", 3), FactorSpec("b", 5), FactorSpec("c", 2)))


def read(matrix: np.ndarray) -> dict[str, float]:
    """Scores a generator whose images show the codes multiplied by a matrix [3,3], and an oracle that reads them."""

    def generate(noise, codes):
        return tf.tile((codes @ tf.constant(matrix, tf.float32))[:, None, None, :], [1, 8, 8, 1]) * 2 - 1

    oracle = inference.make_predictor(lambda images: tf.concat([(images[:, 0, 0] + 1) / 2, images[:, 0, 1]], axis=1))
    return read_moves.read(moves.generate(generate, GridPrior(SPEC), 4, 200, seed=1), oracle, SPEC).slider_scores()


def test_a_perfect_generator():
    scores = read(np.eye(3))
    for name in SPEC.names:
        assert scores[f"read_sliders/effect/{name}"] == pytest.approx(1, abs=0.01)
        assert scores[f"read_sliders/others/{name}"] == pytest.approx(0, abs=0.01)
    assert scores["read_sliders"] == pytest.approx(1, abs=0.01) and scores["read_sliders/samples"] == 200


def test_sliders_that_do_nothing_half_or_something_else():
    """Slider a does nothing; b does half, and as much to c; c works."""
    scores = read(np.array([[0, 0, 0], [0, 0.5, 0.5], [0, 0, 0.5]]))
    assert scores["read_sliders/effect/a"] == scores["read_sliders/others/a"] == 0
    assert scores["read_sliders/effect/b"] == pytest.approx(0.5, abs=0.01)
    assert scores["read_sliders/others/b"] == pytest.approx(0.5, abs=0.01)
    assert scores["read_sliders/effect/c"] == pytest.approx(0.5, abs=0.01)
    assert scores["read_sliders"] == pytest.approx((0 + 0.5 + 1) / 3, abs=0.01)


def test_factors_that_the_oracle_cannot_read_are_left_out():
    def generate(noise, codes):
        return tf.tile(codes[:, None, None, :], [1, 8, 8, 1]) * 2 - 1

    oracle = inference.make_predictor(lambda images: (images[:, 0, 0] + 1) / 2)
    made = moves.generate(generate, GridPrior(SPEC), 4, 50, seed=1)
    scores = read_moves.read(made, oracle, SPEC, ["b"]).slider_scores()
    assert [key for key in scores if "effect" in key] == ["read_sliders/effect/a", "read_sliders/effect/c"]
    assert scores["read_sliders/effect/c"] == pytest.approx(1, abs=0.01)


def test_a_slider_that_goes_the_wrong_way_has_a_negative_effect():
    assert read(np.diag([-0.5, 1, 1]) + np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0]]))["read_sliders/effect/a"] <= 0


def test_a_move_changes_one_label_and_nothing_else():
    labels = np.array([[2, 4, 1], [0, 0, 0]])
    made = moves.generate(lambda z, c: tf.tile(c[:, None, None, :], [1, 8, 8, 1]), GridPrior(SPEC), 4, 2, 0, labels)
    assert np.array_equal(made.labels, labels) and made.moved_labels.shape == (3, 2, 3)
    for k in range(3):
        changed = made.moved_labels[k] != labels
        assert changed[:, k].all() and changed.sum() == 2
        different = (made.moved_images[k] != made.images).any(axis=(0, 1, 2))
        assert different.tolist() == [channel == k for channel in range(3)]

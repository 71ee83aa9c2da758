"""Losses against values worked out by hand, their gradients where they matter, and the MixUp weights."""

import math

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from ssgan_tf.core import losses


def value_and_gradient(function, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = function(x)
    return values.numpy(), tape.gradient(values, x).numpy()


def test_adversarial_losses_against_hand_values():
    # softplus(t) = ln(1 + e^t): t = ln 3 gives ln 4, t = -ln 3 gives ln(4/3), t = 0 gives ln 2.
    fake = tf.constant([math.log(3), 0.0])
    np.testing.assert_allclose(losses.generator_adversarial(fake), [math.log(4 / 3), math.log(2)], rtol=1e-6)
    real = tf.constant([math.log(3), -math.log(3)])
    expected = [math.log(4 / 3) + math.log(4), math.log(4) + math.log(2)]
    np.testing.assert_allclose(losses.discriminator_adversarial(real, fake), expected, rtol=1e-6)


def test_the_generator_loss_does_not_saturate():
    """For an image that D rejects with confidence, d/dD softplus(-D) is -1; the saturating loss would have 0."""
    values, gradient = value_and_gradient(losses.generator_adversarial, np.array([-50.0, 50.0]))
    np.testing.assert_allclose(values, [50, 0], atol=1e-6)
    np.testing.assert_allclose(gradient, [-1, 0], atol=1e-6)


def test_confident_logits_do_not_overflow():
    extreme = tf.constant([-1e4, 1e4])
    np.testing.assert_array_equal(losses.discriminator_adversarial(extreme, extreme), [1e4, 1e4])


def test_r1_is_the_squared_norm_of_each_image():
    gradients = np.zeros([2, 2, 2, 1], np.float32)
    gradients[0, :, :, 0] = [[1, 2], [3, -4]]  # 1 + 4 + 9 + 16 = 30
    gradients[1, 1, 0, 0] = 0.5  # 0.25
    np.testing.assert_allclose(losses.r1_penalty(tf.constant(gradients)), [30, 0.25])


def test_r1_of_a_known_function():
    """D(x) = sum of x^2 has dD/dx = 2x, so the penalty is 4 * sum of x^2: 4 * (1 + 4) = 20."""
    image = tf.reshape(tf.constant([1.0, 2.0, 0.0, 0.0]), [1, 2, 2, 1])
    with tf.GradientTape() as tape:
        tape.watch(image)
        logits = tf.reduce_sum(image**2, axis=[1, 2, 3])
    np.testing.assert_allclose(losses.r1_penalty(tape.gradient(logits, image)), [20])


def test_code_distance_is_the_norm_not_its_square():
    # (3, 4) apart: 5. (0, -2) apart: 2. Neither summed over the batch nor averaged over codes.
    predicted, target = tf.constant([[3.5, 4.0], [0.25, -1.0]]), tf.constant([[0.5, 0.0], [0.25, 1.0]])
    np.testing.assert_allclose(losses.code_distance(predicted, target), [5, 2], rtol=1e-6)


def test_code_distance_gradient_is_the_unit_vector():
    # From (0.5, 0) to (3.5, 4): (3, 4) / 5.
    _, gradient = value_and_gradient(lambda p: losses.code_distance(p, tf.constant([[0.5, 0]])), np.array([[3.5, 4]]))
    np.testing.assert_allclose(gradient, [[0.6, 0.8]], rtol=1e-6)


def test_a_perfect_code_has_distance_zero_and_gradient_zero():
    codes = np.array([[0.3, 0.7, 1.0]])
    value, gradient = value_and_gradient(lambda p: losses.code_distance(p, tf.constant(codes, tf.float32)), codes)
    np.testing.assert_array_equal(value, [0])
    np.testing.assert_array_equal(gradient, [[0, 0, 0]])


def test_the_gradient_near_zero_stays_a_unit_vector():
    """The epsilon inside the root must not flatten distances that training still reduces: 1e-4 of the code range."""
    value, gradient = value_and_gradient(lambda p: losses.code_distance(p, tf.zeros([1, 2])), np.array([[1e-4, 0]]))
    np.testing.assert_allclose(value, [1e-4], rtol=0.02)
    np.testing.assert_allclose(gradient, [[1, 0]], rtol=1e-3)


def test_an_unknown_factor_contributes_nothing():
    # The middle code is unknown: differences of 3 and 4 in the others give 5, for any value in the middle.
    mask = tf.constant([[1.0, 0.0, 1.0]])
    for wrong in (0.0, 0.5, -77.0):
        value, gradient = value_and_gradient(
            lambda p, wrong=wrong: losses.code_distance(p, tf.constant([[0.0, wrong, 0.0]]), mask),
            np.array([[3, 0.25, 4]]),
        )
        np.testing.assert_allclose(value, [5], rtol=1e-6)
        np.testing.assert_allclose(gradient, [[0.6, 0, 0.8]], rtol=1e-6)


def test_an_example_without_known_codes_gives_exactly_zero():
    target, mask = tf.constant([[9.0, -9.0], [0.0, 0.0]]), tf.constant([[0.0, 0.0], [1.0, 1.0]])
    value, gradient = value_and_gradient(
        lambda p: losses.code_distance(p, target, mask), np.array([[0.5, 0.5], [0.0, 2.0]])
    )
    np.testing.assert_allclose(value, [0, 2], rtol=1e-6)
    assert value[0] == 0
    np.testing.assert_array_equal(gradient[0], [0, 0])


def test_a_mask_of_ones_changes_nothing():
    rng = np.random.default_rng(0)
    predicted, target = tf.constant(rng.normal(size=[6, 4])), tf.constant(rng.normal(size=[6, 4]))
    masked = losses.code_distance(predicted, target, tf.ones_like(target))
    np.testing.assert_array_equal(masked, losses.code_distance(predicted, target))


def weights(count: int, xi: float, seed: int = 0) -> np.ndarray:
    return losses.mixup_weights(count, xi, tf.constant([seed, 1])).numpy()


@pytest.mark.parametrize("xi", [0.5, 0.75, 1.0, 4.0])
def test_mixup_weights_follow_the_larger_part_of_a_beta(xi):
    """P(max(l, 1-l) <= t) = P(1-t <= l <= t) = 2 F(t) - 1 for l ~ Beta(xi, xi) and t >= 1/2."""
    sampled = weights(20_000, xi)
    assert sampled.dtype == np.float32 and sampled.min() >= 0.5 and sampled.max() <= 1
    assert scipy.stats.kstest(sampled, lambda t: 2 * scipy.stats.beta.cdf(t, xi, xi) - 1).pvalue > 0.01


@pytest.mark.parametrize("xi", [0.05, 0.2, 0.75])
def test_mixup_weights_are_distributed_like_scipys(xi):
    """For a small xi many weights round to 1, so the samples that they are compared with are rounded too."""
    lam = scipy.stats.beta.rvs(xi, xi, size=20_000, random_state=8)
    expected = np.maximum(lam, 1 - lam).astype(np.float32)
    assert scipy.stats.ks_2samp(weights(20_000, xi), expected).pvalue > 0.01


def test_mixup_weights_are_one_per_pair_and_a_function_of_the_seed():
    sampled = weights(500, 0.75, seed=3)
    assert sampled.shape == (500,) and len(np.unique(sampled)) > 490
    np.testing.assert_array_equal(sampled, weights(500, 0.75, seed=3))
    assert (sampled != weights(500, 0.75, seed=4)).mean() > 0.98


def test_a_tiny_xi_mixes_nothing_and_stays_finite():
    """Both Gamma samples underflow to the same number: the weight must be 1 then, not 1/2 or 0/0."""
    sampled = weights(5000, 1e-4)
    assert (sampled == 1).mean() > 0.99


def test_mixup_against_hand_values():
    # Images of one pixel: 0.75 * 1 + 0.25 * -1 = 0.5; 0.5 * 0.2 + 0.5 * 0.8 = 0.5; 1 * 3 + 0 * 9 = 3.
    mixed = losses.mixup(
        tf.constant([0.75, 0.5, 1.0]),
        tf.reshape(tf.constant([1.0, 0.2, 3.0]), [3, 1, 1, 1]),
        tf.reshape(tf.constant([-1.0, 0.8, 9.0]), [3, 1, 1, 1]),
    )
    assert mixed.shape == (3, 1, 1, 1)
    np.testing.assert_allclose(tf.squeeze(mixed), [0.5, 0.5, 3], rtol=1e-6)


def test_mixup_mixes_codes_like_images():
    # Two codes per row: 0.8 * (1, 0) + 0.2 * (0, 0.5) = (0.8, 0.1); a square batch must not confuse rows and columns.
    mixed = losses.mixup(tf.constant([0.8, 1.0]), tf.constant([[1.0, 0.0], [0.3, 0.4]]), tf.constant([[0.0, 0.5]] * 2))
    np.testing.assert_allclose(mixed, [[0.8, 0.1], [0.3, 0.4]], rtol=1e-6)

"""The building blocks of every model's training step."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.models import train_step
from ssgan_tf.models.base import LossTrackers


def test_seeds_differ_by_run_by_step_and_from_each_other():
    seeds = [train_step.step_seeds(run, tf.constant(step, tf.int64), 4) for run in (0, 1) for step in (0, 1, 2**40)]
    rows = {tuple(seed.numpy()) for group in seeds for seed in group}
    assert len(rows) == 2 * 3 * 4
    again = train_step.step_seeds(1, tf.constant(2**40, tf.int64), 4)
    np.testing.assert_array_equal(again, seeds[-1])


def test_on_one_replica_samples_and_seeds_are_unchanged():
    np.testing.assert_array_equal(train_step.sample_for_replica(lambda n: tf.range(10 * n), 3), np.arange(30))
    np.testing.assert_array_equal(train_step.seed_for_replica(tf.constant([3, 4])), [3, 4])


def test_total_loss_is_the_sum_of_means_over_each_batch():
    # (1 + 3) / 2 + (6 + 0 + 0) / 3: terms may have different batches.
    total = train_step.total_loss({"a": tf.constant([1.0, 3.0]), "b": tf.constant([6.0, 0.0, 0.0])})
    assert total.numpy() == pytest.approx(4)


def test_apply_gradients_leaves_variables_without_a_gradient():
    used, unused = tf.Variable([2.0]), tf.Variable([7.0])
    optimizer = tf.keras.optimizers.Adam(0.1)
    optimizer.build([used, unused])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(used**2)
    norm = train_step.apply_gradients(tape.gradient(loss, [used, unused]), [used, unused], optimizer)
    assert norm.numpy() == pytest.approx(4)
    np.testing.assert_allclose(used, [1.9], rtol=1e-5)  # Adam's first step has the length of the learning rate
    np.testing.assert_array_equal(unused, [7])


def test_apply_gradients_moves_each_variable_by_its_own_gradient():
    a, b = tf.Variable([1.0]), tf.Variable([1.0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(3 * a - 5 * b)
    norm = train_step.apply_gradients(tape.gradient(loss, [a, b]), [a, b], tf.keras.optimizers.SGD(0.1))
    assert norm.numpy() == pytest.approx(34**0.5)
    np.testing.assert_allclose([a[0], b[0]], [0.7, 1.5])


@pytest.mark.parametrize(("decay", "expected"), [(0.75, [2.5, -1.0]), (0.0, [4.0, -1.0]), (1.0, [2.0, -1.0])])
def test_update_moving_average(decay, expected):
    averages = [tf.Variable([2.0]), tf.Variable([-1.0])]
    train_step.update_moving_average(averages, [tf.Variable([4.0]), tf.Variable([-1.0])], decay)
    np.testing.assert_allclose(tf.concat(averages, 0), expected)


def scaled_optimizer(variable: tf.Variable) -> tf.keras.mixed_precision.LossScaleOptimizer:
    optimizer = tf.keras.mixed_precision.LossScaleOptimizer(tf.keras.optimizers.SGD(0.1), initial_scale=1024)
    optimizer.build([variable])
    return optimizer


def test_only_an_optimizer_with_a_loss_scale_has_one():
    assert train_step.loss_scale(tf.keras.optimizers.SGD(0.1)) is None
    assert train_step.loss_scale(scaled_optimizer(tf.Variable([1.0]))).numpy() == 1024


def test_apply_gradients_divides_by_the_loss_scale():
    variable = tf.Variable([1.0])
    optimizer = scaled_optimizer(variable)
    norm = train_step.apply_gradients([train_step.loss_scale(optimizer) * [3.0]], [variable], optimizer)
    assert norm.numpy() == pytest.approx(3)
    np.testing.assert_allclose(variable, [0.7], rtol=1e-6)


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_a_step_that_is_not_finite_is_skipped_and_halves_the_scale(bad):
    variable = tf.Variable([1.0])
    optimizer = scaled_optimizer(variable)
    assert not np.isfinite(train_step.apply_gradients([tf.constant([bad])], [variable], optimizer))
    np.testing.assert_array_equal(variable, [1])
    assert train_step.loss_scale(optimizer).numpy() == 512


def test_trackers_keep_the_mean_since_the_last_reset():
    trackers = LossTrackers(["a", "b"])
    trackers.update({"a": tf.constant([1.0, 2.0]), "b": tf.constant([10.0]), "not logged": tf.constant(7.0)})
    logs = trackers.update({"a": tf.constant([3.0, 6.0]), "b": tf.constant([0.0])})
    assert {name: float(value) for name, value in logs.items()} == {"a": 3.0, "b": 5.0}

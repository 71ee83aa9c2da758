"""Training in 16 bits: steps like those in float32, and the loss scale of float16."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.runs.checkpoints import Checkpoints

MIXED = ["mixed_bfloat16", "mixed_float16"]


@pytest.fixture
def make_in(make, network):
    """Makes a model in a precision, with the same weights in every precision."""
    return lambda precision, **options: make(network=dataclasses.replace(network, precision=precision), **options)


def trainable(model) -> dict[str, np.ndarray]:
    parts = {"generator": model.generator, "discriminator": model.discriminator}
    return {k: np.concatenate([np.ravel(v) for v in part.trainable_variables]) for k, part in parts.items()}


def with_loss_scale(optimizer) -> tf.keras.mixed_precision.LossScaleOptimizer:
    return tf.keras.mixed_precision.LossScaleOptimizer(optimizer, initial_scale=2.0**10)


def scales(model) -> list[float]:
    return [float(o.loss_scale) for o in (model.generator_optimizer, model.discriminator_optimizer)]


@pytest.mark.parametrize("r1_interval", [1, 2])
@pytest.mark.parametrize("precision", MIXED)
def test_a_step_has_the_direction_of_that_in_float32(precision, r1_interval, make_in, batch, use_sgd):
    """By gradient descent, since Adam's first step depends only on the sign of each gradient."""
    updates = []
    for name in ("float32", precision):
        model = make_in(name, r1_interval=r1_interval)
        use_sgd(model, 0.01, 0.01, with_loss_scale if name == "mixed_float16" else lambda optimizer: optimizer)
        before = trainable(model)
        logs = model.train_step(batch)
        assert all(np.isfinite(value) for value in logs.values())
        updates.append({k: v - before[k] for k, v in trainable(model).items()})
    for network, expected in updates[0].items():
        found = updates[1][network]
        cosine = found @ expected / np.linalg.norm(found) / np.linalg.norm(expected)
        assert cosine > 0.98, network
        assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_twelve_steps_of_adam_train_both_networks(precision, make_in, batch):
    """Float16 finds its loss scale, starting from 32,768: the first few steps are skipped."""
    model = make_in(precision, r1_interval=2)
    before = trainable(model)
    for _ in range(12):
        logs = model.train_step(batch)
    assert np.isfinite(list(logs.values())).all()
    for network, weights in trainable(model).items():
        assert np.isfinite(weights).all()
        assert np.abs(weights - before[network]).max() > 1e-3
    norms = [name for name in logs if "norm" in name]
    assert len(norms) == (2 if precision == "mixed_bfloat16" else 0)


def test_each_loss_has_its_own_scale(make_in, batch):
    """Images of NaN affect D/E's loss only: D/E skips its step and G takes its own."""
    model = make_in("mixed_float16")
    for _ in range(12):  # until both have found a suitable scale
        model.train_step(batch)
    before, (generator_scale, discriminator_scale) = trainable(model), scales(model)
    model.train_step({**batch, "image": batch["image"] * float("nan")})
    after = trainable(model)
    np.testing.assert_array_equal(after["discriminator"], before["discriminator"])
    assert np.abs(after["generator"] - before["generator"]).max() > 1e-5
    assert scales(model) == [generator_scale, discriminator_scale / 2]


def test_r1_represents_slopes_that_are_too_small_for_float16(make_in, batch):
    """The last weights times 1e-4 give slopes of about 1e-6, where float16 has a spacing of 6e-8."""
    penalties = []
    for precision in ("float32", "mixed_float16"):
        model = make_in(precision, beta=0.0, alpha=0.0)
        kernel = model.discriminator.realness_head.kernel
        kernel.assign(1e-4 * kernel)
        terms = model.objective.discriminator_losses({"image": batch["image"]}, batch["image"], None, None)
        penalties.append(terms["discriminator/r1"])
    assert 0 < np.max(penalties[0]) < 1e-8
    np.testing.assert_allclose(penalties[1], penalties[0], rtol=0.02)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_without_float16_no_loss_is_scaled(precision, make_in):
    model = make_in(precision)
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert type(optimizer) is tf.keras.optimizers.Adam


def test_a_checkpoint_holds_the_loss_scales(make_in, batch, tmp_path):
    """It fits a model of the same precision only: a float32 model does not use all of its values."""
    model, resumed = make_in("mixed_float16"), make_in("mixed_float16")
    model.generator_optimizer._loss_scale.current_loss_scale.assign(64.0)
    model.discriminator_optimizer._loss_scale.current_loss_scale.assign(16.0)
    model.train_step(batch)
    Checkpoints(str(tmp_path), model.checkpoint_items()).save(1)
    assert Checkpoints(str(tmp_path), resumed.checkpoint_items()).restore_latest() == 1
    assert scales(resumed) == [64, 16]
    assert int(resumed.generator_optimizer.dynamic_counter) == 1
    model.train_step(batch), resumed.train_step(batch)
    for name, weights in trainable(model).items():
        np.testing.assert_array_equal(trainable(resumed)[name], weights)
    with pytest.raises(ValueError, match="belongs to another model"):
        Checkpoints(str(tmp_path), make_in("float32").checkpoint_items()).restore_latest()


def test_fresh_optimizers_reset_their_moments_and_keep_their_scale(make_in, batch):
    model = make_in("mixed_float16")
    for _ in range(12):
        model.train_step(batch)
    before = scales(model)
    moments = [v for o in (model.generator_optimizer, model.discriminator_optimizer) for v in o.variables]
    assert max(np.abs(v).max() for v in moments) > 0
    model.set_segment(
        Schedule(
            (Phase(resolution=8, images=72, batch=6, labeled_batch=3), Phase(resolution=8, fresh_optimizers=True))
        ).segments[1]
    )
    assert not any(np.any(v) for v in moments)
    assert scales(model) == before

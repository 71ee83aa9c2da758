"""FactorVAE: permuted codes, the discriminator's loss and estimate, and the networks that each loss trains."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.models.vae.factor_vae import (
    FactorVAEOptions,
    discriminator_loss,
    permute,
    sample_permutations,
    total_correlation,
)
from tests.support import vaes


def test_permuted_codes_keep_their_marginals_and_become_independent():
    codes = tf.random.stateless_normal([200, 3], [0, 1])
    found = permute(codes, sample_permutations(200, 3, tf.constant([0, 2]))).numpy()
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(codes, axis=0))
    rows = [{int(np.flatnonzero(codes[:, k] == row[k])[0]) for k in range(3)} for row in found]
    assert np.mean([len(row) == 3 for row in rows]) > 0.9  # from three images each


def test_permutations_are_a_function_of_the_seed():
    first, same, other = (sample_permutations(50, 4, tf.constant([0, i])).numpy() for i in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).mean() > 0.9
    for column in first.T:
        assert sorted(column) == list(range(50))


def test_permute_by_hand():
    codes = tf.constant([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0]])
    order = tf.constant([[2, 0], [1, 2], [0, 1]])
    assert permute(codes, order).numpy().tolist() == [[2, 10], [1, 12], [0, 11]]
    assert permute(codes, order[:1]).numpy().tolist() == [[2, 10]]  # a replica with one row of three


def test_the_discriminators_loss_by_hand():
    joint, permuted = np.array([[2.0, -1.0], [0.0, 0.0]]), np.array([[0.5, 1.0], [60.0, 0.0]])
    p = [np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (joint, permuted)]
    expected = -0.5 * (np.log(p[0][:, 0]) + np.log(np.clip(p[1][:, 1], 1e-6, 1)))
    np.testing.assert_allclose(discriminator_loss(tf.constant(joint), tf.constant(permuted)), expected, rtol=1e-6)
    assert expected[1] == pytest.approx(-0.5 * (np.log(0.5) + np.log(1e-6)))
    np.testing.assert_array_equal(total_correlation(tf.constant(joint)), [3, 0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("correlation", "count", "low", "high"),
    [
        pytest.param(0.0, 40, -0.08, 0.08, marks=pytest.mark.slow),
        (0.8, 40, 0.2, 0.6),  # not fully trained, but far from 0
        pytest.param(0.8, 300, 0.42, 0.6, marks=pytest.mark.slow),
    ],
)
def test_a_trained_discriminator_estimates_the_total_correlation(correlation, count, low, high):
    """For two codes it is -log(1 - r^2) / 2: 0.511 at r = 0.8, and 0 if they are independent."""
    model = vaes.make(FactorVAEOptions, latents=2)
    rate = tf.keras.optimizers.schedules.CosineDecay(5e-4, count, alpha=0.05)
    optimizer = tf.keras.optimizers.Adam(rate, 0.5, 0.9)
    network = model.discriminator

    def sample(size: int, i: int) -> tf.Tensor:
        x, y = tf.unstack(tf.random.stateless_normal([size, 2], [i, 0]), axis=1)
        return tf.stack([x, correlation * x + (1 - correlation**2) ** 0.5 * y], axis=1)

    @tf.function
    def train(codes, order):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(discriminator_loss(network(codes), network(permute(codes, order))))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))

    optimizer.build(network.trainable_variables)
    for i in range(count):
        train(sample(256, i), sample_permutations(256, 2, tf.constant([i, 1])))
    assert low < float(tf.reduce_mean(total_correlation(network(sample(5000, 5000))))) < high


def state(model) -> dict[str, list[np.ndarray]]:
    return {name: network.get_weights() for name, network in model.networks().items()}


def test_each_loss_trains_its_own_networks():
    """With one optimizer's rate at 0, only the other's networks change."""
    for frozen, moving in (("vae", {"discriminator"}), ("discriminator", {"encoder", "decoder"})):
        model = vaes.make(FactorVAEOptions)
        setattr(model, f"{frozen}_optimizer", tf.keras.optimizers.SGD(0.0))
        before = state(model)
        vaes.logs_of_steps(model, vaes.squares(), 1)
        moved = {
            name
            for name, weights in state(model).items()
            if any((a != b).any() for a, b in zip(weights, before[name], strict=True))
        }
        assert moved == moving


def arguments(model):
    """Returns the arguments of `model.gradients`: images, noise, order, images seen."""
    noise = tf.random.stateless_normal([8, 3], [0, 1])
    return tf.constant(vaes.squares()), noise, sample_permutations(8, 3, tf.constant([0, 2])), tf.constant(0.0)


def test_gradients_are_those_of_their_own_loss():
    """Both losses are written out. Codes are spread and gamma is large, so each term contributes to the gradient."""
    model = vaes.spread(vaes.make(FactorVAEOptions, gamma=40.0))
    images, noise, order, seen = arguments(model)
    with tf.GradientTape(persistent=True) as tape:
        mean, log_variance = model.encoder(images)
        z = mean + tf.exp(log_variance / 2) * noise
        entropy = tf.nn.sigmoid_cross_entropy_with_logits((images + 1) / 2, model.decoder(z))
        kl = tf.reduce_sum(mean**2 + tf.exp(log_variance) - log_variance - 1, axis=1) / 2
        logits = model.discriminator(z)
        tc = logits[:, 0] - logits[:, 1]
        vae = tf.reduce_mean(tf.reduce_sum(entropy, axis=[1, 2, 3]) + kl + 40 * tc)
        permuted = tf.stack([tf.gather(z[:, k], order[:, k]) for k in range(3)], axis=1)
        p, q = tf.nn.log_softmax(logits), tf.nn.log_softmax(model.discriminator(permuted))
        discriminator = -(tf.reduce_mean(p[:, 0]) + tf.reduce_mean(q[:, 1])) / 2
    sides = [(vae, model.vae_variables), (discriminator, model.discriminator.trainable_variables)]
    for found, (loss, variables) in zip(model.gradients(images, noise, order, seen)[1:], sides, strict=True):
        for x, y, variable in zip(found, tape.gradient(loss, variables), variables, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-4 * np.abs(y).max(), err_msg=variable.name)


def test_gamma_is_the_weight_of_the_total_correlation_alone():
    logs = [
        vaes.logs_of_steps(vaes.make(FactorVAEOptions, gamma=gamma), vaes.squares(), 1)[0]
        for gamma in (10.0, 30.0, 0.0)
    ]
    tc = [log["vae/total_correlation"] for log in logs]
    assert tc[0] != 0 and tc[1] == pytest.approx(3 * tc[0], rel=1e-5) and tc[2] == 0
    for name in ("vae/kl", "vae/reconstruction", "discriminator/permuted", "discriminator/gradient_norm"):
        assert logs[1][name] == pytest.approx(logs[0][name], rel=1e-6)


def test_the_discriminators_adam():
    model = vaes.make(FactorVAEOptions, rate=0.01, discriminator_rate=0.3)
    vaes.logs_of_steps(model, vaes.squares(), 1)
    optimizer = model.discriminator_optimizer
    assert float(optimizer.learning_rate) == pytest.approx(0.003)
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.5, 0.9, 1e-8)
    assert float(model.vae_optimizer.learning_rate) == pytest.approx(0.01)
    assert (model.vae_optimizer.beta_1, model.vae_optimizer.beta_2) == (0.9, 0.999)

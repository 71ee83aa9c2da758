"""beta-TCVAE: its estimate of the total correlation, against NumPy and closed forms; gradients."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.models.vae.base import Latent
from ssgan_tf.models.vae.beta_tcvae import BetaTCVAEOptions, total_correlation
from tests.support import vaes

NOISE = 0.6  # standard deviation of every q(z|x) below


def make_latent(covariance: np.ndarray, count: int, seed: int = 0) -> Latent:
    """Makes posteriors whose mixture is z ~ N(0, covariance), up to sampling."""
    rng = np.random.default_rng(seed)
    width = len(covariance)
    mean = rng.multivariate_normal(np.zeros(width), covariance - NOISE**2 * np.eye(width), count)
    log_variance = np.full([count, width], 2 * math.log(NOISE))
    return Latent(*map(tf.constant, (mean, log_variance, mean + NOISE * rng.standard_normal(mean.shape))))


def in_loops(latent: Latent) -> np.ndarray:
    """Computes the formula of the docstring one number at a time."""
    mean, log_variance, z = (x.numpy() for x in latent)
    count, width = z.shape
    density = np.zeros([count, count, width])
    for j in range(count):
        for i in range(count):
            for d in range(width):
                variance = math.exp(log_variance[i, d])
                square = (z[j, d] - mean[i, d]) ** 2 / variance
                density[j, i, d] = -0.5 * (math.log(2 * math.pi * variance) + square)
    joint = np.log(np.exp(density.sum(axis=2)).sum(axis=1))
    return joint - np.log(np.exp(density).sum(axis=1)).sum(axis=1)


def random_latent(count: int = 5, width: int = 3) -> Latent:
    rng = np.random.default_rng(4)
    return Latent(*(tf.constant(rng.normal(size=[count, width])) for _ in range(3)))


def test_the_estimate_in_loops():
    latent = random_latent()
    np.testing.assert_allclose(total_correlation(latent, latent), in_loops(latent), rtol=1e-10)


def test_the_constant_of_minibatch_weighted_sampling():
    """The difference is (K - 1) log(N M)."""
    latent = random_latent(5, 3)
    difference = total_correlation(latent, latent, 1000) - total_correlation(latent, latent)
    np.testing.assert_allclose(difference, np.full(5, 2 * math.log(1000 * 5)), rtol=1e-10)


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.6])
def test_gaussian_codes_have_the_known_total_correlation(correlation):
    """It is -log det R / 2 for correlations R. With dataset_size 1 the estimate is the mean over the batch."""
    covariance = np.full([3, 3], correlation) + (1 - correlation) * np.eye(3)
    latent = make_latent(covariance, 3000)
    found = float(tf.reduce_mean(total_correlation(latent, latent, 1)))
    assert found == pytest.approx(-0.5 * np.linalg.slogdet(covariance)[1], abs=0.05)


def test_minibatch_weighted_sampling_is_too_high_by_what_the_docstring_says():
    """It is (K - 1) log N above the true value if posteriors overlap; here the batch is the data set."""
    latent = make_latent(np.eye(3), 2000)
    found = float(tf.reduce_mean(total_correlation(latent, latent, 2000)))
    assert found == pytest.approx(2 * math.log(2000), abs=0.05)


def test_gradients_are_those_of_the_loss():
    """The loss is written out, without the constant."""
    model = vaes.spread(vaes.make(BetaTCVAEOptions, beta=6.0, dataset_size=100))
    images, noise = tf.constant(vaes.squares()), tf.random.stateless_normal([8, 3], [0, 1])
    with tf.GradientTape() as tape:
        mean, log_variance = model.encoder(images)
        z = mean + tf.exp(log_variance / 2) * noise
        entropy = tf.nn.sigmoid_cross_entropy_with_logits((images + 1) / 2, model.decoder(z))
        kl = tf.reduce_sum(mean**2 + tf.exp(log_variance) - log_variance - 1, axis=1) / 2
        columns = []  # L[j,i,d] for each d
        for d in range(3):
            m, v = mean[:, d], tf.exp(log_variance[:, d])
            columns.append(-((z[:, d, None] - m) ** 2) / (2 * v) - tf.math.log(2 * math.pi * v) / 2)
        tc = tf.reduce_logsumexp(tf.add_n(columns), axis=1)
        tc -= tf.add_n([tf.reduce_logsumexp(column, axis=1) for column in columns])
        loss = tf.reduce_mean(tf.reduce_sum(entropy, axis=[1, 2, 3]) + kl + 5 * tc)
    found = model.gradients(images, noise, tf.constant(0.0))[1]
    for x, y, variable in zip(found, tape.gradient(loss, model.vae_variables), model.vae_variables, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-4 * np.abs(y).max(), err_msg=variable.name)


def test_the_terms_of_a_step():
    """KL has weight 1 for any beta; the total correlation has beta - 1, and dataset_size adds a constant."""
    logs = [
        vaes.logs_of_steps(vaes.spread(vaes.make(BetaTCVAEOptions, **options)), vaes.squares(), 1)[0]
        for options in ({"beta": 2.0}, {"beta": 4.0}, {"beta": 1.0}, {"beta": 2.0, "dataset_size": 100})
    ]
    assert len({round(log["vae/kl"], 5) for log in logs}) == 1
    tc = [log["vae/total_correlation"] for log in logs]
    assert tc[1] == pytest.approx(3 * tc[0], rel=1e-5) and tc[2] == 0
    assert tc[3] - tc[0] == pytest.approx(2 * math.log(100 * 8), rel=1e-5)


def test_minimising_the_term_makes_codes_independent():
    """Codes are correlated by a matrix; training that matrix alone removes the correlation."""
    rng = np.random.default_rng(0)
    source, noise = (tf.constant(rng.standard_normal([256, 2]), tf.float32) for _ in range(2))
    matrix = tf.Variable([[1.0, 0.9], [0.9, 1.0]])
    optimizer = tf.keras.optimizers.Adam(0.02)
    log_variance = tf.fill([256, 2], 2 * math.log(NOISE))
    for _ in range(150):
        with tf.GradientTape() as tape:
            mean = source @ matrix
            latent = Latent(mean, log_variance, mean + NOISE * noise)
            norm = tf.reduce_mean(tf.square(mean)) - 1.0  # prevents all codes from becoming 0
            loss = tf.reduce_mean(total_correlation(latent, latent)) + tf.square(norm)
        optimizer.apply_gradients([(tape.gradient(loss, matrix), matrix)])
    correlation = np.corrcoef((source @ matrix).numpy().T)[0, 1]
    assert np.corrcoef((source @ [[1.0, 0.9], [0.9, 1.0]]).numpy().T)[0, 1] > 0.95 and abs(correlation) < 0.2

"""Code shared by the VAEs, and beta-VAE with its annealing: closed forms, steps, exported networks."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.models import parameter_counts
from ssgan_tf.models.vae.base import Latent, bernoulli_distance, kl_to_prior, linear_ramp
from ssgan_tf.models.vae.beta_tcvae import BetaTCVAEOptions
from ssgan_tf.models.vae.beta_vae import BetaVAEOptions
from ssgan_tf.models.vae.factor_vae import FactorVAEOptions
from ssgan_tf.runs.checkpoints import Checkpoints
from tests.support import vaes

KINDS = [BetaVAEOptions, BetaTCVAEOptions, FactorVAEOptions]
every_kind = pytest.mark.parametrize("kind", KINDS)


def test_kl_is_the_integral():
    """Compares KL(Gaussian || N(0, 1)) with a sum over a fine grid; it is 0 for the prior itself."""
    mean, log_variance = np.array([[0.7, -1.2]]), np.array([[-0.8, 0.4]])
    x = np.linspace(-12, 12, 20_001)
    expected = 0.0
    for m, v in zip(mean[0], np.exp(log_variance[0]), strict=True):
        log_q = -0.5 * (np.log(2 * np.pi * v) + (x - m) ** 2 / v)
        log_p = -0.5 * (np.log(2 * np.pi) + x**2)
        expected += np.sum(np.exp(log_q) * (log_q - log_p)) * (x[1] - x[0])
    assert float(kl_to_prior(tf.constant(mean), tf.constant(log_variance))[0]) == pytest.approx(expected, rel=1e-6)
    assert kl_to_prior(tf.zeros([2, 3]), tf.zeros([2, 3])).numpy().tolist() == [0, 0]


def test_reconstruction_is_bernoullis():
    rng = np.random.default_rng(0)
    images, logits = rng.uniform(-1, 1, [2, 4, 4, 3]), rng.normal(size=[2, 4, 4, 3]) * 3
    x, p = (images + 1) / 2, 1 / (1 + np.exp(-logits))
    expected = -np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=(1, 2, 3))
    np.testing.assert_allclose(bernoulli_distance(tf.constant(images), tf.constant(logits)), expected, rtol=1e-10)


def test_z_is_a_sample_of_q():
    model = vaes.make(BetaVAEOptions)
    images, noise = tf.constant(vaes.squares()), tf.random.stateless_normal([8, 3], [0, 1])
    latent = model.infer(images, noise)
    np.testing.assert_allclose(latent.z, latent.mean + np.exp(0.5 * latent.log_variance) * noise, rtol=1e-6)
    np.testing.assert_array_equal(latent.mean, model.encode(images))


def test_the_logged_terms_are_the_loss():
    """Written out for beta-VAE, with the noise of the step."""
    model = vaes.make(BetaVAEOptions, beta=3.0)
    images = vaes.squares()
    seed = tf.random.experimental.stateless_split(
        tf.random.experimental.stateless_fold_in(tf.constant([5, 0]), tf.constant(0, tf.int64)), 1
    )[0]
    latent = model.infer(tf.constant(images), tf.random.stateless_normal([8, 3], seed))
    logits = model.decoder(latent.z)
    (logs,) = vaes.logs_of_steps(model, images, 1)
    assert logs["vae/reconstruction"] == pytest.approx(np.mean(bernoulli_distance(images, logits)), rel=1e-5)
    expected = 3 * np.mean(kl_to_prior(latent.mean, latent.log_variance))
    assert logs["vae/kl"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("seen", "length", "expected"), [(0, 10, 0), (5, 10, 0.5), (25, 10, 1), (0, 0, 1)])
def test_linear_ramp(seen, length, expected):
    assert float(linear_ramp(tf.constant(float(seen)), length)) == expected


@pytest.mark.parametrize(
    ("kind", "name", "weight"),
    [
        (BetaVAEOptions, "vae/kl", {"beta": 4.0}),
        (BetaTCVAEOptions, "vae/total_correlation", {"beta": 5.0}),
        (FactorVAEOptions, "vae/total_correlation", {"gamma": 4.0}),
    ],
)
def test_warm_up_by_hand(kind, name, weight):
    """With a tiny learning rate only the weight changes: 0, 1/4, ... of it, in steps of 8 of the 32 images."""
    warm = vaes.make(kind, rate=1e-12, warmup_images=32, **weight)
    full = vaes.make(kind, rate=1e-12, **weight)
    shares = [0, 0.25, 0.5, 0.75, 1, 1]
    found = vaes.logs_of_steps(warm, vaes.squares(), 6)
    whole = vaes.logs_of_steps(full, vaes.squares(), 6)
    for share, logs, expected in zip(shares, found, whole, strict=True):
        assert logs[name] == pytest.approx(share * expected[name], rel=1e-3, abs=1e-7)
        other = "vae/kl" if name != "vae/kl" else "vae/reconstruction"
        assert logs[other] == pytest.approx(expected[other], rel=1e-4)
    assert abs(whole[0][name]) > 1e-4


def test_capacity_by_hand():
    """gamma |KL - C| with C = 0, 2, 4, 4, ...: it rises over 16 images, 8 in each step."""
    plain = vaes.make(BetaVAEOptions, rate=1e-12, beta=1.0)
    annealed = vaes.make(BetaVAEOptions, rate=1e-12, capacity=4.0, capacity_images=16, gamma=10.0)
    kls = [logs["vae/kl"] for logs in vaes.logs_of_steps(plain, vaes.squares(), 4)]
    found = [logs["vae/kl"] for logs in vaes.logs_of_steps(annealed, vaes.squares(), 4)]
    for kl, value, capacity in zip(kls, found, (0, 2, 4, 4), strict=True):
        assert value == pytest.approx(10 * abs(kl - capacity), rel=1e-4)


@pytest.mark.parametrize("capacity", [0.01, 50.0])
def test_the_gradient_of_a_capacity_is_that_of_the_mean(capacity):
    """It is |mean of KL - C|, not the mean of |KL - C|: some images are above C and some below."""
    options = {"capacity": capacity, "capacity_images": 0, "gamma": 7.0}
    model = vaes.make(BetaVAEOptions, **options)
    mean, log_variance = (tf.random.stateless_normal([8, 3], [0, i]) for i in range(2))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([mean, log_variance])
        terms = model.regularizers(Latent(mean, log_variance, mean), tf.constant(0.0))
        found = tf.reduce_mean(terms["vae/kl"])
        expected = 7.0 * tf.abs(tf.reduce_mean(kl_to_prior(mean, log_variance)) - capacity)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    for x in (mean, log_variance):
        np.testing.assert_allclose(tape.gradient(found, x), tape.gradient(expected, x), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_capacity_holds_the_kl():
    model = vaes.make(BetaVAEOptions, rate=0.003, capacity=2.0, capacity_images=0, gamma=100.0)
    logs = vaes.logs_of_steps(model, vaes.squares(), 60)
    assert logs[0]["vae/kl"] > 150 and np.mean([log["vae/kl"] for log in logs[-10:]]) < 60  # 100 |KL - 2|


@every_kind
def test_generate_encode_and_exported_networks_agree(kind):
    model = vaes.make(kind)
    images = tf.constant(vaes.squares())
    codes = model.encode(images)
    noise = tf.zeros([8, 0])
    generated = model.generate(noise, codes)
    np.testing.assert_allclose(generated, np.tanh(model.decoder(codes) / 2), atol=1e-6)
    np.testing.assert_array_equal(model.sample(noise, codes), generated)
    assert model.noise_size == 0 and model.realness is None
    parts = model.export_networks()
    np.testing.assert_array_equal(parts.codes(parts.pyramid(images)[-1]), codes)
    style = parts.mapping(noise, codes)
    assert style.shape == [8, parts.style_size] and parts.style_layers == 1
    np.testing.assert_array_equal(parts.synthesis(parts.truncate(style, tf.ones([8, 1]))), generated)
    middle = parts.synthesis(parts.truncate(style, tf.zeros([8, 1])))
    np.testing.assert_array_equal(middle, model.generate(noise, tf.zeros([8, 3])))
    half = parts.truncate(style, tf.fill([8, 1], 0.5))
    np.testing.assert_array_equal(half, 0.5 * codes[:, None])


def test_the_prior_is_normal():
    model = vaes.make(BetaVAEOptions)
    codes = model.prior.sample(4000, tf.constant([0, 1])).numpy()
    assert codes.shape == (4000, 3) and abs(codes.std() - 1) < 0.03


@pytest.mark.parametrize(
    "kind", [BetaVAEOptions, *(pytest.param(k, marks=pytest.mark.slow) for k in (BetaTCVAEOptions, FactorVAEOptions))]
)
def test_a_short_training_lowers_the_loss(kind):
    model = vaes.make(kind, rate=0.003)
    logs = vaes.logs_of_steps(model, vaes.squares(), 60)
    last = np.mean([log["vae/reconstruction"] for log in logs[-5:]])
    assert last < 0.6 * logs[0]["vae/reconstruction"]
    assert all(math.isfinite(value) for log in logs for value in log.values())


@every_kind
def test_samples_are_a_function_of_seed_and_step(kind):
    first, same, later, other = (vaes.make(kind, seed=seed) for seed in (5, 5, 5, 6))
    later.step.assign(1)
    models = (first, same, later, other)
    logs = [vaes.logs_of_steps(model, vaes.squares(), 1)[0]["vae/reconstruction"] for model in models]
    assert logs[0] == logs[1] and len(set(logs)) == 3
    for a, b in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@every_kind
def test_a_resumed_run_is_bit_exact(kind, tmp_path):
    """Four steps, or two, a checkpoint, and two more in a new model; every batch is different."""
    options = {"warmup_images": 24} | ({"capacity": 5.0, "capacity_images": 24} if kind is BetaVAEOptions else {})
    batches = [vaes.squares(seed=i) for i in range(4)]

    def train(model, some):
        for images in some:
            model.train_step({"image": tf.constant(images)})

    whole, before = vaes.make(kind, **options), vaes.make(kind, **options)
    train(whole, batches)
    train(before, batches[:2])
    Checkpoints(str(tmp_path), before.checkpoint_items()).save(2)
    after = vaes.make(kind, **options)
    for variable in after.variables:
        variable.assign(tf.zeros_like(variable))  # no initial value may be left
    assert Checkpoints(str(tmp_path), after.checkpoint_items()).restore_latest() == 2
    train(after, batches[2:])
    assert after.step.numpy() == 4
    states = [[*model.variables, *(v for o in model.optimizers for v in o.variables)] for model in (whole, after)]
    for a, b in zip(*states, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.name)


@every_kind
def test_all_slots_exist_before_the_first_step(kind):
    model = vaes.make(kind)
    counts = [len(optimizer.variables) for optimizer in model.optimizers]
    vaes.logs_of_steps(model, vaes.squares(), 1)
    assert [len(optimizer.variables) for optimizer in model.optimizers] == counts


@pytest.mark.slow
@every_kind
def test_xla_computes_the_same(kind):
    plain, compiled = (vaes.make(kind, jit_compile=jit) for jit in (False, True))
    logs = [vaes.logs_of_steps(model, vaes.squares(), 1)[0] for model in (plain, compiled)]
    assert logs[1] == pytest.approx(logs[0], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("latents", "vae", "factor_vae"), [(10, 690_517, 5_708_519), (5, 686_667, 5_699_669)])
def test_published_counts(latents, vae, factor_vae):
    sizes = (64, 1, latents)
    assert sum(parameter_counts(BetaVAEOptions(*sizes), vaes.SPEC).values()) == vae
    assert sum(parameter_counts(BetaTCVAEOptions(*sizes), vaes.SPEC).values()) == vae
    assert sum(parameter_counts(FactorVAEOptions(*sizes), vaes.SPEC).values()) == factor_vae


@every_kind
def test_options_without_labels(kind):
    options = kind(**vaes.SIZES)
    assert (options.resolutions, options.precision, options.uses_labels) == ((16,), "float32", False)
    assert options.in_float32() == options
    options.check_labels(0.0)
    with pytest.raises(ValueError, match="^data.labeled_fraction: expected 0 for a method .* Received: 0.1"):
        options.check_labels(0.1)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        *[(kind, field, value) for kind in KINDS for field, value in [("beta_1", 1.0), ("warmup_images", -1)]],
        (BetaVAEOptions, "resolution", 48),
        (BetaVAEOptions, "beta", -1.0),
        (BetaVAEOptions, "capacity", math.nan),
        (BetaVAEOptions, "capacity_images", -1),
        (BetaVAEOptions, "gamma", -1.0),
        (BetaTCVAEOptions, "beta", -1.0),
        (BetaTCVAEOptions, "dataset_size", -1),
        (FactorVAEOptions, "gamma", -1.0),
        (FactorVAEOptions, "discriminator_rate", 0.0),
        (FactorVAEOptions, "discriminator_beta_1", 1.0),
        (FactorVAEOptions, "discriminator_beta_2", -0.1),
    ],
)
def test_errors_name_the_field(kind, field, value):
    with pytest.raises(ValueError, match=f"^{field}: expected .* Received: {value}"):
        dataclasses.replace(kind(), **{field: value})

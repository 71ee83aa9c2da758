"""InfoGAN-CR: losses, order of a step, events, moving averages, resuming, export."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.models import make_model, parameter_counts, train_step
from ssgan_tf.models.infogan_cr.model import InfoGANCR, to_latents
from ssgan_tf.models.infogan_cr.objective import information_loss
from ssgan_tf.models.infogan_cr.options import InfoGANCROptions, sample_pairs

BATCH, K, Z = 6, 3, 2
EVENT = 3 * BATCH  # images: before the fourth step
OPTIONS = InfoGANCROptions(
    resolution=8,
    channels=1,
    codes=K,
    noise_size=Z,
    lambda_g=0.3,
    lambda_d=0.7,
    cr_alpha=2.0,
    cr_after_images=EVENT,
    gap=0.5,
    discriminator_rate=3.0,
    cr_rate=0.5,
)
PHASE = Phase(batch=BATCH, labeled_batch=1, learning_rate=0.002)


def make(spec, seed: int = 5, jit_compile: bool = False, **changes) -> InfoGANCR:
    tf.keras.utils.set_random_seed(1)
    model = make_model(dataclasses.replace(OPTIONS, **changes), spec, seed, jit_compile)
    model.set_segment(Schedule((PHASE,)).segments[0])
    return model


@pytest.fixture
def model(spec) -> InfoGANCR:
    return make(spec)


@pytest.fixture
def batch() -> dict[str, tf.Tensor]:
    return {"image": tf.random.stateless_uniform([BATCH, 8, 8, 1], [0, 1], -1.0, 1.0)}


def values_of(variables) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def equal(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def vectors(network) -> list[tf.Variable]:
    return [v for v in network.variables if v.name.endswith("/u:0")]


def train(model, batch, count: int) -> list[dict[str, float]]:
    result = []
    for _ in range(count):
        model.reset_metrics()
        result.append({name: float(value) for name, value in model.train_step(batch).items()})
    return result


def state_of(model) -> list[np.ndarray]:
    return [*model.get_weights(), *[v.numpy() for optimizer in model.optimizers for v in optimizer.variables]]


def log_sigmoid(x):
    """Computes log(sigmoid(x) + 1e-8), as published."""
    return np.log(1 / (1 + np.exp(-np.asarray(x, np.float64))) + 1e-8)


def cross_entropy(logits, labels):
    logits = np.asarray(logits, np.float64)
    return np.log(np.exp(logits).sum(1)) - logits[np.arange(len(labels)), labels]


@pytest.mark.parametrize("alpha", [0.0, 2.0])
def test_losses_are_the_published_ones(model, batch, alpha):
    """Compares with NumPy on the networks' outputs, using the published logarithms."""
    for network in (model.discriminator, model.contrastive):  # so that not all logits are close to 0
        for layer in [*network.convs, network.dense]:
            layer.bias.assign(tf.random.stateless_normal(layer.bias.shape, [3, 3]))
    model.contrastive.head.kernel.assign(20 * model.contrastive.head.kernel)
    latents, codes, pairs = model.sample_inputs(BATCH, tf.constant(0.5))
    fake = model.generator.generate(latents, True)[0]
    real, (generated, found) = model.discriminator(batch["image"])[0], model.discriminator(fake)
    twice = [tf.concat([pairs.noise, c], axis=1) for c in (pairs.first, pairs.second)]
    images = tf.concat([model.generator.generate(x, alpha > 0)[0] for x in twice], axis=-1)
    logits = model.contrastive(images)
    entropy = cross_entropy(logits, pairs.shared.numpy())
    square = 0.5 * np.sum((found - codes) ** 2, axis=1)
    expected = {
        "contrastive/cross_entropy": entropy,
        "contrastive/accuracy": np.argmax(logits, 1) == pairs.shared,
        "discriminator/adversarial": -log_sigmoid(real) - log_sigmoid(-generated),
        "discriminator/information": 0.7 * square,
        "generator/adversarial": -log_sigmoid(generated),
        "generator/information": 0.3 * square,
        "generator/contrastive": alpha * entropy,
    }
    terms = {
        **model.objective.contrastive_gradients(pairs, tf.constant(alpha))[0],
        **model.objective.discriminator_gradients(batch["image"], latents, codes)[0],
        **model.objective.generator_gradients(latents, codes, pairs, tf.constant(alpha))[0],
    }
    assert set(terms) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
    assert np.std(entropy) > 0.01 and np.std(real) > 1e-4


def test_softplus_is_the_published_logarithm_where_that_is_accurate():
    logits = np.linspace(-9, 9, 181)
    np.testing.assert_allclose(tf.nn.softplus(-logits), -log_sigmoid(logits), rtol=2e-4, atol=2e-8)
    # Beyond, the published one saturates at -log(1e-8).
    assert -log_sigmoid(-40) == pytest.approx(-math.log(1e-8)) and float(tf.nn.softplus(40.0)) == 40


def test_information_loss_by_hand():
    found, codes = tf.constant([[1.0, 0.0], [0.5, 0.5]]), tf.constant([[-1.0, 0.0], [0.5, -0.5]])
    np.testing.assert_allclose(information_loss(found, codes), [2.0, 0.5])


def test_each_gradient_reaches_its_network_and_all_of_it(model, batch):
    latents, codes, pairs = model.sample_inputs(BATCH, tf.constant(0.5))
    alpha = tf.constant(2.0)
    found = {
        "contrastive": model.objective.contrastive_gradients(pairs, alpha)[1],
        "discriminator": model.objective.discriminator_gradients(batch["image"], latents, codes)[1],
        "generator": model.objective.generator_gradients(latents, codes, pairs, alpha)[1],
    }
    for name, gradients in found.items():
        variables = getattr(model, name).trainable_variables
        assert len(gradients) == len(variables)
        for gradient, variable in zip(gradients, variables, strict=True):
            assert gradient is not None and gradient.shape == variable.shape, variable.name
            assert np.any(gradient != 0), variable.name


def test_the_adversarial_and_the_information_loss_reach_the_generator(model):
    """Compares the gradient without the contrastive loss with a separate tape."""
    latents, codes, pairs = model.sample_inputs(BATCH, tf.constant(0.5))
    found = model.objective.generator_gradients(latents, codes, pairs, tf.constant(0.0))[1]
    with tf.GradientTape(persistent=True) as tape:
        logits, read = model.discriminator(model.generator.generate(latents, True)[0])
        adversarial = tf.reduce_mean(-tf.math.log_sigmoid(logits))
        information = 0.5 * tf.reduce_mean(tf.reduce_sum((read - codes) ** 2, axis=1))
    weights = model.generator.trainable_variables
    parts = zip(tape.gradient(adversarial, weights), tape.gradient(information, weights), strict=True)
    for gradient, (real, code) in zip(found, parts, strict=True):
        assert np.abs(real).max() > 0
        np.testing.assert_allclose(gradient, real + 0.3 * code, atol=1e-5 * np.abs(gradient).max() + 1e-9)


def test_the_contrastive_loss_reaches_the_generator_with_its_weight(model):
    """The gradient is alpha times that of the cross-entropy, on a separate tape."""
    latents, codes, pairs = model.sample_inputs(BATCH, tf.constant(0.5))
    gradients = [
        np.concatenate([np.ravel(g) for g in model.objective.generator_gradients(latents, codes, pairs, alpha)[1]])
        for alpha in map(tf.constant, (0.0, 1.0, 3.0))
    ]
    with tf.GradientTape() as tape:
        images, _ = model.objective.generate_pairs(pairs)
        logits = model.contrastive(images)
        entropy = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(pairs.shared, logits))
    alone = [np.ravel(g) for g in tape.gradient(entropy, model.generator.trainable_variables)]
    scale = np.abs(np.concatenate(alone)).max()
    np.testing.assert_allclose(gradients[1] - gradients[0], np.concatenate(alone), atol=1e-4 * scale + 1e-7)
    np.testing.assert_allclose(gradients[2] - gradients[0], 3 * np.concatenate(alone), atol=3e-4 * scale + 1e-7)


def test_the_order_of_a_step_and_its_passes(model, batch, monkeypatch):
    """H, then D with Q, then G twice; pairs are in training mode only when the weight is above 0."""
    calls: list[str] = []
    generate, apply_gradients = model.generator.generate, train_step.apply_gradients
    names = {id(model.optimizers[i]): "GDH"[i] for i in range(3)}

    def spy_generate(latents, training):
        calls.append("train" if training else "average")
        return generate(latents, training)

    def spy_apply(gradients, variables, optimizer):
        calls.append(names[id(optimizer)])
        return apply_gradients(gradients, variables, optimizer)

    monkeypatch.setattr(model.generator, "generate", spy_generate)
    monkeypatch.setattr(train_step, "apply_gradients", spy_apply)
    train(model, batch, 3)
    before = ["average", "average", "H", "train", "D", "train", "G", "train", "G"]
    assert calls == 3 * before
    calls.clear()
    train(model, batch, 1)
    three = ["train"] * 3
    assert calls == ["train", "train", "H", "train", "D", *three, "G", *three, "G"]


def test_number_of_updates_of_each_network(model, batch):
    train(model, batch, 2)
    counts = [int(optimizer.iterations) for optimizer in model.optimizers]
    assert counts == [4, 2, 2] and int(model.step) == 2
    three = make(model.spec, generator_updates=3)
    train(three, batch, 2)
    assert int(three.generator_optimizer.iterations) == 6


def test_vectors_of_the_spectral_norm_are_updated_once_a_step(model, batch):
    """Each is one power iteration from the last, on the kernel after the step."""
    for network in (model.discriminator, model.contrastive):
        assert len(vectors(network)) in (5, 2)
    layers = [*model.discriminator.convs, model.discriminator.code_dense, *model.contrastive.convs]
    before = [layer.u.numpy() for layer in layers]
    train(model, batch, 1)
    for layer, u in zip(layers, before, strict=True):
        matrix = layer.kernel.numpy().reshape(-1, layer.units)
        v = u @ matrix.T
        new = (v / np.linalg.norm(v)) @ matrix
        np.testing.assert_allclose(layer.u, new / np.linalg.norm(new), atol=1e-5)
        twice = (new @ matrix.T) @ matrix
        assert np.abs(twice / np.linalg.norm(twice) - layer.u).max() > 1e-3


@pytest.mark.parametrize(("alpha_after", "passes"), [(EVENT, 3), (0, 9)], ids=["before the event", "after it"])
def test_averages_move_with_every_pass_in_training_mode(spec, batch, monkeypatch, alpha_after, passes):
    """Each pass moves them by a tenth of the distance; passes that use the averages leave them unchanged."""
    model = make(spec, cr_after_images=alpha_after)
    expected, generate, count = values_of(model.generator.moving_averages), model.generator.generate, 0

    def spy(latents, training):
        nonlocal expected, count
        images, moments = generate(latents, training)
        if training:
            expected = [0.9 * old + 0.1 * new.numpy() for old, new in zip(expected, moments, strict=True)]
            count += 1
        return images, moments

    monkeypatch.setattr(model.generator, "generate", spy)
    train(model, batch, 1)
    assert count == passes
    for average, value in zip(model.generator.moving_averages, expected, strict=True):
        np.testing.assert_allclose(average, value, rtol=1e-5, atol=1e-6)


def test_the_learning_rates_are_multiples_of_the_phases(model, batch):
    train(model, batch, 1)
    rates = [float(optimizer.learning_rate) for optimizer in model.optimizers]
    assert rates == pytest.approx([0.002, 0.006, 0.001])


def test_at_an_event_h_is_reinitialised_and_nothing_else_changes(model, batch):
    train(model, batch, 3)
    networks = {name: model.checkpoint_items()[name] for name in ("generator", "discriminator")}
    others = [*networks["generator"].variables, *networks["discriminator"].variables, *vectors(model.contrastive)]
    others += [v for o in (model.generator_optimizer, model.discriminator_optimizer) for v in o.variables]
    before, weights = values_of(others), values_of(model.contrastive.trainable_variables)
    assert int(model.events) == 0 and int(model.contrastive_optimizer.iterations) == 3

    model._reinitialize(tf.constant(EVENT - 1, tf.int64))
    assert equal(weights, values_of(model.contrastive.trainable_variables)) and int(model.events) == 0
    model._reinitialize(tf.constant(EVENT, tf.int64))
    assert int(model.events) == 1
    assert equal(before, values_of(others))
    now = values_of(model.contrastive.trainable_variables)
    assert not any(value.any() for value in values_of(model.contrastive_optimizer.variables))
    for variable, a, b in zip(model.contrastive.trainable_variables, weights, now, strict=True):
        assert not np.any(b) if "bias" in variable.name else np.all(a != b), variable.name
    # Only once: later updates are kept.
    model.contrastive.head.bias.assign_add([1.0, 2.0, 3.0])
    model._reinitialize(tf.constant(EVENT + BATCH, tf.int64))
    np.testing.assert_array_equal(model.contrastive.head.bias, [1, 2, 3])


def test_reinitialised_weights_are_a_function_of_seed_and_event(spec):
    def begin(seed, images, **changes):
        model = make(spec, seed, **changes)
        model._reinitialize(tf.constant(images, tf.int64))
        return model.contrastive.head.kernel.numpy()

    two = {"gap_after_images": 2 * EVENT}
    first = begin(5, EVENT, **two)
    np.testing.assert_array_equal(first, begin(5, EVENT + 7, **two))
    assert np.all(first != begin(6, EVENT, **two)) and np.all(first != begin(5, 2 * EVENT, **two))


def test_train_step_detects_the_event(model, batch):
    logs = train(model, batch, 5)
    assert [log["generator/contrastive"] > 0 for log in logs] == [False, False, False, True, True]
    assert int(model.contrastive_optimizer.iterations) == 2 and int(model.events) == 1
    assert logs[3]["generator/contrastive"] == pytest.approx(2 * math.log(K), rel=0.2)  # from a new H


def test_an_event_in_a_skipped_step_takes_place_in_the_next(model, batch):
    train(model, batch, 3)
    model.step.assign_add(1)  # as the loop does after a step that was not finite
    train(model, batch, 1)
    assert int(model.events) == 1 and int(model.contrastive_optimizer.iterations) == 1


def test_infogan_is_the_same_without_a_weight(spec, batch):
    """Bit-identical up to the event, which then never takes place."""
    modified, plain = make(spec), make(spec, cr_alpha=0.0)
    for count, same in ((3, True), (1, False)):
        train(modified, batch, count)
        train(plain, batch, count)
        assert equal(modified.generator.get_weights(), plain.generator.get_weights()) == same
    assert int(plain.events) == 0 and int(plain.contrastive_optimizer.iterations) == 4


@pytest.mark.slow
@pytest.mark.parametrize("stop", [2, 3, 4])
def test_a_resumed_run_has_the_same_bits(spec, batch, tmp_path, stop):
    """Stopped before the event, at the event (this is "InfoGAN (modified)"), or after it."""
    whole, first, resumed = make(spec), make(spec), make(spec, seed=5)
    train(whole, batch, 6)
    train(first, batch, stop)
    path = tf.train.Checkpoint(**first.checkpoint_items()).write(str(tmp_path / "ckpt"))
    tf.train.Checkpoint(**resumed.checkpoint_items()).read(path).assert_consumed()
    train(resumed, batch, 6 - stop)
    assert equal(state_of(whole), state_of(resumed))
    assert int(resumed.events) == 1


def test_samples_are_a_function_of_seed_and_step(spec):
    def sample(seed, step):
        model = make(spec, seed)
        model.step.assign(step)
        latents, codes, pairs = model.sample_inputs(BATCH, tf.constant(0.5))
        np.testing.assert_array_equal(latents[:, Z:], codes)
        return np.concatenate([latents, *pairs[:3]], axis=1)

    first = sample(5, 0)
    assert first.shape == (BATCH, Z + 3 * K + Z) and np.abs(first).max() <= 1
    np.testing.assert_array_equal(first, sample(5, 0))
    assert np.all(first != sample(5, 1)) and np.all(first != sample(6, 0))
    assert np.abs(np.corrcoef(first.T) - np.eye(first.shape[1])).max() < 1  # no two columns are the same sample


@pytest.mark.slow
def test_fit_logs_every_term_and_learns(spec, batch):
    """After 150 steps of `fit`, codes are recovered better than at random."""
    model = make(spec, cr_alpha=0.0, lambda_g=1.0, lambda_d=1.0)
    data = tf.data.Dataset.from_tensors(batch).repeat()
    histories = [model.fit(data, steps_per_epoch=count, verbose=0).history for count in (10, 100, 40)]
    assert set(histories[0]) == {metric.name for metric in model.metrics} and len(histories[0]) == 10
    start, end = (h["generator/information"][0] for h in (histories[0], histories[-1]))
    assert start == pytest.approx(K / 6, rel=0.3)  # E 0.5 c^2 = 1/6 for each code
    assert end < 0.5 * start


class Bars:
    """A known generator without weights: each code is a bar of the image, the noise a fourth one."""

    moving_averages: list[tf.Variable] = []

    def generate(self, latents, training):
        bars = tf.concat([latents[:, Z:], latents[:, :1]], axis=1)  # [B,4]
        rows = tf.repeat(bars[:, :, None, None], 2, axis=1)  # [B,8,1,1]
        return tf.tile(rows, [1, 1, 8, 1]), []


@pytest.mark.slow
@pytest.mark.parametrize("shuffled", [False, True])
def test_h_learns_which_code_is_shared_and_nothing_from_shuffled_labels(spec, shuffled):
    model = make(spec)
    model.objective.generator = Bars()
    optimizer = tf.keras.optimizers.Adam(0.002, 0.5)
    compiled = tf.function(lambda pairs: model.objective.contrastive_gradients(pairs, tf.constant(0.0)))
    accuracies = []
    for step in range(150):
        pairs = sample_pairs(64, K, Z, 0.0, tf.constant([step, 0]))
        if shuffled:
            order = tf.argsort(tf.random.stateless_uniform([64], [step, 1]))
            pairs = pairs._replace(shared=tf.gather(pairs.shared, order))
        terms, gradients, _ = compiled(pairs)
        optimizer.apply_gradients(zip(gradients, model.contrastive.trainable_variables, strict=True))
        accuracies.append(float(tf.reduce_mean(terms["contrastive/accuracy"])))
    late = np.mean(accuracies[-50:])  # over 3200 new pairs
    if shuffled:
        assert late == pytest.approx(1 / K, abs=0.04)
    else:
        assert late > 0.8


def test_noise_is_normal_outside_and_uniform_inside_the_model():
    noise = tf.random.stateless_normal([20_000, 1], [0, 1])
    latents = to_latents(noise, tf.zeros([20_000, 0]))
    assert np.abs(np.histogram(latents, 10, (-1, 1))[0] / 20_000 - 0.1).max() < 0.01
    # Phi(1) = 0.841345
    np.testing.assert_allclose(to_latents(tf.constant([[1.0, 0.0]]), tf.constant([[0.3]])), [[0.682689, 0, 0.3]], 1e-5)


def test_exported_networks_agree_with_the_model(model, batch):
    train(model, batch, 2)
    parts, noise = model.export_networks(), tf.random.stateless_normal([4, Z], [1, 1])
    codes = model.prior.sample(4, [1, 2])
    images = model.generate(noise, codes)
    assert images.shape == [4, 8, 8, 1] and np.abs(images).max() <= 1
    style = parts.mapping(noise, codes)
    assert style.shape == [4, parts.style_size] and parts.style_layers == 1
    np.testing.assert_allclose(parts.synthesis(style[:, None]), images, atol=1e-6)
    np.testing.assert_allclose(parts.truncate(style, tf.ones([4, 1])), style[:, None])
    np.testing.assert_allclose(parts.truncate(style, tf.fill([4, 1], 0.5)), 0.5 * style[:, None])
    features = parts.pyramid(batch["image"])
    np.testing.assert_allclose(parts.codes(features[-1]), model.encode(batch["image"]), atol=1e-6)
    np.testing.assert_allclose(parts.realness(features[-1]), model.realness(batch["image"]), atol=1e-6)
    np.testing.assert_allclose(model.sample(noise, codes), images)


def test_an_image_does_not_depend_on_its_batch(model, batch):
    train(model, batch, 2)
    noise, codes = tf.random.stateless_normal([4, Z], [1, 1]), model.prior.sample(4, [1, 2])
    np.testing.assert_allclose(model.generate(noise, codes)[:1], model.generate(noise[:1], codes[:1]), atol=1e-6)


def test_published_counts(spec):
    counts = parameter_counts(InfoGANCROptions(), spec)
    assert counts == {"generator": 251_393, "discriminator/encoder": 263_878, "contrastive": 247_749}
    assert sum(counts.values()) == 763_020


def test_networks_for_celeba_take_a_step(spec):
    model = make(spec, family="celeba", resolution=32, channels=3, cr_after_images=BATCH)
    batch = {"image": tf.random.stateless_uniform([BATCH, 32, 32, 3], [0, 1], -1.0, 1.0)}
    before = values_of(model.trainable_variables)
    logs = train(model, batch, 2)
    assert all(math.isfinite(value) for log in logs for value in log.values()) and logs[1]["generator/contrastive"] > 0
    biases = ["norm" not in v.name and "bias" in v.name for v in model.trainable_variables]
    for variable, old, bias in zip(model.trainable_variables, before, biases, strict=True):
        assert bias or np.any(variable != old), variable.name  # batch norm cancels biases


@pytest.mark.slow
def test_xla_gives_the_same(spec, batch):
    plain, compiled = make(spec), make(spec, jit_compile=True)
    data = tf.data.Dataset.from_tensors(batch).repeat()
    histories = [model.fit(data, steps_per_epoch=4, verbose=0).history for model in (plain, compiled)]
    assert histories[1] == {name: pytest.approx(values, rel=2e-2) for name, values in histories[0].items()}

"""Equation 7: every term and weight recomputed from the networks' outputs, and the network that each term trains."""

import numpy as np
import pytest
import tensorflow as tf

ALL_TERMS = {"gamma_g": 2.0, "gamma_e": 3.0, "beta": 5.0, "alpha": 7.0, "r1": 11.0}


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def distance(predicted, target, mask=1.0) -> float:
    """Returns the batch mean of ||predicted - target||_2 over known codes."""
    return np.mean(np.linalg.norm((np.asarray(predicted) - np.asarray(target)) * mask, axis=1))


def mixup(weights, first, second) -> np.ndarray:
    """Equation 5 with every other row of `second`, which has twice as many."""
    first, second = np.asarray(first), np.asarray(second)[::2]
    weights = np.reshape(weights, [-1] + [1] * (first.ndim - 1))
    return weights * first + (1 - weights) * second


def real_gradient_norm(model, images) -> float:
    """Returns the batch mean of ||dD/dx||^2."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = model.discriminator(images)[0]
    return np.mean(np.sum(tape.gradient(logits, images).numpy() ** 2, axis=(1, 2, 3)))


def discriminator_terms(model, batch, fake, sampled, mixed) -> dict[str, float]:
    o, d = model.options, model.discriminator
    return {
        "discriminator/adversarial": np.mean(softplus(-d(batch["image"])[0]) + softplus(d(fake)[0])),
        "discriminator/r1": o.r1 / 2 * real_gradient_norm(model, batch["image"]),
        "discriminator/unsupervised": o.gamma_e * distance(d.encode(fake), sampled.codes),
        "discriminator/supervised": o.beta
        * distance(d.encode(batch["labeled_image"]), batch["labeled_codes"], batch["labeled_mask"]),
        "discriminator/smoothness": o.alpha * distance(d.encode(mixed[0]), mixed[1], batch["labeled_mask"]),
    }


def generator_terms(model, batch, fake, sampled, mixed) -> dict[str, float]:
    o, d = model.options, model.discriminator
    return {
        "generator/adversarial": np.mean(softplus(-d(fake)[0])),
        "generator/unsupervised": o.gamma_g * distance(d.encode(fake), sampled.codes),
        "generator/smoothness": o.alpha * distance(d.encode(mixed[0]), mixed[1], batch["labeled_mask"]),
    }


def test_every_term_of_equation_7(make, batch, samples):
    """D/E's terms use the weights before the step; G's terms use the same images and D/E after its step."""
    model = make(**ALL_TERMS)
    sampled = samples(model)
    fake = model.generator((sampled.noise, sampled.codes))
    mixed = (
        mixup(sampled.weights, batch["labeled_image"], fake),
        mixup(sampled.weights, batch["labeled_codes"], sampled.codes),
    )
    expected = discriminator_terms(model, batch, fake, sampled, mixed)
    stale = generator_terms(model, batch, fake, sampled, mixed)
    logs = {name: float(value) for name, value in model.train_step(batch).items() if "norm" not in name}
    expected.update(generator_terms(model, batch, fake, sampled, mixed))
    assert logs == pytest.approx(expected, rel=1e-4)
    for name, value in stale.items():
        assert logs[name] != pytest.approx(value, rel=1e-3), f"{name} was computed with the D/E before its step"


@pytest.mark.parametrize("off", [*ALL_TERMS, None])
def test_a_term_without_weight_is_neither_computed_nor_logged(off, make, batch):
    model = make(**{**ALL_TERMS, **({off: 0.0} if off else {})})
    logs = model.train_step(batch)
    names = [*model.objective.names, "discriminator/gradient_norm", "generator/gradient_norm"]
    assert list(logs) == names == [m.name for m in model.metrics]
    term = {"gamma_g": "generator/unsup", "gamma_e": "discriminator/unsup", "beta": "/superv", "alpha": "/smooth"}
    absent = {**term, "r1": "/r1", None: "none"}[off]
    assert not any(absent in name for name in logs)
    assert len(logs) == {"alpha": 8, None: 10}.get(off, 9)


def reference_step(model, batch, sampled, rate: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns D/E's and G's weights after one step of gradient descent on Equation 7, written out."""
    o, d, g = model.options, model.discriminator, model.generator
    labeled, mask = batch["labeled_image"], batch["labeled_mask"]
    lam = sampled.weights[:, None]
    generated = o.mixup_partner == "generated"
    partners = [1, 0, 1]  # of three labelled images
    partner_codes = sampled.codes[::2] if generated else tf.gather(batch["labeled_codes"], partners)
    mixed_codes = lam * batch["labeled_codes"] + (1 - lam) * partner_codes
    mixed_mask = mask if generated else mask * tf.gather(mask, partners)

    def mean_distance(images, codes, known=1.0):
        # The norm, whose gradient would be NaN for a mixture of which no factor is known.
        squares = tf.reduce_sum(((d.encode(images) - codes) * known) ** 2, axis=1)
        return tf.reduce_mean(tf.sqrt(squares + 1e-12))

    def mixed_images(fake):
        partner = fake[::2] if generated else tf.gather(labeled, partners)
        return lam[:, :, None, None] * labeled + (1 - lam[:, :, None, None]) * partner

    def d_loss():
        fake = tf.stop_gradient(g((sampled.noise, sampled.codes)))
        with tf.GradientTape() as tape:
            tape.watch(batch["image"])
            real = d(batch["image"])[0]
        slope = tf.reduce_mean(tf.reduce_sum(tape.gradient(real, batch["image"]) ** 2, axis=[1, 2, 3]))
        gan = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(d(fake)[0]))
        supervised = mean_distance(labeled, batch["labeled_codes"], mask)
        smooth = mean_distance(mixed_images(fake), mixed_codes, mixed_mask)
        unsupervised = mean_distance(fake, sampled.codes)
        return gan + o.r1 / 2 * slope + o.gamma_e * unsupervised + o.beta * supervised + o.alpha * smooth

    def g_loss():
        fake = g((sampled.noise, sampled.codes))
        gan = tf.reduce_mean(tf.nn.softplus(-d(fake)[0]))
        loss = gan + o.gamma_g * mean_distance(fake, sampled.codes)
        return loss + o.alpha * mean_distance(mixed_images(fake), mixed_codes, mask) if generated else loss

    result = []
    for loss, variables in ((d_loss, d.trainable_variables), (g_loss, g.trainable_variables)):
        with tf.GradientTape() as tape:
            value = loss()
        gradients = tape.gradient(value, variables, unconnected_gradients="zero")
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign_sub(rate * gradient)
        result.append([v.numpy() for v in variables])
    return result[0], result[1]


@pytest.mark.parametrize("partner", ["generated", "labeled"])
def test_one_step_moves_every_weight_as_equation_7_says(partner, make, batch, samples, use_sgd):
    """So L_sup trains D/E only, L_unsup and L_sr both, MixUp's gradient reaches G, and D/E steps first.

    With a labelled partner L_sr trains E only.
    """
    model, reference = (make(**ALL_TERMS, mixup_partner=partner) for _ in range(2))
    use_sgd(model, 0.01, 0.01)
    before = [v.numpy() for v in model.generator.trainable_variables]
    d_weights, g_weights = reference_step(reference, batch, samples(reference), 0.01)
    logs = model.train_step(batch)
    assert "discriminator/smoothness" in logs
    assert ("generator/smoothness" in logs) == (partner == "generated")
    for network, weights in ((model.discriminator, d_weights), (model.generator, g_weights)):
        for variable, expected in zip(network.trainable_variables, weights, strict=True):
            np.testing.assert_allclose(variable, expected, atol=1e-5, rtol=1e-5, err_msg=variable.name)
    moved = max(np.abs(a - b).max() for a, b in zip(g_weights, before, strict=True))
    assert moved > 1e-3


def test_a_factor_is_known_in_a_mixture_if_it_is_in_both_labelled_images(make, batch):
    model = make(mixup_partner="labeled")
    none = tf.zeros([0, 8, 8, 3])
    images, codes, mask = model.mixup(batch, none, none, tf.constant([1, 2]))  # no generated image is needed
    known = batch["labeled_mask"].numpy()
    np.testing.assert_array_equal(mask, known * known[[1, 0, 1]])
    assert images.shape == batch["labeled_image"].shape and codes.shape == mask.shape
    one = {name: batch[name][:1] for name in ("labeled_image", "labeled_codes", "labeled_mask")}
    np.testing.assert_allclose(
        model.mixup(one, none, none, tf.constant([1, 2])).images, one["labeled_image"], atol=1e-6
    )


def weights_after_a_step(model, batch) -> tuple[list[np.ndarray], list[np.ndarray]]:
    model.train_step(batch)
    return model.discriminator.get_weights(), model.generator.get_weights()


def equal(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_with_gamma_e_zero_no_unsupervised_gradient_reaches_the_encoder(make, batch):
    weak, weak_g = weights_after_a_step(make(gamma_g=0.1, gamma_e=0.0), batch)
    strong, strong_g = weights_after_a_step(make(gamma_g=100.0, gamma_e=0.0), batch)
    assert equal(weak, strong)
    assert not equal(weak_g, strong_g)
    both, _ = weights_after_a_step(make(gamma_g=0.1, gamma_e=1.0), batch)
    assert not equal(weak, both)


def test_the_supervised_loss_never_moves_the_generator(make, batch, use_sgd):
    """With D/E fixed, G's step is the same for every beta."""
    results = []
    for beta in (0.0, 50.0):
        model = make(beta=beta)
        use_sgd(model, 0.01, 0.0)
        results.append(weights_after_a_step(model, batch)[1])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_mixup_moves_the_generator(make, batch, use_sgd):
    """With D/E fixed and gamma_g = 0, only alpha can affect G."""
    results = []
    for alpha in (0.0, 50.0):
        model = make(gamma_g=0.0, alpha=alpha)
        use_sgd(model, 0.01, 0.0)
        results.append(weights_after_a_step(model, batch)[1])
    assert max(np.abs(a - b).max() for a, b in zip(*results, strict=True)) > 1e-3


def test_the_gradient_of_the_generators_smoothness_loss_reaches_mapping_and_synthesis(make, batch, samples):
    model = make()
    sampled = samples(model)
    parts = model.generator.mapping.trainable_variables, model.generator.synthesis.blocks[0].trainable_variables
    with tf.GradientTape() as tape:
        fake = model.generator((sampled.noise, sampled.codes))
        pairs = model.mixup(batch, fake, sampled.codes, tf.constant([1, 2]))
        loss = model.objective.generator_losses(fake, sampled.codes, pairs)["generator/smoothness"]
    for gradients in tape.gradient(loss, parts):
        assert max(np.abs(g).max() for g in gradients if g is not None) > 1e-4


def test_codes_where_the_mask_is_zero_change_nothing(make, batch):
    changed = {**batch, "labeled_codes": tf.where(batch["labeled_mask"] == 1, batch["labeled_codes"], 0.7)}
    assert np.any(changed["labeled_codes"] != batch["labeled_codes"])
    a, b = make(**ALL_TERMS), make(**ALL_TERMS)
    logs, other_logs = a.train_step(batch), b.train_step(changed)
    assert {k: float(v) for k, v in logs.items()} == {k: float(v) for k, v in other_logs.items()}
    assert equal(a.get_weights(), b.get_weights())


def test_info_stylegan_needs_no_labelled_stream(make, batch):
    """With eta = 0, beta = alpha = 0 and gamma_e > 0, it trains on batches of images alone."""
    model = make(beta=0.0, alpha=0.0, gamma_g=1.0, gamma_e=1.0)
    assert not model.options.uses_labels
    before = model.discriminator.code_head.kernel.numpy()
    logs = model.train_step({"image": batch["image"]})
    assert all(np.isfinite(v) for v in logs.values())
    assert np.abs(model.discriminator.code_head.kernel - before).max() > 1e-4

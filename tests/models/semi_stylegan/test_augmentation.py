"""Augmentation in a training step: what D and E see, and that it is a function of seed and step."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.models import train_step
from ssgan_tf.models.augmentation import AugmentOptions, augment_generated, augment_real
from ssgan_tf.models.semi_stylegan.model import SemiStyleGAN

ALL = ("flip", "translation", "colour", "cutout")
SOME = AugmentOptions(ALL, ("translation", "cutout"), probability=0.8)
SEED = tf.constant([3, 4])


def record(model: SemiStyleGAN, batch, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Runs a step; returns what D's and G's losses get: {name: images}."""
    seen: dict[str, tf.Tensor] = {}
    discriminator_losses, generator_losses = model.objective.discriminator_losses, model.objective.generator_losses

    def record_discriminator(batch, fake, codes, mixup, fade, take_r1, encoded):
        seen.update(image=batch["image"], labeled=batch["labeled_image"], fake=fake, mixup=mixup.images)
        seen.update({} if encoded is None else {"encoded": encoded})
        return discriminator_losses(batch, fake, codes, mixup, fade, take_r1, encoded)

    def record_generator(fake, codes, mixup, fade, encoded):
        assert fake is seen["fake"] and encoded is seen.get("encoded")
        return generator_losses(fake, codes, mixup, fade, encoded)

    monkeypatch.setattr(model.objective, "discriminator_losses", record_discriminator)
    monkeypatch.setattr(model.objective, "generator_losses", record_generator)
    model.train_step(batch)
    return {name: images.numpy() for name, images in seen.items()}


def test_without_transforms_images_are_passed_on_as_they_are(batch):
    off = AugmentOptions()
    assert augment_real(off, batch, SEED) is batch
    images, encoded = augment_generated(off, batch["image"], SEED)
    assert images is batch["image"] and encoded is None


def test_e_sees_only_what_keeps_its_factors(make, batch, monkeypatch):
    model = make(augment=AugmentOptions(("flip", "translation"), ("translation",)), alpha=1.0)
    plain = make(alpha=1.0)
    seen, unchanged = record(model, batch, monkeypatch), record(plain, batch, monkeypatch)
    assert "encoded" not in unchanged
    for name in ("image", "labeled", "fake"):
        assert not np.array_equal(seen[name], unchanged[name]), name
    # Moved images hold pixels of the row that they came from, and mirrored ones have them in the reverse order.
    for name, source in (("labeled", "labeled"), ("encoded", "fake")):
        for moved, image in zip(seen[name], unchanged[source], strict=True):
            padded = np.pad(image, [(1, 1), (1, 1), (0, 0)], mode="reflect")
            places = [padded[i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
            assert any(np.allclose(place, moved, atol=1e-6) for place in places), name
    mirrored = [not np.array_equal(*both) for both in zip(seen["fake"], seen["encoded"], strict=True)]
    assert 0 < sum(mirrored) < len(mirrored)


def test_e_and_d_share_a_pass_if_all_transforms_keep_the_factors(make, batch, monkeypatch):
    model = make(augment=AugmentOptions(("translation",), ("translation",)))
    assert "encoded" not in record(model, batch, monkeypatch)


@pytest.mark.parametrize("weights", [{"gamma_e": 1.0}, {"alpha": 0.0, "gamma_g": 0.0}])
def test_the_generator_takes_the_gradient_of_its_loss(weights, make, batch, samples, use_sgd):
    """By gradient descent, with a discriminator that keeps its weights, against one tape over the whole loss."""
    model = make(augment=SOME, **weights)
    use_sgd(model, 0.1, 0.0)
    sampled, variables = samples(model), model.generator.trainable_variables
    code_seed = train_step.step_seeds(model.seed, model.step, 4)[1]
    mixup_seed = train_step.step_seeds(model.seed, model.step, 4)[2]
    real = augment_real(SOME, batch, code_seed)
    with tf.GradientTape() as tape:
        fake, encoded = augment_generated(SOME, model.generator((sampled.noise, sampled.codes)), code_seed)
        mixup = model.mixup(real, encoded, sampled.codes, mixup_seed) if model.options.alpha else None
        terms = model.objective.generator_losses(fake, sampled.codes, mixup, None, encoded)
        loss = tf.add_n([tf.reduce_mean(values) for values in terms.values()])
    gradients = tape.gradient(loss, variables)
    before = [v.numpy() for v in variables]
    logs = model.train_step(batch)
    assert list(logs) == [metric.name for metric in model.metrics]
    for old, gradient, now in zip(before, gradients, variables, strict=True):
        expected = old if gradient is None else old - 0.1 * gradient.numpy()
        np.testing.assert_allclose(now, expected, rtol=1e-4, atol=1e-4, err_msg=now.name)


def test_codes_are_read_off_the_images_that_e_sees(make, batch):
    model = make(augment=SOME, gamma_e=3.0, alpha=0.0, beta=0.0, gamma_g=2.0, r1=0.0)
    fake, encoded = batch["image"], batch["image"][::-1]
    codes = model.spec.sample(6, SEED)
    terms = model.objective.generator_losses(fake, codes, None, None, encoded)
    terms |= model.objective.discriminator_losses(batch, fake, codes, None, None, False, encoded)
    distance = np.linalg.norm(model.encode(encoded) - codes, axis=1)
    np.testing.assert_allclose(terms["generator/unsupervised"], 2 * distance, rtol=1e-4)
    np.testing.assert_allclose(terms["discriminator/unsupervised"], 3 * distance, rtol=1e-4)
    logits = model.discriminator(fake)[0]
    np.testing.assert_allclose(terms["generator/adversarial"], np.logaddexp(0, -logits), rtol=1e-4)


def test_changes_are_a_function_of_seed_and_step(make, batch):
    """A resumed run, which has weights and step alone, continues with the same bits."""
    model, resumed = make(augment=SOME), make(augment=SOME)
    model.train_step(batch)
    resumed.set_weights(model.get_weights())
    for name in ("generator_optimizer", "discriminator_optimizer"):
        for a, b in zip(getattr(model, name).variables, getattr(resumed, name).variables, strict=True):
            b.assign(a)
    model.train_step(batch)
    resumed.train_step(batch)
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), resumed.get_weights(), strict=True))


def test_real_labelled_and_generated_images_have_numbers_of_their_own(batch):
    same = {"image": batch["image"], "labeled_image": batch["image"]}
    every = dataclasses.replace(SOME, keeps_factors=ALL)
    real = augment_real(every, same, SEED)
    generated, _ = augment_generated(every, batch["image"], SEED)
    results = [real["image"].numpy(), real["labeled_image"].numpy(), generated.numpy()]
    assert not any(np.array_equal(results[i], results[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"transforms": ("flop",)}, "augment.transforms: expected different names among flip, tr.* Received: flop"),
        ({"transforms": ("flip", "flip")}, "augment.transforms: expected different names .* Received: flip, flip"),
        ({"transforms": ("flip",), "keeps_factors": ("colour",)}, "keeps_factors: .* among flip. Received: colour"),
        ({"keeps_factors": ("flip",)}, "keeps_factors: expected different names among those in augment.transforms, wh"),
        ({"probability": 0.0}, r"augment.probability: expected a number in \(0, 1\]. Received: 0.0"),
        ({"probability": float("nan")}, "augment.probability"),
    ],
)
def test_invalid_options(fields, message):
    with pytest.raises(ValueError, match=message):
        AugmentOptions(**fields)

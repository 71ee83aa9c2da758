"""The encoder trained on labels alone, and the table of models."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.models import make_model
from ssgan_tf.models.encoder_only import EncoderOnly, EncoderOnlyOptions
from ssgan_tf.models.semi_stylegan.model import SemiStyleGAN, SemiStyleGANOptions


@pytest.fixture
def model(network, spec) -> EncoderOnly:
    tf.keras.utils.set_random_seed(1)
    return compiled(EncoderOnlyOptions(network), spec)


def compiled(options, spec) -> EncoderOnly:
    encoder = EncoderOnly(options, spec)
    encoder.compile()
    phase = Phase(batch=4, labeled_batch=4, learning_rate=0.01, decay_images=16)
    encoder.set_segment(Schedule((phase,)).segments[0])
    return encoder


def test_its_loss_is_equation_3(model, batch):
    difference = (model.encode(batch["labeled_image"]) - batch["labeled_codes"]) * batch["labeled_mask"]
    logs = model.train_step(batch)
    assert list(logs) == ["encoder/supervised", "encoder/gradient_norm"]
    assert float(logs["encoder/supervised"]) == pytest.approx(np.mean(np.linalg.norm(difference, axis=1)), rel=1e-5)


def test_it_learns_and_its_rate_falls(model, batch):
    before = [v.numpy() for v in model.discriminator.code_head.variables]
    values, moves = [], []
    for _ in range(5):
        model.reset_metrics()
        start = model.discriminator.code_head.kernel.numpy()
        values.append(float(model.train_step(batch)["encoder/supervised"]))
        moves.append(np.abs(model.discriminator.code_head.kernel - start).max())
    assert values[-1] < values[0]
    assert np.any(model.discriminator.code_head.kernel != before[0])
    assert moves[4] < 0.05 * moves[0]  # the fifth of four steps: the cosine has reached 1 %


def test_mixup_mixes_neighbours_and_masks_what_is_unknown_in_either(network, spec, batch):
    encoder = compiled(EncoderOnlyOptions(network, mixup=True), spec)
    two = {name: tf.concat([batch[name], tf.roll(batch[name], -1, axis=0)], axis=0) for name in batch}
    images, codes, mask = (two[name] for name in ("labeled_image", "labeled_codes", "labeled_mask"))
    mixed, mixed_codes, mixed_mask = encoder.mixup(images, codes, mask)
    for i in range(len(images)):
        j = i ^ 1
        np.testing.assert_array_equal(mixed_mask[i], mask[i] * mask[j])
        difference = (images[i] - images[j]).numpy().ravel()
        weight = np.dot((mixed[i] - images[j]).numpy().ravel(), difference) / np.dot(difference, difference)
        assert 0.5 <= weight <= 1
        np.testing.assert_allclose(mixed[i], weight * images[i] + (1 - weight) * images[j], atol=1e-5)
        np.testing.assert_allclose(mixed_codes[i], weight * codes[i] + (1 - weight) * codes[j], atol=1e-5)


def test_mixup_weights_depend_on_xi_and_on_the_step(network, spec):
    """With xi = 1 they are uniform in [0.5, 1], and sampled in each step. Only the first of a pair has a code."""
    encoder = compiled(EncoderOnlyOptions(network, mixup=True, xi=1.0), spec)
    images, codes = tf.zeros([2000, 1, 1, 1]), tf.tile([[1.0], [0.0]], [1000, 1])

    def weights() -> np.ndarray:
        return encoder.mixup(images, codes, codes)[1][::2, 0].numpy()

    first, same = weights(), weights()
    encoder.step.assign_add(1)
    second = weights()
    np.testing.assert_array_equal(first, same)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
    for sampled in (first, second):
        np.testing.assert_allclose(np.quantile(sampled, [0.1, 0.5, 0.9]), [0.55, 0.75, 0.95], atol=0.02)


def test_mixup_needs_an_even_batch(network, spec, batch):
    with pytest.raises(ValueError, match="phases.labeled_batch: expected an even number .* Received: 3"):
        compiled(EncoderOnlyOptions(network, mixup=True), spec).train_step(batch)


def test_it_encodes_and_generates_no_images(model, batch):
    assert model.generate is None and model.sample is None and model.realness is None
    parts = model.export_networks()
    np.testing.assert_allclose(parts.codes(parts.pyramid(batch["image"])[-1]), model.encode(batch["image"]), atol=1e-6)


def test_the_realness_head_is_not_trained(model, batch):
    before = model.discriminator.realness_head.get_weights()
    model.train_step(batch)
    for a, b in zip(before, model.discriminator.realness_head.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_all_slots_exist_before_the_first_step(model, batch):
    count = len(model.optimizer.variables)
    model.train_step(batch)
    assert len(model.optimizer.variables) == count


def test_errors_name_the_option():
    with pytest.raises(ValueError, match="^xi: expected a positive number. Received: 0"):
        EncoderOnlyOptions(xi=0)
    with pytest.raises(ValueError, match="^beta_1: expected a number in"):
        EncoderOnlyOptions(beta_1=1)
    with pytest.raises(ValueError, match="^data.labeled_fraction: expected more than 0"):
        EncoderOnlyOptions().check_labels(0)


def test_options_decide_which_model_is_made(network, spec):
    model = make_model(SemiStyleGANOptions(network=network), spec, seed=3)
    assert isinstance(model, SemiStyleGAN) and model.seed == 3
    assert model.generator_optimizer is not None  # compiled
    assert isinstance(make_model(EncoderOnlyOptions(network=network), spec, seed=3), EncoderOnly)

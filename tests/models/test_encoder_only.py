"""The encoder trained on labels alone, and the list of models."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.models import MODELS, Options, make_model
from ssgan_tf.models.encoder_only import EncoderOnly, EncoderOnlyOptions
from ssgan_tf.models.semi_stylegan import SemiStyleGAN, SemiStyleGANOptions


@pytest.fixture
def model(network, spec) -> EncoderOnly:
    tf.keras.utils.set_random_seed(1)
    encoder = EncoderOnly(EncoderOnlyOptions(network=network, learning_rate=0.01, decay_steps=4), spec)
    encoder.compile()
    return encoder


def test_its_loss_is_equation_3(model, batch):
    difference = (model.encode(batch["labeled_image"]) - batch["labeled_codes"]) * batch["labeled_mask"]
    logs = model.train_step(batch)
    assert list(logs) == ["encoder/supervised"]
    assert float(logs["encoder/supervised"]) == pytest.approx(np.mean(np.linalg.norm(difference, axis=1)), rel=1e-5)


def test_it_learns_and_its_rate_falls_to_zero(model, batch):
    before = [v.numpy() for v in model.discriminator.code_head.variables]
    values = []
    for _ in range(4):
        model.reset_metrics()
        values.append(float(model.train_step(batch)["encoder/supervised"]))
    assert values[-1] < values[0]
    assert np.any(model.discriminator.code_head.kernel != before[0])
    after = model.get_weights()
    model.train_step(batch)  # the fifth of four steps: the cosine is at 0
    for a, b in zip(after, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_realness_head_is_not_trained(model, batch):
    before = model.discriminator.realness_head.get_weights()
    model.train_step(batch)
    for a, b in zip(before, model.discriminator.realness_head.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_all_slots_exist_before_the_first_step(model, batch):
    count = len(model.optimizer.variables)
    model.train_step(batch)
    assert len(model.optimizer.variables) == count


@pytest.mark.parametrize("field", ["learning_rate", "decay_steps"])
def test_an_error_names_the_option(field):
    with pytest.raises(ValueError, match=f"^{field}: expected a positive number. Received: 0"):
        EncoderOnlyOptions(**{field: 0})


def test_options_decide_which_model_is_made(network, spec):
    model = make_model(SemiStyleGANOptions(network=network), spec, seed=3)
    assert isinstance(model, SemiStyleGAN) and model.seed == 3
    assert model.generator_optimizer is not None  # compiled
    assert {options for options, _ in MODELS.values()} == set(getattr(Options, "__args__", [Options]))

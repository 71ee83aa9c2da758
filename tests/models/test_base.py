"""Every model has the interface of base.py, name by name."""

import pytest
import tensorflow as tf

from ssgan_tf.config import Config, DataOptions
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.models import MODELS, base, make_model
from ssgan_tf.models.encoder_only import EncoderOnly, EncoderOnlyOptions
from ssgan_tf.models.infogan_cr.options import InfoGANCROptions
from ssgan_tf.models.semi_stylegan.model import SemiStyleGANOptions
from ssgan_tf.models.vae.beta_tcvae import BetaTCVAEOptions
from ssgan_tf.models.vae.beta_vae import BetaVAEOptions
from ssgan_tf.models.vae.factor_vae import FactorVAEOptions
from tests.models.conftest import NETWORK

SIZES = {"resolution": 16, "channels": 3, "latents": 2}
OPTIONS = [
    BetaTCVAEOptions(**SIZES),
    BetaVAEOptions(**SIZES),
    EncoderOnlyOptions(network=NETWORK),
    FactorVAEOptions(**SIZES),
    InfoGANCROptions(family="celeba", resolution=32, codes=2, noise_size=3),
    SemiStyleGANOptions(network=NETWORK),
]


def names_of(protocol: type) -> set[str]:
    return {name for name in {*vars(protocol), *protocol.__annotations__} if not name.startswith("_")}


class Mine(BetaVAEOptions):
    """Options without a line in MODELS."""


def test_a_model_has_one_line(monkeypatch):
    with pytest.raises(ValueError, match="model: expected one line of MODELS .* with Mine. Received: none"):
        Config(data=DataOptions(dataset="fake/tiny", labeled_fraction=0.0), model=Mine(**SIZES))
    monkeypatch.setitem(MODELS, "shared", (BetaVAEOptions, EncoderOnly))
    with pytest.raises(ValueError, match=r"with BetaVAEOptions. Received: \['beta_vae', 'shared'\]"):
        make_model(BetaVAEOptions(**SIZES), CodeSpec((FactorSpec("shape", 3),)), seed=0)


def test_every_model_is_tested():
    assert [type(options) for options in OPTIONS] == [options for options, _ in MODELS.values()]


@pytest.mark.parametrize("options", OPTIONS, ids=list(MODELS))
def test_a_model_has_the_interface(options):
    """All names exist, and the shapes of encode, generate and export_networks agree."""
    assert len(names_of(base.Options)) == 7
    assert [name for name in names_of(base.Options) if not hasattr(options, name)] == []
    model = make_model(options, CodeSpec((FactorSpec("shape", 3), FactorSpec("hue", 5))), seed=0)
    model.set_segment(Schedule((Phase(batch=4, labeled_batch=2),)).segments[0])
    assert len(names_of(base.Model)) > 15
    assert [name for name in names_of(base.Model) if not hasattr(model, name)] == []

    size = options.resolution
    images = tf.random.stateless_uniform([2, size, size, options.channels], [0, 0], -1, 1)
    codes = model.encode(images)
    assert codes.shape == [2, model.prior.spec.size]
    parts = model.export_networks()
    assert parts.codes(parts.pyramid(images)[-1]).shape == codes.shape
    if model.generate is None:
        assert parts.mapping is None and parts.synthesis is None
        return
    noise = tf.random.stateless_normal([2, model.noise_size], [0, 1])
    made = model.generate(noise, codes)
    assert made.shape == images.shape
    styles = parts.truncate(parts.mapping(noise, codes), tf.ones([2, 1]))
    assert styles.shape == [2, parts.style_layers, parts.style_size]
    tf.debugging.assert_near(parts.synthesis(styles), made, 1e-4)

"""A tiny Semi-StyleGAN, a batch for it, and what one step draws."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.models import train_step as steps
from ssgan_tf.models.semi_stylegan.model import SemiStyleGAN, SemiStyleGANOptions
from ssgan_tf.networks.options import NetworkOptions

NETWORK = NetworkOptions(
    resolution=8, channels=3, fmap_base=64, fmap_max=8, noise_size=8, style_size=8, mapping_layers=2, stddev_group=2
)
SPEC = CodeSpec((FactorSpec("shape", 3), FactorSpec("hue", 5), FactorSpec("angle", 2)))
BATCH, LABELED = 6, 3  # two generated images for each labelled one

Batch = dict[str, tf.Tensor]
ModelMaker = Callable[..., SemiStyleGAN]


@dataclasses.dataclass
class Draws:
    """What a step draws: z [B,Z], c [B,K], lambda' [L]."""

    noise: tf.Tensor
    codes: tf.Tensor
    weights: tf.Tensor


@pytest.fixture
def network() -> NetworkOptions:
    return NETWORK


@pytest.fixture
def spec() -> CodeSpec:
    return SPEC


@pytest.fixture
def make(network: NetworkOptions) -> ModelMaker:
    """Keyword arguments are options; every model made starts from the same weights and runs on the same seed."""

    def make_model(seed: int = 5, jit_compile: bool = False, **options) -> SemiStyleGAN:
        tf.keras.utils.set_random_seed(1)
        model = SemiStyleGAN(SemiStyleGANOptions(**{"network": network, **options}), SPEC, seed, jit_compile)
        # A constant of ones has no variance to normalise by: rounding errors times 10,000 would be all one sees.
        constant = model.generator.synthesis.blocks[0].constant
        constant.assign(tf.random.stateless_normal(constant.shape, [0, 0]))
        model.compile()
        return model

    return make_model


@pytest.fixture
def batch() -> Batch:
    rng = np.random.default_rng(2)
    factors = np.stack([rng.integers(0, size, LABELED) for size in SPEC.sizes], axis=1)
    factors[1, 0] = factors[2, 1] = factors[2, 2] = -1
    return {
        "image": tf.constant(rng.uniform(-1, 1, [BATCH, 8, 8, 3]), tf.float32),
        "labeled_image": tf.constant(rng.uniform(-1, 1, [LABELED, 8, 8, 3]), tf.float32),
        "labeled_codes": tf.constant(SPEC.encode(factors)),
        "labeled_mask": tf.constant(SPEC.mask(factors)),
    }


@pytest.fixture
def draws() -> Callable[[SemiStyleGAN], Draws]:
    """What the next step of a model draws, as a function of its seed and step alone."""

    def draw(model: SemiStyleGAN) -> Draws:
        noise_seed, code_seed, mix_seed, _ = steps.step_seeds(model.seed, model.step, 4)
        return Draws(
            tf.random.stateless_normal([BATCH, model.options.network.noise_size], noise_seed),
            model.spec.sample(BATCH, code_seed),
            losses.mixup_weights(LABELED, model.options.xi, mix_seed),
        )

    return draw


@pytest.fixture
def use_sgd() -> Callable[..., None]:
    """Plain gradient descent instead of Adam, whose first step has the same length whatever the gradient's scale."""

    def swap(model: SemiStyleGAN, generator: float = 0.1, discriminator: float = 0.1, wrap=lambda x: x) -> None:
        model.generator_optimizer = wrap(tf.keras.optimizers.SGD(generator))
        model.discriminator_optimizer = wrap(tf.keras.optimizers.SGD(discriminator))
        model.generator_optimizer.build(model.generator.trainable_variables)
        model.discriminator_optimizer.build(model.discriminator.trainable_variables)

    return swap

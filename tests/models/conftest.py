"""A tiny Semi-StyleGAN, a batch for it, and the samples of one step."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.models import train_step
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
class Samples:
    """Samples of one step: z [B,Z], c [B,K], lambda' [L]."""

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
    """Makes models from keyword options; all start from the same weights and, by default, have the same seed."""

    def make_model(seed: int = 5, jit_compile: bool = False, **options) -> SemiStyleGAN:
        tf.keras.utils.set_random_seed(1)
        model = SemiStyleGAN(SemiStyleGANOptions(**{"network": network, **options}), SPEC, seed, jit_compile)
        # A constant of ones has no variance to normalise by: only rounding errors times 10,000 would be left.
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
def samples() -> Callable[[SemiStyleGAN], Samples]:
    """Returns the samples of a model's next step, a function of its seed and step alone."""

    def sample(model: SemiStyleGAN) -> Samples:
        noise_seed, code_seed, mixup_seed, _ = train_step.step_seeds(model.seed, model.step, 4)
        return Samples(
            tf.random.stateless_normal([BATCH, model.options.network.noise_size], noise_seed),
            model.spec.sample(BATCH, code_seed),
            losses.mixup_weights(LABELED, model.options.xi, mixup_seed),
        )

    return sample


@pytest.fixture
def use_sgd() -> Callable[..., None]:
    """Replaces Adam, whose first step has the same length for any gradient scale, by plain gradient descent."""

    def swap(model: SemiStyleGAN, generator: float = 0.1, discriminator: float = 0.1, wrap=lambda x: x) -> None:
        model.generator_optimizer = wrap(tf.keras.optimizers.SGD(generator))
        model.discriminator_optimizer = wrap(tf.keras.optimizers.SGD(discriminator))
        model.generator_optimizer.build(model.generator.trainable_variables)
        model.discriminator_optimizer.build(model.discriminator.trainable_variables)

    return swap

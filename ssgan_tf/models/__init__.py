"""Table of the models, one line each. The class of the options in a config's `model` decides which model is made.

base.py defines the interface of a model.
"""

import functools

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.models.base import Options
from ssgan_tf.models.encoder_only import EncoderOnly, EncoderOnlyOptions
from ssgan_tf.models.infogan_cr.model import InfoGANCR, InfoGANCROptions
from ssgan_tf.models.semi_stylegan.model import SemiStyleGAN, SemiStyleGANOptions
from ssgan_tf.models.vae.beta_tcvae import BetaTCVAE, BetaTCVAEOptions
from ssgan_tf.models.vae.beta_vae import BetaVAE, BetaVAEOptions
from ssgan_tf.models.vae.factor_vae import FactorVAE, FactorVAEOptions
from ssgan_tf.networks.layers import count_parameters

MODELS: dict[str, tuple[type[Options], type[tf.keras.Model]]] = {
    "beta_tcvae": (BetaTCVAEOptions, BetaTCVAE),
    "beta_vae": (BetaVAEOptions, BetaVAE),
    "encoder_only": (EncoderOnlyOptions, EncoderOnly),
    "factor_vae": (FactorVAEOptions, FactorVAE),
    "infogan_cr": (InfoGANCROptions, InfoGANCR),
    "semi_stylegan": (SemiStyleGANOptions, SemiStyleGAN),
}


def kind_of(options: Options) -> str:
    """Returns the name in MODELS of the model that `options` belongs to.

    Raises:
        ValueError: No line of MODELS has this class of options, or several have it.
    """
    names = [name for name, (kind, _) in MODELS.items() if kind is type(options)]
    if len(names) != 1:
        expected = f"one line of MODELS in models/__init__.py with {type(options).__name__}"
        raise ValueError(f"model: expected {expected}. Received: {names or 'none'}.")
    return names[0]


def make_model(options: Options, spec: CodeSpec, seed: int, jit_compile: bool = False) -> tf.keras.Model:
    """Makes and compiles the model that `options` belongs to. Call it inside the strategy's scope.

    Args:
        options: Options of a model in MODELS.
        spec: Factors and their codes.
        seed: Seed of everything sampled in training.
        jit_compile: Whether to compile parts of the training step with XLA.
    """
    make = MODELS[kind_of(options)][1]
    model = make(options, spec, seed, jit_compile)
    model.compile()
    return model


def make_blueprint(options: Options, spec: CodeSpec) -> tf.keras.Model:
    """Makes the model that `options` belongs to in a graph of its own: nothing is computed, no weight is allocated."""
    with tf.Graph().as_default():
        return MODELS[kind_of(options)][1](options, spec)


@functools.cache
def parameter_counts(options: Options, spec: CodeSpec) -> dict[str, int]:
    """Returns the number of trainable parameters of each network of a model: {"generator": ..., ...}."""
    networks = make_blueprint(options, spec).networks()
    return {name: count_parameters(network) for name, network in networks.items()}

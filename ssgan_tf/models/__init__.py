"""The list of models: one line each. A config's `model` is an Options; its class decides which model is made.

What a model must have is in base.py.
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
    """The name in MODELS of the model that `options` belongs to.

    Raises:
        ValueError: it is of no line of MODELS, or of several.
    """
    names = [name for name, (kind, _) in MODELS.items() if kind is type(options)]
    if len(names) != 1:
        expected = f"one line of MODELS in models/__init__.py with {type(options).__name__}"
        raise ValueError(f"model: expected {expected}. Received: {names or 'none'}.")
    return names[0]


def make_model(options: Options, spec: CodeSpec, seed: int, jit_compile: bool = False) -> tf.keras.Model:
    """Makes and compiles the model that `options` belongs to; call it inside the strategy's scope.

    Args:
        options: of one of MODELS.
        spec: the factors and their codes.
        seed: of all that is drawn while training.
        jit_compile: with XLA.
    """
    make = MODELS[kind_of(options)][1]
    model = make(options, spec, seed, jit_compile)
    model.compile()
    return model


@functools.cache
def parameters(options: Options, spec: CodeSpec) -> dict[str, int]:
    """How many numbers each network of a model has that are trained: {"generator": ..., ...}."""
    make = MODELS[kind_of(options)][1]
    with tf.Graph().as_default():  # nothing is computed, and no memory kept
        networks = make(options, spec).networks()
        return {name: count_parameters(network) for name, network in networks.items()}

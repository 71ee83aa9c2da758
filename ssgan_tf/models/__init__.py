"""The list of models: one line each. A config's `model` is an Options; its class decides which model is made."""

import tensorflow as tf

from ssgan_tf.codes import CodeSpec
from ssgan_tf.models.semi_stylegan import SemiStyleGAN, SemiStyleGANOptions

MODELS = {
    "semi_stylegan": (SemiStyleGANOptions, SemiStyleGAN),
}
Options = SemiStyleGANOptions


def make_model(options: Options, spec: CodeSpec, seed: int, jit_compile: bool = False) -> tf.keras.Model:
    """Makes and compiles the model that `options` belongs to; call it inside the strategy's scope.

    Args:
        options: of one of MODELS.
        spec: the factors and their codes.
        seed: of all that is drawn while training.
        jit_compile: with XLA.
    """
    make = next(model for kind, model in MODELS.values() if kind is type(options))
    model = make(options, spec, seed, jit_compile)
    model.compile()
    return model

"""What an exported model can be asked to do: functions with checked inputs, traced for a SavedModel.

| signature | inputs                   | outputs                      |
|-----------|--------------------------|------------------------------|
| mapping   | noise [B,Z], code [B,K]  | style [B,W]                  |
| synthesis | style [B,W]              | image [B,R,R,C]              |
| generate  | noise [B,Z], code [B,K]  | image [B,R,R,C]              |
| encode    | image [B,R,R,C]          | code [B,K], realness [B]     |

All float32. No random state and no compiled code inside: what comes out is a function of what goes in.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ssgan_tf.codes import CodeSpec
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.options import NetworkOptions

_CODE_SLACK = 1e-3  # for rounding
_IMAGE_SLACK = 1.0  # a generated picture overshoots [-1, 1] a little; one in 0..255 is far outside


def make_signatures(model: tf.keras.Model, spec: CodeSpec) -> tuple[dict[str, Any], list[tf.Variable]]:
    """Traces the functions of the table above.

    Args:
        model: a SemiStyleGAN. Its averaged generator makes the images, with noise inputs, if there are any, at
            their mean. Its discriminator/encoder reads each image by itself, as a minibatch-stddev group of one:
            neither code nor realness depends on the rest of the batch.
        spec: the factors of its codes.

    Returns:
        {name: concrete function that returns a dict}, and the variables that they use.
    """
    network = model.options.network
    generator = model.ema_generator
    discriminator = _judge_of_single_images(model.discriminator, network, spec)

    def mapping(noise, code):
        return {"style": generator.mapping(_checked_latent(noise, code, network, spec))}

    def synthesis(style):
        return {"image": generator.synthesis(checked("style", style, [network.style_size]))}

    def generate(noise, code):
        return {"image": generator(_checked_latent(noise, code, network, spec))}

    def encode(image):
        shape = [network.resolution, network.resolution, network.channels]
        features = discriminator.trunk(checked("image", image, shape, (-1.0, 1.0), _IMAGE_SLACK))
        return {"code": discriminator.codes(features), "realness": discriminator.realness(features)}

    def traced(function, **shapes):
        inputs = [tf.TensorSpec([None, *shape], tf.float32, name) for name, shape in shapes.items()]
        return tf.function(function, input_signature=inputs).get_concrete_function()

    functions = {
        "mapping": traced(mapping, noise=[network.noise_size], code=[spec.size]),
        "synthesis": traced(synthesis, style=[network.style_size]),
        "generate": traced(generate, noise=[network.noise_size], code=[spec.size]),
        "encode": traced(encode, image=[network.resolution, network.resolution, network.channels]),
    }
    used = {variable.ref(): variable for function in functions.values() for variable in function.variables}
    return functions, list(used.values())


def _judge_of_single_images(original: Discriminator, network: NetworkOptions, spec: CodeSpec) -> Discriminator:
    """A copy of the discriminator/encoder that takes the minibatch stddev over groups of one image."""
    copy = Discriminator(dataclasses.replace(network, stddev_group=1), spec.size)
    copy.set_weights(original.get_weights())
    return copy


def _checked_latent(noise, code, network: NetworkOptions, spec: CodeSpec) -> tuple[tf.Tensor, tf.Tensor]:
    noise = checked("noise", noise, [network.noise_size])
    code = checked(f"code ({', '.join(spec.names)})", code, [spec.size], (0.0, 1.0), _CODE_SLACK)
    rows = [tf.shape(noise)[0], tf.shape(code)[0]]
    message = "noise and code: expected as many rows in one as in the other. Received:"
    with tf.control_dependencies([tf.debugging.Assert(tf.equal(*rows), [message, *rows])]):
        return tf.identity(noise), tf.identity(code)


def checked(
    name: str, value: tf.Tensor, shape: Sequence[int], limits: tuple[float, float] | None = None, slack: float = 0.0
) -> tf.Tensor:
    """Makes the graph refuse a value that is not [B, *shape] with B >= 1, not finite, or outside `limits`.

    TensorFlow does not compare inputs with the shapes that a signature promises, and lets NaN pass.

    Args:
        name: of the input, for the message.
        value: the input.
        shape: of one row.
        limits: least and largest number; None for any finite one.
        slack: by which a number may lie outside.

    Returns:
        `value`, once it is known to be good.
    """
    # Not an assertion on tf.shape: the promised shape is taken for granted there, and the check dropped as always true.
    value = tf.ensure_shape(value, [None, *shape])
    rows = tf.shape(value)[0]
    with tf.control_dependencies([tf.debugging.Assert(rows > 0, [f"{name}: expected 1 row or more. Received:", rows])]):
        value = tf.identity(value)
    good = tf.math.is_finite(value)
    if limits:
        good &= (value >= limits[0] - slack) & (value <= limits[1] + slack)
    wanted = f"numbers in [{limits[0]:g}, {limits[1]:g}]" if limits else "finite numbers"
    wrong_values = [f"{name}: expected {wanted}. Received, least and largest:"]
    wrong_values += [tf.reduce_min(value), tf.reduce_max(value)]
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(good), wrong_values)]):
        return tf.identity(value)

"""What an exported model can be asked to do: functions with checked inputs, traced for a SavedModel.

| signature   | inputs                                                               | outputs                      |
|-------------|----------------------------------------------------------------------|------------------------------|
| mapping     | noise [B,Z], code [B,K]                                              | style [B,W]                  |
| synthesis   | style [B,W] or [B,L,W]                                               | image [B,R,R,C]              |
| generate    | noise [B,Z], code [B,K], truncation [B]                              | image [B,R,R,C]              |
| encode      | image [B,R,R,C]                                                      | code [B,K], realness [B]     |
| features    | image [B,R,R,C]                                                      | features_0 [B,R,R,C_R], ...  |
| edit        | image [B,R,R,C], noise [B,Z], factor [B] string, value [B]           | image [B,R,R,C], code [B,K]  |
| traverse    | noise [B,Z], code [B,K], factor [B] string, steps [] or [B] int32    | images [B,S,R,R,C]           |
| reconstruct | image [B,R,R,C], noise [B,Z]                                         | image [B,R,R,C], code [B,K]  |

float32 unless said. A factor is its name, or its number from 0 on as text; what is both is a name. Codes, values and
truncation lie in [0, 1], images in about [-1, 1]. A truncation of 1 changes nothing, 0 leaves the average style. In
`edit` and `reconstruct` the code is E(image) cut to [0, 1], and the noise is the caller's: the picture comes back as
far as code and noise describe it. `features` are the trunk's, from the image's resolution down to 4x4: what the
editor's distance between pictures is made of. `traverse` moves one factor from 0 to 1 in S steps.

No random state and no compiled code inside: what comes out is a function of what goes in. Gradients flow through the
signatures of a loaded model, for as long as what `tf.saved_model.load` returned is held.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.export.input_checks import asserted, checked, checked_rows, same_rows

MOST_STEPS = 64  # of traverse

_CODE_SLACK = 1e-3  # for rounding
_IMAGE_SLACK = 1.0  # a generated picture overshoots [-1, 1] a little; one in 0..255 is far outside


def make_signatures(model: tf.keras.Model) -> tuple[dict[str, Any], list[tf.Variable]]:
    """Traces the functions of the table above; of a model that makes no images `encode` and `features` alone.

    Args:
        model: one of `ssgan_tf.models`; its `parts` are what is asked. An averaged generator makes the images, with
            noise inputs, if there are any, at their mean. Each image is read by itself: neither code nor realness
            depends on the rest of the batch. Without a discriminator there is no realness.

    Returns:
        {name: concrete function that returns a dict}, and the variables that they use.
    """
    parts = _Parts(model)
    shapes = {
        "noise": [None, parts.noise_size],
        "code": [None, parts.spec.size],
        "style": None,
        "truncation": [None],
        "image": parts.image.shape,
        "factor": [None],
        "value": [None],
        "steps": None,
    }
    kinds = {"factor": tf.string, "steps": tf.int32}

    def traced(function: Callable) -> Any:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        inputs = [tf.TensorSpec(shapes[name], kinds.get(name, tf.float32), name) for name in names]
        return _function(function, inputs).get_concrete_function()

    wanted = _reading(parts)
    if parts.networks.mapping is not None:
        wanted = [*_making(parts), *wanted, *_editing(parts)]
    functions = {f.__name__: traced(f) for f in wanted}
    used = {variable.ref(): variable for function in functions.values() for variable in function.variables}
    return functions, list(used.values())


def _function(function: Callable, inputs: list[tf.TensorSpec]) -> Any:
    return tf.function(function, inputs, autograph=False)  # autograph has nothing to do here, and takes half the time


class _Parts:
    """The networks as functions that are traced once, however many signatures use them; codes as told in [0, 1]."""

    def __init__(self, model: tf.keras.Model):
        prior, options, networks = model.prior, model.options, model.export_networks()
        self.networks, self.spec, self.noise_size = networks, prior.spec, model.noise_size
        noise = tf.TensorSpec([None, model.noise_size])
        code = tf.TensorSpec([None, prior.spec.size])
        style = tf.TensorSpec([None, networks.style_layers, networks.style_size])
        image = tf.TensorSpec([None, options.resolution, options.resolution, options.channels])
        self.image = image
        self.pyramid = _function(networks.pyramid, [image])
        last = self.pyramid.get_concrete_function().structured_outputs[-1]
        features = tf.TensorSpec(last.shape, last.dtype)
        self.codes = _function(lambda x: prior.to_unit(networks.codes(x)), [features])
        if networks.realness is not None:
            self.realness = _function(networks.realness, [features])
        if networks.mapping is not None:
            self.truncate = networks.truncate
            self.mapping = _function(lambda z, c: networks.mapping(z, prior.from_unit(c)), [noise, code])
            self.synthesis = _function(networks.synthesis, [style])

    def paint(self, noise, code) -> tf.Tensor:
        """Images of noise and codes, without truncation."""
        return self.synthesis(self.every_layer(self.mapping(noise, code)))

    def every_layer(self, style) -> tf.Tensor:
        """[B,W] or [B,L,W] -> [B,L,W]."""
        shape = [tf.shape(style)[0], self.networks.style_layers, self.networks.style_size]
        return tf.broadcast_to(tf.reshape(style, [shape[0], -1, shape[2]]), shape)

    def cut_code(self, image) -> tf.Tensor:
        """E(x) where `generate` takes it."""
        return tf.clip_by_value(self.codes(self.pyramid(image)[-1]), 0.0, 1.0)


def _making(parts: _Parts) -> list[Callable]:
    """Pictures from numbers."""
    spec = parts.spec

    def mapping(noise, code):
        noise, code = same_rows(noise=_checked_noise(noise, parts), code=_checked_code(code, spec))
        return {"style": parts.mapping(noise, code)}

    def synthesis(style):
        style = parts.every_layer(_checked_rank(style, parts))
        return {"image": parts.synthesis(checked("style", style, style.shape[1:]))}

    def generate(noise, code, truncation):
        noise, code, truncation = same_rows(
            noise=_checked_noise(noise, parts),
            code=_checked_code(code, spec),
            truncation=checked("truncation", truncation, [], (0.0, 1.0)),
        )
        return {"image": parts.synthesis(parts.truncate(parts.mapping(noise, code), truncation[:, None]))}

    def traverse(noise, code, factor, steps):
        noise, code, chosen = same_rows(
            noise=_checked_noise(noise, parts), code=_checked_code(code, spec), factor=_one_hot(factor, spec)
        )
        steps = _checked_steps(steps, tf.shape(noise)[0])
        values = tf.cast(tf.range(steps), tf.float32) / tf.cast(steps - 1, tf.float32)
        # Step by step, so that it takes no more memory than B pictures.
        images = tf.map_fn(
            lambda value: parts.paint(noise, tf.where(chosen, value, code)), values, fn_output_signature=parts.image
        )
        return {"images": tf.transpose(images, [1, 0, 2, 3, 4])}

    return [mapping, synthesis, generate, traverse]


def _reading(parts: _Parts) -> list[Callable]:
    """Numbers from pictures."""

    def encode(image):
        features = parts.pyramid(_checked_image(image, parts))[-1]
        result = {"code": parts.codes(features)}
        if parts.networks.realness is not None:
            result["realness"] = parts.realness(features)
        return result

    def features(image):
        levels = parts.pyramid(_checked_image(image, parts))
        return {f"features_{i}": tf.cast(level, tf.float32) for i, level in enumerate(levels)}

    return [encode, features]


def _editing(parts: _Parts) -> list[Callable]:
    """Pictures from pictures."""

    def edit(image, noise, factor, value):
        image, noise, chosen, value = same_rows(
            image=_checked_image(image, parts),
            noise=_checked_noise(noise, parts),
            factor=_one_hot(factor, parts.spec),
            value=checked("value", value, [], (0.0, 1.0), _CODE_SLACK),
        )
        code = tf.where(chosen, value[:, None], parts.cut_code(image))
        return {"image": parts.paint(noise, code), "code": code}

    def reconstruct(image, noise):
        image, noise = same_rows(image=_checked_image(image, parts), noise=_checked_noise(noise, parts))
        code = parts.cut_code(image)
        return {"image": parts.paint(noise, code), "code": code}

    return [edit, reconstruct]


def _checked_noise(noise, parts: _Parts) -> tf.Tensor:
    return checked("noise", noise, [parts.noise_size])


def _checked_code(code, spec: CodeSpec) -> tf.Tensor:
    return checked(f"code ({', '.join(spec.names)})", code, [spec.size], (0.0, 1.0), _CODE_SLACK)


def _checked_image(image, parts: _Parts) -> tf.Tensor:
    return checked("image", image, parts.image.shape[1:].as_list(), (-1.0, 1.0), _IMAGE_SLACK)


def _checked_rank(style, parts: _Parts) -> tf.Tensor:
    """Refuses what is neither [B,W] nor [B,L,W]: only the graph sees which it is."""
    layers, width = parts.networks.style_layers, parts.networks.style_size
    shape, rank = tf.shape(style), tf.rank(style)
    alike = (rank == 2) & (tf.reduce_prod(shape[1:]) == width)
    each = (rank == 3) & (tf.reduce_prod(shape[1:]) == layers * width) & (tf.reduce_prod(shape[2:]) == width)
    message = f"style: expected shape [batch,{width}] or [batch,{layers},{width}]. Received:"
    return asserted(style, alike | each, message, shape)


def _one_hot(factor, spec: CodeSpec) -> tf.Tensor:
    """Names or numbers [B] string -> [B,K] bool, true for the factor that each row means."""
    factor = checked_rows("factor", tf.ensure_shape(factor, [None]))
    named = factor[:, None] == tf.constant(spec.names)
    numbered = factor[:, None] == tf.constant([str(k) for k in range(spec.size)])
    chosen = named | (numbered & ~tf.reduce_any(named, axis=1, keepdims=True))
    known = tf.reduce_any(chosen, axis=1)
    wanted = f"factor: expected one of {', '.join(spec.names)}, or its number from 0 to {spec.size - 1}. Received:"
    return asserted(chosen, tf.reduce_all(known), wanted, tf.boolean_mask(factor, ~known))


def _checked_steps(steps, rows: tf.Tensor) -> tf.Tensor:
    """One number, or the same in each of `rows` rows -> the number."""
    good = (tf.rank(steps) == 0) | (tf.rank(steps) == 1) & (tf.size(steps) == rows)
    steps = asserted(
        steps, good, "steps: expected one number, or one for each row. Received a shape of:", tf.shape(steps)
    )
    most = tf.reduce_max(steps)
    good = tf.reduce_all(steps == most) & (most >= 2) & (most <= MOST_STEPS)
    wanted = f"steps: expected a number from 2 to {MOST_STEPS}, the same in every row. Received:"
    return asserted(most, good, wanted, tf.unique(tf.reshape(steps, [-1]))[0])

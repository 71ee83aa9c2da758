"""Signatures of an exported model: functions with checked inputs, traced for a SavedModel.

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

All are float32 unless noted. A factor is given by its name, or by its index as text ("0" for the first); a text that
could be either is taken as a name. Codes, values and truncation lie in [0, 1], images in about [-1, 1], noise and
styles in [-1e9, 1e9]. A truncation of 1 changes nothing, and 0 leaves only the average style. In `edit` and
`reconstruct` the code is E(image) clipped to [0, 1] and the noise is the caller's, so the result resembles the image
only as far as code and noise describe it. `features` are those of the trunk, from the image's resolution down to 4x4;
the editor measures the distance between images with them. `traverse` moves one factor from 0 to 1 in S steps.

One call takes up to Signatures.max_rows images, as many as fit into about 2 GiB of memory; `mapping` takes any number
of rows. Other inputs are refused: InvalidArgumentError, with a message below 700 bytes that names the input.

Nothing inside is random or compiled: the outputs are a function of the inputs. Gradients flow through the signatures of
a loaded model as long as the object that `tf.saved_model.load` returned is referenced.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.export.input_checks import (
    LARGEST,
    check_rows,
    check_same_rows,
    check_tensor,
    printable,
    with_assert,
)

MAX_STEPS = 64  # of `traverse`

_CODE_SLACK = 1e-3  # for rounding
_IMAGE_SLACK = 1.0  # generated images may leave [-1, 1] a little; images in 0..255 are far outside
_MEMORY = 2**31  # of one call, in bytes; TensorFlow reserves three times as much address space without using it
_TENSORS = 4  # of the largest size that a call holds at once: 2.3 to 3.9 were measured
_PIXELS = 2**20  # of images that are accepted in one call whatever the memory: `editing` generates as many at a time
_NUMBERS = (-LARGEST, LARGEST)
_SHOWN_BYTES = 100  # of the factors' names, in messages


class Signatures(NamedTuple):
    """Traced signatures of a model.

    Args:
        functions: Concrete functions that return dicts, by name.
        variables: Variables that the functions use.
        max_rows: Largest number of images in one call.
    """

    functions: dict[str, Any]
    variables: list[tf.Variable]
    max_rows: int


def make_signatures(model: tf.keras.Model) -> Signatures:
    """Traces the functions of the table above; only `encode` and `features` if the model generates no images.

    Args:
        model: Model of `ssgan_tf.models`, whose `export_networks` are traced. The averaged generator makes the images,
            with its noise inputs, if any, at their mean. Each image is encoded by itself: neither code nor realness
            depends on the rest of the batch. Without a discriminator there is no realness.
    """
    networks = _TracedNetworks(model)
    shapes = {
        "noise": [None, networks.noise_size],
        "code": [None, networks.spec.size],
        "style": None,
        "truncation": [None],
        "image": networks.image.shape,
        "factor": [None],
        "value": [None],
        "steps": None,
    }
    dtypes = {"factor": tf.string, "steps": tf.int32}

    def trace(function: Callable) -> Any:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        inputs = [tf.TensorSpec(shapes[name], dtypes.get(name, tf.float32), name) for name in names]
        return _function(function, inputs).get_concrete_function()

    wanted = _encoders(networks)
    if networks.export.mapping is not None:
        wanted = [*_generators(networks), *wanted, *_editors(networks)]
    functions = {function.__name__: trace(function) for function in wanted}
    used = {variable.ref(): variable for function in functions.values() for variable in function.variables}
    return Signatures(functions, list(used.values()), networks.max_rows)


def _function(function: Callable, inputs: list[tf.TensorSpec]) -> Any:
    return tf.function(function, inputs, autograph=False)  # autograph is not needed, and would double the time


def _floats_per_row(graph: tf.Graph) -> int:
    """Returns the size, per row of the batch, of the largest tensor [B, ...] that a graph computes."""
    shapes = [tensor.shape for operation in graph.get_operations() for tensor in operation.outputs]
    batches = [shape for shape in shapes if shape.rank and shape[0] is None]
    return max(math.prod(shape[1:]) for shape in batches if shape[1:].is_fully_defined())


class _TracedNetworks:
    """The model's networks as functions of codes in [0, 1], each traced only once for all signatures that call it."""

    def __init__(self, model: tf.keras.Model):
        prior, options, export = model.prior, model.options, model.export_networks()
        self.export, self.spec, self.noise_size = export, prior.spec, model.noise_size
        noise = tf.TensorSpec([None, model.noise_size])
        code = tf.TensorSpec([None, prior.spec.size])
        style = tf.TensorSpec([None, export.style_layers, export.style_size])
        image = tf.TensorSpec([None, options.resolution, options.resolution, options.channels])
        self.image = image
        self.pyramid = _function(export.pyramid, [image])
        last = self.pyramid.get_concrete_function().structured_outputs[-1]
        features = tf.TensorSpec(last.shape, last.dtype)
        self.codes = _function(lambda x: prior.to_unit(export.codes(x)), [features])
        if export.realness is not None:
            self.realness = _function(export.realness, [features])
        if export.mapping is not None:
            self.truncate = export.truncate
            self.mapping = _function(lambda z, c: export.mapping(z, prior.from_unit(c)), [noise, code])
            self.synthesis = _function(export.synthesis, [style])
        self.max_rows = self._count_rows(options.resolution)

    def _count_rows(self, resolution: int) -> int:
        """Returns how many images fit into _MEMORY: a network holds a few tensors of its largest size at once."""
        traced = [self.pyramid] if self.export.mapping is None else [self.pyramid, self.synthesis]
        floats = max(_floats_per_row(function.get_concrete_function().graph) for function in traced)
        return max(1, _PIXELS // resolution**2, _MEMORY // (_TENSORS * floats * tf.float32.size))

    def generate(self, noise, code) -> tf.Tensor:
        """Generates images without truncation."""
        return self.synthesis(self.to_layers(self.mapping(noise, code)))

    def to_layers(self, style) -> tf.Tensor:
        """Repeats styles [B,W] for every layer: [B,L,W]. Styles [B,L,W] stay as they are."""
        shape = [tf.shape(style)[0], self.export.style_layers, self.export.style_size]
        return tf.broadcast_to(tf.reshape(style, [shape[0], -1, shape[2]]), shape)

    def clipped_code(self, image) -> tf.Tensor:
        """Returns E(x) clipped to the codes that `generate` takes."""
        return tf.clip_by_value(self.codes(self.pyramid(image)[-1]), 0.0, 1.0)


def _generators(networks: _TracedNetworks) -> list[Callable]:
    """Functions from latents to styles and images."""
    spec = networks.spec

    def mapping(noise, code):
        noise, code = check_same_rows(noise=_check_noise(noise, networks), code=_check_code(code, spec))
        return {"style": networks.mapping(noise, code)}

    def synthesis(style):
        style = networks.to_layers(_check_style_shape(style, networks))
        style = check_tensor("style", style, style.shape[1:], _NUMBERS, max_rows=networks.max_rows)
        return {"image": networks.synthesis(style)}

    def generate(noise, code, truncation):
        noise, code, truncation = check_same_rows(
            noise=_check_noise(noise, networks, networks.max_rows),
            code=_check_code(code, spec),
            truncation=check_tensor("truncation", truncation, [], (0.0, 1.0)),
        )
        style = networks.truncate(networks.mapping(noise, code), truncation[:, None])
        return {"image": networks.synthesis(style)}

    def traverse(noise, code, factor, steps):
        noise, code, chosen = check_same_rows(
            noise=_check_noise(noise, networks, networks.max_rows),
            code=_check_code(code, spec),
            factor=_one_hot(factor, spec),
        )
        steps = _check_steps(steps, tf.shape(noise)[0], networks.max_rows)
        values = tf.cast(tf.range(steps), tf.float32) / tf.cast(steps - 1, tf.float32)
        # One value at a time, so that it takes no more memory than B images.
        images = tf.map_fn(
            lambda value: networks.generate(noise, tf.where(chosen, value, code)),
            values,
            fn_output_signature=networks.image,
        )
        return {"images": tf.transpose(images, [1, 0, 2, 3, 4])}

    return [mapping, synthesis, generate, traverse]


def _encoders(networks: _TracedNetworks) -> list[Callable]:
    """Functions from images to codes and features."""

    def encode(image):
        features = networks.pyramid(_check_image(image, networks))[-1]
        result = {"code": networks.codes(features)}
        if networks.export.realness is not None:
            result["realness"] = networks.realness(features)
        return result

    def features(image):
        levels = networks.pyramid(_check_image(image, networks))
        return {f"features_{i}": tf.cast(level, tf.float32) for i, level in enumerate(levels)}

    return [encode, features]


def _editors(networks: _TracedNetworks) -> list[Callable]:
    """Functions from images to images."""

    def edit(image, noise, factor, value):
        image, noise, chosen, value = check_same_rows(
            image=_check_image(image, networks),
            noise=_check_noise(noise, networks),
            factor=_one_hot(factor, networks.spec),
            value=check_tensor("value", value, [], (0.0, 1.0), _CODE_SLACK),
        )
        code = tf.where(chosen, value[:, None], networks.clipped_code(image))
        return {"image": networks.generate(noise, code), "code": code}

    def reconstruct(image, noise):
        image, noise = check_same_rows(image=_check_image(image, networks), noise=_check_noise(noise, networks))
        code = networks.clipped_code(image)
        return {"image": networks.generate(noise, code), "code": code}

    return [edit, reconstruct]


def _check_noise(noise, networks: _TracedNetworks, max_rows: int | None = None) -> tf.Tensor:
    return check_tensor("noise", noise, [networks.noise_size], _NUMBERS, max_rows=max_rows)


def _check_code(code, spec: CodeSpec) -> tf.Tensor:
    return check_tensor(f"code ({_list_names(spec)})", code, [spec.size], (0.0, 1.0), _CODE_SLACK)


def _check_image(image, networks: _TracedNetworks) -> tf.Tensor:
    shape = networks.image.shape[1:].as_list()
    return check_tensor("image", image, shape, (-1.0, 1.0), _IMAGE_SLACK, networks.max_rows)


def _check_style_shape(style, networks: _TracedNetworks) -> tf.Tensor:
    """Returns `style`; the graph, which alone knows the rank, refuses it unless it is [B,W] or [B,L,W]."""
    layers, width = networks.export.style_layers, networks.export.style_size
    shape, rank = tf.shape(style), tf.rank(style)
    one_style = (rank == 2) & (tf.reduce_prod(shape[1:]) == width)
    per_layer = (rank == 3) & (tf.reduce_prod(shape[1:]) == layers * width) & (tf.reduce_prod(shape[2:]) == width)
    message = f"style: expected shape [batch,{width}] or [batch,{layers},{width}]. Received:"
    return with_assert(style, one_style | per_layer, message, shape)


def _one_hot(factor, spec: CodeSpec) -> tf.Tensor:
    """Converts names or indices [B] string to bool [B,K], true at the factor of each row."""
    factor = check_rows("factor", tf.ensure_shape(factor, [None]))
    by_name = factor[:, None] == tf.constant(spec.names)
    by_index = factor[:, None] == tf.constant([str(k) for k in range(spec.size)])
    chosen = by_name | (by_index & ~tf.reduce_any(by_name, axis=1, keepdims=True))
    known = tf.reduce_any(chosen, axis=1)
    message = f"factor: expected one of {_list_names(spec)}, or an index from 0 to {spec.size - 1}. Received:"
    return with_assert(chosen, tf.reduce_all(known), message, printable(tf.boolean_mask(factor, ~known)))


def _list_names(spec: CodeSpec) -> str:
    """Returns the factors' names for a message, cut to a line."""
    names = ", ".join(spec.names).encode()
    return names.decode() if len(names) <= _SHOWN_BYTES else names[:_SHOWN_BYTES].decode(errors="ignore") + "..."


def _check_steps(steps, rows: tf.Tensor, max_rows: int) -> tf.Tensor:
    """Returns the number of steps, given as one number or as `rows` equal numbers."""
    valid = (tf.rank(steps) == 0) | (tf.rank(steps) == 1) & (tf.size(steps) == rows)
    message = "steps: expected one number, or one per row. Received shape:"
    steps = with_assert(steps, valid, message, tf.shape(steps))
    count = tf.reduce_max(steps)
    valid = tf.reduce_all(steps == count) & (count >= 2) & (count <= MAX_STEPS)
    message = f"steps: expected a number from 2 to {MAX_STEPS}, the same in every row. Received:"
    count = with_assert(count, valid, message, tf.unique(tf.reshape(steps, [-1]))[0])
    most = max(MAX_STEPS, max_rows)
    message = f"steps: expected at most {most} images, rows times steps, in one call; use several calls. Received:"
    return with_assert(count, rows * count <= most, message, rows * count)

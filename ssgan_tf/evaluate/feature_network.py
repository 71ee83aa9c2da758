"""Image features for FID, KID, precision and recall, read by a network that others trained.

    network = features.load("inception.keras")
    real = network.read(images)                           # uint8 [N,R,R,C] -> float32 [N,D]
    generated = network.read_batches(uint8_batches())     # of a generator: never all images in memory

Images become what TF-GAN makes of them: one channel is repeated as three, the numbers are scaled, the size changed
bilinearly and without antialiasing. TF-GAN divides by 128, so that its white is 0.992 where ours is 1.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf.utils import files

Function = Callable[[tf.Tensor], Any]  # images -> one output, or several by name

# What to say where a feature network is needed and no path is given.
MISSING = (
    "features: FID, KID, precision and recall need a feature network; expected the path of a SavedModel folder or "
    "of a Keras file (.keras, .h5) that is Inception-v3 without its head: images [B,299,299,3] in [-1, 1] -> features "
    "[B,2048], those of its last average pooling (pool_3). Received: none. Save one with "
    'tf.keras.applications.InceptionV3(include_top=False, pooling="avg", input_shape=(299, 299, 3))'
    '.save("inception.keras"), for which Keras downloads its ImageNet weights. They rank your own runs; values are '
    "comparable with published ones only with the Inception weights of 2015, which TTUR and TF-GAN use."
)

RANGES = {"-1,1": (127.5, 1.0), "0,1": (255.0, 0.0), "0,255": (1.0, 0.0)}
"""{range that a network expects of its images: (divisor, offset)}: pixel / divisor - offset."""

_KERAS_FILES = (".keras", ".h5")
_WANTED = "a SavedModel folder (one with saved_model.pb) or a Keras file (.keras, .h5)"
_POOL = "pool_3"  # which output TF-GAN takes of its own Inception, which also gives logits


class FeatureNetwork:
    """Reads features off uint8 images.

    Args:
        function: images in the network's range -> features, as `load` explains.
        spec: of its input, [None,H,W,C] and floating; H, W and C None where it takes any.
        pixel_range: a key of RANGES.
        name: for messages.

    Raises:
        ValueError: the network does not take a batch of images, or does not give [B,D].
    """

    def __init__(self, function: Function, spec: tf.TensorSpec, pixel_range: str = "-1,1", name: str = "the network"):
        if pixel_range not in RANGES:
            raise ValueError(f"pixel_range: expected one of {list(RANGES)}. Received: {pixel_range!r}.")
        _check_input(spec, name)
        self.name, self.pixel_range = name, pixel_range
        _, height, width, self._channels = spec.shape
        self._size = (height, width) if height and width else None
        self._dtype = spec.dtype
        self._function = function  # owns the variables, which the traced network only refers to
        self._network = _traced(function, spec, name)

    def read(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        """Features of images [N,R,R,C], uint8, C 1 or 3: [N,D] float32. See `read_batches`."""
        return self.read_batches(images[start : start + batch] for start in range(0, len(images), batch))

    def read_batches(self, batches: Iterable[np.ndarray]) -> np.ndarray:
        """Features of all images of all batches, in their order.

        Args:
            batches: uint8 [B,R,R,C] each, B of any size, C 1 or 3; asked for one at a time.

        Returns:
            [N,D] float32, all finite.

        Raises:
            ValueError: no image, or something else than such images; or features that are not finite.
        """
        parts: list[np.ndarray] = []
        for batch in batches:
            features = self._network(self._prepare(batch)).numpy()
            _check_output(tf.TensorShape(features.shape), self.name)
            if not np.isfinite(features).all():
                row, column = np.argwhere(~np.isfinite(features))[0]
                raise ValueError(
                    f"features: {self.name} must give finite features. Received: {features[row, column]} in column "
                    f"{column} of image {sum(map(len, parts)) + row}. Is {self.pixel_range} the range that it expects?"
                )
            parts.append(features)
        if parts:
            return np.concatenate(parts)
        raise ValueError("Expected one image or more to read features of. Received: none.")

    def _prepare(self, images: np.ndarray) -> tf.Tensor:
        """uint8 [B,R,R,C] -> what the network takes."""
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
            received = f"Received: {images.dtype} of shape {images.shape}."
            raise ValueError(f"Features are read off images [B,R,R,C], uint8, of 1 or 3 channels. {received}")
        channels = self._channels or 3
        if images.shape[-1] > channels:
            raise ValueError(
                f"features: {self.name} takes grey images. Received: images of {images.shape[-1]} channels."
            )
        divisor, offset = RANGES[self.pixel_range]
        pixels = tf.cast(images, tf.float32) / divisor - offset
        if images.shape[-1] != channels:
            pixels = tf.repeat(pixels, channels, axis=-1)
        if self._size and self._size != images.shape[1:3]:
            pixels = tf.image.resize(pixels, self._size, "bilinear", antialias=False)
        return tf.cast(pixels, self._dtype)


def load(path: str, pixel_range: str = "-1,1") -> FeatureNetwork:
    """A network from a SavedModel folder (its signature serving_default, else itself as a function) or a Keras file.

    It has one input, images [B,H,W,C], and one output [B,D]; of several outputs the one called pool_3 is taken.
    Images are resized to H x W; where it takes any size, they keep theirs.

    Args:
        path: of either.
        pixel_range: the numbers that it expects for black and white, a key of RANGES.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: what is there is neither, or has other inputs or outputs.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"features: expected {_WANTED}. Received: {path!r}, which does not exist.")
    is_saved_model = tf.saved_model.contains_saved_model(path)
    if not is_saved_model and not path.endswith(_KERAS_FILES):
        raise ValueError(f"features: expected {_WANTED}. Received: {path!r}, which is neither.")
    try:
        function, specs = _open_saved_model(path) if is_saved_model else _open_keras(path)
    except Exception as error:  # what the readers raise for a damaged file is no API of theirs
        raise ValueError(f"features: {path!r} cannot be loaded: {error}") from error
    if len(specs) != 1:
        names = [spec.name for spec in specs]
        raise ValueError(
            f"features: {path!r} must take one input, images [B,H,W,C]. Received: {len(names)}: {names}."
        )
    return FeatureNetwork(function, specs[0], pixel_range, repr(path))


def fingerprint(path: str) -> str:
    """Returns a short checksum of a feature network's files, independent of where they lie."""
    if not os.path.isdir(path):
        return files.sha256(path)[:12]
    found = [os.path.join(folder, name) for folder, _, names in sorted(os.walk(path)) for name in sorted(names)]
    return files.sha256(*found)[:12]


def _open_keras(path: str) -> tuple[Function, list[tf.TensorSpec]]:
    model = tf.keras.models.load_model(path, compile=False)
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in model.inputs]

    def function(images):
        return dict(zip(model.output_names, tf.nest.flatten(model(images, training=False)), strict=True))

    return function, specs


def _open_saved_model(path: str) -> tuple[Function, list[tf.TensorSpec]]:
    loaded = tf.saved_model.load(path)
    signature = loaded.signatures.get("serving_default")
    if signature is not None:
        specs = list(signature.structured_input_signature[1].values())
        return lambda images, owner=loaded: signature(**{specs[0].name: images}), specs
    if not callable(loaded):
        raise ValueError(f"no signature serving_default and no function. Received: {list(loaded.signatures)}.")
    leaves = tf.nest.flatten([f.structured_input_signature for f in loaded.__call__.concrete_functions[:1]])
    return loaded, [leaf for leaf in leaves if isinstance(leaf, tf.TensorSpec)]


def _check_input(spec: tf.TensorSpec, name: str) -> None:
    shape = spec.shape
    if shape.rank != 4 or shape[0] is not None or shape[3] not in (1, 3, None) or not spec.dtype.is_floating:
        raise ValueError(
            f"features: {name} must take floating images [B,H,W,C], B of any size and C 1 or 3. "
            f"Received: {spec.dtype.name} of shape {shape}. Export it again with such an input."
        )


def _traced(function: Function, spec: tf.TensorSpec, name: str) -> Any:
    """images -> features [B,D] float32, traced so that a wrong network is found before any image is made."""
    traced = tf.function(lambda images: tf.cast(_only_output(function(images), name), tf.float32), autograph=False)
    traced = traced.get_concrete_function(tf.TensorSpec(spec.shape, spec.dtype))
    if traced.output_shapes.rank is not None:
        _check_output(traced.output_shapes, name)
    return traced


def _check_output(shape: tf.TensorShape, name: str) -> None:
    if shape.rank != 2:
        advice = "That is a feature map: export it with pooling='avg'." if shape.rank == 4 else "Export those."
        raise ValueError(f"features: {name} must give features [B,D]. Received: an output of shape {shape}. {advice}")


def _only_output(output: Any, name: str) -> tf.Tensor:
    outputs = output if isinstance(output, dict) else dict(enumerate(tf.nest.flatten(output)))
    if len(outputs) == 1 or _POOL in outputs:
        return outputs.get(_POOL, next(iter(outputs.values())))
    raise ValueError(
        f"features: {name} must give one output, or one called {_POOL} among several. "
        f"Received: {list(outputs)}. Export the one of the last average pooling."
    )

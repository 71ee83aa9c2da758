"""Image features for FID, KID, precision and recall, from a pretrained network.

    network = feature_network.load("inception.keras")
    real = network.read(images)                           # uint8 [N,R,R,C] -> float32 [N,D]
    generated = network.read_batches(uint8_batches())     # a generator of batches: never all images in memory

Images are prepared as in TF-GAN: a single channel is repeated three times, pixels are scaled, and images are resized
bilinearly without antialiasing. The only difference is that TF-GAN divides by 128, so its white is 0.992 instead of 1.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf.evaluate import keras_files
from ssgan_tf.runs.tf_files import readable
from ssgan_tf.utils import files

Function = Callable[[tf.Tensor], Any]  # images -> one output, or several by name

# Message if a feature network is needed and no path is given.
MISSING = (
    "features: FID, KID, precision and recall need a feature network; expected the path of a SavedModel folder or "
    "of a Keras file (.keras, .h5) of Inception-v3 without its head: images [B,299,299,3] in [-1, 1] -> features "
    "[B,2048] of its last average pooling (pool_3). Received: none. Save one with "
    'tf.keras.applications.InceptionV3(include_top=False, pooling="avg", input_shape=(299, 299, 3))'
    '.save("inception.keras"), which downloads ImageNet weights. With them, scores can rank your own runs. They are '
    "comparable with published scores only with the Inception weights of 2015, which TTUR and TF-GAN use."
)

RANGES = {"-1,1": (127.5, 1.0), "0,1": (255.0, 0.0), "0,255": (1.0, 0.0)}
"""{pixel range that a network expects: (divisor, offset)}. The network gets pixel / divisor - offset."""

_EXPECTED = "a SavedModel folder (one with saved_model.pb) or a Keras file (.keras, .h5)"
_POOL = "pool_3"  # name of the output that TF-GAN uses; its Inception network also returns logits


class FeatureNetwork:
    """Network that computes features of uint8 images.

    Args:
        function: Function from images in the network's pixel range to features, see `load`.
        spec: Shape [None,H,W,C] and floating-point type of its input. H, W and C are None if it accepts any.
        pixel_range: Pixel range that it expects, a key of RANGES.
        name: Name of the network, for messages.

    Raises:
        ValueError: The network does not accept a batch of images, or does not return features [B,D].
    """

    def __init__(self, function: Function, spec: tf.TensorSpec, pixel_range: str = "-1,1", name: str = "the network"):
        if pixel_range not in RANGES:
            raise ValueError(f"pixel_range: expected one of {list(RANGES)}. Received: {pixel_range!r}.")
        _check_input(spec, name)
        self.name, self.pixel_range = name, pixel_range
        _, height, width, self._channels = spec.shape
        self._size = (height, width) if height and width else None
        self._dtype = spec.dtype
        self._function = function  # owns the variables; the traced network only refers to them
        self._network = _trace(function, spec, name)

    def read(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        """Computes features [N,D], float32, of uint8 images [N,R,R,C] with C 1 or 3; see `read_batches`."""
        return self.read_batches(images[start : start + batch] for start in range(0, len(images), batch))

    def read_batches(self, batches: Iterable[np.ndarray]) -> np.ndarray:
        """Computes the features of all images in all batches, in order.

        Args:
            batches: Batches of images, uint8 [B,R,R,C], with any B and C 1 or 3. Only one is in memory at a time.

        Returns:
            Features [N,D], float32, all finite.

        Raises:
            ValueError: There are no images, the batches have another type or shape, or features are not finite.
        """
        parts: list[np.ndarray] = []
        for batch in batches:
            features = self._network(self._prepare(batch)).numpy()
            _check_output(tf.TensorShape(features.shape), self.name)
            if not np.isfinite(features).all():
                row, column = np.argwhere(~np.isfinite(features))[0]
                raise ValueError(
                    f"features: {self.name} must return finite features. Received: {features[row, column]} in "
                    f"column {column} of image {sum(map(len, parts)) + row}. Does it expect the pixel range "
                    f"{self.pixel_range}?"
                )
            parts.append(features)
        if parts:
            return np.concatenate(parts)
        raise ValueError("Features need one image or more. Received: none.")

    def _prepare(self, images: np.ndarray) -> tf.Tensor:
        """Converts images, uint8 [B,R,R,C], to the channels, pixel range, size and type of the network's input."""
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
            received = f"Received: {images.dtype} of shape {images.shape}."
            raise ValueError(f"Features need images [B,R,R,C], uint8, with 1 or 3 channels. {received}")
        channels = self._channels or 3
        if images.shape[-1] > channels:
            raise ValueError(
                f"features: {self.name} accepts grey images. Received: images with {images.shape[-1]} channels."
            )
        divisor, offset = RANGES[self.pixel_range]
        pixels = tf.cast(images, tf.float32) / divisor - offset
        if images.shape[-1] != channels:
            pixels = tf.repeat(pixels, channels, axis=-1)
        if self._size and self._size != images.shape[1:3]:
            pixels = tf.image.resize(pixels, self._size, "bilinear", antialias=False)
        return tf.cast(pixels, self._dtype)


def load(path: str, pixel_range: str = "-1,1") -> FeatureNetwork:
    """Loads a network from a SavedModel folder or a Keras file. A Keras file that could run code is refused.

    A SavedModel's network is its signature serving_default, or the saved object itself if it is callable. It must have
    one input, images [B,H,W,C], and one output, features [B,D]; among several outputs, pool_3 is used. Images are
    resized to H x W unless the network accepts any size.

    Args:
        path: SavedModel folder, or Keras file whose name ends in .keras or .h5.
        pixel_range: Values that the network expects for black and white, a key of RANGES.

    Raises:
        FileNotFoundError: The path does not exist.
        ValueError: The path is neither, cannot be loaded, could run code of its own, or the network has other inputs
            or outputs.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"features: expected {_EXPECTED}. Received: {path!r}, which does not exist.")
    is_saved_model = tf.saved_model.contains_saved_model(path)
    if not is_saved_model and (os.path.isdir(path) or not path.endswith(keras_files.ENDINGS)):
        raise ValueError(f"features: expected {_EXPECTED}. Received: {path!r}, which is neither.")
    try:
        function, specs = _open_saved_model(path) if is_saved_model else _open_keras(path)
    except Exception as error:  # the loaders raise undocumented errors for damaged files
        reason = " ".join(str(error).split())[:500].rstrip(".")
        raise ValueError(f"features: {path!r} cannot be loaded: {reason}.") from error
    if len(specs) != 1:
        names = [spec.name for spec in specs]
        raise ValueError(f"features: {path!r} must have one input, images [B,H,W,C]. Received: {len(names)}: {names}.")
    return FeatureNetwork(function, specs[0], pixel_range, repr(path))


def fingerprint(path: str) -> str:
    """Returns a short checksum of the files of a feature network; it does not depend on their path."""
    if not os.path.isdir(path):
        return files.sha256(path)[:12]
    found = [os.path.join(folder, name) for folder, _, names in sorted(os.walk(path)) for name in sorted(names)]
    return files.sha256(*found)[:12]


def _open_keras(path: str) -> tuple[Function, list[tf.TensorSpec]]:
    model = keras_files.load(path)
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in model.inputs]

    def function(images):
        return dict(zip(model.output_names, tf.nest.flatten(model(images, training=False)), strict=True))

    return function, specs


def _open_saved_model(path: str) -> tuple[Function, list[tf.TensorSpec]]:
    with readable(path) as plain:
        loaded = tf.saved_model.load(plain)
    signature = loaded.signatures.get("serving_default")
    if signature is not None:
        specs = list(signature.structured_input_signature[1].values())
        return lambda images, owner=loaded: signature(**{specs[0].name: images}), specs
    if not callable(loaded):
        raise ValueError(
            f"it has no signature serving_default and is not callable. Received: {list(loaded.signatures)}."
        )
    leaves = tf.nest.flatten([f.structured_input_signature for f in loaded.__call__.concrete_functions[:1]])
    return loaded, [leaf for leaf in leaves if isinstance(leaf, tf.TensorSpec)]


def _check_input(spec: tf.TensorSpec, name: str) -> None:
    shape = spec.shape
    if shape.rank != 4 or shape[0] is not None or shape[3] not in (1, 3, None) or not spec.dtype.is_floating:
        raise ValueError(
            f"features: {name} must accept floating-point images [B,H,W,C] with any B and C 1 or 3. "
            f"Received: {spec.dtype.name} of shape {shape}. Export it again with such an input."
        )


def _trace(function: Function, spec: tf.TensorSpec, name: str) -> Any:
    """Traces the function from images to features [B,D], so that a wrong network is rejected before it is used."""
    traced = tf.function(lambda images: tf.cast(_only_output(function(images), name), tf.float32), autograph=False)
    traced = traced.get_concrete_function(tf.TensorSpec(spec.shape, spec.dtype))
    if traced.output_shapes.rank is not None:
        _check_output(traced.output_shapes, name)
    return traced


def _check_output(shape: tf.TensorShape, name: str) -> None:
    if shape.rank != 2:
        advice = " That is a feature map: export it with pooling='avg'." if shape.rank == 4 else ""
        raise ValueError(f"features: {name} must return features [B,D]. Received: an output of shape {shape}.{advice}")


def _only_output(output: Any, name: str) -> tf.Tensor:
    """Returns the features among the outputs: the only one, or the one called pool_3."""
    outputs = output if isinstance(output, dict) else dict(enumerate(tf.nest.flatten(output)))
    if len(outputs) == 1 or _POOL in outputs:
        return outputs.get(_POOL, next(iter(outputs.values())))
    raise ValueError(
        f"features: {name} must have one output, or one called {_POOL} among several. "
        f"Received: {list(outputs)}. Export the output of the last average pooling."
    )

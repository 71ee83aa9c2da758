"""Loaded exports as functions of arrays: call signatures, generate images from latents, encode images to codes."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from .exports import read_factors
from .latents import Latents

ENCODER_ONLY = "expected a model that generates images. Received: an encoder, which only predicts codes."

_REQUIRED_ENTRIES = ("factors", "noise_size", "style_layers", "resolution", "channels")  # of codes.json
_PIXELS_PER_CALL = 2**20  # generated or encoded in one call, which limits the memory for many images


def load_saved(folder: str) -> Any:
    """Returns the SavedModel in a folder, as `tf.saved_model.load` does, which fails if the path is like a pattern.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        if not any(character in folder for character in "[\\"):
            return tf.saved_model.load(folder)
        with tempfile.TemporaryDirectory() as scratch:
            link = os.path.join(scratch, "link")
            os.symlink(os.path.abspath(folder), link)
            return tf.saved_model.load(link)
    except Exception as error:  # TensorFlow raises nearly anything on damaged files, IndexError included
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise ValueError(
            f"Expected a complete export, written by `ssgan export`. Received: {folder!r}, which cannot be loaded "
            f"({reason}); copy it again."
        ) from error


class Model:
    """Loaded export.

    Args:
        saved: Result of `tf.saved_model.load`. Its functions work only while the object is referenced.
        card: Result of `read_card`.

    Raises:
        ValueError: If the card was written by another version of this package, or for another SavedModel.
    """

    def __init__(self, saved: Any, card: Mapping[str, Any]):
        missing = [name for name in _REQUIRED_ENTRIES if name not in card]
        if missing:
            raise ValueError(
                f"codes.json: expected {', '.join(_REQUIRED_ENTRIES)}. Received: a file of another version, without "
                f"{', '.join(missing)}; export the model again."
            )
        self.saved = saved
        self.noise_size = int(card["noise_size"])
        self.style_layers = int(card["style_layers"])
        self.resolution = int(card["resolution"])
        self.channels = int(card["channels"])
        self._check_sizes(len(read_factors(card)))

    def _check_sizes(self, code_size: int) -> None:
        """Raises ValueError if the card's sizes differ from those of the signatures."""
        size = self.resolution
        shapes = {"noise": [self.noise_size], "code": [code_size], "image": [size, size, self.channels]}
        for signature, function in self.saved.signatures.items():
            for name, spec in function.structured_input_signature[1].items():
                if name in shapes and not spec.shape.is_compatible_with([None, *shapes[name]]):
                    raise ValueError(
                        f"codes.json: expected the sizes of the SavedModel, whose {signature} takes {name} "
                        f"{spec.shape}. Received: {shapes[name]}; export the model again."
                    )

    @property
    def can_generate(self) -> bool:
        """True if the export generates images, False if it contains only an encoder."""
        return "generate" in self.saved.signatures

    def call(self, signature: str, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """Calls a signature by name: {input: array} -> {output: array}.

        Raises:
            ValueError: If the signature does not exist, its inputs are different, or the model refuses their values.
        """
        signatures = self.saved.signatures
        if signature not in signatures and not self.can_generate:
            raise ValueError(f"{signature}: {ENCODER_ONLY}")
        if signature not in signatures:
            raise ValueError(f"signature: expected one of {list(signatures)}. Received: {signature!r}.")
        specs = signatures[signature].structured_input_signature[1]
        if sorted(specs) != sorted(inputs):
            raise ValueError(f"{signature}: expected the inputs {sorted(specs)}. Received: {sorted(inputs)}.")
        dtypes = {name: spec.dtype for name, spec in specs.items()}
        tensors = {name: tf.constant(_to_array(name, inputs[name], dtype), dtype) for name, dtype in dtypes.items()}
        with model_errors():
            outputs = signatures[signature](**tensors)
        return {name: value.numpy() for name, value in outputs.items()}

    def generate(self, latents: Latents) -> np.ndarray:
        """Generates the images [B,R,R,C] of `latents`.

        Raises:
            ValueError: If there are no latents, the model refuses their values, or fitted ones are truncated.
        """
        if not len(latents):
            raise ValueError("codes: expected 1 row or more. Received: 0.")
        return np.concatenate([self._generate_part(latents[rows]) for rows in self.split(len(latents))])

    def _generate_part(self, latents: Latents) -> np.ndarray:
        inputs = {"noise": latents.noise, "code": latents.code}
        if latents.offset is None:
            return self.call("generate", {**inputs, "truncation": latents.truncation})["image"]
        if (latents.truncation != 1).any():
            raise ValueError("truncation: expected 1 for a fitted image, since lower values would undo the fit.")
        style = self.call("mapping", inputs)["style"]
        return self.call("synthesis", {"style": style[:, None, :] + latents.offset})["image"]

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Predicts the codes [B,K] of images [B,R,R,C], clipped to [0, 1]."""
        codes = [self.call("encode", {"image": images[rows]})["code"] for rows in self.split(len(images))]
        return np.clip(np.concatenate(codes), 0.0, 1.0)

    def split(self, count: int, memory: int = 1) -> list[slice]:
        """Splits the rows of `count` images into parts of bounded memory.

        Args:
            count: Number of images.
            memory: Memory per image, relative to generating it.
        """
        size = max(1, _PIXELS_PER_CALL // (memory * self.resolution**2))
        return [slice(i, i + size) for i in range(0, count, size)]


@contextlib.contextmanager
def model_errors() -> Iterator[None]:
    """Raises ValueError for an error of a signature: with its own reason if it refuses its inputs."""
    try:
        yield
    except tf.errors.OpError as error:
        reason = f"the export cannot compute this ({error.message.strip().partition(chr(10))[0][:300]})"
        raise ValueError(find_reason(str(error)) or f"{reason}; export the model again.") from None


def _to_array(name: str, value: ArrayLike, dtype: tf.DType) -> np.ndarray:
    """Converts `value` to an array for a signature's input of type `dtype`."""
    if dtype == tf.string:
        return np.asarray(value, object)
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.number):
        raise ValueError(f"{name}: expected numbers. Received: {array.dtype}.")
    return array.astype(dtype.as_numpy_dtype)


def find_reason(message: str) -> str | None:
    """Extracts the message of a signature's own input checks from TensorFlow's error; None for other errors."""
    shape = re.search(r"Shape of tensor (\S+) (\[.*?\]) is not compatible with expected shape (\[.*?\])", message)
    if shape:
        return f"{shape[1]}: expected shape {shape[3].replace('?', 'batch')}. Received: {shape[2]}."
    other = re.search(r"assertion failed: \[(.*)\]", message)
    return other and other[1].replace("] [", " ")

"""An export as functions of arrays: its signatures, pictures of Latents, codes of pictures."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from .latents import Latents

_ENTRIES = ("factors", "noise_size", "style_layers", "resolution", "channels")  # of codes.json, that editing needs
NO_PICTURES = "expected a model that makes pictures. Received: an encoder alone, which reads codes off them."
_PIXELS_AT_ONCE = 2**20  # made or read in one go, so that many pictures take little memory


def load_saved(folder: str) -> Any:
    """The SavedModel in a folder, as `tf.saved_model.load` returns it.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        return tf.saved_model.load(folder)
    except Exception as error:  # damaged files make TensorFlow raise nearly anything, an IndexError for one
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise ValueError(
            f"Expected a whole export, as `python -m ssgan_tf.export` writes it. Received: {folder!r}, which cannot be "
            f"loaded ({reason}); copy it again."
        ) from error


class Model:
    """A loaded export.

    Args:
        saved: what `tf.saved_model.load` returned. Its functions work only as long as it is held.
        card: what `read_card` returned.

    Raises:
        ValueError: if the card is of another version.
    """

    def __init__(self, saved: Any, card: Mapping[str, Any]):
        missing = [name for name in _ENTRIES if name not in card]
        if missing:
            raise ValueError(
                f"codes.json: expected {', '.join(_ENTRIES)}. Received: one without {', '.join(missing)}, of another "
                "version; export it again."
            )
        self.saved = saved
        self.noise_size = int(card["noise_size"])
        self.style_layers = int(card["style_layers"])
        self.resolution = int(card["resolution"])
        self.channels = int(card["channels"])

    @property
    def makes_pictures(self) -> bool:
        """False of an encoder alone."""
        return "generate" in self.saved.signatures

    def call(self, signature: str, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """Calls a signature by name: {input: array} -> {output: array}.

        Raises:
            ValueError: for another signature or other inputs than it has, or if the model refuses their values.
        """
        known = self.saved.signatures
        if signature not in known and not self.makes_pictures:
            raise ValueError(f"{signature}: {NO_PICTURES}")
        if signature not in known:
            raise ValueError(f"signature: expected one of {list(known)}. Received: {signature!r}.")
        specs = known[signature].structured_input_signature[1]
        if sorted(specs) != sorted(inputs):
            raise ValueError(f"{signature}: expected the inputs {sorted(specs)}. Received: {sorted(inputs)}.")
        kinds = {name: spec.dtype for name, spec in specs.items()}
        tensors = {name: tf.constant(_array(name, inputs[name], kind), kind) for name, kind in kinds.items()}
        try:
            outputs = known[signature](**tensors)
        except tf.errors.InvalidArgumentError as error:
            reason = find_reason(str(error))
            if not reason:
                raise
            raise ValueError(reason) from None
        return {name: value.numpy() for name, value in outputs.items()}

    def paint(self, latents: Latents) -> np.ndarray:
        """The pictures [B,R,R,C] that are made from `latents`.

        Raises:
            ValueError: for values that the model refuses, none at all, or truncation of what was fitted.
        """
        if not len(latents):
            raise ValueError("codes: expected 1 row or more. Received: 0.")
        return np.concatenate([self._paint_part(latents[rows]) for rows in self.parts(len(latents))])

    def _paint_part(self, latents: Latents) -> np.ndarray:
        inputs = {"noise": latents.noise, "code": latents.code}
        if latents.offset is None:
            return self.call("generate", {**inputs, "truncation": latents.truncation})["image"]
        if (latents.truncation != 1).any():
            raise ValueError("truncation: expected 1 for a fitted picture, which it would move away from itself.")
        style = self.call("mapping", inputs)["style"]
        return self.call("synthesis", {"style": style[:, None, :] + latents.offset})["image"]

    def codes_of(self, images: np.ndarray) -> np.ndarray:
        """[B,R,R,C] -> codes [B,K], cut to [0, 1]."""
        found = [self.call("encode", {"image": images[rows]})["code"] for rows in self.parts(len(images))]
        return np.clip(np.concatenate(found), 0.0, 1.0)

    def parts(self, count: int, memory: int = 1) -> list[slice]:
        """The rows of `count` pictures, as many at a time as take little memory; they need `memory` times as much."""
        size = max(1, _PIXELS_AT_ONCE // (memory * self.resolution**2))
        return [slice(i, i + size) for i in range(0, count, size)]


def _array(name: str, value: ArrayLike, kind: tf.DType) -> np.ndarray:
    """What a signature's input of this kind can be made of."""
    if kind == tf.string:
        return np.asarray(value, object)
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.number):
        raise ValueError(f"{name}: expected numbers. Received: {array.dtype}.")
    return array.astype(kind.as_numpy_dtype)


def find_reason(message: str) -> str | None:
    """What a signature's own checks say, in TensorFlow's report of an error; None if it is about something else."""
    shape = re.search(r"Shape of tensor (\S+) (\[.*?\]) is not compatible with expected shape (\[.*?\])", message)
    if shape:
        return f"{shape[1]}: expected shape {shape[3].replace('?', 'batch')}. Received: {shape[2]}."
    other = re.search(r"assertion failed: \[(.*)\]", message)
    return other and other[1].replace("] [", " ")

"""Makes, edits and reads pictures with an exported model.

This one file needs tensorflow, numpy and the folder that `python -m ssgan_tf.export` wrote: copy it anywhere.

    editor = Editor.load("runs/demo/export")
    editor.factors                                             # (Factor(name="azimuth", size=9), ...)
    codes = np.full([1, len(editor.factors)], 0.5)             # every factor in the middle of its range
    images = editor.generate(codes, seed=3)                    # [1,R,R,C] float32 in about [-1, 1]
    turned = editor.edit(codes, {"azimuth": "+0.1"}, seed=3)   # the same picture, a little further round
    pixels = to_uint8(turned)                                  # 0..255, as files have it
    editor.encode(pixels)                                      # [1,K], near codes with the azimuth turned
"""

import difflib
import json
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

_ROUNDING = 1e-6  # by which a sum such as 0.9 + "+0.1" may leave [0, 1]


class Factor(NamedTuple):
    """What one column of a code is about.

    Its name; how many values between 0 and 1 it was trained on; their names, if they have any; and what 0 and 1 stand
    for, if it is a number.
    """

    name: str
    size: int
    values: tuple[str, ...] = ()
    range: tuple[float, float] | None = None


def to_uint8(images: ArrayLike) -> np.ndarray:
    """Float in [-1, 1] (values outside are cut off) -> uint8 0..255."""
    return np.clip(np.rint((np.asarray(images) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def find_export(path: str) -> str:
    """The SavedModel in `path`: the folder itself, or the subfolder with the highest number.

    Raises:
        FileNotFoundError: if there is none.
    """
    numbers = [n for n in os.listdir(path) if n.isdigit()] if os.path.isdir(path) else []
    for folder in [path, *(os.path.join(path, n) for n in sorted(numbers, key=int, reverse=True))]:
        if os.path.isfile(os.path.join(folder, "saved_model.pb")):
            return folder
    raise FileNotFoundError(f"Expected a folder that `python -m ssgan_tf.export` wrote. Received: {path!r}.")


def read_card(folder: str) -> dict[str, Any]:
    """What an export says of itself: the contents of assets/codes.json.

    Raises:
        ValueError: if `folder` is another kind of SavedModel.
    """
    try:
        with open(os.path.join(folder, "assets", "codes.json"), encoding="utf-8") as file:
            card = json.load(file)
        if str(card["made_by"]).startswith("ssgan_tf"):
            return card
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"Expected assets/codes.json as `python -m ssgan_tf.export` writes it. Received: {folder!r}.")


class Editor:
    """An exported model.

    Codes are [B,K], one number in [0, 1] for each of the `factors`: value i of a factor with m values is
    i / (m - 1), and anything between two values may be asked for too. Noise [B,Z] is everything else about the
    pictures. A single code [K], noise [Z] or image [R,R,C] counts as a batch of one.

    Args:
        model: what `tf.saved_model.load` returned.
        card: what `read_card` returned.
    """

    def __init__(self, model: Any, card: Mapping[str, Any]):
        self._model = model
        self.card = dict(card)
        self.factors = tuple(
            Factor(f["name"], f["size"], tuple(f.get("values", ())), tuple(f["range"]) if "range" in f else None)
            for f in card["factors"]
        )
        self.noise_size = int(card["noise_size"])

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Editor":
        """Loads the newest export in the folder that was `--out`, or one of its numbered subfolders.

        Raises:
            FileNotFoundError: if there is no SavedModel.
            ValueError: if it is none of ours.
        """
        folder = find_export(os.fspath(path))
        card = read_card(folder)
        return cls(tf.saved_model.load(folder), card)

    def noise(self, count: int, seed: int = 0) -> np.ndarray:
        """[count,Z] float32; row i depends on (seed, i) alone."""
        return np.random.default_rng(seed).standard_normal([count, self.noise_size]).astype(np.float32)

    def generate(self, codes: ArrayLike, seed: int = 0, noise: ArrayLike | None = None) -> np.ndarray:
        """Codes [B,K] -> images [B,R,R,C] float32 in about [-1, 1].

        Args:
            codes: in [0, 1].
            seed: of the noise, a row for each code.
            noise: [B,Z], or [1,Z] for the same in all images; instead of `seed`.

        Raises:
            ValueError: for a wrong shape or values out of range.
        """
        codes = np.atleast_2d(np.asarray(codes, np.float32))
        noise = self.noise(len(codes), seed) if noise is None else np.atleast_2d(np.asarray(noise, np.float32))
        if len(noise) == 1:
            noise = np.repeat(noise, len(codes), axis=0)
        return self.call("generate", {"noise": noise, "code": codes})["image"]

    def encode(self, images: ArrayLike) -> np.ndarray:
        """Reads the codes [B,K] float32 off images, cut to [0, 1] so that `generate` takes them.

        The signature `encode`, by `call`, has them uncut, and the realness.

        Args:
            images: [B,R,R,C], uint8 in 0..255 or float in [-1, 1].

        Raises:
            ValueError: for a wrong shape or type, or values out of range.
        """
        images = np.asarray(images)
        if images.ndim == 3:
            images = images[None]
        if images.dtype == np.uint8:
            images = images.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
        elif not np.issubdtype(images.dtype, np.floating):
            raise ValueError(f"images: expected uint8 in 0..255 or float in [-1, 1]. Received: {images.dtype}.")
        return np.clip(self.call("encode", {"image": images})["code"], 0.0, 1.0)

    def change(self, codes: ArrayLike, changes: Mapping[str, float | str]) -> np.ndarray:
        """Codes [B,K] with some factors set: {"azimuth": 0.4} absolute, {"azimuth": "+0.1"} or "-0.1" relative.

        Raises:
            ValueError: for an unknown factor, something that is no number, or a result outside [0, 1].
        """
        result = np.array(np.atleast_2d(np.asarray(codes, np.float32)))
        if result.shape[1:] != (len(self.factors),):
            raise ValueError(f"codes: expected shape [batch, {len(self.factors)}]. Received: {list(result.shape)}.")
        for name, value in changes.items():
            column = self._column(name)
            wanted = _resolve(name, value, result[:, column])
            if not ((wanted >= -_ROUNDING) & (wanted <= 1 + _ROUNDING)).all():
                raise ValueError(f"{name}: expected a code in [0, 1]. Received: {value!r}, which gives {wanted}.")
            result[:, column] = np.clip(wanted, 0.0, 1.0)
        return result

    def edit(
        self,
        codes: ArrayLike,
        changes: Mapping[str, float | str],
        seed: int = 0,
        noise: ArrayLike | None = None,
    ) -> np.ndarray:
        """The images that `generate(codes, seed, noise)` gives, with some factors changed and all else kept.

        Args:
            codes: [B,K].
            changes: as for `change`.
            seed: as for `generate`.
            noise: as for `generate`.

        Returns:
            [B,R,R,C] float32 in about [-1, 1].

        Raises:
            ValueError: as `change` and `generate`.
        """
        return self.generate(self.change(codes, changes), seed, noise)

    def call(self, signature: str, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """Calls a signature of the SavedModel by name: {input: array} -> {output: array}.

        Raises:
            ValueError: for another signature or other inputs than it has, or if the model refuses their values.
        """
        known = self._model.signatures
        if signature not in known:
            raise ValueError(f"signature: expected one of {list(known)}. Received: {signature!r}.")
        names = sorted(known[signature].structured_input_signature[1])
        if names != sorted(inputs):
            raise ValueError(f"{signature}: expected the inputs {names}. Received: {sorted(inputs)}.")
        tensors = {name: tf.constant(np.asarray(value, np.float32)) for name, value in inputs.items()}
        try:
            outputs = known[signature](**tensors)
        except tf.errors.InvalidArgumentError as error:
            reason = _find_reason(str(error))
            if not reason:
                raise
            raise ValueError(reason) from None
        return {name: value.numpy() for name, value in outputs.items()}

    def _column(self, name: str) -> int:
        names = [factor.name for factor in self.factors]
        if name in names:
            return names.index(name)
        near = difflib.get_close_matches(name, names, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"factor: expected one of {names}. Received: {name!r}.{hint}")


def _find_reason(message: str) -> str | None:
    """What a signature's own checks say, in TensorFlow's report of an error."""
    shape = re.search(r"Shape of tensor (\S+) (\[.*?\]) is not compatible with expected shape (\[.*?\])", message)
    if shape:
        return f"{shape[1]}: expected shape {shape[3].replace('?', 'batch')}. Received: {shape[2]}."
    other = re.search(r"assertion failed: \[(.*)\]", message)
    return other and other[1].replace("] [", " ")


def _resolve(name: str, value: float | str, before: np.ndarray) -> np.ndarray:
    """The new codes [B] of one factor that had the codes `before` [B]."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f'{name}: expected a number, or "+0.1" to add to it. Received: {value!r}.') from None
    relative = isinstance(value, str) and value.strip()[:1] in ("+", "-")
    return before + number if relative else np.full_like(before, number)

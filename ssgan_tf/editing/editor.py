"""Editor: generates, edits and encodes images with an exported model."""

import contextlib
import functools
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import exports, images_in
from .fitting import Fitter
from .latents import Latents, check_integer, interpolate, make_rng
from .model import Model, load_saved, model_errors

_ROUNDING = 1e-6  # distance by which a sum such as 0.9 + "+0.1" may leave [0, 1]
_FIT_MEMORY = 8  # memory of fitting an image, relative to generating it


class Editor:
    """Exported model that generates, edits and encodes images.

    Codes are [B,K], one number in [0, 1] for each of the `factors`: value i of a factor with m values is i / (m - 1),
    and numbers between two values are allowed too. Noise [B,Z] determines everything else about the images. A single
    code [K], noise [Z] or image [R,R,C] counts as a batch of one.

    Several methods take a subject: codes, which are combined with noise from `seed`; `Latents`; or images (a path, a
    Pillow image, an array with 3 or 4 axes, or a list of these), which are fitted first. Returned images are
    [...,R,R,C] float32 in about [-1, 1]; `to_uint8` converts them to bytes and `to_image` to a Pillow image. Input
    images whose size or channels differ from the model's are converted, with an `ImageNotice` (a warning).

    Several threads may share one Editor.

    Args:
        model: Result of `tf.saved_model.load`.
        card: Result of `read_card`.
        folder: Folder that both were loaded from.
    """

    def __init__(self, model: Any, card: Mapping[str, Any], folder: str = ""):
        self._model = Model(model, card)
        self._fitter = Fitter(self._model)
        self.card = dict(card)
        self.folder = folder
        self.factors = exports.read_factors(card)
        self.noise_size = self._model.noise_size
        self.resolution = self._model.resolution
        self.channels = self._model.channels
        self.can_generate = self._model.can_generate

    def __repr__(self) -> str:
        """Returns the folder, the shape of an image, and each factor's number of values."""
        image = [self.resolution, self.resolution, self.channels]
        factors = {factor.name: factor.size for factor in self.factors}
        return f"Editor(folder={self.folder!r}, image={image}, factors={factors})"

    @classmethod
    def load(cls, path: str | os.PathLike | None = None) -> "Editor":
        """Loads an export.

        Args:
            path: Folder that `ssgan export` wrote, of which the newest version is loaded, or one of its numbered
                subfolders; None for the model that comes with the package.

        Raises:
            FileNotFoundError: If the folder contains no SavedModel.
            ValueError: If the SavedModel was not written by `ssgan export`, or is damaged.
        """
        folder = exports.find_export(exports.shipped_model() if path is None else os.fspath(path))
        card = exports.read_card(folder)
        return cls(load_saved(folder), card, folder)

    def call(self, signature: str, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """Calls a signature of the SavedModel by name: {input: array} -> {output: array}.

        Raises:
            ValueError: If the signature does not exist, its inputs are different, or the model refuses their values.
        """
        return self._model.call(signature, inputs)

    # --- Latents

    def noise(self, count: int, seed: int = 0) -> np.ndarray:
        """Samples noise [count,Z] float32; row i depends only on (seed, i)."""
        return make_rng(seed).standard_normal([count, self.noise_size]).astype(np.float32)

    def random_codes(self, count: int, seed: int = 0) -> np.ndarray:
        """Samples codes [count,K] float32 from the values used in training; row i depends only on (seed, i)."""
        sizes = np.array([factor.size for factor in self.factors])
        uniform = make_rng(seed, 1).random([count, len(sizes)])
        return (np.minimum(np.floor(uniform * sizes), sizes - 1) / (sizes - 1)).astype(np.float32)

    def latents(
        self, codes: ArrayLike, seed: int = 0, noise: ArrayLike | None = None, truncation: float = 1.0
    ) -> Latents:
        """Combines codes with noise and truncation.

        Args:
            codes: [B,K] in [0, 1].
            seed: Seed of the noise, which is sampled for each code.
            noise: [B,Z], or [1,Z] for the same noise in all images; replaces `seed`.
            truncation: 1 leaves the images unchanged; lower values move them towards the average image, which avoids
                rare, bad images at the cost of variety.

        Raises:
            ValueError: If the number of rows of `noise` is different, or the seed is not an integer of 0 or more.
        """
        codes = _as_codes(codes)
        noise = self.noise(len(codes), seed) if noise is None else np.atleast_2d(np.asarray(noise, np.float32))
        if len(noise) == 1:
            noise = np.repeat(noise, len(codes), axis=0)
        if len(noise) != len(codes):
            raise ValueError(f"noise: expected 1 row, or {len(codes)} as in codes. Received: {len(noise)}.")
        return Latents(codes, noise, np.full([len(codes)], truncation, np.float32))

    def change(self, codes: ArrayLike, changes: Mapping[str, float | str]) -> np.ndarray:
        """Returns codes [B,K] with some factors changed.

        Args:
            codes: [B,K] in [0, 1].
            changes: New values by factor: {"azimuth": 0.4} is absolute, {"azimuth": "+0.1"} or "-0.1" relative, and
                {"shape": "cube"} selects a value by its name.

        Raises:
            ValueError: If a factor or name is unknown, or a result lies outside [0, 1].
        """
        result = np.array(_as_codes(codes))
        if result.shape[1:] != (len(self.factors),):
            raise ValueError(f"codes: expected shape [batch, {len(self.factors)}]. Received: {list(result.shape)}.")
        if not isinstance(changes, Mapping):
            raise ValueError(f"changes: expected a dictionary {{factor: value}}. Received: {changes!r}.")
        for name, value in changes.items():
            column = exports.find_column(self.factors, name)
            changed = self.factors[column].resolve(value, result[:, column])
            valid = (changed >= -_ROUNDING) & (changed <= 1 + _ROUNDING)
            if not valid.all():
                received = f"{value!r}, which gives {changed[~valid][0]:.3g}"
                raise ValueError(f"{name}: expected a code in [0, 1]. Received: {received}.")
            result[:, column] = np.clip(changed, 0.0, 1.0)
        return result

    # --- Images in

    def read(self, images: Any) -> np.ndarray:
        """Converts images of any kind (see the class) to [B,R,R,C] float32 in about [-1, 1]; warns of each change.

        Raises:
            FileNotFoundError: If a file does not exist.
            ValueError: If an element is not an image.
        """
        return self._read(images)

    def encode(self, images: Any) -> np.ndarray:
        """Predicts the codes [B,K] float32 of images, clipped to [0, 1] so that `generate` accepts them.

        `call("encode", ...)` returns the codes before clipping, and the realness.

        Raises:
            FileNotFoundError: See `read`.
            ValueError: See `read`.
        """
        return self._model.encode(self._read(images))

    def fit(
        self, images: Any, steps: int = 150, seed: int = 0, progress: Callable[[float], None] | None = None
    ) -> Latents:
        """Finds latents from which the generator reproduces given images, such as photographs: see fitting.py.

        Args:
            images: Images of any kind (see the class).
            steps: Number of steps of the search; more steps bring a closer fit.
            seed: Seed of the initial noise.
            progress: Called with the completed share, from 0 to 1, after every step; an exception in it ends the fit.

        Returns:
            Latents with `psnr`. They do not depend on the other images in the batch.

        Raises:
            FileNotFoundError: See `read`.
            ValueError: See `read`; also if `steps` is below 1 or the seed is not an integer of 0 or more.
        """
        images = self._read(images)
        steps = check_integer("steps", steps, 1)
        codes = self._model.encode(images)
        parts = self._model.split(len(images), _FIT_MEMORY)
        fits = []
        for i, rows in enumerate(parts):
            on_progress = functools.partial(_report, progress, i, len(parts))
            with model_errors():
                fits.append(self._fitter.fit(images[rows], codes[rows], steps, seed, on_progress))
        noise, offset, psnr = (np.concatenate(part) for part in zip(*fits, strict=True))
        return Latents(codes, noise, np.ones(len(codes), np.float32), offset, psnr)

    # --- Images out

    def generate(
        self, codes: ArrayLike, seed: int = 0, noise: ArrayLike | None = None, truncation: float = 1.0
    ) -> np.ndarray:
        """Generates the images [B,R,R,C] of `latents(codes, seed, noise, truncation)`.

        Raises:
            ValueError: If a shape is wrong or a value out of range.
        """
        return self._model.generate(self.latents(codes, seed, noise, truncation))

    def edit(self, subject: Any, changes: Mapping[str, float | str], seed: int = 0) -> np.ndarray:
        """Generates a subject's images [B,R,R,C] with some factors changed and everything else unchanged.

        Fitted images keep their style offsets. Without changes, the result shows how well the fit reproduces them.

        Args:
            subject: Codes, latents or images (see the class).
            changes: New values by factor (see `change`).
            seed: Seed of the noise for codes, or of the fit for images.

        Raises:
            ValueError: See `change`, `generate` and `fit`.
        """
        latents = self._resolve(subject, seed)
        return self._model.generate(latents.with_code(self.change(latents.code, changes)))

    def traverse(self, subject: Any, factor: str, steps: int = 9, seed: int = 0) -> np.ndarray:
        """Generates a subject's images with one factor moved from 0 to 1 in `steps` steps: [B,S,R,R,C].

        Raises:
            ValueError: See `edit`; also if `steps` is below 2.
        """
        latents = self._resolve(subject, seed)
        values = np.linspace(0.0, 1.0, check_integer("steps", steps, 2))
        return self._sequence([latents.with_code(self.change(latents.code, {factor: value})) for value in values])

    def interpolate(self, a: Any, b: Any, steps: int = 9, seed: int = 0) -> np.ndarray:
        """Generates the images between two subjects, both ends included: [B,S,R,R,C].

        Codes and styles are interpolated linearly, noise spherically. Codes passed as arrays get the same noise in
        `a` and `b`; pass `latents(codes, seed)` for different noise.

        Raises:
            ValueError: See `edit`; also if `steps` is below 2 or the subjects differ in their number of images.
        """
        first, second = self._pair(a, b, seed)
        shares = np.linspace(0.0, 1.0, check_integer("steps", steps, 2))
        return self._sequence([interpolate(first, second, share) for share in shares])

    def mix(self, a: Any, b: Any, factors: Iterable[str], seed: int = 0) -> np.ndarray:
        """Generates the images [B,R,R,C] of subject `a` with the named factors taken from subject `b`.

        Raises:
            ValueError: See `edit`; also if `factors` is a single name instead of a list, or the subjects differ in
                their number of images.
        """
        if isinstance(factors, str):
            raise ValueError(f"factors: expected a list of names, such as [{factors!r}]. Received: {factors!r}.")
        columns = [exports.find_column(self.factors, name) for name in factors]
        first, second = self._pair(a, b, seed)
        code = np.array(first.code)
        code[:, columns] = second.code[:, columns]
        return self._model.generate(first.with_code(code))

    # --- Internals

    def _resolve(self, subject: Any, seed: int) -> Latents:
        """Converts a subject to latents."""
        if isinstance(subject, Latents):
            return subject
        if not isinstance(subject, (str, os.PathLike)) and not hasattr(subject, "getbands"):
            with contextlib.suppress(TypeError, ValueError):  # a list of paths is not an array of numbers
                codes = np.asarray(subject, np.float32)
                if codes.ndim <= 2:
                    return self.latents(codes, seed)
        return self.fit(subject, seed=seed)

    def _read(self, images: Any) -> np.ndarray:
        result, notes = images_in.load_images(images, self.resolution, self.channels)
        for note in notes:
            warnings.warn(note, images_in.ImageNotice, stacklevel=3)  # the line that called the public method
        return result

    def _pair(self, a: Any, b: Any, seed: int) -> tuple[Latents, Latents]:
        first, second = self._resolve(a, seed), self._resolve(b, seed)
        if len(first) != len(second):
            raise ValueError(f"a and b: expected the same number of images. Received: {len(first)} and {len(second)}.")
        return first, second

    def _sequence(self, frames: list[Latents]) -> np.ndarray:
        return np.stack([self._model.generate(frame) for frame in frames], axis=1)


def _report(progress: Callable[[float], None] | None, part: int, parts: int, share: float) -> None:
    if progress is not None:
        progress((part + share) / parts)


def _as_codes(codes: ArrayLike) -> np.ndarray:
    if isinstance(codes, Latents):
        raise ValueError("codes: expected numbers. Received: Latents; edit(latents, {}) generates their images.")
    return np.atleast_2d(np.asarray(codes, np.float32))

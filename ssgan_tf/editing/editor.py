"""The Editor: an exported model as one object."""

import contextlib
import functools
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import exports, pictures
from .fitting import Fitter
from .latents import Latents, between, check_whole, make_rng
from .model import Model, load_saved

_ROUNDING = 1e-6  # by which a sum such as 0.9 + "+0.1" may leave [0, 1]
_MEMORY_OF_A_FIT = 8  # beside what making a picture takes


class Editor:
    """An exported model.

    Codes are [B,K], one number in [0, 1] for each of the `factors`: value i of a factor with m values is
    i / (m - 1), and anything between two values may be asked for too. Noise [B,Z] is everything else about the
    pictures. A single code [K], noise [Z] or image [R,R,C] counts as a batch of one.

    A subject is what pictures are made from: codes (with `seed` or `noise`), `Latents`, or pictures themselves (a
    path, a Pillow image, an array of 3 or 4 axes, or a list of these), which are fitted first. Images come out as
    [...,R,R,C] float32 in about [-1, 1]; `to_uint8` makes bytes of them. Pictures of another size or with other
    colours than the model's are converted, which a `PictureNotice` (a warning) says.

    One Editor may be used by several threads at once.

    Args:
        model: what `tf.saved_model.load` returned.
        card: what `read_card` returned.
        folder: where both came from.
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
        self.makes_pictures = self._model.makes_pictures

    @classmethod
    def load(cls, path: str | os.PathLike | None = None) -> "Editor":
        """Loads the newest export in the folder that was `--out`, or one of its numbered subfolders.

        Args:
            path: the folder; None for the model that comes with the package.

        Raises:
            FileNotFoundError: if there is no SavedModel.
            ValueError: if it is none of ours, or damaged.
        """
        folder = exports.find_export(exports.shipped_model() if path is None else os.fspath(path))
        card = exports.read_card(folder)
        return cls(load_saved(folder), card, folder)

    def call(self, signature: str, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """Calls a signature of the SavedModel by name: {input: array} -> {output: array}.

        Raises:
            ValueError: for another signature or other inputs than it has, or if the model refuses their values.
        """
        return self._model.call(signature, inputs)

    # --- What pictures are made from

    def noise(self, count: int, seed: int = 0) -> np.ndarray:
        """[count,Z] float32; row i depends on (seed, i) alone."""
        return make_rng(seed).standard_normal([count, self.noise_size]).astype(np.float32)

    def random_codes(self, count: int, seed: int = 0) -> np.ndarray:
        """[count,K] float32, each on one of the values that its factor was trained on; row i depends on (seed, i)."""
        sizes = np.array([factor.size for factor in self.factors])
        uniform = make_rng(seed, 1).random([count, len(sizes)])
        return (np.minimum(np.floor(uniform * sizes), sizes - 1) / (sizes - 1)).astype(np.float32)

    def latents(
        self, codes: ArrayLike, seed: int = 0, noise: ArrayLike | None = None, truncation: float = 1.0
    ) -> Latents:
        """Codes with all else that pictures are made from.

        Args:
            codes: [B,K] in [0, 1].
            seed: of the noise, a row for each code.
            noise: [B,Z], or [1,Z] for the same in all images; instead of `seed`.
            truncation: 1 leaves the images as they are; less moves them to the average, which avoids rare, bad ones
                and costs variety.

        Raises:
            ValueError: for noise of another number of rows, or a seed that is no integer from 0 on.
        """
        codes = _as_codes(codes)
        noise = self.noise(len(codes), seed) if noise is None else np.atleast_2d(np.asarray(noise, np.float32))
        if len(noise) == 1:
            noise = np.repeat(noise, len(codes), axis=0)
        if len(noise) != len(codes):
            raise ValueError(f"noise: expected 1 row, or {len(codes)} as of codes. Received: {len(noise)}.")
        return Latents(codes, noise, np.full([len(codes)], truncation, np.float32))

    def change(self, codes: ArrayLike, changes: Mapping[str, float | str]) -> np.ndarray:
        """Codes [B,K] with some factors set.

        Args:
            codes: in [0, 1].
            changes: {"azimuth": 0.4} absolute, {"azimuth": "+0.1"} or "-0.1" relative, {"shape": "cube"} by the name
                of a value.

        Raises:
            ValueError: for an unknown factor or name, or a result outside [0, 1].
        """
        result = np.array(_as_codes(codes))
        if result.shape[1:] != (len(self.factors),):
            raise ValueError(f"codes: expected shape [batch, {len(self.factors)}]. Received: {list(result.shape)}.")
        if not isinstance(changes, Mapping):
            raise ValueError(f"changes: expected factors and values, {{name: value}}. Received: {changes!r}.")
        for name, value in changes.items():
            column = exports.find_column(self.factors, name)
            wanted = self.factors[column].resolve(value, result[:, column])
            good = (wanted >= -_ROUNDING) & (wanted <= 1 + _ROUNDING)
            if not good.all():
                found = f"{value!r}, which gives {wanted[~good][0]:.3g}"
                raise ValueError(f"{name}: expected a code in [0, 1]. Received: {found}.")
            result[:, column] = np.clip(wanted, 0.0, 1.0)
        return result

    # --- Pictures in

    def read(self, images: Any) -> np.ndarray:
        """Pictures of any kind (see the class) -> [B,R,R,C] float32 in about [-1, 1], with a notice of what changed.

        Raises:
            FileNotFoundError, ValueError: for what is no picture.
        """
        return self._read(images)

    def encode(self, images: Any) -> np.ndarray:
        """Reads the codes [B,K] float32 off pictures, cut to [0, 1] so that `generate` takes them.

        The signature `encode`, by `call`, has them uncut, and the realness.

        Raises:
            FileNotFoundError, ValueError: as `read`.
        """
        return self._model.codes_of(self._read(images))

    def fit(
        self, images: Any, steps: int = 150, seed: int = 0, progress: Callable[[float], None] | None = None
    ) -> Latents:
        """Finds what makes the generator draw given pictures, which it did not make: see fitting.py.

        Args:
            images: pictures of any kind.
            steps: of the search; more come nearer.
            seed: of where it begins.
            progress: is told the share that is done, from 0 to 1, after every step; what it raises ends the fit.

        Returns:
            Latents with `psnr`. The same whatever else is in the batch.

        Raises:
            FileNotFoundError, ValueError: as `read`, or for less than one step, or as `latents` for the seed.
        """
        images = self._read(images)
        steps = check_whole("steps", steps, 1)
        codes = self._model.codes_of(images)
        parts = self._model.parts(len(images), _MEMORY_OF_A_FIT)
        found = []
        for i, rows in enumerate(parts):
            tell = functools.partial(_tell, progress, i, len(parts))
            found.append(self._fitter.fit(images[rows], codes[rows], steps, seed, tell))
        noise, offset, psnr = (np.concatenate(part) for part in zip(*found, strict=True))
        return Latents(codes, noise, np.ones(len(codes), np.float32), offset, psnr)

    # --- Pictures out

    def generate(
        self, codes: ArrayLike, seed: int = 0, noise: ArrayLike | None = None, truncation: float = 1.0
    ) -> np.ndarray:
        """The images [B,R,R,C] of `latents(codes, seed, noise, truncation)`.

        Raises:
            ValueError: for a wrong shape or values out of range.
        """
        return self._model.paint(self.latents(codes, seed, noise, truncation))

    def edit(self, subject: Any, changes: Mapping[str, float | str], seed: int = 0) -> np.ndarray:
        """A subject's images [B,R,R,C] with some factors changed and all else kept.

        A fitted picture keeps what its fit added to the styles. With no changes it is what the generator makes of it.

        Args:
            subject: see the class.
            changes: as for `change`.
            seed: of the noise of codes, or of the fit of pictures.

        Raises:
            ValueError: as `change`, `generate` and `fit`.
        """
        latents = self._resolve(subject, seed)
        return self._model.paint(latents.with_code(self.change(latents.code, changes)))

    def traverse(self, subject: Any, factor: str, steps: int = 9, seed: int = 0) -> np.ndarray:
        """A subject's images with one factor moved from 0 to 1 in `steps` steps: [B,S,R,R,C].

        Raises:
            ValueError: as `edit`, or for less than two steps.
        """
        latents = self._resolve(subject, seed)
        values = np.linspace(0.0, 1.0, check_whole("steps", steps, 2))
        return self._sequence([latents.with_code(self.change(latents.code, {factor: value})) for value in values])

    def interpolate(self, a: Any, b: Any, steps: int = 9, seed: int = 0) -> np.ndarray:
        """From one subject to another of as many pictures, with both ends: [B,S,R,R,C].

        Codes and styles go in a straight line, noise along a circle. Codes given as such have the same noise in `a`
        and in `b`; `latents` gives them others.

        Raises:
            ValueError: as `edit`, or for less than two steps.
        """
        first, second = self._pair(a, b, seed)
        shares = np.linspace(0.0, 1.0, check_whole("steps", steps, 2))
        return self._sequence([between(first, second, share) for share in shares])

    def mix(self, a: Any, b: Any, factors: Iterable[str], seed: int = 0) -> np.ndarray:
        """The images [B,R,R,C] of subject `a` with the factors of these names taken from subject `b`.

        Raises:
            ValueError: as `edit`, or for a name in place of a list of names.
        """
        if isinstance(factors, str):
            raise ValueError(f"factors: expected a list of names, such as [{factors!r}]. Received: {factors!r}.")
        columns = [exports.find_column(self.factors, name) for name in factors]
        first, second = self._pair(a, b, seed)
        code = np.array(first.code)
        code[:, columns] = second.code[:, columns]
        return self._model.paint(first.with_code(code))

    # --- Within

    def _resolve(self, subject: Any, seed: int) -> Latents:
        """What a subject's pictures are made from."""
        if isinstance(subject, Latents):
            return subject
        if not isinstance(subject, (str, os.PathLike)) and not hasattr(subject, "getbands"):
            with contextlib.suppress(TypeError, ValueError):  # a list of paths is no array of numbers
                codes = np.asarray(subject, np.float32)
                if codes.ndim <= 2:
                    return self.latents(codes, seed)
        return self.fit(subject, seed=seed)

    def _read(self, images: Any) -> np.ndarray:
        result, notes = pictures.read(images, self.resolution, self.channels)
        for note in notes:
            warnings.warn(note, pictures.PictureNotice, stacklevel=3)  # where the public method was called
        return result

    def _pair(self, a: Any, b: Any, seed: int) -> tuple[Latents, Latents]:
        first, second = self._resolve(a, seed), self._resolve(b, seed)
        if len(first) != len(second):
            raise ValueError(f"a and b: expected as many pictures in each. Received: {len(first)} and {len(second)}.")
        return first, second

    def _sequence(self, frames: list[Latents]) -> np.ndarray:
        return np.stack([self._model.paint(frame) for frame in frames], axis=1)


def _tell(progress: Callable[[float], None] | None, part: int, parts: int, share: float) -> None:
    if progress is not None:
        progress((part + share) / parts)


def _as_codes(codes: ArrayLike) -> np.ndarray:
    if isinstance(codes, Latents):
        raise ValueError("codes: expected numbers. Received: Latents, which edit(latents, {}) makes pictures of.")
    return np.atleast_2d(np.asarray(codes, np.float32))

"""Comparison of generated images with the real images that their codes name: it needs no oracle.

In a data set with exactly one image of every combination of factors, such as scene3d, sprites2d or another full grid,
the factors determine the image. There a perfect generator's G(z, c) equals the real image x(c), and moving code k
changes the same pixels of both by the same amount.
"""

import dataclasses

import numpy as np

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.data import Images
from ssgan_tf.evaluate.moves import Moves

NOT_A_GRID = "there must be exactly one image of every combination of factors, so that codes name an image"
_STILL = 4.0  # Pixels that change by at most this many of 255 levels count as unchanged. Our choice.
_MAX_PSNR = 100.0  # dB; equal images would have an infinite one


@dataclasses.dataclass(frozen=True)
class Grid:
    """Images of a data set, found by their factors.

    Args:
        images: uint8 [.,R,R,C], in memory or on disk.
        rows: Row of each combination of factors, an array with one axis per factor.
    """

    images: Images
    rows: np.ndarray

    def find(self, labels: np.ndarray) -> np.ndarray:
        """Returns the images uint8 [N,R,R,C] of labels [N,K]."""
        return self.images[self.rows[tuple(labels.T)]]


def find_grid(images: Images, factors: np.ndarray, spec: CodeSpec) -> Grid | None:
    """Returns the images by their factors [.,K]; None unless every combination has exactly one image."""
    known = np.flatnonzero((factors >= 0).all(axis=1))
    if np.prod(spec.sizes, dtype=np.float64) != len(known):
        return None
    rows = np.full(spec.sizes, -1)
    rows[tuple(factors[known].T)] = known
    return Grid(images, rows) if (rows >= 0).all() else None


@dataclasses.dataclass(frozen=True)
class NamedComparison:
    """Comparison of N generated images, and of N changes for each of K factors, with the real ones.

    Args:
        names: Names of the factors.
        psnr: PSNR [N] of G(z, c) against x(c), in dB, at most 100.
        generated: Mean absolute change [K,N] of the pixels of G(z, c) when code k moves, in levels of 255.
        real: The same for x(c).
        correlation: Correlation [K,N] of the two maps of change, over pixels; 0 if one of them is constant.
        outside: Part [K,N] of `generated` in pixels that do not change in x(c).
    """

    names: tuple[str, ...]
    psnr: np.ndarray
    generated: np.ndarray
    real: np.ndarray
    correlation: np.ndarray
    outside: np.ndarray

    def slider_scores(self, rng: np.random.Generator | None = None) -> dict[str, float]:
        """Returns the effect of every slider, in real images and in generated ones.

        Args:
            rng: Random generator for a bootstrap replicate over the pairs; None for all pairs.

        Returns:
            Per factor "sliders/ratio/<name>": change of generated images divided by that of real ones, ideally 1;
            "sliders/correlation/<name>": mean correlation of the maps of change, ideally 1; and
            "sliders/outside/<name>": fraction of the change that lies in pixels that should not change, ideally 0.
            "sliders": mean correlation over the factors. "sliders/samples": number of pairs per factor.
        """
        count = self.generated.shape[1]
        rows = np.arange(count) if rng is None else rng.integers(count, size=count)
        result: dict[str, float] = {}
        for k, name in enumerate(self.names):
            changed = float(self.generated[k, rows].sum())
            result[f"sliders/ratio/{name}"] = changed / float(self.real[k, rows].sum())
            result[f"sliders/correlation/{name}"] = float(self.correlation[k, rows].mean())
            result[f"sliders/outside/{name}"] = float(self.outside[k, rows].sum()) / changed if changed else 0.0
        mean = float(np.mean([result[f"sliders/correlation/{name}"] for name in self.names]))
        return {"sliders": mean, **result, "sliders/samples": count}


def compare(moves: Moves, grid: Grid, names: tuple[str, ...]) -> NamedComparison:
    """Compares generated images, and their changes when one code moves, with the real ones.

    Args:
        moves: Generated images before and after the moves.
        grid: Real images by their factors.
        names: Names of the factors.
    """
    shape = moves.moved_labels.shape[:2]
    real = grid.find(moves.labels)
    found = {name: np.zeros(shape) for name in ("generated", "real", "correlation", "outside")}
    for k, images in enumerate(moves.moved_images):
        changes = _changes(moves.images, images), _changes(real, grid.find(moves.moved_labels[k]))
        found["generated"][k], found["real"][k] = (change.mean(axis=1) for change in changes)
        found["correlation"][k] = _correlation(*changes)
        found["outside"][k] = (changes[0] * (changes[1] <= _STILL)).mean(axis=1)
    return NamedComparison(names, _psnr(moves.images, real), **found)


def _changes(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the absolute change of every pixel, averaged over channels, of uint8 [N,R,R,C]: float32 [N,R*R]."""
    difference = np.abs(first.astype(np.float32) - second.astype(np.float32)).mean(axis=-1)
    return difference.reshape(len(difference), -1)


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the Pearson correlation [N] of the rows of two arrays [N,P]; 0 where one of them is constant."""
    first, second = (values - values.mean(axis=1, keepdims=True) for values in (first, second))
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.divide((first * second).sum(axis=1), norms, out=np.zeros(len(norms)), where=norms > 0)


def _psnr(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the PSNR [N], in dB, of uint8 images [N,R,R,C]."""
    error = np.square(first.astype(np.float64) - second).mean(axis=(1, 2, 3))
    return np.minimum(10 * np.log10(255**2 / np.maximum(error, 1e-9)), _MAX_PSNR)

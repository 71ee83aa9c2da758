"""Held-out images and labels: which rows nobody trains on, so that scores can come from them."""

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np

from ssgan_tf.core.codes import UNKNOWN, CodeSpec, FactorSpec
from ssgan_tf.data.dataset import FactorDataset, load
from ssgan_tf.data.options import DataOptions
from ssgan_tf.utils.validation import choose

_SEED = 16
_FEWEST = 20  # labelled images to hold out of 100 or more
_PER_VALUE = 5  # images with a value of which one is held out


def load_for(options: DataOptions, data_dir: str, factors: Sequence[str] | None = None) -> FactorDataset:
    """Loads the data set that a config names, with the images and labels that it holds out.

    Args:
        options: The config's data.
        data_dir: Folder of the prepared data sets.
        factors: Names of the factors in place of the config's; None for the config's.

    Raises:
        FileNotFoundError, ValueError, MemoryError, OSError: See `data.load` and `choose_held_out`.
    """
    names = options.factors if factors is None else factors
    dataset = load(options.dataset, data_dir, names, options.memory_gib, options.split, options.resolution)
    held_out = choose_held_out(dataset.factors, dataset.spec, options.held_out, options.held_out_combinations)
    dataset = dataclasses.replace(dataset, held_out=held_out)
    return dataclasses.replace(dataset, held_out_labels=choose_held_out_labels(dataset, options.held_out_labels))


def choose_held_out(
    factors: np.ndarray, spec: CodeSpec, share: float = 0.0, combinations: Sequence[str] = ()
) -> np.ndarray:
    """Chooses the images that neither training nor the oracles see.

    The choice depends on the number of images alone and not on the seed of a run, so all runs and oracles hold out the
    same images. A larger share contains a smaller one.

    Args:
        factors: Labels [N,K], int, -1 if unknown.
        spec: Names and sizes of the factors.
        share: Fraction of the images, chosen at random.
        combinations: Combinations such as "shape=cube+object_hue=0..2": all images are held out that have one of these
            values of each factor. A value is a name, a label, or a range of labels.

    Returns:
        Sorted row numbers, int64.

    Raises:
        ValueError: A combination is not of this form, names an unknown factor or value, or matches no image; or no
            image is left for training.
    """
    held = np.zeros(len(factors), bool)
    held[np.random.default_rng(_SEED).permutation(len(factors))[: round(share * len(factors))]] = True
    for combination in combinations:
        matching = np.ones(len(factors), bool)
        for part in combination.split("+"):
            k, values = _parse_part(part, combination, spec)
            matching &= np.isin(factors[:, k], values)
        if not matching.any():
            raise ValueError(f"data.held_out_combinations: no image has the combination. Received: {combination!r}.")
        held |= matching
    if len(factors) and held.all():
        raise ValueError(
            "data.held_out: expected at least one image that is left for training. Received: "
            f"held_out={share:g}, held_out_combinations={list(combinations)!r}, which hold out all of them."
        )
    return np.flatnonzero(held)


def choose_held_out_labels(dataset: FactorDataset, share: float) -> np.ndarray:
    """Chooses the images in training whose labels nobody trains on.

    An image is chosen by its pixels alone, so that it stays held out when more images are labelled, added or stored in
    another order. At least 20 of 100 or more labelled images are held out, and one image of each value that five or
    more images have.

    Args:
        dataset: Images and labels, with the images that are held out.
        share: Expected fraction of the images with labels.

    Returns:
        Sorted row numbers, int64.
    """
    labeled = np.setdiff1d(np.flatnonzero((dataset.factors != UNKNOWN).any(axis=1)), dataset.held_out)
    if not share or not len(labeled):
        return labeled[:0]

    # Order the images by a hash, which is uniform in [0, 1).
    place = np.array([_place(dataset.images[row]) for row in labeled])
    order = np.argsort(place, kind="stable")
    held = place < share
    held[order[: min(_FEWEST, len(labeled) // 5)]] = True

    # Add an image of each value that has none.
    factors = dataset.factors[labeled]
    for k in range(factors.shape[1]):
        for value in np.unique(factors[:, k]):
            having = factors[:, k] == value
            if value != UNKNOWN and having.sum() >= _PER_VALUE and not held[having].any():
                held[order[having[order]][0]] = True
    return labeled[held]


def _place(image: np.ndarray) -> float:
    """Returns a number in [0, 1) that depends on the pixels alone."""
    return int.from_bytes(hashlib.blake2b(image.tobytes(), digest_size=8).digest(), "big") / 2**64


def _parse_part(part: str, combination: str, spec: CodeSpec) -> tuple[int, range]:
    """Returns the index of a factor and its values, given text such as "shape=cube" or "object_hue=0..2"."""
    name, equals, text = part.strip().partition("=")
    if not equals:
        raise ValueError(
            "data.held_out_combinations: expected factors and values such as shape=0+object_hue=0..2. Received: "
            f"{combination!r}."
        )
    k = choose("data.held_out_combinations", name.strip(), {name: k for k, name in enumerate(spec.names)})
    return k, _parse_values(text.strip(), spec.factors[k])


def _parse_values(text: str, factor: FactorSpec) -> range:
    """Returns the labels that a value's name, a label, or a range of labels such as "0..2" stands for."""
    if text in factor.values:
        return range(label := factor.values.index(text), label + 1)
    first, _, last = text.partition("..")
    if first.isdecimal() and (last or first).isdecimal():
        labels = range(int(first), int(last or first) + 1)
        if labels and UNKNOWN < labels[0] and labels[-1] < factor.size:
            return labels
    named = f" or one of {', '.join(factor.values)}" if factor.values else ""
    raise ValueError(
        f"data.held_out_combinations: {factor.name}: expected a label from 0 to {factor.size - 1}, a range such as "
        f"0..1{named}. Received: {text[:80]!r}."
    )

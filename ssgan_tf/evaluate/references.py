"""References for a generator's scores: the ceiling, chance, and how often two oracles agree.

An oracle is not perfect, so even real images do not get the ideal score. The ceiling is the score of a generator whose
images are real ones that no oracle was trained on; chance is that of a generator whose images have nothing to do with
its codes.
"""

import dataclasses
import zlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import Prior
from ssgan_tf.evaluate.tables import make_table
from ssgan_tf.metrics import GENERATOR_METRICS, METRICS, Settings, Table


class GeneratorTables(NamedTuple):
    """Inputs of a generator's metrics.

    Args:
        read: The oracle's codes of the images, with the factors that the images were generated from.
        swapped: The unit codes that the images were generated from, with the factors that the oracle reads in them.
    """

    read: Table
    swapped: Table


def generator_tables(
    unit_codes: np.ndarray, read_codes: np.ndarray, prior: Prior, spec: CodeSpec, unreadable: Collection[str] = ()
) -> GeneratorTables:
    """Builds the tables of a generator, without the factors that the oracle cannot read.

    Latents, which have no grid, are put into classes of equal probability, which take the place of factors.

    Args:
        unit_codes: Unit codes [N,K] that the images were generated from.
        read_codes: The oracle's codes [N,F] of the images.
        prior: Distribution of the codes.
        spec: Names and sizes of the factors that the oracle reads.
        unreadable: Names of factors that it cannot read.

    Raises:
        ValueError: A code is not finite.
    """
    kept = [k for k, name in enumerate(spec.names) if name not in unreadable]
    readable, read_codes = CodeSpec(tuple(spec.factors[k] for k in kept)), read_codes[:, kept]
    swapped = make_table(unit_codes, readable.decode(read_codes), readable)
    labels = prior.spec.decode(unit_codes)
    if prior.spec == spec:
        return GeneratorTables(make_table(read_codes, labels[:, kept], readable), swapped)
    return GeneratorTables(make_table(read_codes, labels, prior.spec), swapped)


def ceiling(
    read_codes: np.ndarray,
    factors: np.ndarray,
    prior: Prior,
    spec: CodeSpec,
    seed: int,
    unreadable: Collection[str] = (),
) -> GeneratorTables | None:
    """Returns the tables of a perfect generator: one whose images are real.

    Its code k is that of factor k or, for latents, a position within the k-th factor's value; latents beyond the
    number of factors are random.

    Args:
        read_codes: The oracle's codes [N,F] of real images.
        factors: Labels [N,F] of these images, all known.
        prior: Distribution of the generator's codes.
        spec: Names and sizes of the factors.
        seed: Seed of the latents.
        unreadable: Names of factors that the oracle cannot read.

    Returns:
        None if there are fewer latents than factors.
    """
    if prior.spec == spec:
        return generator_tables(spec.encode(factors), read_codes, prior, spec, unreadable)
    if prior.spec.size < spec.size:
        return None
    unit = np.random.default_rng([seed, 9]).random((len(factors), prior.spec.size))
    unit[:, : spec.size] = (factors + unit[:, : spec.size]) / np.asarray(spec.sizes)
    return generator_tables(unit.astype(np.float32), read_codes, prior, spec, unreadable)


def by_chance(tables: GeneratorTables, seed: int) -> GeneratorTables:
    """Returns the tables with their codes in random order, so that they have nothing to do with the factors."""
    order = np.random.default_rng([seed, 10]).permutation(len(tables.read.codes))
    return GeneratorTables(*(dataclasses.replace(table, codes=table.codes[order]) for table in tables))


def agreement(first: np.ndarray, second: np.ndarray, spec: CodeSpec, unreadable: Collection[str] = ()) -> float:
    """Returns the fraction of images in which two oracles, with codes [N,F], read the same value of every factor."""
    kept = [k for k, name in enumerate(spec.names) if name not in unreadable]
    return float((spec.decode(first) == spec.decode(second))[:, kept].all(axis=1).mean())


def score(tables: GeneratorTables, names: Sequence[str], seed: int, settings: Settings) -> dict[str, float]:
    """Computes those of the metrics `names` that score a generator; one that cannot be computed is left out."""
    values: dict[str, float] = {}
    for name in names:
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        try:
            if name in METRICS:
                values |= METRICS[name](tables.read, rng, settings)
            elif name in GENERATOR_METRICS:
                values |= GENERATOR_METRICS[name](tables.swapped, rng, settings)
        except ValueError:
            continue  # The generator's own score, if there is one, has no reference.
    return values

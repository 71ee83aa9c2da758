"""L2 distance between codes and true codes, for encoders and, as L2-gen, for generators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def l2(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Mean distance of a sample's codes from its true codes, index / (size - 1).

        L2 = mean_n || codes_n - true_n ||_2

    Code k must stand for factor k, so it means nothing for an unsupervised model. Read it beside
    chance, which grows with the number of factors. A code stuck at 1/2 for every factor scores
    less than chance (dSprites 0.725 against 1.006), so only values far below both are good.

    A factor of one value has no code, and a factor that no row knows no truth: they are left out,
    of chance too, and listed. The norm is taken over rows that know all remaining factors, the
    per-factor error over rows that know that factor.

    Args:
      table: codes [N, F], one per factor in the same order, and factors [N, F]; for L2-gen the
        oracle's codes of generated images beside the factors they were generated from.
      rng: draws the chance value.
      settings: not used; every metric has them.

    Returns:
      "l2", 0 or more; "l2/chance": `chance_l2` of these factors; "l2/samples": rows in the mean;
      and per factor "l2/error/<name>": mean absolute error in code units (1 = the whole range),
      "l2/samples/<name>": rows that know it; or, if it is left out,
      "l2/excluded/<name>": how many values it takes (0 or 1).

    Raises:
      ValueError: not one code per factor; or no row knows all the factors that count.

    References: Semi-StyleGAN (2003.03461), L2 and L2-gen.
    """
    del settings
    if table.codes.shape[1] != len(table.sizes):
        raise ValueError(
            f"L2 compares code k with factor k: expected {len(table.sizes)} codes, one per factor. "
            f"Received: {table.codes.shape[1]}. For codes without such an order use MIG."
        )
    known = table.known
    counted = [f for f, size in enumerate(table.sizes) if size > 1 and known[:, f].any()]
    complete = known[:, counted].all(axis=1)
    if not counted or not complete.any():
        raise ValueError(
            "L2 needs rows in which every factor that takes several values is known. "
            f"Received: {len(known)} rows, none of them complete. Label more rows in full."
        )
    difference = table.codes[:, counted] - table.truth[:, counted]
    result: dict[str, float] = {
        "l2": float(np.mean(np.linalg.norm(difference[complete], axis=1))),
        "l2/chance": chance_l2([table.truth_sizes[f] for f in counted], rng),
        "l2/samples": int(complete.sum()),
    }
    for column, f in enumerate(counted):
        result[f"l2/error/{table.names[f]}"] = float(np.mean(abs(difference[known[:, f], column])))
        result[f"l2/samples/{table.names[f]}"] = int(known[:, f].sum())
    for f, name in enumerate(table.names):
        if f not in counted:
            result[f"l2/excluded/{name}"] = table.distinct(f)
    return result


def chance_l2(sizes: Sequence[int], rng: np.random.Generator, n: int = 20_000) -> float:
    """The L2 of codes that have nothing to do with the image: two independent draws of the grid.

    Both draws take every value of every factor with the same probability, which is also how codes
    for generated images are drawn; so this is L2-gen of a generator that ignores its code under a
    perfect oracle. Exact values: Isaac3D 1.525, Falcor3D 1.251, dSprites 1.006.

    Args:
      sizes: number of values of each factor; factors of one value add nothing.
      rng: the draws.
      n: pairs drawn. The standard error is about 0.3 / sqrt(n): 0.002 at 20,000.
    """
    squares = np.zeros(n)
    for size in sizes:
        first, second = rng.integers(size, size=(2, n))
        squares += ((first - second) / max(size - 1, 1)) ** 2
    return float(np.mean(np.sqrt(squares)))

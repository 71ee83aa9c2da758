"""FactorVAE score: does holding a factor hold one code of its own?"""

from __future__ import annotations

import joblib
import numpy as np

from ssgan_tf.metrics.groups import Groups, check_enough, is_whole_grid
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table

_CHUNK = 250  # groups at a time: 64 rows of 10 codes each are 1.3 MB, which stay in a core's cache


def factor_vae(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Accuracy of a majority vote that names the held factor from the code that varies least.

    In a group of pictures that share one factor's value, the code with the smallest variance relative to its
    variance over all pictures votes for the factor. Each code then stands for the factor it voted for most
    (`train_groups`), and the score is the share of new votes (`eval_groups`) that this gets right: 1 for perfect
    codes, permuted, flipped or scaled ones too; about 1 / F for codes that know nothing. Codes of a standard deviation
    below `least_deviation` do not vote; if none is left, the score is 0.

    Args:
      table: codes [N, K] and factors [N, F].
      rng: draws the groups.
      settings: `group`, `train_groups`, `eval_groups`, `least_deviation`.

    Returns:
      "factor_vae" and "factor_vae/train" in [0, 1]; per factor "factor_vae/accuracy/<name>"; counts
      "factor_vae/active" (codes that vote), "factor_vae/samples" (N), "factor_vae/whole_grid" (0: the groups were
      drawn within a part of the grid) and "factor_vae/excluded/<name>" of factors with fewer than two values.

    Raises:
      ValueError: no factor takes two values, or there are too few samples for groups; the message says how many it
        takes.

    References: Kim & Mnih 2018 (1802.05983), section 4; parameters of disentanglement_lib's study.
    """
    factors = table.varying("FactorVAE")
    check_enough(table, factors, settings.group, "FactorVAE")
    result: dict[str, float] = {
        "factor_vae/samples": len(table.codes),
        "factor_vae/whole_grid": int(is_whole_grid(table)),
        **table.excluded("factor_vae", factors),
    }
    codes = table.codes.astype(np.float64)
    variances = np.var(codes, axis=0, ddof=1)
    active = (np.sqrt(variances) >= settings.least_deviation) & table.live
    result["factor_vae/active"] = int(active.sum())
    if not active.any():
        nothing = {f"factor_vae/accuracy/{table.names[f]}": 0.0 for f in factors}
        return {"factor_vae": 0.0, "factor_vae/train": 0.0, **nothing, **result}
    codes = np.ascontiguousarray(codes[:, active] / np.sqrt(variances[active]))
    groups = Groups(table, factors)
    train = _votes(codes, *groups.held(settings.train_groups, settings.group, rng), len(factors))
    test = _votes(codes, *groups.held(settings.eval_groups, settings.group, rng), len(factors))
    train_accuracy, _ = accuracy(train, train)
    score, per_factor = accuracy(train, test)
    names = [table.names[f] for f in factors]
    each = {f"factor_vae/accuracy/{name}": float(value) for name, value in zip(names, per_factor, strict=True)}
    return {"factor_vae": score, "factor_vae/train": train_accuracy, **each, **result}


def _votes(codes: np.ndarray, chosen: np.ndarray, rows: np.ndarray, factors: int) -> np.ndarray:
    """How often each code varied least while each factor was held: [factors, K].

    Args:
      codes: [N, K], each of variance 1.
      chosen: the held factor of each group [G].
      rows: of each group [G, size].
      factors: how many there are.
    """

    def least(part: np.ndarray) -> np.ndarray:
        return np.argmin(np.var(codes[part], axis=1), axis=1)  # the divisor is the same for all codes

    parts = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]
    votes = np.concatenate(joblib.Parallel(n_jobs=-1, prefer="threads")(joblib.delayed(least)(p) for p in parts))
    cells = np.bincount(chosen * codes.shape[1] + votes, minlength=factors * codes.shape[1])
    return cells.reshape(factors, codes.shape[1])


def accuracy(train: np.ndarray, test: np.ndarray) -> tuple[float, np.ndarray]:
    """Share of the votes `test` [F, K] that the majority of `train` [F, K] names rightly, and by factor [F].

    A factor that was never held in `test` has 0.
    """
    right = np.zeros(len(train))
    winner = np.argmax(train, axis=0)  # [K], the factor that a code stands for
    np.add.at(right, winner, test[winner, np.arange(test.shape[1])])
    return float(right.sum() / test.sum()), right / np.maximum(test.sum(axis=1), 1)

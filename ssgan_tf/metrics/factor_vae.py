"""FactorVAE score: accuracy of a majority vote that infers the fixed factor from the code that varies least."""

from __future__ import annotations

import joblib
import numpy as np

from ssgan_tf.metrics.groups import Groups, check_enough_rows, is_whole_grid
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table

_CHUNK = 250  # groups per task: 64 rows with 10 codes each take 1.3 MB, which fits in a core's cache


def factor_vae(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the accuracy of a majority vote that predicts the fixed factor from the code that varies least.

    In a group of images that share the value of one factor, the code whose variance is smallest relative to its
    variance over all images votes for that factor. Each code is then assigned the factor that it voted for most often
    (`train_groups`), and the score is the share of new votes (`eval_groups`) that agree with this assignment.

    The score is 1 for perfect codes, including permuted, flipped or scaled ones, and about 1 / F for uninformative
    codes. Codes whose standard deviation is below `least_deviation` do not vote; if none is left, the score is 0.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Random generator for the groups.
        settings: Uses `group`, `train_groups`, `eval_groups` and `least_deviation`.

    Returns:
        "factor_vae" and "factor_vae/train" in [0, 1]; per factor "factor_vae/accuracy/<name>"; counts
        "factor_vae/active" (number of codes that vote), "factor_vae/samples" (N), "factor_vae/whole_grid" (0 if the
        groups were sampled within a part of the grid) and "factor_vae/excluded/<name>" for each factor with fewer
        than two values.

    Raises:
        ValueError: If no factor takes two values, or if there are too few samples for the groups; the message says
            how many are needed.

    References: Kim & Mnih 2018 (1802.05983), section 4; parameters of disentanglement_lib's study.
    """
    factors = table.varying("FactorVAE")
    check_enough_rows(table, factors, settings.group, "FactorVAE")
    result: dict[str, float] = {
        "factor_vae/samples": len(table.codes),
        "factor_vae/whole_grid": int(is_whole_grid(table)),
        **table.excluded("factor_vae", factors),
    }
    # Leave out codes that hardly vary.
    codes = table.codes.astype(np.float64)
    variances = np.var(codes, axis=0, ddof=1)
    active = (np.sqrt(variances) >= settings.least_deviation) & table.active
    result["factor_vae/active"] = int(active.sum())
    if not active.any():
        zeros = {f"factor_vae/accuracy/{table.names[f]}": 0.0 for f in factors}
        return {"factor_vae": 0.0, "factor_vae/train": 0.0, **zeros, **result}
    # Scale codes to variance 1 over all images, so that variances within a group can be compared directly.
    codes = np.ascontiguousarray(codes[:, active] / np.sqrt(variances[active]))
    # Collect votes on two independent sets of groups.
    groups = Groups(table, factors)
    train = _votes(codes, *groups.sample_groups(settings.train_groups, settings.group, rng), len(factors))
    test = _votes(codes, *groups.sample_groups(settings.eval_groups, settings.group, rng), len(factors))
    # Learn the assignment from the first set and score both.
    train_accuracy, _ = accuracy(train, train)
    score, per_factor = accuracy(train, test)
    names = [table.names[f] for f in factors]
    each = {f"factor_vae/accuracy/{name}": float(value) for name, value in zip(names, per_factor, strict=True)}
    return {"factor_vae": score, "factor_vae/train": train_accuracy, **each, **result}


def _votes(codes: np.ndarray, fixed: np.ndarray, rows: np.ndarray, factors: int) -> np.ndarray:
    """Counts how often each code varied least while each factor was fixed: [factors, K].

    Args:
        codes: [N, K], each with variance 1.
        fixed: Index of each group's fixed factor [G].
        rows: Row numbers of each group [G, size].
        factors: Number of factors.
    """

    def least_varying(part: np.ndarray) -> np.ndarray:
        return np.argmin(np.var(codes[part], axis=1), axis=1)  # ddof does not matter: all groups have the same size

    parts = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]
    votes = np.concatenate(
        joblib.Parallel(n_jobs=-1, prefer="threads")(joblib.delayed(least_varying)(part) for part in parts)
    )
    cells = np.bincount(fixed * codes.shape[1] + votes, minlength=factors * codes.shape[1])
    return cells.reshape(factors, codes.shape[1])


def accuracy(train: np.ndarray, test: np.ndarray) -> tuple[float, np.ndarray]:
    """Scores the votes `test` [F, K] with the majority classifier learned from the votes `train` [F, K].

    Returns:
        The share of correct votes, and the share per factor [F]; it is 0 for a factor without votes in `test`.
    """
    correct = np.zeros(len(train))
    winner = np.argmax(train, axis=0)  # [K], the factor assigned to each code
    np.add.at(correct, winner, test[winner, np.arange(test.shape[1])])
    return float(correct.sum() / test.sum()), correct / np.maximum(test.sum(axis=1), 1)

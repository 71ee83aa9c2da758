"""Scores of an oracle on images that it was not trained on, and whether it may judge a generator."""

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np

from ssgan_tf.core.codes import UNKNOWN, CodeSpec
from ssgan_tf.evaluate.tables import make_table
from ssgan_tf.metrics.exact_match import exact_match
from ssgan_tf.metrics.l2 import l2
from ssgan_tf.metrics.mig import mig
from ssgan_tf.metrics.settings import DEFAULTS

_RELIABLE = 0.75  # of a constant guess's error. Our choice.
_MAX_RATIO = 100.0


def score(codes: np.ndarray, factors: np.ndarray, trained: np.ndarray, spec: CodeSpec) -> dict[str, float]:
    """Scores an oracle on images that it was not trained on.

    Args:
        codes: The oracle's codes [N,K] of these images.
        factors: Labels [N,K] of the images, of which some are known.
        trained: Labels [M,K] that the oracle was trained on.
        spec: Names and sizes of the factors.

    Returns:
        MIG, L2 and exact match with the keys of ssgan_tf.metrics, but for those that need an image with all labels
        where there is none; and the errors that `compare_with_constant` returns.
    """
    table = make_table(codes, factors, spec)
    rng = np.random.default_rng(0)
    found: dict[str, float] = {}
    for metric in (mig, l2, exact_match):
        with contextlib.suppress(ValueError):
            found |= metric(table, rng, DEFAULTS)
    return found | compare_with_constant(codes, factors, trained, spec)


def compare_with_constant(
    codes: np.ndarray, factors: np.ndarray, trained: np.ndarray, spec: CodeSpec
) -> dict[str, float]:
    """Compares an oracle's errors with those of a constant guess.

    Args:
        codes, factors, trained, spec: See `score`. The constant guess is the median of `trained`.

    Returns:
        "samples": N. Per factor with known labels "error/<name>" and "constant_error/<name>": mean absolute error in
        code units; and "ratio_high/<name>": upper end of the 95 % bootstrap interval of their ratio. "error" and
        "constant_error": means over all known labels.
    """
    columns = [column[column != UNKNOWN] for column in trained.T]
    top = np.asarray(spec.sizes) - 1
    guess = np.array([np.median(column) if len(column) else top[k] / 2 for k, column in enumerate(columns)]) / top
    known = factors != UNKNOWN
    truth = spec.encode(factors)
    errors, constant = (np.where(known, abs(guessed - truth), 0) for guessed in (codes, guess))
    draws = np.random.default_rng(0).integers(len(errors), size=(1000, len(errors)))
    result = {
        "samples": len(errors),
        "error": float(errors.sum() / known.sum()),
        "constant_error": float(constant.sum() / known.sum()),
    }
    for k in np.flatnonzero(known.any(axis=0)):
        name, count = spec.names[k], known[:, k].sum()
        own, other = (values[draws, k].sum(axis=1) for values in (errors, constant))
        ratios = np.divide(own, other, out=np.full(len(draws), _MAX_RATIO), where=other > 0)
        result[f"error/{name}"] = float(errors[:, k].sum() / count)
        result[f"constant_error/{name}"] = float(constant[:, k].sum() / count)
        result[f"ratio_high/{name}"] = min(float(np.quantile(ratios, 0.975)), _MAX_RATIO)
    return result


def unreadable_factors(scores: Mapping[str, float], names: Sequence[str]) -> dict[str, str]:
    """Returns {factor: reason} for the factors in which an oracle with these scores must not judge.

    Its error must be clearly below that of a constant guess: the upper end of the ratio's interval at most 0.75, our
    choice. Codes that have nothing to do with a factor would otherwise get a score.
    """
    found = {}
    for name in names:
        high = scores.get(f"ratio_high/{name}", _MAX_RATIO)
        if high <= _RELIABLE:
            continue
        found[name] = (
            f"on {scores['samples']:,} held-out images the oracle's error is {scores[f'error/{name}']:.3f}, a constant "
            f"guess's {scores[f'constant_error/{name}']:.3f}, and the ratio may be {high:.2f}; expected at most "
            f"{_RELIABLE}"
            if f"error/{name}" in scores
            else "no held-out image has a label of it"
        )
    return found

"""Scores of an oracle on images that it was not trained on, and whether it may judge a generator."""

import contextlib
from collections.abc import Mapping

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
    """Compares an oracle's error with that of a constant guess.

    Args:
        codes, factors, trained, spec: See `score`. The constant guess is the median of `trained`.

    Returns:
        "error" and "constant_error": mean absolute error over the known labels, in code units; "ratio_high": upper end
        of the 95 % bootstrap interval of their ratio; "samples": N.
    """
    guess = np.nanmedian(np.where(trained != UNKNOWN, spec.encode(trained), np.nan), axis=0)
    known = factors != UNKNOWN
    truth = spec.encode(factors)
    errors, constant = (np.where(known, abs(guessed - truth), 0).sum(axis=1) for guessed in (codes, guess))
    rng = np.random.default_rng(0)
    draws = rng.integers(len(errors), size=(1000, len(errors)))
    below = constant[draws].sum(axis=1)
    ratios = np.divide(errors[draws].sum(axis=1), below, out=np.full(len(draws), np.inf), where=below > 0)
    return {
        "samples": len(errors),
        "error": float(errors.sum() / known.sum()),
        "constant_error": float(constant.sum() / known.sum()),
        "ratio_high": min(float(np.quantile(ratios, 0.975)), _MAX_RATIO),
    }


def why_unreliable(scores: Mapping[str, float]) -> str:
    """Returns the reason why an oracle with these scores must not judge, or "" if it may.

    Its error must be clearly below that of a constant guess: the upper end of the ratio's interval at most 0.75, our
    choice. Codes that have nothing to do with the factors would otherwise get a score.
    """
    if scores["ratio_high"] <= _RELIABLE:
        return ""
    return (
        f"the oracle is not clearly better than a constant guess: on {scores['samples']:,} held-out images its error "
        f"is {scores['error']:.3f}, a constant's {scores['constant_error']:.3f}, and the ratio may be as high as "
        f"{scores['ratio_high']:.2f}; expected at most {_RELIABLE}. Label more images"
    )

"""Evaluation: `run` scores a trained run from Python, `ssgan evaluate` from a shell."""

from typing import TYPE_CHECKING

from ssgan_tf.utils.lazy import lazy_attributes

if TYPE_CHECKING:
    from ssgan_tf.evaluate.evaluation import run
    from ssgan_tf.evaluate.report import Scores

__all__ = ["Scores", "run"]
__getattr__ = lazy_attributes(__name__, {"Scores": "report", "run": "evaluation"})

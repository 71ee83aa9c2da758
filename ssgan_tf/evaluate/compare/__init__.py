"""Comparison of runs: `run` puts their scores into one table from Python, `ssgan compare` from a shell."""

from typing import TYPE_CHECKING

from ssgan_tf.utils.lazy import lazy_attributes

if TYPE_CHECKING:
    from ssgan_tf.evaluate.compare.comparison import Comparison, run

__all__ = ["Comparison", "run"]
__getattr__ = lazy_attributes(__name__, {"Comparison": "comparison", "run": "comparison"})

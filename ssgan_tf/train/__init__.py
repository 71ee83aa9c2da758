"""Training: `run` trains a model from Python, `ssgan train` from a shell."""

from typing import TYPE_CHECKING

from ssgan_tf.utils.lazy import lazy_attributes

if TYPE_CHECKING:
    from ssgan_tf.train.training import Stopped, run

__all__ = ["Stopped", "run"]
__getattr__ = lazy_attributes(__name__, {"Stopped": "training", "run": "training"})

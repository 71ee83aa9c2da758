"""Export: `run` writes a trained run as a SavedModel from Python, `ssgan export` from a shell."""

from typing import TYPE_CHECKING

from ssgan_tf.utils.lazy import lazy_attributes

if TYPE_CHECKING:
    from ssgan_tf.export.saved_model import Export, run
    from ssgan_tf.export.verification import ExportError

__all__ = ["Export", "ExportError", "run"]
__getattr__ = lazy_attributes(__name__, {"Export": "saved_model", "ExportError": "verification", "run": "saved_model"})

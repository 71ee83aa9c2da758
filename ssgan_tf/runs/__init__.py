"""Runs on disk: their folders, checkpoints and progress, and loading of trained runs."""

from typing import TYPE_CHECKING

from ssgan_tf.runs.paths import RunPaths
from ssgan_tf.utils.lazy import lazy_attributes

if TYPE_CHECKING:
    from ssgan_tf.runs.run import Run, check_grown, load_run
    from ssgan_tf.runs.workdir import Workdir

__all__ = ["Run", "RunPaths", "Workdir", "check_grown", "load_run"]
__getattr__ = lazy_attributes(__name__, {"Run": "run", "Workdir": "workdir", "check_grown": "run", "load_run": "run"})

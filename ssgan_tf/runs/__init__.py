"""Runs on disk: their folder, their checkpoints, how far they are, and a trained run loaded again."""

from ssgan_tf.runs.run import Run, check_grown, fingerprint, load_run
from ssgan_tf.runs.workdir import Workdir

__all__ = ["Run", "Workdir", "check_grown", "fingerprint", "load_run"]

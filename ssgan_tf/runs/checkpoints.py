"""Checkpoints on disk, written completely or not at all: saved under a temporary name, checksummed, then renamed.

checkpoints/step-000001200/{ckpt.index, ckpt.data-00000-of-00001, checksums.json}
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from absl import logging

from ssgan_tf.runs.tf_files import named_errors, readable, reason
from ssgan_tf.utils import files
from ssgan_tf.utils.readers import read_json

_NAME = re.compile(r"step-(\d+)")
_CHECKSUMS = "checksums.json"
_PARTIAL = "partial-"
_STEP = "step/.ATTRIBUTES/VARIABLE_VALUE"  # key of the model's step


_ATTEMPTS = 20  # to read the newest checkpoint of a run whose training replaces it


class DamagedError(ValueError):
    """The files of a checkpoint are not what was saved."""


class MissingError(ValueError):
    """The checkpoint does not exist, or was removed while it was read."""


class Checkpoints:
    """The checkpoints of one run. `fingerprint` is a short checksum of the weights that were restored last.

    Args:
        folder: Folder of the checkpoints; it is created when the first one is saved.
        items: Variables, optimizers and models to save and restore, by name. They must be built already.
        keep: Number of checkpoints to keep; older ones are deleted.
    """

    def __init__(self, folder: str, items: Mapping[str, object], keep: int = 3):
        self._folder = folder
        self._checkpoint = tf.train.Checkpoint(**items)
        self._keep = keep
        self.fingerprint = ""

    def steps(self) -> list[int]:
        """Returns the steps of the checkpoints on disk, oldest first, complete or not."""
        return steps_in(self._folder)

    def save(self, step: int) -> str:
        """Saves a checkpoint of `step`, then removes the oldest ones; returns its folder.

        Checkpoints of later steps are removed too, since the run has gone back to before them.

        Raises:
            OSError: The checkpoint cannot be written. The others are unchanged.
        """
        final = self._path(step)
        partial = os.path.join(self._folder, f"{_PARTIAL}{step:09d}")
        self._remove_partial()

        # Write under a temporary name, then rename: a process that is killed leaves no incomplete checkpoint.
        try:
            with named_errors(final):
                os.makedirs(partial)
                self._checkpoint.write(os.path.join(partial, "ckpt"))
                _write_checksums(partial)
                shutil.rmtree(final, ignore_errors=True)
                os.replace(partial, final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

        # Keep the newest.
        for other in self.steps():
            if other > step:
                self._remove(other)
        self.remove_leftovers(step)
        return final

    def remove_leftovers(self, step: int) -> None:
        """Removes what a process that was killed did not: unfinished checkpoints, and the oldest ones up to `step`."""
        self._remove_partial()
        for other in [other for other in self.steps() if other <= step][: -self._keep]:
            self._remove(other)

    def restore_latest(self, partial: bool = False) -> int | None:
        """Restores the newest complete checkpoint and returns its step; None if there are no checkpoints.

        Damaged checkpoints are skipped with a warning. If a process that trains the run removes a checkpoint while it
        is read, it has saved a newer one, which is restored instead.

        Args:
            partial: Whether `items` may be only some of the saved items.

        Raises:
            ValueError: None of the checkpoints is complete, or the newest complete one belongs to another model.
            MissingError: Checkpoints are removed faster than they are read.
        """
        tried: set[int] = set()
        missing = 0
        while steps := [step for step in self.steps() if step not in tried]:
            tried.add(steps[-1])
            try:
                self.restore(steps[-1], partial)
                return steps[-1]
            except DamagedError as error:
                logging.warning("%s Trying the previous one.", error)
            except MissingError:
                missing += 1
                if missing == _ATTEMPTS:
                    raise
        if steps := self.steps():
            raise ValueError(
                f"None of the {len(steps)} checkpoints in {self._folder} is complete; expected at least one. "
                "Move the folder away to start again from step 0."
            )
        return None

    def restore(self, step: int, partial: bool = False) -> None:
        """Restores the checkpoint of `step`.

        Args:
            step: Step of the checkpoint.
            partial: Whether `items` may be only some of the saved items.

        Raises:
            MissingError: The checkpoint does not exist, or is removed by a process that trains the run.
            DamagedError: It is damaged.
            ValueError: It belongs to another model.
        """
        folder = self._path(step)
        try:
            if corruption := find_corruption(folder):
                raise DamagedError(f"Checkpoint {folder} is damaged ({corruption}).")
            self._restore(folder, partial)
            self.fingerprint = files.sha256(os.path.join(folder, "checksums.json"))[:12]
        except (ValueError, OSError) as error:
            if os.path.isdir(folder):
                raise
            raise MissingError(
                f"Checkpoint {folder} is not there, or no longer: a run that is being trained keeps only its newest "
                "checkpoints. Wait until it has ended, or raise train.keep_checkpoints."
            ) from error

    def _restore(self, folder: str, partial: bool) -> None:
        try:
            with readable(folder) as path:
                status = self._checkpoint.read(os.path.join(path, "ckpt"))
                if partial:
                    status.expect_partial()
                    status.assert_existing_objects_matched()
                else:
                    status.assert_consumed()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise ValueError(
                f"Checkpoint {folder} belongs to another model, or to another version of it; expected the variables "
                f"of this model. Received: {reason(error)}"
            ) from error

    def _remove(self, step: int) -> None:
        """Removes a checkpoint, which is renamed first so that nobody ever finds half of it under its name."""
        partial = os.path.join(self._folder, f"{_PARTIAL}{step:09d}")
        os.replace(self._path(step), partial)
        shutil.rmtree(partial)

    def _remove_partial(self) -> None:
        """Removes checkpoints that processes were saving or removing when they were killed."""
        names = os.listdir(self._folder) if os.path.isdir(self._folder) else []
        for name in names:
            if name.startswith(_PARTIAL):
                shutil.rmtree(os.path.join(self._folder, name), ignore_errors=True)

    def _path(self, step: int) -> str:
        return path_in(self._folder, step)


def steps_in(folder: str) -> list[int]:
    """Returns the steps of the checkpoints in `folder`, oldest first, complete or not."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(int(m[1]) for m in map(_NAME.fullmatch, names) if m)


def path_in(folder: str, step: int) -> str:
    """Returns the folder of the checkpoint of `step`."""
    return os.path.join(folder, f"step-{step:09d}")


def _write_checksums(folder: str) -> None:
    """Writes the SHA-256 of every file in `folder` to its checksums.json."""
    sums = {name: files.sha256(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}
    with open(os.path.join(folder, _CHECKSUMS), "w", encoding="utf-8") as file:
        json.dump(sums, file, indent=2)
        file.flush()
        os.fsync(file.fileno())


def find_corruption(folder: str) -> str | None:
    """Returns what is wrong with a checkpoint; None if its files are unchanged and hold the step of its name."""
    try:
        sums = read_json(os.path.join(folder, _CHECKSUMS), _parse_checksums, "a list of checksums")
        for name, expected in sums.items():
            if files.sha256(os.path.join(folder, name)) != expected:
                return f"{name} is not what was written"
        with named_errors(folder):
            step = _saved_step(folder)
    except (OSError, ValueError) as error:
        return str(error)
    if step is not None and path_in(os.path.dirname(folder), step) != folder:
        return f"it holds step {step}"
    return None


def _parse_checksums(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise ValueError("it lists no files")
    for name in value:  # of files in the folder itself, not of devices and other people's files
        if os.path.basename(name) != name:
            raise ValueError(f"expected names of files. Received: {name[:100]!r}")
    return value


def _saved_step(folder: str) -> int | None:
    """Returns the step that the model had when the checkpoint was saved; None if its step was not saved."""
    with readable(folder) as path:
        reader = tf.train.load_checkpoint(os.path.join(path, "ckpt"))
        return int(reader.get_tensor(_STEP)) if reader.has_tensor(_STEP) else None

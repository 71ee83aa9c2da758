"""Checkpoints on disk, written completely or not at all: saved under a temporary name, checksummed, then renamed.

checkpoints/step-000001200/{ckpt.index, ckpt.data-00000-of-00001, checksums.json}
"""

import json
import os
import re
import shutil
from collections.abc import Mapping

import tensorflow as tf
from absl import logging

from ssgan_tf.utils import files

_NAME = re.compile(r"step-(\d+)")


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: Folder of the checkpoints; it is created when the first one is saved.
        items: Variables, optimizers and models to save and restore, by name. They must be built already.
        keep: Number of checkpoints to keep; older ones are deleted.
    """

    def __init__(self, folder: str, items: Mapping[str, object], keep: int = 3):
        self._folder = folder
        self._checkpoint = tf.train.Checkpoint(**items)
        self._keep = keep

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
        partial = os.path.join(self._folder, f"partial-{step:09d}")
        self._remove_partial()

        # Write under a temporary name, then rename: a process that is killed leaves no incomplete checkpoint.
        try:
            os.makedirs(partial)
            self._checkpoint.write(os.path.join(partial, "ckpt"))
            _write_checksums(partial)
            shutil.rmtree(final, ignore_errors=True)
            os.replace(partial, final)
        except tf.errors.OpError as error:
            raise OSError(f"{final}: {_reason(error)}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

        # Keep the newest.
        steps = self.steps()
        older = [other for other in steps if other <= step]
        for other in steps:
            if other not in older[-self._keep :]:
                shutil.rmtree(self._path(other))
        return final

    def restore_latest(self, partial: bool = False) -> int | None:
        """Restores the newest complete checkpoint and returns its step; None if there are no checkpoints.

        Damaged checkpoints are skipped with a warning.

        Args:
            partial: Whether `items` may be only some of the saved items.

        Raises:
            ValueError: None of the checkpoints is complete, or the newest complete one belongs to another model.
        """
        steps = self.steps()
        for step in reversed(steps):
            corruption = find_corruption(self._path(step))
            if corruption:
                logging.warning("Checkpoint %s is damaged (%s); trying the previous one.", self._path(step), corruption)
                continue
            self._restore(self._path(step), partial)
            return step
        if steps:
            raise ValueError(
                f"None of the {len(steps)} checkpoints in {self._folder} is complete; expected at least one. "
                "Move the folder away to start again from step 0."
            )
        return None

    def restore(self, step: int) -> None:
        """Restores the checkpoint of `step`.

        Raises:
            ValueError: The checkpoint does not exist, is damaged, or belongs to another model.
        """
        corruption = find_corruption(self._path(step))
        if corruption:
            raise ValueError(f"Checkpoint {self._path(step)} is damaged ({corruption}).")
        self._restore(self._path(step), partial=False)

    def _restore(self, folder: str, partial: bool) -> None:
        try:
            status = self._checkpoint.read(os.path.join(folder, "ckpt"))
            if partial:
                status.expect_partial()
                status.assert_existing_objects_matched()
            else:
                status.assert_consumed()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise ValueError(
                f"Checkpoint {folder} belongs to another model, or to another version of it; expected the variables "
                f"of this model. Received: {_reason(error)}"
            ) from error

    def _remove_partial(self) -> None:
        """Removes the unfinished checkpoints of processes that were killed while saving."""
        names = os.listdir(self._folder) if os.path.isdir(self._folder) else []
        for name in names:
            if name.startswith("partial-"):
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


def _reason(error: Exception) -> str:
    """Returns the first line of the error's message, without the graph node that TensorFlow prepends."""
    message = error.message if isinstance(error, tf.errors.OpError) else str(error)
    return str(message).partition("\n")[0].rpartition("}} ")[2]


def _write_checksums(folder: str) -> None:
    """Writes the SHA-256 of every file in `folder` to its checksums.json."""
    sums = {name: files.sha256(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}
    with open(os.path.join(folder, "checksums.json"), "w", encoding="utf-8") as file:
        json.dump(sums, file, indent=2)
        file.flush()
        os.fsync(file.fileno())


def find_corruption(folder: str) -> str | None:
    """Returns what is wrong with the files of a checkpoint; None if they are unchanged."""
    try:
        with open(os.path.join(folder, "checksums.json"), encoding="utf-8") as file:
            sums = json.load(file)
        if not isinstance(sums, dict) or not sums:
            return "checksums.json lists no files"
        for name, expected in sums.items():
            if files.sha256(os.path.join(folder, name)) != expected:
                return f"{name} is not what was written"
    except (OSError, ValueError) as error:
        return str(error)
    return None

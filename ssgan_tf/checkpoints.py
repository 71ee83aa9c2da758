"""Checkpoints that are whole or not there: written under a temporary name, checksummed, moved into place.

checkpoints/step-000001200/{ckpt.index, ckpt.data-00000-of-00001, checksums.json}
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping

import tensorflow as tf
from absl import logging

_NAME = re.compile(r"step-(\d+)")


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: made if it is not there.
        items: what is saved and restored, by name: variables, optimizers, models, all built.
        keep: how many of the newest stay.
    """

    def __init__(self, folder: str, items: Mapping[str, object], keep: int = 3):
        self._folder = folder
        self._checkpoint = tf.train.Checkpoint(**items)
        self._keep = keep

    def steps(self) -> list[int]:
        """Steps of the checkpoints on disk, oldest first, whole or not."""
        names = os.listdir(self._folder) if os.path.isdir(self._folder) else []
        return sorted(int(m[1]) for m in map(_NAME.fullmatch, names) if m)

    def save(self, step: int) -> str:
        """Writes the checkpoint of `step` and removes those too old; returns its folder.

        Raises:
            OSError, tf.errors.OpError: if it cannot be written; what was there before stays.
        """
        final = self._path(step)
        partial = os.path.join(self._folder, f"partial-{step:09d}")
        shutil.rmtree(partial, ignore_errors=True)
        os.makedirs(partial)
        try:
            self._checkpoint.write(os.path.join(partial, "ckpt"))
            _write_checksums(partial)
            shutil.rmtree(final, ignore_errors=True)
            os.replace(partial, final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        for old in self.steps()[: -self._keep]:
            shutil.rmtree(self._path(old))
        return final

    def restore_latest(self, partial: bool = False) -> int | None:
        """Restores the newest whole checkpoint and returns its step; None if there is none at all.

        A damaged one is named in a warning, and the one before it is taken.

        Args:
            partial: `items` are only some of those that were saved.

        Raises:
            ValueError: if there are checkpoints and none is whole, or it belongs to another model.
        """
        steps = self.steps()
        for step in reversed(steps):
            damage = find_damage(self._path(step))
            if damage:
                logging.warning("Checkpoint %s is damaged (%s); trying the one before.", self._path(step), damage)
                continue
            status = self._checkpoint.read(os.path.join(self._path(step), "ckpt"))
            if partial:
                status.expect_partial()
                status.assert_existing_objects_matched()
            else:
                status.assert_consumed()
            return step
        if steps:
            raise ValueError(
                f"None of the {len(steps)} checkpoints in {self._folder} is whole; expected at least one. "
                "Move the folder away to start again from step 0."
            )
        return None

    def _path(self, step: int) -> str:
        return os.path.join(self._folder, f"step-{step:09d}")


def _write_checksums(folder: str) -> None:
    sums = {name: _sha256(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}
    with open(os.path.join(folder, "checksums.json"), "w", encoding="utf-8") as file:
        json.dump(sums, file, indent=2)
        file.flush()
        os.fsync(file.fileno())


def find_damage(folder: str) -> str | None:
    """Says what is wrong with the files of a checkpoint; None if they are as they were written."""
    try:
        with open(os.path.join(folder, "checksums.json"), encoding="utf-8") as file:
            sums = json.load(file)
        for name, expected in sums.items():
            if _sha256(os.path.join(folder, name)) != expected:
                return f"{name} is not what was written"
    except (OSError, ValueError) as error:
        return str(error)
    return None


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

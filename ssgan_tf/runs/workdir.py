"""The folder of a run, and checks that a resumed run has the same config, factors and data as before."""

import functools
import os
import reprlib
import shutil
from typing import IO, Any

import numpy as np

from ssgan_tf import config as configs
from ssgan_tf import data
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.data.labeled_subset import choose_labeled
from ssgan_tf.runs import data_checksums
from ssgan_tf.runs.checkpoints import steps_in
from ssgan_tf.runs.paths import RunPaths
from ssgan_tf.utils import files
from ssgan_tf.utils.readers import read_array, read_json
from ssgan_tf.utils.validation import check_path, is_integer

# Fields that may change when a run is resumed: its length and its reports, but nothing that affects the weights.
_CHANGEABLE = (
    "train.images",
    "train.log_every",
    "train.sample_every",
    "train.metrics_every",
    "train.metrics",
    "train.metrics_samples",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "train.rollbacks",
    "data.memory_gib",
)


_CHOICE = "labeled_subset_sha256"  # key in the record of the run's data

# Advice for files without which a run cannot be used.
_RESTORE = "Restore it from a copy of the run, or train again in another folder."


class Workdir(RunPaths):
    """The folder of a run: the paths of its files, and methods that read, write and check them.

    Args:
        path: Folder; it need not exist yet.
    """

    def check_config(self, config: configs.Config) -> None:
        """Checks that the folder can be written and is empty or holds a run of `config`.

        Raises:
            ValueError: It holds a run of another config; the message lists the fields that differ.
            OSError: It is not a folder or cannot be written.
        """
        check_path("workdir", self.path)
        place = _nearest_existing(self.path)
        if not os.path.isdir(place):
            raise NotADirectoryError(f"workdir: expected a folder. Received: {self.path!r}, and {place} is a file.")
        files.check_writable(place, f"workdir: expected a writable folder. Received: {self.path!r}.")
        self._check_files()
        if not os.path.exists(self.config):
            for leftover in (self.checkpoints, self.labeled_subset):
                if os.path.exists(leftover):
                    name = os.path.basename(leftover)
                    raise ValueError(
                        f"workdir: {self.path!r} contains {name} but no config.json. Choose another folder."
                    )
            return
        changed = [d for d in configs.differences(self.read_config(), config) if d[0] not in _CHANGEABLE]
        if changed:
            listed = "; ".join(f"{name}: expected {old!r}, received {new!r}" for name, old, new in changed)
            raise ValueError(
                f"workdir: {self.path!r} contains a run of another config ({listed[:1000]}). Choose another folder."
            )
        self.read_skipped_steps()  # training needs it only after everything else

    def _check_files(self) -> None:
        """Raises OSError if something in the folder is in the place of a file or folder that training writes."""
        for path in (self.checkpoints, self.tensorboard, self.samples):
            if os.path.lexists(path) and not (os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)):
                raise OSError(f"workdir: expected a writable folder. Received: {path!r}.")
        replaced = (self.config, self._factors_on_disk(), self.labels, self.labeled_subset, self.replicas)
        for path in (*replaced, self.started_from, self.skipped_steps, self.log, self.lock_file):
            if os.path.lexists(path) and not os.path.isfile(path):
                raise OSError(f"workdir: expected a file. Received: {path!r}.")
        for path in (self.log, self.lock_file):
            if os.path.exists(path) and not os.access(path, os.W_OK):
                raise OSError(f"workdir: expected a writable file. Received: {path!r}.")

    def has_checkpoints(self) -> bool:
        """Returns whether the run has checkpoints, complete or not: it resumes from these."""
        return bool(steps_in(self.checkpoints))

    def check_disk(self, parameters: int, keep: int) -> None:
        """Checks that the disk has room for `keep` checkpoints of `parameters` weights and the one being written.

        Raises:
            OSError: There is too little room; the message says how much is needed and how much is free.
        """
        # Weights, their moving average and Adam's two moments, each 4 bytes.
        needed = 4 * 4 * parameters * (keep + 1)
        held = sum(
            os.path.getsize(os.path.join(at, name))
            for at, _, names in os.walk(self.path)
            for name in names
            if "ckpt" in name
        )
        free = shutil.disk_usage(_nearest_existing(self.path)).free
        if free + held < needed:
            raise OSError(
                f"workdir: {self.path!r} needs {(needed - held) / 2**20:,.1f} MiB for checkpoints. Received: a disk "
                f"with {free / 2**20:,.1f} MiB free. Free some space, or lower train.keep_checkpoints."
            )

    def lock(self) -> IO[str]:
        """Creates the folder and locks it for as long as the returned file is open.

        Raises:
            ValueError: Another process is training the run.
            OSError: The folder or the lock cannot be written.
        """
        os.makedirs(self.path, exist_ok=True)
        try:
            return files.lock_file(self.lock_file)
        except files.LockedError as holder:
            raise ValueError(
                f"workdir: {self.path!r} is being trained by {holder}. Wait until it has ended, or choose another "
                "folder."
            ) from None
        except OSError as error:
            raise OSError(
                f"workdir: expected a file that can be locked. Received: {self.lock_file!r} ({error}). Remove it if "
                "nobody trains the run."
            ) from error

    def read_config(self) -> configs.Config:
        """Reads config.json.

        Raises:
            FileNotFoundError: The file does not exist.
            ValueError: The file is not a config of this version.
        """
        if not os.path.isfile(self.config):
            raise FileNotFoundError(self._no_run(self.config))
        return read_json(self.config, configs.Config.from_json, "a config of this version", _RESTORE, "workdir")

    def write_config(self, config: configs.Config) -> None:
        """Writes config.json."""
        files.write_json(config.to_json(), self.config)

    def read_factors(self) -> CodeSpec:
        """Reads the factors of the run, so that loading it does not need the data set.

        Raises:
            FileNotFoundError: The file does not exist.
            ValueError: The file is not a list of factors.
        """
        path = self._factors_on_disk()
        if not os.path.isfile(path):
            raise FileNotFoundError(self._no_run(path))
        return read_json(path, CodeSpec.from_json, "a list of factors", _RESTORE, "workdir")

    def write_factors(self, spec: CodeSpec) -> None:
        """Writes the factors, unless they are there already."""
        if not os.path.exists(self._factors_on_disk()):
            files.write_json(spec.to_json(), self.factors)

    def check_factors(self, info: data.DatasetInfo) -> None:
        """Raises ValueError if the run's factors differ from the data set's."""
        if not os.path.exists(self._factors_on_disk()):
            return
        expected = self.read_factors()
        if expected != info.spec:
            raise ValueError(
                f"workdir: {self.path!r} contains a run on other factors: expected {expected.to_json()}. Received: "
                f"{info.spec.to_json()} of {info.name}. Choose another folder."
            )

    def record_labels(self, dataset: data.FactorDataset) -> None:
        """Records checksums of labels and images at the first start, and compares them at later starts.

        Runs that began before images were recorded have no checksum of them; it is recorded at their next start.

        Raises:
            ValueError: The labels, the images, or their order, differ from those at the first start.
        """
        now = {
            "dataset": dataset.name,
            "images": len(dataset),
            "labels_sha256": data_checksums.labels_sha256(dataset.factors),
            "images_sha256": data_checksums.images_sha256(dataset.images),
        }
        then = self.read_labels() if os.path.exists(self.labels) else now
        expected = {"images_sha256": now["images_sha256"], **then}
        changed = [key for key in now if expected.get(key) != now[key]]
        if changed:
            other = "images" if changed == ["images_sha256"] else "labels"
            raise ValueError(
                f"workdir: {self.path!r} contains a run on other {other}, or on {other} in another order (expected "
                f"{str(then)[:400]}). Received: {now}. Build the data set as it was, or choose another folder."
            )
        if then is now or expected != then:
            files.write_json(expected, self.labels)

    def read_labels(self) -> dict[str, Any]:
        """Reads what is recorded of the data: "dataset", "images", "labels_sha256" and, of newer runs, more checksums.

        Raises:
            FileNotFoundError: The file does not exist.
            ValueError: The file is something else.
        """
        advice = "Remove it if the data is the same."
        return read_json(self.labels, _parse_labels, "a record of the run's labels", advice, "workdir")

    def labeled_rows(self, dataset: data.FactorDataset, config: configs.Config) -> np.ndarray:
        """Returns the rows of the labelled subset, which are chosen and written at the first start.

        The choice is not repeated at later starts if the record of the data says what the rows were chosen from.

        Raises:
            ValueError: The file is damaged, or belongs to other data.
        """
        path = self.labeled_subset
        found = self.read_labeled_rows() if os.path.exists(path) else None
        recorded = self.read_labels() if os.path.exists(self.labels) else {}
        choice = functools.partial(data_checksums.choice_sha256, dataset, config)
        if found is not None and _CHOICE in recorded and recorded[_CHOICE] == choice(found):
            return found
        options, excluded = config.data, dataset.kept_for_scores
        rows = choose_labeled(
            dataset.factors, options.labeled_fraction, config.train.seed, options.stratified, excluded
        )
        if found is None:
            with files.atomic_write(path, "wb") as file:
                np.save(file, rows)
        elif not np.array_equal(found, rows):
            raise ValueError(
                f"workdir: {path} belongs to other data; expected the {len(rows)} rows of {len(dataset)} images that "
                f"the seed chooses. Received: {found.size} rows up to {found.max(initial=-1)}. The data set has other "
                "labels than when the run began: build it as it was, or choose another folder."
            )
        if recorded:
            files.write_json({**recorded, _CHOICE: choice(rows)}, self.labels)
        return rows

    def read_labeled_rows(self) -> np.ndarray:
        """Reads the rows of the labelled subset.

        Raises:
            FileNotFoundError: The file does not exist.
            ValueError: The file is not a list of row numbers.
        """
        advice = "Remove it: training chooses the same rows again."
        return read_array(self.labeled_subset, np.integer, 1, "a list of row numbers", advice, "workdir")

    def read_skipped_steps(self) -> list[int]:
        """Returns the steps, counted from 0, that the run skips because their result was not finite.

        Raises:
            ValueError: The file is damaged.
        """
        if not os.path.exists(self.skipped_steps):
            return []
        advice = "Remove it: the run then finds such steps again."
        return read_json(self.skipped_steps, _parse_steps, "a list of steps", advice, "workdir")

    def write_skipped_steps(self, steps: list[int]) -> None:
        """Writes the list that `read_skipped_steps` returns."""
        files.write_json(steps, self.skipped_steps)

    def record_replicas(self, count: int) -> int:
        """Records the number of devices that train the run; returns that of the previous start, or `count`."""
        before = count
        if os.path.exists(self.replicas):
            before = read_json(self.replicas, _parse_replicas, "a number of devices", "Remove it.", "workdir")
        files.write_json({"replicas": count}, self.replicas)
        return before

    def _factors_on_disk(self) -> str:
        """Returns the path of the factors: factors.json, or codes.json in runs begun before the file was renamed."""
        old = os.path.join(self.path, "codes.json")
        return old if os.path.exists(old) and not os.path.exists(self.factors) else self.factors

    def _no_run(self, expected: str) -> str:
        return f"workdir: {self.path!r} does not contain a run (expected {expected}). Train one first."


def _parse_labels(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not is_integer(value.get("images"), 1):
        raise ValueError(f"expected data set, number of images and checksum. Received: {reprlib.repr(value)}.")
    return value


def _parse_steps(value: Any) -> list[int]:
    if not isinstance(value, list) or not all(is_integer(step, 0) for step in value):
        raise ValueError(f"expected numbers of 0 or more. Received: {reprlib.repr(value)}.")
    return value


def _parse_replicas(value: Any) -> int:
    count = value.get("replicas") if isinstance(value, dict) else None
    if not is_integer(count, 1):
        raise ValueError(f'expected {{"replicas": 1}} or more. Received: {reprlib.repr(value)}.')
    return count


def _nearest_existing(path: str) -> str:
    """Returns `path`, or the nearest folder above it that exists."""
    path = os.path.abspath(path)
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path

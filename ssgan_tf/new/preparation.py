"""Preparation of a folder of images as a data set: the plain table of labels, and labeled_folder's build of both."""

import dataclasses
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from ssgan_tf.data.build import make_command
from ssgan_tf.label.table import Table, save
from ssgan_tf.new.labels import Labels
from ssgan_tf.new.labels.formats import short
from ssgan_tf.new.wording import clip, count

BUILDER = "labeled_folder"
_LONGEST_JSON = 100_000  # bytes; Linux takes words of 128 KiB on a command line
_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class Preparation:
    """Input of a build.

    Args:
        name: Name of the data set.
        folder: Folder with the images.
        images: Names of the images that are used, in natural order.
        labels: Labels of some of them.
        resolution: Height and width of the prepared images.
        crop: Whether to take the middle square of images that are not square.
        background: Colour behind transparent images; "" if there are none.
        on_disk: Whether training reads the images from disk, since they do not fit into memory.
    """

    name: str
    folder: str
    images: tuple[str, ...]
    labels: Labels
    resolution: int
    crop: bool
    background: str
    on_disk: bool

    def rows(self) -> dict[str, list[str]]:
        """Returns {image: cells} of all images, so that their order stays when labels are added.

        Images whose name no table can contain are left out; the data set has them without labels.
        """
        columns = [factor.cells for factor in self.labels.factors]
        known = dict(zip(self.labels.images, map(list, zip(*columns, strict=True)), strict=True))
        empty = [""] * len(columns)
        return {image: known.get(image, empty) for image in self.images if _in_utf8(image) == image}

    def fields(self) -> dict[str, Any]:
        """Returns the fields of the builder's config, without those that say where the files are."""
        factors = self.labels.factors
        kinds = {"names": "categorical", "integers": "integer", "numbers": "decimal"}
        return {
            "name": self.name,
            "resolution": self.resolution,
            "center_crop": self.crop,
            "flatten": self.background,
            "skip_bad": True,  # what is left out has been reported
            "kinds": {factor.name: kinds[factor.kind] for factor in factors},
            "categories": {factor.name: list(factor.values) for factor in factors if factor.kind == "names"},
            "sizes": {factor.name: factor.size for factor in factors if factor.kind == "integers"},
            "ranges": {factor.name: list(factor.range) for factor in factors if factor.kind == "numbers"},
        }

    def fingerprint(self) -> str:
        """Returns a hash of everything that the data set is made from; images by their names, sizes and times."""
        stats = [os.stat(os.path.join(self.folder, image)) for image in self.images]
        files = [(s.st_size, s.st_mtime_ns) for s in stats]
        return hashlib.sha256(
            json.dumps([self.fields(), self.on_disk, os.path.abspath(self.folder), self.rows(), files]).encode()
        ).hexdigest()

    def header(self) -> list[str]:
        """Returns the header of the table."""
        return ["image", *(factor.name for factor in self.labels.factors)]


def read_rows(path: str) -> dict[str, dict[str, str]]:
    """Returns {image: {factor: cell}} of a table that `build` has written; {} if it was removed or damaged."""
    try:
        table = Table(path)
    except (OSError, ValueError):
        return {}
    return {image: dict(zip(table.header[1:], cells, strict=True)) for image, cells in table.rows.items()}


def is_built(prepared: Preparation, table: str, data_dir: str) -> bool:
    """Returns whether the table and the data set are still where `build` has put them."""
    return os.path.isfile(table) and os.path.isdir(os.path.join(data_dir, BUILDER, prepared.name))


def build(prepared: Preparation, table: str, data_dir: str) -> list[str]:
    """Writes the table of labels and builds the data set; both replace what was there once everything is done.

    Args:
        prepared: Input of the build.
        table: Path of the table.
        data_dir: Folder for the prepared data set.

    Returns:
        Sentences on images that turned out to be damaged, and on duplicates.

    Raises:
        OSError, ValueError: The build failed; the message is the builder's.
    """
    new_data = f"{data_dir}.new"
    new_table = os.path.join(new_data, os.path.basename(table))
    shutil.rmtree(new_data, ignore_errors=True)
    try:
        os.makedirs(new_data)
        save(new_table, prepared.header(), prepared.rows())
        place = os.path.join(new_data, BUILDER)
        _run_builder(prepared, new_table, new_data)
        notes = _read_report(os.path.join(place, prepared.name), prepared.images)
        target = os.path.join(data_dir, BUILDER)
        os.makedirs(data_dir, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(place, target)
        os.replace(new_table, table)
        return notes
    finally:
        shutil.rmtree(new_data, ignore_errors=True)


def _run_builder(prepared: Preparation, table: str, data_dir: str) -> None:
    where = {"folder": os.path.abspath(prepared.folder), "labels": os.path.abspath(table)}
    config = json.dumps({**prepared.fields(), **where})
    if len(config.encode()) > _LONGEST_JSON:
        most = max(prepared.labels.factors, key=lambda factor: len(factor.values))
        raise ValueError(
            f"ignore: expected fewer values than the {len(most.values):,} of {most.name!r}, which cannot become a "
            f"slider. --ignore={most.name} leaves it out."
        )
    flags = [f"--config={config}", *["--file_format=array_record"] * prepared.on_disk]
    command = make_command(BUILDER, flags, data_dir)
    done = subprocess.run(command, capture_output=True, text=True, errors="backslashreplace")
    if done.returncode:
        *_, last = re.split(r"[\r\n]+", done.stderr.strip()) or [""]
        raise ValueError(clip(last or f"building the data set failed with exit code {done.returncode}."))


def _read_report(place: str, images: Sequence[str]) -> list[str]:
    """Returns sentences on what the build found out by decoding the images."""
    listed, reported = (_read_lines(place, name) for name in ("images.txt", "report.txt"))
    built = set(listed)
    notes = []
    if nameless := [image for image in images if _in_utf8(image) != image]:
        some = ", ".join(map(short, nameless[:_SHOWN]))
        notes.append(
            f"used without labels, since the name is not UTF-8: {count(len(nameless), 'image')}, such as {some}."
        )
    if damaged := [image for image in images if _in_utf8(image) not in built]:
        some = ", ".join(map(short, damaged[:_SHOWN]))
        notes.append(f"left out, since the file is damaged: {count(len(damaged), 'image')}, such as {some}.")
    for i, line in enumerate(reported):
        if line.startswith("  duplicates") and not line.endswith(" none"):
            groups = line.rpartition(" ")[2]
            notes.append(
                f"images with the same pixels: {count(int(groups), 'group')}, such as {reported[i + 1].strip()}."
            )
        if line.startswith("  note: the same pixels"):
            notes.append(line.removeprefix("  note: "))
    return [clip(note) for note in notes]


def _in_utf8(name: str) -> str:
    """Returns a name as the builder writes it: bytes that are not UTF-8 are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _read_lines(place: str, name: str) -> list[str]:
    (path,) = glob.glob(os.path.join(glob.escape(place), "*", name))
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()

"""Inspects a folder of images and its table before anything is prepared."""

import dataclasses
import hashlib
import json
from pathlib import Path

from .columns import Column, check_variation, read_columns
from .images import check_image
from .labels import Table, labels_path, read_labels
from .options import LabeledFolderConfig

SKIP_HINT = 'To skip whatever cannot be used, add "skip_bad": true to the config.'


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """Contents of a labelled folder.

    Args:
        folder: Path of the folder.
        table: Labels as text.
        columns: Labels as numbers.
        rows: Indices into `table.images` of the images with a valid header.
        gray: Whether all of these are grey; a single colour image makes all of them RGB.
        skipped: (place, reason) of skipped images, rows and cells.
        fingerprint: Hash of the options, the table, and the size and modification time of each image file.
    """

    folder: Path
    table: Table
    columns: list[Column]
    rows: list[int]
    gray: bool
    skipped: list[tuple[str, str]]
    fingerprint: str


def read_source(folder: Path, config: LabeledFolderConfig) -> Source:
    """Reads the table and checks the header of every image.

    Raises:
        FileNotFoundError, ValueError: naming what cannot be used; with `skip_bad` only if no image is left.
    """
    table = read_labels(folder, config.skip_bad)
    columns, bad_cells = read_columns(table, config.declared, config.skip_bad)
    rows, gray, bad_images = [], True, []
    for i, name in enumerate(table.images):
        try:
            gray &= check_image(folder / name, config.preprocessing)
            rows.append(i)
        except ValueError as error:
            bad_images.append((name, _reason(folder / name, error)))
    if bad_images and not (config.skip_bad and rows):
        name, reason = bad_images[0]
        more = f" {len(bad_images)} of {len(table.images)} images cannot be used." if len(bad_images) > 1 else ""
        raise ValueError(f"{folder / name}: {reason}{more}{f' {SKIP_HINT}' if rows else ''}")
    check_variation(table, columns, config.declared, rows)
    skipped = [*table.skipped, *bad_cells, *bad_images]
    return Source(folder, table, columns, rows, gray, skipped, _fingerprint(folder, table, config))


def _reason(path: Path, error: ValueError) -> str:
    return str(error).removeprefix(f"{path}: ")


def _fingerprint(folder: Path, table: Table, config: LabeledFolderConfig) -> str:
    files = [(name, (folder / name).stat()) for name in table.images]
    parts = {
        "options": config.options(),
        "labels": hashlib.sha256(labels_path(folder).read_bytes()).hexdigest(),
        "images": [(name, stat.st_size, stat.st_mtime_ns) for name, stat in files],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

"""Inspects a folder of images and its table before anything is prepared."""

import dataclasses
import hashlib
import json
import os
import zlib
from pathlib import Path

from .columns import Column, check_variation, read_columns
from .images import check_image
from .labels import Table, labels_path, read_labels
from .names import check_column_name, check_image_name, check_text, on_one_line
from .options import LabeledFolderConfig

SKIP_HINT = 'To skip whatever cannot be used, add "skip_bad": true to the config.'
_END = 4096  # bytes at the beginning and at the end of a file that identify its contents


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
        fingerprint: Hash of the options, the table, and the size, modification time and ends of each image file.
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
    # If the table is replaced while it is read, the fingerprint is that of the earlier one, so the next build notices.
    labels = hashlib.sha256(labels_path(folder, config.labels).read_bytes()).hexdigest() if folder.is_dir() else ""
    table = read_labels(folder, config.skip_bad, config.labels)
    for name in table.factors:
        check_column_name(name, str(table.path))
    columns, bad_cells = read_columns(table, config.declared, config.skip_bad)
    for column in columns:
        for category in column.categories:
            check_text(category, f"{table.path}, column {column.name!r}")
    rows, gray, bad_images = [], True, []
    for i, name in enumerate(table.images):
        try:
            check_image_name(name)
            gray &= check_image(folder / name, config.preprocessing)
            rows.append(i)
        except ValueError as error:
            bad_images.append((name, _reason(folder / name, error)))
    if bad_images and not (config.skip_bad and rows):
        name, reason = bad_images[0]
        more = f" {len(bad_images)} of {len(table.images)} images cannot be used." if len(bad_images) > 1 else ""
        raise ValueError(f"{on_one_line(str(folder / name))}: {reason}{more}{f' {SKIP_HINT}' if rows else ''}")
    check_variation(table, columns, config.declared, rows)
    skipped = [*table.skipped, *bad_cells, *((on_one_line(name), reason) for name, reason in bad_images)]
    fingerprint = _fingerprint(folder, [table.images[i] for i in rows], labels, config)
    return Source(folder, table, columns, rows, gray, skipped, fingerprint)


def _reason(path: Path, error: ValueError) -> str:
    return str(error).removeprefix(f"{path}: ")


def _fingerprint(folder: Path, names: list[str], labels: str, config: LabeledFolderConfig) -> str:
    parts = {
        "options": config.options(),
        "labels": labels,
        "images": [(name, *_identity(folder / name)) for name in names],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _identity(path: Path) -> tuple[int, int, int]:
    """Returns size, modification time and a checksum of both ends of a file: a copy may keep the first two."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        ends = zlib.crc32(file.read(_END))
        file.seek(max(0, status.st_size - _END))
        return status.st_size, status.st_mtime_ns, zlib.crc32(file.read(_END), ends)

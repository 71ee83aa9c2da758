"""Looks for the table of labels in a folder of images, and for the column that names the images in it."""

import os
from collections.abc import Sequence

from ssgan_tf.new.labels.formats import IMAGE_HEADERS, RawTable, read_table, short
from ssgan_tf.new.labels.image_names import ImageNames, SeveralImages
from ssgan_tf.utils.validation import choose

_FIRST = "labels.csv"  # the table that `ssgan label` writes
_ENDINGS = (".csv", ".tsv", ".tab", ".json", ".jsonl", ".txt", ".xlsx", ".xls", ".ods")
_DEPTH = 2
_SAMPLE = 200  # rows whose names are looked up
_MOST = 0.5  # share of a column's cells that name images, if the column is the one with the images


def find_table(folder: str, images: Sequence[str], names: ImageNames, columns: Sequence[str] = ()) -> RawTable | None:
    """Returns the table of labels in a folder of images, at most two folders deep, or None if there is none.

    Args:
        folder: Folder with the images.
        images: Names of the images.
        names: The same, as an index.
        columns: Names of the columns of a table without a header.

    Raises:
        ValueError: There are several tables, or the only one cannot be read.
    """
    stems = {os.path.splitext(image)[0] for image in images}
    found: dict[str, RawTable] = {}
    failed: list[ValueError] = []
    for name in _candidates(folder):
        if name != _FIRST and os.path.splitext(name)[0] in stems:
            continue  # a file beside each image, not a table
        try:
            table = read_table(os.path.join(folder, name), columns)
        except ValueError as error:
            if name == _FIRST:
                raise
            # Any other text is rather a README.
            failed += [error] if not name.endswith(".txt") or "attr" in name or "label" in name else []
            continue
        if any(_share(table, k, names) for k in range(len(table.header))) or _has_no_header(table, names):
            found[name] = table
    if _FIRST in found:
        others = [name for name in found if name != _FIRST]
        if others:
            found[_FIRST].notes.append(
                f"{_FIRST} is read; other tables are not: {', '.join(others[:3])} (--labels={others[0]})."
            )
        return found[_FIRST]
    if len(found) > 1:
        listed = " or ".join(f"--labels={os.path.join(folder, name)}" for name in list(found)[:3])
        raise ValueError(f"labels: {folder} has {len(found)} tables that name its images. Choose one: {listed}.")
    if not found and failed:
        raise failed[0]
    return next(iter(found.values()), None)


def _candidates(folder: str) -> list[str]:
    """Returns the files that may be tables, those at the top first."""
    found = []
    for place, folders, files in os.walk(folder):
        depth = 0 if place == folder else os.path.relpath(place, folder).count(os.sep) + 1
        folders[:] = sorted(name for name in folders if not name.startswith(".") and depth < _DEPTH)
        names = [name for name in files if name.lower().endswith(_ENDINGS) and not name.startswith((".", "~$"))]
        found += [(depth, os.path.relpath(os.path.join(place, name), folder)) for name in names]
    return [name for _, name in sorted(found)]


def image_column(table: RawTable, names: ImageNames, wanted: str, notes: list[str]) -> int:
    """Returns the index of the column that names the images.

    Args:
        table: The table.
        names: Index of the images.
        wanted: Name of the column, if it is given.
        notes: Receives a sentence if the header does not say which column it is.

    Raises:
        ValueError: No column names images, or several do.
    """
    header = table.header
    if wanted:
        return choose("image_column", wanted, {name: k for k, name in enumerate(header)})
    if _has_no_header(table, names):
        example = ",".join(["image", "shape", "size", "colour"][: len(header)])
        raise ValueError(
            f"columns: {table.path} has no header: its first line is {short(','.join(header))}. Name its "
            f"{len(header)} columns: --columns={example}"
        )
    if table.image_column is not None:
        return table.image_column
    shares = [_share(table, k, names) for k in range(len(header))]
    named = [k for k, name in enumerate(header) if name.casefold() in IMAGE_HEADERS]
    likely = [k for k in named if shares[k]]
    if not likely:
        likely = [k for k in range(len(header)) if _share(table, k, names, literal=True) > _MOST]
        likely = likely or [k for k in range(len(header)) if shares[k] > _MOST]
        notes += [f"column {header[k]!r} of {table.path} names the images." for k in likely[:1]]
    if len(likely) > 1:
        options = " or ".join(f"--image_column={header[k]!r}" for k in likely[:3])
        raise ValueError(f"image_column: several columns of {table.path} name images. Choose one: {options}.")
    if not likely:
        cells = [row[named[0] if named else 0] for row in table.rows]
        raise ValueError(
            f"labels: {table.path}: no column names images of the folder. Received: columns "
            f"{short(', '.join(header))}, with cells such as {short(cells[0])}. Name the images as their files are, in "
            "a column called image."
        )
    return likely[0]


def _share(table: RawTable, column: int, names: ImageNames, literal: bool = False) -> float:
    """Returns the share of a column's first cells that name images; `literal`: with the ending of a file."""
    cells = [row[column] for row in table.rows[:_SAMPLE] if row[column].strip()]
    return sum(_is_image(cell, names, literal) for cell in cells) / max(1, len(cells))


def _is_image(cell: str, names: ImageNames, literal: bool) -> bool:
    if literal and "." not in cell:
        return False
    try:
        return names.find(cell) is not None
    except SeveralImages:
        return True


def _has_no_header(table: RawTable, names: ImageNames) -> bool:
    """Returns whether the header of a table is the row of an image."""
    return any("." in name and _is_image(name, names, literal=True) for name in table.header)

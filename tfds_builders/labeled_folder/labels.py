"""labels.csv: one row an image, one column a factor, an integer in each cell or nothing where it is unknown."""

import csv
import dataclasses
import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np

FILE_NAME = "labels.csv"
UNKNOWN = -1
_CELL = re.compile(r"[0-9]{1,6}", re.ASCII)
_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


@dataclasses.dataclass(frozen=True)
class Labels:
    """What is known about the images of a folder.

    Args:
        images: N paths below the folder, first as in labels.csv, then those it does not name, by alphabet.
        factors: names of the F columns.
        values: int64 [N,F]; -1 where unknown.
        rows: how many of the images labels.csv names.
    """

    images: tuple[str, ...]
    factors: tuple[str, ...]
    values: np.ndarray
    rows: int


def read_labels(folder: Path) -> Labels:
    """Reads labels.csv and adds the images that it does not name, with nothing known about them.

    Raises:
        FileNotFoundError: if the folder, labels.csv, or an image that it names is missing.
        ValueError: naming file, line and column of what cannot be understood.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"folder: no folder {str(folder)!r} (looked for {folder.absolute()}).")
    path = folder / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: missing. Expected a table with the columns image,<factor>,<factor>,... and one row an image; "
            "leave a cell empty where the value is unknown."
        )
    lines = _lines(path)
    factors = _factors(path, next(lines, (0, []))[1])
    seen: dict[str, int] = {}  # image -> line
    values = []
    for line, cells in lines:
        if len(cells) != len(factors) + 1:
            raise ValueError(
                f"{path}, line {line}: expected {len(factors) + 1} cells, as in the first line. Received: {len(cells)}."
            )
        image = _image(path, line, cells[0])
        if image in seen:
            raise ValueError(f"{path}, line {line}: {image!r} has a row already, line {seen[image]}. Keep one.")
        seen[image] = line
        values.append([_value(path, line, name, cell) for name, cell in zip(factors, cells[1:], strict=True)])
    unlisted = sorted(_images_below(folder) - set(seen))
    if not seen and not unlisted:
        raise ValueError(f"{path}: names no image, and there is none in its folder.")
    table = np.full([len(seen) + len(unlisted), len(factors)], UNKNOWN, np.int64)
    table[: len(seen)] = np.reshape(values, [-1, len(factors)])
    return Labels((*seen, *unlisted), factors, table, len(seen))


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields (line number, cells without the spaces around them) of every line that is not blank."""
    try:
        # utf-8-sig: spreadsheets put a byte-order mark before the first column's name.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if cells:
                    yield reader.line_num, [cell.strip() for cell in cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected comma-separated values in UTF-8. Received: {error}.") from error


def _factors(path: Path, header: list[str]) -> tuple[str, ...]:
    names = header[1:]
    if header[:1] != ["image"]:
        first = header[0] if header else ""
        raise ValueError(f"{path}, line 1: expected a first column 'image', commas between. Received: {first!r}.")
    if not names:
        raise ValueError(f"{path}, line 1: expected a column for each factor after 'image'. Received: none.")
    for name in names:
        if not name or "/" in name:
            raise ValueError(f"{path}, line 1: expected a name without '/' above every column. Received: {name!r}.")
        if header.count(name) > 1:
            raise ValueError(f"{path}, line 1: column {name!r} stands there {header.count(name)} times. Keep one.")
    return tuple(names)


def _image(path: Path, line: int, cell: str) -> str:
    name = PurePosixPath(cell)
    if not cell or name.is_absolute() or ".." in name.parts:
        raise ValueError(f"{path}, line {line}: expected an image below {str(path.parent)!r}. Received: {cell!r}.")
    if not (path.parent / name).is_file():
        raise FileNotFoundError(f"{path}, line {line}: no image {str(path.parent / name)!r}.")
    return str(name)


def _value(path: Path, line: int, factor: str, cell: str) -> int:
    if not cell:
        return UNKNOWN
    if not _CELL.fullmatch(cell):
        raise ValueError(
            f"{path}, line {line}, column {factor!r}: expected an integer from 0 to 999999, or nothing where it is "
            f"unknown. Received: {cell!r}."
        )
    return int(cell)


def _images_below(folder: Path) -> set[str]:
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    # Hidden ones are the leavings of file managers.
    return {p.as_posix() for p in found if not any(part.startswith(".") for part in p.parts)}


def factor_sizes(labels: Labels, given: Mapping[str, int], path: Path) -> dict[str, int]:
    """How many values each factor takes: as given, otherwise the largest label plus 1.

    Args:
        labels: the table.
        given: sizes of some factors, where more values exist than were labelled.
        path: of the table, for messages.

    Raises:
        ValueError: if a given size is unknown or too small, or a factor has one value only and no size is given.
    """
    for name, size in given.items():
        if name not in labels.factors:
            near = difflib.get_close_matches(name, labels.factors, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"sizes: expected columns of {path}: {list(labels.factors)}. Received: {name!r}.{hint}")
        if not isinstance(size, int) or size < 2:
            raise ValueError(f"sizes: expected 2 values or more for {name!r}. Received: {size!r}.")
    sizes = {}
    for k, name in enumerate(labels.factors):
        known = labels.values[:, k][labels.values[:, k] != UNKNOWN]
        sizes[name] = given.get(name, int(known.max(initial=0)) + 1)
        if name in given and known.max(initial=0) >= given[name]:
            image = labels.images[int(labels.values[:, k].argmax())]
            raise ValueError(
                f"{path}, column {name!r}: expected 0 to {given[name] - 1}, since sizes says {given[name]} values. "
                f"Received: {known.max()} for {image!r}."
            )
        if name not in given and len(np.unique(known)) < 2:
            what = f"only the value {known[0]}" if len(known) else "no value at all"
            raise ValueError(
                f"{path}, column {name!r}: {what}; a factor needs two or more. Remove the column, label more images, "
                f'or say how many values there are: "sizes": {{"{name}": 2}}.'
            )
    return sizes

"""Reader of labels.csv and labels.json: one row per image, one column per factor, empty cells for unknown values."""

import csv
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from .files import list_files

FILE_NAME, JSON_NAME = "labels.csv", "labels.json"
_TEMPLATE = "python -m tfds_builders.labeled_folder.make_labels FOLDER --factors=shape,hue"


@dataclasses.dataclass(frozen=True)
class Row:
    """Row of the table for one image.

    Args:
        place: Place of the row in the file, for messages: "line 3".
        image: Path of the image relative to the folder.
        cells: Text of each factor's cell, "" if unknown.
    """

    place: str
    image: str
    cells: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """Labels of a folder as text, before their cells are parsed.

    Args:
        path: Path of the table, for messages.
        factors: Names of the F columns.
        rows: Rows of the images in file order.
        images: All images of the folder: those in `rows`, then those without a row in natural order.
        skipped: (place, reason) of each skipped row.
        others: {suffix: number of files in the folder that are not images}.
    """

    path: Path
    factors: tuple[str, ...]
    rows: tuple[Row, ...]
    images: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    others: dict[str, int]


def labels_path(folder: Path, labels: str = "") -> Path:
    """Returns the path of the folder's table, or of the one that the config names.

    Raises:
        FileNotFoundError: if there is no table.
        ValueError: if there are two tables.
    """
    if labels:
        path = Path(labels).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"labels: expected a table. Received: {labels!r} (looked for {path.absolute()}).")
        return path
    found = [folder / name for name in (FILE_NAME, JSON_NAME) if (folder / name).is_file()]
    if not found:
        raise FileNotFoundError(
            f"{folder / FILE_NAME}: missing. Expected a table (or {JSON_NAME}) with the columns "
            "image,<factor>,<factor>,... and one row per image; leave the cells of unknown values empty. "
            f"Create one to fill in with: {_TEMPLATE}"
        )
    if len(found) > 1:
        raise ValueError(f"{folder}: expected {FILE_NAME} or {JSON_NAME}. Received: both. Keep one.")
    return found[0]


def read_labels(folder: Path, skip_bad: bool = False, labels: str = "") -> Table:
    """Reads the table and adds the images that it does not list.

    Args:
        folder: Folder with the images and, unless `labels` names it, the table.
        skip_bad: If True, skips rows without an image and repeated rows for an image instead of raising.
        labels: Path of the table, if it is not in the folder.

    Raises:
        FileNotFoundError: if the folder, the table, or an image in the table is missing.
        ValueError: naming the file and the place of an invalid entry.
    """
    files, others = list_files(folder)
    path = labels_path(folder, labels)
    if not labels:
        others[path.suffix] -= 1  # the table itself
    header, lines = (_json_entries if path.suffix == ".json" else _csv_lines)(path)
    # Rows of the table.
    rows: dict[str, Row] = {}
    skipped = []
    for row in lines:
        try:
            image = _image(folder, row.image)
            if image in rows:
                raise ValueError(f"{image!r} already has a row, {rows[image].place}. Keep one.")
            rows[image] = dataclasses.replace(row, image=image)
        except (FileNotFoundError, ValueError) as error:
            if not skip_bad:
                raise type(error)(f"{path}, {row.place}: {error}") from None
            skipped.append((f"{path.name}, {row.place}", str(error)))
    # Images without a row.
    images = (*rows, *(name for name in files if name not in rows))
    if not images:
        raise ValueError(f"{path}: lists no image, and its folder contains none.")
    others = {suffix: count for suffix, count in others.items() if count}
    return Table(path, header, tuple(rows.values()), images, tuple(skipped), others)


def check_factors(names: list[str], where: str) -> tuple[str, ...]:
    """Returns the factor names; raises ValueError, beginning with `where`, if one is not a valid column name."""
    if not names:
        raise ValueError(f"{where}: expected a column for each factor after 'image'. Received: none.")
    for name in names:
        if not name or "/" in name or len(name.splitlines()) > 1:
            raise ValueError(f"{where}: expected a name without '/' for every column. Received: {name!r}.")
        if names.count(name) > 1 or name == "image":
            raise ValueError(f"{where}: column {name!r} occurs {[*names, 'image'].count(name)} times. Keep one.")
    return tuple(names)


def _image(folder: Path, cell: str) -> str:
    # Spaces around a cell are spaces of a spreadsheet, unless there is a file of that name.
    cell = cell if _is_file(folder / cell) else cell.strip()
    name = PurePosixPath(cell)
    if not cell or name.is_absolute() or ".." in name.parts:
        raise ValueError(f"expected an image below {str(folder)!r}. Received: {cell!r}.")
    if not _is_file(folder / name):
        hint = " Use / between folders." if "\\" in cell else ""
        raise FileNotFoundError(f"no image {str(folder / name)!r}.{hint}")
    return str(name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long
        return False


def _csv_lines(path: Path) -> tuple[tuple[str, ...], Iterator[Row]]:
    lines = _cells(path)
    header = [cell.strip() for cell in next(lines, (0, []))[1]]
    if header[:1] != ["image"]:
        first = header[0] if header else ""
        raise ValueError(f"{path}, line 1: expected comma-separated columns, the first 'image'. Received: {first!r}.")
    factors = check_factors(header[1:], f"{path}, line 1")

    def rows() -> Iterator[Row]:
        for line, cells in lines:
            if len(cells) != len(header):
                raise ValueError(
                    f"{path}, line {line}: expected {len(header)} cells, as in the first line. Received: {len(cells)}."
                )
            yield Row(f"line {line}", cells[0], tuple(cells[1:]))

    return factors, rows()


def _cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields (line number, cells) of every non-empty line; only the first cell keeps the spaces around it."""
    try:
        # utf-8-sig: spreadsheets write a byte-order mark before the first column name.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if cells:
                    yield reader.line_num, [cells[0], *(cell.strip() for cell in cells[1:])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected comma-separated values in UTF-8. Received: {error}.") from error


class _Pairs(list):
    """JSON object as a list of pairs, so that repeated keys are noticed."""


def _json_entries(path: Path) -> tuple[tuple[str, ...], Iterator[Row]]:
    def reject_constant(text: str) -> None:
        raise ValueError(f"{text}, which is not a valid value. Write null for an unknown value")

    expected = 'expected {"a.png": {"shape": "cube", "hue": null}, ...} or [{"image": "a.png", "shape": "cube"}, ...]'
    try:
        # Numbers stay text, as in a CSV table, so that the kind of a column follows from what was written.
        content = json.loads(
            path.read_text(encoding="utf-8-sig"),
            object_pairs_hook=_Pairs,
            parse_int=str,
            parse_float=str,
            parse_constant=reject_constant,
        )
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of nested lists
        raise ValueError(f"{path}: {expected}. Received: {error}.") from error
    # Both formats as (image, pairs).
    if isinstance(content, _Pairs):
        entries = [(image, pairs) for image, pairs in content]
    elif isinstance(content, list):
        entries = [(None, pairs) for pairs in content]
    else:
        raise ValueError(f"{path}: {expected}. Received: {type(content).__name__}.")
    # Cells of each entry.
    found = []
    for n, (image, pairs) in enumerate(entries, 1):
        where = f"{path}, entry {n}"
        if not isinstance(pairs, _Pairs):
            raise ValueError(f"{where}: {expected}. Received: {pairs!r}.")
        cells = {key.strip(): _text(where, key, value) for key, value in pairs}
        if len(cells) < len(pairs):
            raise ValueError(f"{where}: a column occurs twice. Received: {[key for key, _ in pairs]}.")
        found.append((f"entry {n}", cells.pop("image", "") if image is None else image, cells))
    # Columns in order of first appearance.
    names = list(dict.fromkeys(name for _, _, cells in found for name in cells))
    factors = check_factors(names, str(path))
    return factors, (Row(place, image, tuple(cells.get(n, "") for n in factors)) for place, image, cells in found)


def _text(where: str, key: str, value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise ValueError(f"{where}, column {key!r}: expected one value. Received: a list or an object.")
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value.strip()

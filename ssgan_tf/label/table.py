"""Table of labels: labels.csv, with one row per image, one column per factor, and empty cells for unknown values."""

import csv
import os
import re
from collections.abc import Mapping

from ssgan_tf.utils.files import atomic_write

_UNKNOWN = {"", "na", "n/a", "#n/a", "nan", "none", "null", "<na>"}


def is_known(cell: str) -> bool:
    """Returns whether a cell has a value; NA, nan and None count as empty."""
    return cell.casefold() not in _UNKNOWN


def natural_key(text: str) -> tuple:
    """Returns a sort key that orders numbers in a text by value: img2 before img10."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return [(len(part.lstrip("0")), part.lstrip("0")) if i % 2 else part for i, part in enumerate(parts)], text


class Table:
    """Table of labels on disk.

    Columns and rows that nobody asks about stay as they are. `write` replaces the file at once, so that a reader, or a
    kill at any moment, finds a whole table. If another program has changed the file, `refresh` reads it again.

    Args:
        path: Path of the file; it need not exist.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a table; the message begins with "labels:".
    """

    def __init__(self, path: str):
        self.path = path
        self.header: list[str] = ["image"]
        self.rows: dict[str, list[str]] = {}
        self._seen: tuple | None = None
        self.refresh()

    def refresh(self) -> None:
        """Reads the file again if it has changed."""
        seen = _signature(self.path)
        if seen is None or seen == self._seen:
            return
        self.header, self.rows = _read(self.path)
        self._seen = seen

    def columns(self) -> dict[str, dict[str, str]]:
        """Returns {column: {image: cell}}."""
        return {name: {image: cells[k] for image, cells in self.rows.items()} for k, name in enumerate(self.header[1:])}

    def cell(self, image: str, column: str) -> str:
        """Returns a cell; "" if it is unknown, or if there is no such row or column."""
        if image not in self.rows or column not in self.header[1:]:
            return ""
        cell = self.rows[image][self.header.index(column, 1) - 1]
        return cell if is_known(cell) else ""

    def write(self, image: str, changes: Mapping[str, str]) -> None:
        """Writes cells of one image to the file; adds its row and the columns if they are new.

        Raises:
            OSError: The file cannot be written; the table is then as before.
        """
        self.refresh()
        header = [*self.header, *(name for name in changes if name not in self.header[1:])]
        before = dict(zip(self.header[1:], self.rows.get(image, []), strict=False))
        after = {**before, **changes}
        rows = {**self.rows, image: [after.get(name, "") for name in header[1:]]}
        save(self.path, header, rows)
        self.header, self.rows, self._seen = header, rows, _signature(self.path)


def save(path: str, header: list[str], rows: Mapping[str, list[str]]) -> None:
    """Writes a table, atomically; rows that are too short get empty cells."""
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        width = len(header) - 1
        writer.writerows([image, *cells, *[""] * (width - len(cells))] for image, cells in rows.items())
        file.flush()
        os.fsync(file.fileno())


def _signature(path: str) -> tuple | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read(path: str) -> tuple[list[str], dict[str, list[str]]]:
    rows: dict[str, list[str]] = {}
    header: list[str] = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            for line in reader:
                cells = [cell.strip() for cell in line]
                if not any(cells):
                    continue
                if not header:
                    header = _check_header(path, cells)
                    continue
                while len(cells) > len(header) and not cells[-1]:  # a spreadsheet's trailing commas
                    cells.pop()
                if len(cells) > len(header):
                    raise ValueError(
                        f"labels: {path}, line {reader.line_num}: expected {len(header)} cells, as in the first line. "
                        f"Received: {len(cells)}."
                    )
                image, *rest = cells
                if image in rows:
                    raise ValueError(
                        f"labels: {path}, line {reader.line_num}: {image[:80]!r} has a second row. Keep one."
                    )
                rows[image] = rest + [""] * (len(header) - len(cells))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"labels: {path}: expected comma-separated values in UTF-8. Received: {error}.") from None
    return header or ["image"], rows


def _check_header(path: str, cells: list[str]) -> list[str]:
    while len(cells) > 1 and not cells[-1]:
        cells.pop()
    names = cells[1:]
    if any(separator in cells[0] for separator in ";\t") or not all(names) or len(set(names)) < len(names):
        raise ValueError(
            f"labels: {path}, line 1: expected image,<factor>,<factor>,... with a different name for each column. "
            f"Received: {','.join(cells)[:80]!r}. Save it with commas between its cells."
        )
    return cells

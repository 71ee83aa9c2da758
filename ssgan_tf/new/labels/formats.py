"""Readers of the files in which people keep labels. Each gives rows of text, before names and values are interpreted.

| format | recognised by |
|---|---|
| dataset.json of StyleGAN | {"labels": [["00000/img0.png", 3], ...]}: class numbers, or vectors |
| JSON | one object for each image, {image: {factor: value}}, a list of objects, pandas's orientations, JSON lines |
| list_attr | a number of rows, a line of names, then rows with one more word; -1 is no and 1 is yes |
| table | commas, semicolons, tabs or |, with a header |
"""

import csv
import dataclasses
import io
import re
from collections.abc import Sequence
from typing import Any

from ssgan_tf.utils.readers import parse_json

IMAGE_HEADERS = (
    "image", "images", "file", "files", "filename", "file_name", "filepath", "file_path", "path", "img", "img_name",
    "image_name", "image_id", "image_file", "image_path", "photo", "picture", "imagefile", "imagename",
)  # fmt: skip
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
JOINT = "|"  # between the labels of a cell with several
_SHOWN = 60  # characters of a cell in a message


@dataclasses.dataclass(frozen=True)
class RawTable:
    """Table as it was found.

    Args:
        path: Path of the file.
        format: Words for the format, e.g. "dataset.json of StyleGAN".
        header: Names of the columns.
        rows: Cells of each row, as many as there are columns.
        places: Place of each row in the file, e.g. "line 3".
        image_column: Index of the column with the images, if the format determines it.
        kinds: {column: "names" or "signs"}, what the format says about its columns; signs are -1 for no and 1 for yes.
        notes: Sentences about how the file was read.
    """

    path: str
    format: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    places: list[str]
    image_column: int | None = None
    kinds: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)


def read_table(path: str, columns: Sequence[str] = ()) -> RawTable:
    """Reads a file of labels in any of the formats.

    Args:
        path: Path of the file.
        columns: Names of the columns of a table without a header.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is in none of the formats; the message begins with "labels:".
    """
    with open(path, "rb") as file:
        content = file.read()
    notes: list[str] = []
    text = _decode(path, content, notes)
    if not text.strip():
        raise ValueError(f"labels: {path}: expected a table of labels. Received: an empty file.")
    start = text.lstrip()[0]
    if start in "{[":
        table = _read_json(path, text)
    elif words := _list_attr_lines(text):
        table = _read_list_attr(path, *words)
    else:
        table = _read_delimited(path, text, columns)
    if not table.rows:
        raise ValueError(f"labels: {path}: expected a row for each labelled image. Received: a header alone.")
    return dataclasses.replace(table, notes=[*notes, *table.notes])


def short(cell: object) -> str:
    """Returns a cell in quotation marks, cut if it is long."""
    text = str(cell)
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


# Text.


def _decode(path: str, content: bytes, notes: list[str]) -> str:
    if content.startswith(b"PK\x03\x04") or content.startswith(b"\xd0\xcf\x11\xe0"):
        raise ValueError(
            f"labels: {path}: expected text. Received: a workbook of a spreadsheet. Save its sheet as CSV (UTF-8)."
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if b"\0" in content:
            raise ValueError(f"labels: {path}: expected text. Received: other data.") from None
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError as error:
            raise ValueError(f"labels: {path}: expected text in UTF-8. Received: {error}.") from None
        found = next(word for word in text.split() if not word.isascii())
        notes.append(f"{path} is not UTF-8; it was read as Windows-1252, for example {short(found)}.")
    if "\0" in text:
        raise ValueError(f"labels: {path}: expected text. Received: other data.")
    return text


# JSON.

_JSON = (
    '{"a.png": {"shape": "cube"}, ...}, [{"image": "a.png", "shape": "cube"}, ...] or {"labels": [["a.png", 3], ...]}'
)


def _read_json(path: str, text: str) -> RawTable:
    try:
        value = parse_json(text)
    except ValueError as error:
        value = _json_lines(text)
        if value is None:
            raise ValueError(f"labels: {path}: expected JSON. Received: {str(error)[:200]}.") from None
    if isinstance(value, dict) and set(value) <= {"labels", "classes"} and "labels" in value:
        if not isinstance(value["labels"], list) or not value["labels"]:
            raise ValueError(f"labels: {path}: expected labels. Received: a dataset.json without any.")
        return _from_stylegan(path, value["labels"])
    if isinstance(value, list) and value and all(isinstance(item, list) for item in value):
        return _from_stylegan(path, value)
    if isinstance(value, dict) and {"columns", "data"} <= set(value):  # pandas, orient="split"
        return _from_records(path, [dict(zip(value["columns"], row, strict=False)) for row in value["data"]])
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return _from_records(path, value)
    if isinstance(value, dict) and value:
        return _from_object(path, value)
    raise ValueError(f"labels: {path}: expected {_JSON}. Received: {short(text[:100])}.")


def _json_lines(text: str) -> list[dict[str, Any]] | None:
    """Returns the objects of a file with one on each line, or None if it is something else."""
    try:
        found = [parse_json(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        return None
    return found if all(isinstance(item, dict) for item in found) else None


def _from_stylegan(path: str, entries: list[Any]) -> RawTable:
    for n, entry in enumerate(entries, 1):
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str):
            raise ValueError(
                f'labels: {path}, entry {n}: expected ["a.png", 3] or ["a.png", [0.5, 1.0]]. Received: {short(entry)}.'
            )
    places = [f"entry {n}" for n in range(1, len(entries) + 1)]
    labels, format = [label for _, label in entries], "dataset.json of StyleGAN"
    if any(isinstance(label, list) for label in labels):
        return _from_vectors(path, entries, places)
    rows = [(name, _json_cell(path, place, label)) for (name, label), place in zip(entries, places, strict=True)]
    return RawTable(path, format, ("image", "class"), rows, places, 0, {"class": "names"})


def _from_vectors(path: str, entries: list[Any], places: list[str]) -> RawTable:
    width = next(len(label) for _, label in entries if isinstance(label, list))
    for (_, label), place in zip(entries, places, strict=True):
        if not isinstance(label, list) or len(label) != width or not all(type(x) in (int, float) for x in label):
            raise ValueError(
                f"labels: {path}, {place}: expected a vector of {width} numbers. Received: {short(label)}."
            )
    if width > 1 and all(sorted(label) == [0] * (width - 1) + [1] for _, label in entries):
        rows = [(name, str(label.index(1))) for name, label in entries]
        note = f"Each vector of {width} numbers in {path} has a single 1; its place is taken for the number of a class."
        kinds = {"class": "names"}
        return RawTable(path, "dataset.json of StyleGAN", ("image", "class"), rows, places, 0, kinds, [note])
    rows = [(name, *map(str, label)) for name, label in entries]
    header = ("image", *(f"label_{k}" for k in range(width)))
    return RawTable(path, "dataset.json of StyleGAN", header, rows, places, 0)


def _from_object(path: str, value: dict[str, Any]) -> RawTable:
    objects = [item for item in value.values() if isinstance(item, dict)]
    if all(isinstance(item, list) and all(type(x) in (int, float) for x in item) for item in value.values()):
        return _from_stylegan(path, [[name, item] for name, item in value.items()])
    if not objects:  # {image: label}
        records = [{"image": name, "label": item} for name, item in value.items()]
        return _from_records(path, records, 0)
    if len(objects) < len(value):
        odd = next(name for name, item in value.items() if not isinstance(item, dict))
        raise ValueError(f"labels: {path}: expected {_JSON}. Received: {short(value[odd])} for {short(odd)}.")
    if any(name.casefold() in IMAGE_HEADERS for name in value):  # pandas, orient="columns"
        keys = list(dict.fromkeys(key for item in objects for key in item))
        return _from_records(path, [{name: item.get(key) for name, item in value.items()} for key in keys])
    records = [{"image": name, **{k: v for k, v in item.items() if k != "image"}} for name, item in value.items()]
    return _from_records(path, records, 0)


def _from_records(path: str, records: list[dict[str, Any]], image_column: int | None = None) -> RawTable:
    header = list(dict.fromkeys(name for record in records for name in record))
    places = [f"entry {n}" for n in range(1, len(records) + 1)]
    rows = [
        tuple(_json_cell(path, f"{place}, {short(name)}", record.get(name)) for name in header)
        for record, place in zip(records, places, strict=True)
    ]
    return RawTable(path, "JSON", tuple(name.strip() for name in header), rows, places, image_column)


def _json_cell(path: str, place: str, value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return JOINT.join(map(str, value)) + JOINT * (len(value) < 2)  # so that ["red"] is seen to be a list, too
    if isinstance(value, dict | list):
        raise ValueError(f"labels: {path}, {place}: expected one value. Received: {short(value)}.")
    return "" if value is None else str(value)


# list_attr, and other words between spaces.


def _list_attr_lines(text: str) -> tuple[list[str], list[tuple[int, list[str]]]] | None:
    """Returns the names and (line number, words) of the rows of a list_attr table, or None if it is something else."""
    lines = [(n, line.split()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) < 3 or not re.fullmatch(r"\s*[0-9]+\s*", text.lstrip().partition("\n")[0]):
        return None
    names, rows = lines[1][1], lines[2:]
    return (names, rows) if len(rows[0][1]) - len(names) in (0, 1) and len(rows[0][1]) > 1 else None


def _read_list_attr(path: str, names: list[str], lines: list[tuple[int, list[str]]]) -> RawTable:
    header = names if len(lines[0][1]) == len(names) else ["image", *names]
    for n, words in lines:
        if len(words) != len(header):
            raise ValueError(
                f"labels: {path}, line {n}: expected an image and {len(header) - 1} values. Received: {len(words)} "
                "words."
            )
    kinds = {
        name: "signs" for k, name in enumerate(header) if k and {words[k] for _, words in lines} <= {"-1", "1", "+1"}
    }
    rows = [tuple(words) for _, words in lines]
    return RawTable(path, "list_attr table", tuple(header), rows, [f"line {n}" for n, _ in lines], 0, kinds)


# Tables with separators.


def _read_delimited(path: str, text: str, columns: Sequence[str]) -> RawTable:
    declared = re.match(r'\s*"?sep=(.)"?\s*\n', text, re.IGNORECASE)  # the first line of Excel's own files
    if declared:
        text = text[declared.end() :]
    found, reason = [], ""
    for separator in [declared[1]] if declared else SEPARATORS:
        try:
            lines = _split(text, separator)
        except csv.Error as error:
            reason = f", {error}"
            continue
        if len(lines[0][1]) > 1:
            found.append((separator, lines))
    if not found and (lines := [(n, line.split()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]):
        # Words between spaces: lists such as "a.png 3".
        if len(lines[0][1]) > 1 and len({len(words) for _, words in lines}) == 1:
            found.append((" ", lines))
    if not found:
        raise ValueError(
            f"labels: {path}: expected a column for the images and one for each factor, separated by commas, "
            f"semicolons or tabs. Received: a single column, {short(text.split(chr(10))[0])}{reason}."
        )
    regular = [(separator, lines) for separator, lines in found if len({len(cells) for _, cells in lines}) == 1]
    separator, lines = max(regular or found, key=lambda pair: _rank(pair[1]))
    offset = bool(declared)
    header = [name.strip() for name in (columns or lines[0][1])]
    for n, cells in lines:
        if len(cells) != len(header):
            what = "names in --columns" if columns else "cells, as in the first line"
            raise ValueError(
                f"labels: {path}, line {n + offset}: expected {len(header)} {what}. Received: {len(cells)} cells, "
                f"{short(separator.join(cells))}."
            )
    body = lines if columns else lines[1:]
    name = f"table separated by {SEPARATORS.get(separator, 'spaces' if separator == ' ' else repr(separator))}"
    places = [f"line {n + offset}" for n, _ in body]
    return RawTable(path, name, tuple(header), [tuple(cells) for _, cells in body], places)


def _rank(lines: list[tuple[int, list[str]]]) -> tuple[bool, int]:
    header = [cell.strip().casefold() for cell in lines[0][1]]
    return any(cell in IMAGE_HEADERS for cell in header), len(header)


def _split(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Returns (line number, cells) of the lines that are not empty, without the empty columns at a spreadsheet's right.

    Raises:
        csv.Error: Its quotation marks do not match.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    width = max(max(k for k, cell in enumerate(cells, 1) if cell.strip()) for _, cells in lines)
    return [(n, cells[:width]) for n, cells in lines]

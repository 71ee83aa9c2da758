"""Reader of list_attr_celeba.txt: the number of images, the attribute names, and a row of -1 and 1 per image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILE_NAME = "list_attr_celeba.txt"
NAMES = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)
_ADVICE = "This is not the published file: download it again, and do not edit it."


def file_name(number: int) -> str:
    """Returns the file name of image `number`, counted from 1."""
    return f"{number:06d}.jpg"


def read(folder: Path, count: int) -> np.ndarray:
    """Returns the attributes of images 1 to `count`: int64 [count, 40], 1 where the image has the attribute, else 0.

    Raises:
        FileNotFoundError: if list_attr_celeba.txt is missing in `folder`.
        ValueError: naming the line that differs from the published format.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(f"{path}: missing. Expected the attribute table published with CelebA.")
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected plain text. Received: {error}. {_ADVICE}") from error
    while lines and not lines[-1].strip():
        lines.pop()
    _check_head(path, lines, count)
    values = np.empty([count, len(NAMES)], np.int64)
    for number, line in enumerate(lines[2:], start=1):
        values[number - 1] = _row(path, number, line)
    return values


def _check_head(path: Path, lines: list[str], count: int) -> None:
    if not lines or lines[0].strip() != str(count):
        first = lines[0][:60] if lines else ""
        raise ValueError(f"{path}, line 1: expected the number of images, {count}. Received: {first!r}. {_ADVICE}")
    names = lines[1].split() if len(lines) > 1 else []
    if names != list(NAMES):
        wrong = [(a, b) for a, b in zip(NAMES, names, strict=False) if a != b][:1]
        what = f"{wrong[0][1]!r} in place of {wrong[0][0]!r}" if wrong else f"{len(names)} names"
        raise ValueError(f"{path}, line 2: expected the {len(NAMES)} attribute names. Received: {what}. {_ADVICE}")
    if len(lines) != count + 2:
        raise ValueError(f"{path}: expected {count:,} lines after the second. Received: {len(lines) - 2:,}. {_ADVICE}")


def _row(path: Path, number: int, line: str) -> list[int]:
    name, *cells = line.split() or [""]
    where = f"{path}, line {number + 2}"
    if name != file_name(number):
        raise ValueError(f"{where}: expected the image {file_name(number)!r}. Received: {name!r}. {_ADVICE}")
    if len(cells) != len(NAMES):
        raise ValueError(f"{where}: expected {len(NAMES)} attributes for {name!r}. Received: {len(cells)}. {_ADVICE}")
    for attribute, cell in zip(NAMES, cells, strict=True):
        if cell not in ("-1", "1"):
            raise ValueError(f"{where}, {attribute}: expected -1 or 1. Received: {cell!r}. {_ADVICE}")
    return [int(cell == "1") for cell in cells]

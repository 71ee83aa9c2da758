"""Reader of list_attr_celeba.txt: the number of images, the attribute names, and a row of -1 and 1 per image.

Kaggle's list_attr_celeba.csv has the same rows, separated by commas, below the names and without the number.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILE_NAME, CSV_NAME = "list_attr_celeba.txt", "list_attr_celeba.csv"
_PLACES = (FILE_NAME, f"Anno/{FILE_NAME}", CSV_NAME, f"Anno/{CSV_NAME}")
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
        FileNotFoundError: if `folder` has no table, directly or in its folder Anno.
        ValueError: naming the line that differs from the published format.
    """
    path = next((folder / place for place in _PLACES if (folder / place).is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"{folder / FILE_NAME}: missing. Expected the attribute table published with CelebA, there or in Anno/, or "
            f"{CSV_NAME}."
        )
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected plain text. Received: {error}. {_ADVICE}") from error
    while lines and not lines[-1].strip():
        lines.pop()
    if path.suffix == ".csv":
        head, names = 1, lines[0].replace(",", " ").split()[1:] if lines else []
        lines = [line.replace(",", " ") for line in lines]
    else:
        head, names = 2, lines[1].split() if len(lines) > 1 else []
        if not lines or lines[0].strip() != str(count):
            first = lines[0][:60] if lines else ""
            raise ValueError(f"{path}, line 1: expected the number of images, {count}. Received: {first!r}. {_ADVICE}")
    _check_names(f"{path}, line {head}", names)
    if (rows := len(lines) - head) != count:
        last = "first" if head == 1 else "second"
        raise ValueError(f"{path}: expected {count:,} lines after the {last}. Received: {rows:,}. {_ADVICE}")
    return np.array([_row(f"{path}, line {n + head}", n, lines[n + head - 1]) for n in range(1, count + 1)], np.int64)


def _check_names(where: str, names: list[str]) -> None:
    if names != list(NAMES):
        wrong = [(a, b) for a, b in zip(NAMES, names, strict=False) if a != b][:1]
        what = f"{wrong[0][1]!r} in place of {wrong[0][0]!r}" if wrong else f"{len(names)} names"
        raise ValueError(f"{where}: expected the {len(NAMES)} attribute names. Received: {what[:200]}. {_ADVICE}")


def _row(where: str, number: int, line: str) -> list[int]:
    name, *cells = line.split() or [""]
    if name != file_name(number):
        raise ValueError(f"{where}: expected the image {file_name(number)!r}. Received: {name[:100]!r}. {_ADVICE}")
    if len(cells) != len(NAMES):
        raise ValueError(f"{where}: expected {len(NAMES)} attributes for {name!r}. Received: {len(cells)}. {_ADVICE}")
    for attribute, cell in zip(NAMES, cells, strict=True):
        if cell not in ("-1", "1"):
            raise ValueError(f"{where}, {attribute}: expected -1 or 1. Received: {cell[:100]!r}. {_ADVICE}")
    return [int(cell == "1") for cell in cells]

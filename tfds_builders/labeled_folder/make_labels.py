"""Writes a labels.csv that lists a folder's images, for a person to fill in:

python -m tfds_builders.labeled_folder.make_labels pictures/chairs --factors=shape,hue
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from .files import list_files
from .labels import FILE_NAME, JSON_NAME, check_factors


def make_labels(folder: Path, factors: Sequence[str]) -> tuple[Path, int]:
    """Writes the template.

    Args:
        folder: holds the images, at any depth.
        factors: names of the columns to fill in.

    Returns:
        the file, and how many images it lists.

    Raises:
        FileNotFoundError: if there is no folder, or no image in it.
        FileExistsError: if it has labels already.
        ValueError: for a name that no column can have.
    """
    header = check_factors(list(factors), "--factors")
    images, _ = list_files(folder)
    for name in (FILE_NAME, JSON_NAME):
        if (folder / name).exists():
            raise FileExistsError(
                f"{folder / name}: is there already, and is never overwritten. Add rows to it (images without a row "
                "are used too), or move it away first."
            )
    if not images:
        raise FileNotFoundError(f"{folder}: no PNG, JPEG, WebP, BMP, TIFF or GIF image in it, at any depth.")
    path = folder / FILE_NAME
    try:
        with path.open("x", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["image", *header])
            writer.writerows([image, *[""] * len(header)] for image in images)
    except FileExistsError:
        raise
    except (OSError, UnicodeError):
        path.unlink(missing_ok=True)  # half a list would be taken for whole
        raise
    return path, len(images)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program; ends with one line on stderr and exit code 1 if it cannot."""
    parser = argparse.ArgumentParser(
        prog="python -m tfds_builders.labeled_folder.make_labels",
        description="Writes FOLDER/labels.csv, which lists the folder's images and leaves every value empty.",
    )
    parser.add_argument("folder", type=Path, help="holds the images, at any depth")
    parser.add_argument("--factors", required=True, help="columns to fill in, with commas between: shape,hue")
    options = parser.parse_args(arguments)
    try:
        path, count = make_labels(options.folder.expanduser(), [name.strip() for name in options.factors.split(",")])
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    print(
        f"{path}: {count} images. Write in each cell what you know (a name, an integer from 0 on, or a decimal such as "
        "0.5) and leave the others empty."
    )


if __name__ == "__main__":
    main()

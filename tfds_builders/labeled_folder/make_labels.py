"""Writes a labels.csv that lists a folder's images with empty cells to fill in:

python -m tfds_builders.labeled_folder.make_labels photos/chairs --factors=shape,hue
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from .files import list_files
from .labels import FILE_NAME, JSON_NAME, check_factors
from .names import check_column_name


def make_labels(folder: Path, factors: Sequence[str]) -> tuple[Path, int]:
    """Writes the template.

    Args:
        folder: Folder with the images, at any depth.
        factors: Names of the columns to fill in.

    Returns:
        The path of the file, and the number of images that it lists.

    Raises:
        FileNotFoundError: if the folder does not exist or contains no image.
        FileExistsError: if the folder already has labels.
        ValueError: if a factor name is not a valid column name.
    """
    header = check_factors(list(factors), "--factors")
    for name in header:
        check_column_name(name, "--factors")
    images, _ = list_files(folder)
    for name in (FILE_NAME, JSON_NAME):
        if (folder / name).exists():
            raise FileExistsError(
                f"{folder / name}: already exists, and is never overwritten. Add rows to it (images without a row "
                "are used too), or move it away first."
            )
    if not images:
        raise FileNotFoundError(f"{folder}: contains no PNG, JPEG, WebP, BMP, TIFF or GIF image, at any depth.")
    path = folder / FILE_NAME
    try:
        with path.open("x", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["image", *header])
            writer.writerows([image, *[""] * len(header)] for image in images)
    except FileExistsError:
        raise
    except (OSError, UnicodeError):
        path.unlink(missing_ok=True)  # an incomplete list would be taken for a complete one
        raise
    return path, len(images)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program; on an error, exits with one line on stderr and code 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tfds_builders.labeled_folder.make_labels",
        description="Writes FOLDER/labels.csv, which lists the folder's images with empty cells to fill in.",
    )
    parser.add_argument("folder", type=Path, help="folder with the images, at any depth")
    parser.add_argument("--factors", required=True, help="comma-separated names of the columns to fill in: shape,hue")
    options = parser.parse_args(arguments)
    try:
        path, count = make_labels(options.folder.expanduser(), [name.strip() for name in options.factors.split(",")])
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    print(
        f"{path}: {count} images. Fill in the cells that you know (a name, an integer from 0 on, or a decimal such as "
        "0.5) and leave the others empty."
    )


if __name__ == "__main__":
    main()

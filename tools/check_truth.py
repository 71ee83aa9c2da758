"""Compares what an encoder reads off images with the truth about them, which its training never saw.

    .venv/bin/python tools/check_truth.py --model=cups/run/export --images=LETTERS/images --truth=LETTERS/truth.csv

Reads all images of the truth that have no row in IMAGES/labels.csv, and prints the L2 distance, the share of right
names and the mean error of numbers (as codes, where the whole range is 1), as `ssgan evaluate` does on held-out labels.
"""

import csv
import json
import warnings
from pathlib import Path

import numpy as np

from ssgan_tf.editing import Editor, Factor, ImageNotice
from ssgan_tf.utils.program import ArgumentParser


def compare(model: str, images: Path, truth: Path) -> dict[str, float]:
    """Returns the scores of an export's encoder on the images without labels: "images", "l2" and one per factor.

    Args:
        model: Folder of the export.
        images: Folder of the images, with labels.csv.
        truth: Table of all factors.

    Raises:
        OSError: A file cannot be read.
        ValueError: The truth lacks a factor of the model, or there is no image without a label.
    """
    labelled = {row["image"] for row in _rows(images / "labels.csv")}
    rows = [row for row in _rows(truth) if row["image"] not in labelled]
    editor = Editor.load(model)
    missing = [factor.name for factor in editor.factors if not rows or factor.name not in rows[0]]
    if missing:
        raise ValueError(f"truth: expected images without labels, with a column {missing[0]!r}. Received: {truth}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImageNotice)  # images are reduced to the model's size
        read = editor.read([images / row["image"] for row in rows])
    parts = [read[i : i + 100] for i in range(0, len(read), 100)]
    codes = np.concatenate([editor.call("encode", {"image": part})["code"] for part in parts])
    expected = np.array([[to_code(row[factor.name], factor) for factor in editor.factors] for row in rows])
    known = ~np.isnan(expected)
    found = {"images": float(len(rows))}
    if known.all(axis=1).any():
        found["l2"] = float(np.linalg.norm(codes - expected, axis=1)[known.all(axis=1)].mean())
    for k, factor in enumerate(editor.factors):
        error = np.abs(codes - expected)[known[:, k], k]
        if factor.range:
            found[f"error of {factor.name}"] = float(error.mean())
        else:
            nearest = np.round(np.clip(codes[known[:, k], k], 0, 1) * (factor.size - 1))
            found[f"{factor.name} right"] = float(np.mean(nearest == expected[known[:, k], k] * (factor.size - 1)))
    return found


def to_code(text: str, factor: Factor) -> float:
    """Returns the code of a cell, NaN if it is empty; raises ValueError if it is no value of the factor."""
    if not text:
        return np.nan
    try:
        if factor.range:
            low, high = factor.range
            return (float(text) - low) / (high - low)
        return (factor.values.index(text) if factor.values else int(text)) / (factor.size - 1)
    except ValueError:
        expected = "a number" if factor.range else ", ".join(factor.values) or "an integer"
        raise ValueError(f"truth: expected {expected} in column {factor.name!r}. Received: {text!r}.") from None


def _rows(table: Path) -> list[dict[str, str]]:
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and "image" not in rows[0]:
        raise ValueError(f"truth: expected tables with a column 'image'. Received: {table}.")
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Prints the scores as JSON; returns the exit code 0, or exits with 2."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder of the export")
    parser.add_argument("--images", required=True, type=Path, help="folder of the images, with labels.csv")
    parser.add_argument("--truth", required=True, type=Path, help="table of all factors")
    given = parser.parse_args(arguments)
    try:
        found = compare(given.model, given.images, given.truth)
    except (OSError, ValueError) as error:
        parser.stop(error)
    print(json.dumps({name: round(value, 3) for name, value in found.items()}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

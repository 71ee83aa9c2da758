"""A folder of small drawings with a table of their labels, as a user of `ssgan new` has it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.new import preparation
from tfds_builders.labeled_folder.labeled_folder_dataset_builder import Builder, LabeledFolderConfig

SHAPES = ("ball", "cone", "cube")


def draw(folder: Path, count: int = 24, labelled: int = 12, side: int = 8) -> Path:
    """Writes images 0.png, 1.png, ... whose colours show shape and size, and labels.csv with the first ones' labels."""
    folder.mkdir(exist_ok=True)
    rng, rows = np.random.default_rng(0), []
    for i in range(count):
        shape, size = int(rng.integers(3)), rng.random()
        pixels = rng.integers(0, 20, [side, side, 3]) + np.array([100 * shape, int(200 * size), 50])
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
        rows.append([f"{i}.png", SHAPES[shape], f"{size:.2f}"])
    write_table(folder, [["image", "shape", "size"], *rows[:labelled]])
    return folder


def write_table(folder: Path, rows: list[list[str]]) -> None:
    with open(folder / "labels.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)


def build_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `ssgan new` run the builder here, since a process would import TensorFlow again."""

    def run_builder(command: list[str], **_):
        fields = json.loads(next(word for word in command if word.startswith("--config=")).removeprefix("--config="))
        data_dir = next(word for word in command if word.startswith("--data_dir=")).removeprefix("--data_dir=")
        Builder(config=LabeledFolderConfig(**fields), data_dir=data_dir).download_and_prepare()
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(preparation.subprocess, "run", run_builder)

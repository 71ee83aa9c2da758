"""Dummy files in the layout of published data sets, and helpers that build data sets from them and read them back."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from ssgan_tf import data
from tfds_builders.shared.grids import Grid
from tfds_builders.shared.png_grids import Release


class BuilderTestCase(tfds.testing.DatasetBuilderTestCase):
    """TFDS's tests of every builder, run on files in a temporary folder."""

    @classmethod
    def write_files(cls, folder: Path) -> None:
        """Writes the files that the builder reads from --manual_dir."""
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = Path(folder.name)
        cls.write_files(cls.EXAMPLE_DIR)


def numbered_image(number: int, edge: int) -> np.ndarray:
    """Returns an image uint8 [edge, edge, 3] of 8x8 squares in random colours, different for every number."""
    squares = np.random.default_rng(number).integers(0, 256, [8, 8, 3], np.uint8)
    return np.kron(squares, np.ones([edge // 8, edge // 8, 1], np.uint8))


def png(image: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", **options)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def label_table(grid: Grid) -> np.ndarray:
    """Returns labels as in the published tables: value / (number of values - 1), float64 [N, K]."""
    values = np.indices(grid.sizes).reshape(len(grid.sizes), -1).T
    return values / (np.array(grid.sizes) - 1)


def write_release(root: Path, release: Release, grid: Grid, first: dict[str, int], labels: bytes | None = None) -> Path:
    """Writes the folder of a release with the images of the grid's first values, and returns its image folder."""
    images = root / release.folder / "images"
    images.mkdir(parents=True)
    for index in grid.indices(first):
        (images / f"{index:06d}.png").write_bytes(png(numbered_image(int(index), release.edge)))
    if labels is not None:
        (images.parent / release.labels).write_bytes(labels)
    return images


def pack(folder: Path, archive: Path) -> Path:
    """Moves a folder into an archive, zip or tar according to its suffix."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as zipped:
            for file in files:
                zipped.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(archive, "w:gz" if archive.suffix in (".gz", ".tgz") else "w") as tar:
            tar.add(folder, folder.name)
    shutil.rmtree(folder)
    return archive


def remove(name: str) -> Callable[[Path], None]:
    """Returns a function that deletes the file `name` of a folder."""
    return lambda folder: (folder / name).unlink()


def put(name: str, content: bytes) -> Callable[[Path], None]:
    """Returns a function that writes the file `name` of a folder."""

    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


def prepare(
    builder_class: type[tfds.core.DatasetBuilder],
    config: tfds.core.BuilderConfig,
    manual_dir: Path | None,
    data_dir: Path,
) -> tfds.core.DatasetBuilder:
    """Builds a data set in this process and returns its builder."""
    builder = builder_class(config=config, data_dir=data_dir)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=manual_dir))
    return builder


def run_tfds_build(
    cwd: Path, builder: Path | str, config: dict[str, Any], manual_dir: Path, data_dir: Path, *more: str
) -> None:
    """Runs `tfds build` as a person does.

    Args:
        cwd: Folder to run it in.
        builder: Folder of the builder, relative to `cwd`; "" if it is `cwd`.
        config: Value of --config, passed as JSON.
        manual_dir: Folder with the downloads.
        data_dir: Folder for the prepared data.
        *more: Further arguments.
    """
    command = [Path(sys.executable).with_name("tfds"), "build", *([builder] if builder else [])]
    flags = [f"--config={json.dumps(config)}", f"--data_dir={data_dir}", f"--manual_dir={manual_dir}"]
    subprocess.run([*command, *flags, *more], cwd=cwd, check=True, capture_output=True)


def read_back(dataset: str, data_dir: Path, grid: Grid) -> dict[int, np.ndarray]:
    """Reads a prepared data set as training does, without its builder's code: {index in the grid: image}."""
    table = data.load(dataset, str(data_dir), grid.names)
    assert table.spec.sizes == grid.sizes
    assert isinstance(table.images, np.ndarray)  # small enough to be kept in memory
    rows = [dict(zip(grid.names, row, strict=True)) for row in table.factors.tolist()]
    images = {grid.index_of(row): image for row, image in zip(rows, table.images, strict=True)}
    assert len(images) == len(rows)
    return images


def litter(folder: Path, name: str) -> None:
    """Writes what Windows, macOS and a Synology disk leave in a folder with the file `name`."""
    for left in ("Thumbs.db", "desktop.ini", f"._{name}", ".DS_Store", f"@eaDir/{name}", f"@eaDir/{name}.d/M.jpg"):
        (folder / left).parent.mkdir(parents=True, exist_ok=True)
        (folder / left).write_bytes(b"left behind")

"""Dummy files in the layout of published data sets: small pictures that tell their number."""

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from ssgan_tf import data
from tfds_builders.shared.grids import Grid
from tfds_builders.shared.png_grids import Release


def picture(number: int, edge: int) -> np.ndarray:
    """Random colours [edge, edge, 3] in 8x8 squares, others for every number."""
    squares = np.random.default_rng(number).integers(0, 256, [8, 8, 3], np.uint8)
    return np.kron(squares, np.ones([edge // 8, edge // 8, 1], np.uint8))


def png(image: np.ndarray, **how) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", **how)
    return buffer.getvalue()


def label_table(grid: Grid) -> np.ndarray:
    """As published: value / (number of values - 1), float64 [N, K]."""
    values = np.indices(grid.sizes).reshape(len(grid.sizes), -1).T
    return values / (np.array(grid.sizes) - 1)


def write_release(root: Path, release: Release, grid: Grid, first: dict[str, int], labels: bytes | None = None) -> Path:
    """The folder of a release with the pictures of the grid's first values."""
    images = root / release.folder / "images"
    images.mkdir(parents=True)
    for index in grid.indices(first):
        (images / f"{index:06d}.png").write_bytes(png(picture(int(index), release.edge)))
    if labels is not None:
        (images.parent / release.labels).write_bytes(labels)
    return images


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def pack(folder: Path, archive: Path) -> Path:
    """Moves a folder into an archive, zip or tar by its name."""
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


def read_back(dataset: str, data_dir: Path, grid: Grid) -> dict[int, np.ndarray]:
    """Reads a prepared data set as training does, without its builder's code: number in the grid -> image."""
    table = data.load(dataset, str(data_dir), grid.names)
    assert table.spec.sizes == grid.sizes
    assert isinstance(table.images, np.ndarray)  # small enough to be held in memory
    rows = [dict(zip(grid.names, row, strict=True)) for row in table.factors.tolist()]
    images = {grid.index_of(row): image for row, image in zip(rows, table.images, strict=True)}
    assert len(images) == len(rows)
    return images

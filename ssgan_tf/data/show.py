"""View of a prepared data set: an image grid of its factors, and how much neighbouring values differ in pixels."""

import dataclasses
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ssgan_tf import visualize
from ssgan_tf.core.codes import UNKNOWN, FactorSpec
from ssgan_tf.data.dataset import FactorDataset, load
from ssgan_tf.data.tfds_reader import code_spec, open_builder
from ssgan_tf.utils.fonts import escaped_characters


@dataclasses.dataclass(frozen=True)
class PixelChange:
    """Mean absolute pixel change, of 255 levels, between images that have neighbouring values of one factor.

    The two images of a pair agree in all other factors.

    Args:
        factor: The factor.
        pairs: Number of image pairs that were compared.
        mean: Mean over the pairs.
        weakest: Mean over the pairs of the two values that are hardest to tell apart.
        least: Smallest change among the pairs.
    """

    factor: FactorSpec
    pairs: int
    mean: float
    weakest: float
    least: float

    def __str__(self) -> str:
        factor = self.factor
        if factor.range is not None:
            low, high = factor.range
            return f"{factor.name:<24}      -       -   a number from {low:g} to {high:g}"
        if not self.pairs:
            return f"{factor.name:<24}{factor.size:>7}       -   no two images differ by one step in this factor alone"
        return (
            f"{factor.name:<24}{factor.size:>7}{self.mean:>8.1f}{self.weakest:>12.1f}{self.least:>8.1f}{self.pairs:>8,}"
        )


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class DatasetView:
    """Images of a data set and how its factors change them. It prints as a table; a notebook displays the grid.

    Args:
        name: Name of the data set.
        shape: Shape (N, R, R, C) of its images.
        grid: Image grid uint8 [H,W,3]: one row per factor and one column per value, with the values written below.
        changes: Pixel change of each factor.
        mixed: Factors in whose rows other factors vary too, since not every combination of values has an image.
        path: PNG file that was written; empty if there is none.
        escaped: Characters of names and values that are written as escapes, since no installed font has them.
    """

    name: str
    shape: tuple[int, ...]
    grid: np.ndarray
    changes: tuple[PixelChange, ...]
    mixed: tuple[str, ...]
    path: str = ""
    escaped: str = ""

    def __repr__(self) -> str:
        lines = [
            f"{self.name}: {self.shape[0]:,} images {self.shape[1:]}. Pixel change between neighbours, of 255:",
            f"{'factor':<24}{'values':>7}{'mean':>8}{'weakest':>12}{'least':>8}{'pairs':>8}",
            *map(str, self.changes),
        ]
        if self.mixed:
            lines.append(
                f"Other factors vary too in the rows of {', '.join(self.mixed)} (not every combination has an image)."
            )
        if self.escaped:
            some = self.escaped[:20] + "..." * (len(self.escaped) > 20)
            lines.append(
                f"No installed font has the characters {some}: the image shows them as escapes such as \\u4e2d."
            )
        return "\n".join(lines)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        Image.fromarray(self.grid).save(file, format="PNG")
        return file.getvalue()


def run(
    dataset: str = "scene3d/demo",
    data_dir: str = "data",
    out: str | None = None,
    *,
    split: str = "train",
    factors: str = "",
    columns: int = 12,
    pairs: int = 2000,
    memory_gib: float = 4.0,
    seed: int = 0,
) -> DatasetView:
    """Plots images of a prepared data set and measures how much its factors change them.

    Args:
        dataset: Name of the data set, "name/config".
        data_dir: Folder of the prepared data sets.
        out: PNG file to write; None to write nothing.
        split: Split of the data set.
        factors: Comma-separated names of the factors to show; all of them, in alphabetical order, if empty.
        columns: Maximum number of values to show per factor; they are evenly spaced.
        pairs: Maximum number of image pairs to compare per factor.
        memory_gib: Maximum memory for the decoded images, in GiB.
        seed: Seed of the choice of the base image of all rows, and of the pairs.

    Raises:
        ValueError: An argument is out of range or unknown.
        OSError: The data set is not prepared, or the image cannot be written.
    """
    for name, value, least in (("columns", columns, 2), ("pairs", pairs, 1), ("seed", seed, 0)):
        if value < least:
            raise ValueError(f"{name}: expected {least} or more. Received: {value}.")
    table, shown = _load(dataset, data_dir, [name for name in factors.split(",") if name], memory_gib, split)
    if not len(table):
        raise ValueError(f"dataset: {dataset} contains no images.")
    rng = np.random.default_rng(seed)
    specs = table.spec.factors[:shown]

    # Choose values, and an image for each.
    values = [choose_values(factor.size, columns) for factor in specs]
    # Not every value of a numeric factor has an image, so accept images up to half a column away.
    reach = [
        (wanted[1] - wanted[0]) // 2 if factor.range is not None else 0
        for factor, wanted in zip(specs, values, strict=True)
    ]
    chosen, exact = traversal_rows(table.factors, values, int(rng.integers(len(table))), reach)

    grid = plot_values(table, chosen, values)
    changes = tuple(measure_change(table, k, pairs, rng) for k in range(shown))
    mixed = tuple(factor.name for factor, same in zip(specs, exact, strict=True) if not same)
    try:
        path = visualize.save_png(grid, out) if out else ""
    except OSError as error:
        raise OSError(f"out: cannot write {out!r}: {error.strerror}.") from error
    texts = [value_text(factor, value) for factor, row in zip(specs, values, strict=True) for value in row]
    escaped = escaped_characters([*table.spec.names[:shown], *texts])
    return DatasetView(dataset, table.images.shape, grid, changes, mixed, path, escaped)


def _load(name: str, data_dir: str, factors: list[str], memory_gib: float, split: str) -> tuple[FactorDataset, int]:
    """Loads a data set with all its factors, the ones to show first, and returns the number to show.

    All factors are loaded because those that are not shown must not vary either.
    """
    builder = open_builder(name, data_dir)
    shown = code_spec(builder, factors).names
    others = [other for other in code_spec(builder).names if other not in shown]
    return load(name, data_dir, [*shown, *others], memory_gib, split), len(shown)


def choose_values(size: int, columns: int) -> list[int]:
    """Returns all values of a factor, or `columns` of them from the first to the last."""
    return sorted({round(v) for v in np.linspace(0, size - 1, min(size, columns))})


def traversal_rows(
    factors: np.ndarray, values: list[list[int]], base: int, reach: Sequence[int] = ()
) -> tuple[list[list[int | None]], list[bool]]:
    """Chooses an image for each value of each factor.

    Args:
        factors: Labels int [N,K], UNKNOWN if not known.
        values: Values to show of each factor.
        base: Row whose values the other factors should keep.
        reach: Maximum distance from a wanted value, per factor; 0 except for numeric factors. If empty, 0 for all.

    Returns:
        The row chosen for each value of each factor: the one that agrees with `base` in most of the other factors, or
        None if no row has the value. Also, per factor, whether all its rows agree with `base` in all other factors.
    """
    agrees = (factors == factors[base]) & (factors[base] != UNKNOWN)
    chosen: list[list[int | None]] = []
    exact = []
    for k, wanted in enumerate(values):
        others = agrees.sum(axis=1) - agrees[:, k]
        rows: list[int | None] = []
        column, near = factors[:, k], reach[k] if reach else 0
        for value in wanted:
            candidates = np.flatnonzero((np.abs(column - value) <= near) & (column != UNKNOWN))
            rows.append(int(candidates[others[candidates].argmax()]) if len(candidates) else None)
        chosen.append(rows)
        exact.append(all(row is None or others[row] == factors.shape[1] - 1 for row in rows))
    return chosen, exact


def find_neighbours(factors: np.ndarray, k: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns up to `count` pairs of rows [n,2] that differ by one in factor k and in no other, lower value first."""
    known = np.flatnonzero((factors != UNKNOWN).all(axis=1))
    row_of = {factors[row].tobytes(): row for row in known}
    pairs = []
    for row in rng.permutation(known):
        wanted = factors[row].copy()
        wanted[k] += 1
        partner = row_of.get(wanted.tobytes())
        if partner is not None:
            pairs.append((row, partner))
            if len(pairs) == count:
                break
    return np.array(pairs, np.int64).reshape(-1, 2)


def measure_change(table: FactorDataset, k: int, count: int, rng: np.random.Generator) -> PixelChange:
    """Measures the pixel change between neighbouring values of factor k, with up to `count` pairs of images."""
    factor = table.spec.factors[k]
    rows = np.zeros([0, 2], np.int64) if factor.range is not None else find_neighbours(table.factors, k, count, rng)
    if not len(rows):
        return PixelChange(factor, 0, np.nan, np.nan, np.nan)
    change = np.array([np.abs(table.images[a].astype(np.int16) - table.images[b]).mean() for a, b in rows])
    lower = table.factors[rows[:, 0], k]
    weakest = min(change[lower == value].mean() for value in np.unique(lower))
    return PixelChange(factor, len(rows), float(change.mean()), float(weakest), float(change.min()))


def plot_values(table: FactorDataset, chosen: list[list[int | None]], values: list[list[int]]) -> np.ndarray:
    """Plots the chosen images, one row per factor and one column per value, with names and values: uint8 [H,W,3]."""
    columns = max(len(rows) for rows in chosen)
    shape = table.images.shape[1:]
    cells = np.full([len(chosen), columns, *shape], 255, np.uint8)
    texts = [[""] * columns for _ in chosen]
    for k, rows in enumerate(chosen):
        for column, row in enumerate(rows):
            texts[k][column] = value_text(table.spec.factors[k], values[k][column])
            if row is not None:
                cells[k, column] = table.images[row]
                texts[k][column] = value_text(table.spec.factors[k], int(table.factors[row, k]))
    cells = visualize.enlarge(cells.reshape(-1, *shape))
    grid = visualize.tile(visualize.caption(cells, [text for row in texts for text in row]), columns)
    return visualize.label_rows(grid, table.spec.names[: len(chosen)])


def value_text(factor: FactorSpec, value: int) -> str:
    """Returns a value as text: its name, the number it stands for in the factor's range, or its index."""
    if factor.range is not None:
        low, high = factor.range
        return f"{low + value / (factor.size - 1) * (high - low):.4g}"
    return factor.values[value] if factor.values else str(value)

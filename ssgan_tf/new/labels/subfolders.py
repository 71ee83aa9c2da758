"""Subfolders as factors: a class per folder, vendor/category/image.png, and the like."""

import collections
from collections.abc import Sequence

from ssgan_tf.new.labels.formats import short

_SHOWN = 3  # subfolders in a sentence


def _levels(images: Sequence[str]) -> list[collections.Counter[str]]:
    """Returns the numbers of images by subfolder, for each level of subfolders."""
    levels: list[collections.Counter[str]] = []
    for image in images:
        for k, part in enumerate(image.split("/")[:-1]):
            if k == len(levels):
                levels.append(collections.Counter())
            levels[k][part] += 1
    return levels


def offer(images: Sequence[str]) -> str:
    """Returns a sentence about subfolders that could be a factor, or ""."""
    levels = _levels(images)
    if not any(len(level) > 1 for level in levels):
        return ""
    names = ",".join("-" if len(level) < 2 else f"NAME{k}" for k, level in enumerate(levels, 1))
    widest = next(level for level in levels if len(level) > 1)
    shown = ", ".join(f"{short(name)} ({count:,})" for name, count in widest.most_common(_SHOWN))
    return (
        f"The images are in {len(widest):,} subfolders, such as {shown}: --folders={names} makes "
        f"{'factors' if len(levels) > 1 else 'a factor'} of them."
    )


def add_subfolders(
    columns: list[str], rows: dict[str, tuple[str, ...]], images: Sequence[str], folders: Sequence[str]
) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """Returns columns and rows with those of the subfolders added, for all images."""
    depth = len(_levels(images))
    if len(folders) > depth:
        raise ValueError(
            f"folders: expected a name for each of {depth} levels of subfolders. Received: {len(folders)}."
        )
    added = [(k, name) for k, name in enumerate(folders) if name not in ("", "-")]
    empty = ("",) * len(columns)
    names = [*columns, *(name for _, name in added)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"folders: expected names other than those of the columns. Received: {twice[0]!r}.")
    result = {}
    for image in images:
        parts = image.split("/")[:-1]
        result[image] = (*rows.get(image, empty), *(parts[k] if k < len(parts) else "" for k, _ in added))
    return names, result

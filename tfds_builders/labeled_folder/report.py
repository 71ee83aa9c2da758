"""Report after a build: images and labels, skipped files, and duplicates."""

import dataclasses
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from .columns import Column, label_counts
from .source import Source

_MAX_LINES = 20  # per section
_MAX_VALUES = 12  # values of a factor listed with their counts
_LIKE_UNKNOWN = {"?", "-", "na", "n/a", "nan", "null", "unknown"}


@dataclasses.dataclass
class Outcome:
    """Result of decoding a folder's images.

    Args:
        rows: Indices of the prepared images, in order.
        damaged: (image, reason) of those that turned out to be damaged when they were decoded.
        same: {hash of the pixels: indices of the images with that hash}.
    """

    rows: list[int] = dataclasses.field(default_factory=list)
    damaged: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    same: dict[bytes, list[int]] = dataclasses.field(default_factory=dict)


def write_report(title: str, source: Source, outcome: Outcome) -> str:
    """Returns the report as text, under a title with the name of the data set and the format of its images."""
    # Images and skipped files.
    rows, skipped = outcome.rows, [*source.skipped, *outcome.damaged]
    labeled = sum(i < len(source.table.rows) for i in rows)
    lines = [
        f"{title}, from {source.folder}",
        f"  {len(rows)} images: {labeled} with a row in {source.table.path.name}, {len(rows) - labeled} without "
        "(these are used, with every factor unknown)",
    ]
    if source.table.others:
        others = ", ".join(f"{count} {suffix}" for suffix, count in source.table.others.items())
        lines.append(f"  other files, ignored: {others}")
    if skipped:
        lines += [f"  skipped: {len(skipped)}", *_first([f"    {place}: {reason}" for place, reason in skipped])]
    # Factors.
    width = max(len(column.name) for column in source.columns)
    lines.append("  factors:")
    for column in source.columns:
        lines.append(f"    {column.name:{width}}  {_describe(column, rows)}")
    # Duplicates and notes.
    notes = [note for column in source.columns for note in _notes(column, rows)]
    groups = [list(group) for group in outcome.same.values() if len(group) > 1]
    lines.append(f"  duplicates (images with the same pixels): {len(groups) or 'none'}")
    lines += _first(["    " + " = ".join(source.table.images[i] for i in group) for group in groups])
    notes += [note for group in groups for note in _conflicts(source, group)]
    lines += _first([f"  note: {note}" for note in notes])
    return "\n".join(lines) + "\n"


def show(text: str) -> None:
    """Prints a text, escaping characters that the terminal's encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _first(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _MAX_LINES else [*lines[:_MAX_LINES], f"    ... and {len(lines) - _MAX_LINES} more"]


def _describe(column: Column, rows: Sequence[int]) -> str:
    counts = label_counts(column, rows)
    known = f"{counts.total()} known"
    if column.kind == "decimal":
        labels = [*counts]
        seen = f" ({len(labels)} different values, {min(labels):g} to {max(labels):g})" if labels else ""
        return f"decimal, range {column.bounds[0]:g} to {column.bounds[1]:g}, {known}{seen}"
    name = dict(enumerate(column.categories))
    shown = [f"{name.get(value, value)}: {counts[value]}" for value in range(min(column.size, _MAX_VALUES))]
    more = f", ... and {column.size - _MAX_VALUES} more values" if column.size > _MAX_VALUES else ""
    none = column.size - len(counts)
    empty = f"; {none} of the values without a label" if none else ""
    return f"{column.kind}, {column.size} values, {known} ({', '.join(shown)}{more}{empty})"


def _notes(column: Column, rows: Sequence[int]) -> Iterator[str]:
    for name in column.categories:
        if name.casefold() in _LIKE_UNKNOWN:
            yield f"column {column.name!r}: {name!r} counts as a value; leave the cell empty for an unknown value."
    folded: dict[str, str] = {}
    for name in column.categories:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            yield f"column {column.name!r}: {other!r} and {name!r} count as two values."
    counts = label_counts(column, rows)
    if column.kind == "categorical" and counts.total() >= 20 and 2 * len(counts) > counts.total():
        yield f"column {column.name!r}: {len(counts)} names for {counts.total()} images; is it a factor?"


def _conflicts(source: Source, group: Sequence[int]) -> Iterator[str]:
    """Yields a note for each factor on which images with the same pixels disagree."""
    for column in source.columns:
        known = [i for i in group if column.known[i]]
        labels = column.values[known]
        if len(np.unique(labels)) > 1:
            shown = [f"{source.table.images[i]} {_label(column, i)}" for i in known]
            yield f"the same pixels have different labels in column {column.name!r}: {', '.join(shown)}."


def _label(column: Column, row: int) -> str:
    value = column.values[row]
    return column.categories[value] if column.categories else f"{value:g}"

"""Answers to what images and labels leave open; `ssgan new` remembers them for the next time."""

import collections
import dataclasses
import os
import shlex
from collections.abc import Sequence

from ssgan_tf.new.labels import LabelOptions, Reading
from ssgan_tf.new.settings import RESOLUTIONS


@dataclasses.dataclass(frozen=True)
class Options:
    """Answers to what images and labels leave open. Nothing needs an answer unless `run` asks for it.

    Args:
        labels: Path of the table of labels; empty to look for it in the folder of images.
        columns: Names of the columns of a table without a header.
        image_column: Name of the column that names the images.
        ignore: Names of columns to leave out.
        folders: Names of the factors that the levels of subfolders stand for; "-" for a level that is none.
        values: Values of columns: "x=cube,ball" in order, "x=0..1", or "x=" with names, integers, numbers or several.
        unknown: Cells that mean unknown: "?" in all columns, "x=-1" in one.
        decimal: "comma" or "point", the mark before decimals in numbers such as 1,234.
        ending: Ending of the files that names without ending mean, if several files have the name.
        skip_bad: Whether rows whose image is not clear are left out.
        not_square: "crop" takes the middle square of images that are not square, "skip" leaves them out.
        background: Colour behind transparent images.
        resolution: Height and width of the prepared images; 0 to choose them.
        hours: Time that training may take, by which the resolution is chosen.
    """

    labels: str = ""
    columns: tuple[str, ...] = ()
    image_column: str = ""
    ignore: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    decimal: str = ""
    ending: str = ""
    skip_bad: bool = False
    not_square: str = ""
    background: str = ""
    resolution: int = 0
    hours: float = 0.0

    def __post_init__(self):
        if self.decimal not in ("", "comma", "point"):
            raise ValueError(f"decimal: expected comma or point. Received: {self.decimal!r}.")
        if self.resolution not in (0, *RESOLUTIONS):
            known = ", ".join(map(str, RESOLUTIONS))
            raise ValueError(f"resolution: expected one of {known}. Received: {self.resolution}.")
        if not 0 <= self.hours < float("inf"):
            raise ValueError(f"hours: expected a number above 0. Received: {self.hours}.")

    def __str__(self) -> str:
        """Returns the answers as flags of `ssgan new`."""
        flags = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                mark = ";" if field.name == "values" else ","
                text = (
                    mark.join(value) if isinstance(value, tuple) else f"{value:g}" if field.name == "hours" else value
                )
                flags.append(f"--{field.name}" + ("" if value is True else f"={shlex.quote(str(text))}"))
        return " ".join(flags)

    def for_labels(self) -> LabelOptions:
        """Returns those answers that concern the labels.

        Raises:
            ValueError: One of them cannot be read.
        """
        reading = Reading(_values(self.values), _unknown(self.unknown), self.decimal)
        return LabelOptions(
            os.path.expanduser(self.labels), self.columns, self.image_column, self.ignore, self.folders, self.ending,
            self.skip_bad, reading,
        )  # fmt: skip


def _values(texts: Sequence[str]) -> dict[str, str]:
    result = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ValueError(f"values: expected COLUMN=VALUES, such as x=cube,ball or x=0..1. Received: {text[:80]!r}.")
        result[name.strip()] = value.strip()
    return result


def _unknown(texts: Sequence[str]) -> dict[str, frozenset[str]]:
    result: dict[str, set[str]] = collections.defaultdict(set)
    for text in texts:
        name, equals, cell = text.partition("=")
        result[name.strip() if equals else ""].add((cell if equals else name).strip())
    return {name: frozenset(cells) for name, cells in result.items()}

"""Options of a labelled folder: the fields of --config."""

import dataclasses
import difflib
import re
from typing import Any

import tensorflow_datasets as tfds
from PIL import ImageColor

from .declared import Declared
from .images import Preprocessing
from .labels import FILE_NAME

PLACEHOLDER = "given_as_json"  # name of the config that makes `tfds build` accept JSON


@dataclasses.dataclass(eq=False)
class LabeledFolderConfig(tfds.core.BuilderConfig):
    """Choice of the folder and its preprocessing, given as JSON: --config='{"name": ..., "folder": ...}'.

    Args:
        name: Name of the prepared data set: labeled_folder/<name>.
        folder: Folder with labels.csv (or labels.json) and the images, at any depth; relative to the current folder.
        labels: Path of the table, if it is not labels.csv or labels.json in the folder.
        resolution: Height and width of the prepared images in pixels, a power of two from 8 to 1024.
        center_crop: If True, crops the middle square of images that are not square instead of rejecting them.
        flatten: Background colour for transparent images such as "white" or "#rrggbb"; "" rejects them.
        skip_bad: If True, skips and counts unusable images, rows and cells instead of stopping at the first.
        kinds: {factor: "integer", "categorical" or "decimal"}, for columns whose cells are ambiguous.
        sizes: {factor: number of values}, for integer columns that have values without a label.
        categories: {factor: [names of all values in order]}; by default, the names in the table, sorted.
        ranges: {factor: [low, high]}, for decimal columns whose range exceeds the labels.
    """

    folder: str = ""
    labels: str = ""
    resolution: int = 0
    center_crop: bool = False
    flatten: str = ""
    skip_bad: bool = False
    kinds: dict[str, str] = dataclasses.field(default_factory=dict)
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)
    categories: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    ranges: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    def check(self) -> None:
        """Raises ValueError naming the field if a value is out of range."""
        r = self.resolution
        if not isinstance(self.name, str) or not re.fullmatch(r"[A-Za-z][\w.-]*", self.name):
            raise ValueError(f"name: expected a letter, then letters, digits or any of _.-. Received: {self.name!r}.")
        if len(self.name) > 100:
            raise ValueError(f"name: expected at most 100 characters. Received: {len(self.name)}, {self.name[:40]}...")
        if not self.folder or not isinstance(self.folder, str):
            raise ValueError(f"folder: expected the folder with {FILE_NAME}. Received: {self.folder!r}.")
        if not isinstance(self.labels, str):
            raise ValueError(f"labels: expected the path of a table. Received: {self.labels!r}.")
        if type(r) is not int or not 8 <= r <= 1024 or r & (r - 1):
            raise ValueError(f"resolution: expected a power of two from 8 to 1024. Received: {r!r}.")
        for field in ("center_crop", "skip_bad"):
            if not isinstance(getattr(self, field), bool):
                raise ValueError(f"{field}: expected true or false. Received: {getattr(self, field)!r}.")
        self.declared.check()
        _ = self.preprocessing

    @property
    def preprocessing(self) -> Preprocessing:
        """Preprocessing of the images."""
        return Preprocessing(self.resolution, self.center_crop, _color(self.flatten) if self.flatten != "" else None)

    @property
    def declared(self) -> Declared:
        """Declarations of columns."""
        return Declared(self.kinds, self.sizes, self.categories, self.ranges)

    def options(self) -> dict[str, Any]:
        """Returns all fields that affect the prepared data, for a fingerprint."""
        fields = ("resolution", "center_crop", "flatten", "skip_bad", "kinds", "sizes", "categories", "ranges")
        return {field: getattr(self, field) for field in fields}


def from_json(**fields: Any) -> LabeledFolderConfig:
    """Returns the config with these fields.

    Raises:
        ValueError: naming a field that is unknown, or the field `name` if it is missing or reserved.
    """
    known = ["name", *LabeledFolderConfig.__annotations__]
    allowed = {field.name for field in dataclasses.fields(LabeledFolderConfig)}  # those of TFDS too
    for field in fields:
        if field not in allowed:
            near = difflib.get_close_matches(field, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"--config: expected fields among {known}. Received: {field[:100]!r}.{hint}")
    if fields.get("name", PLACEHOLDER) == PLACEHOLDER:
        raise ValueError(
            f'--config: expected a field "name", the name of the data set, other than {PLACEHOLDER!r}. Received: '
            f"{', '.join(fields) or 'no field'}."
        )
    return LabeledFolderConfig(**fields)


def _color(text: str) -> tuple[int, int, int]:
    try:
        color = ImageColor.getrgb(text)
    except (ValueError, AttributeError, TypeError):
        color = (0, 0, 0, 0)
    if len(color) == 4:  # transparent
        raise ValueError(f'flatten: expected a colour such as "white" or "#rrggbb". Received: {text!r}.')
    return color

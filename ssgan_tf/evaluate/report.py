"""Scores of a run: reading metrics.json and merging new scores with those in it."""

import math
import os
import reprlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from PIL import Image

from ssgan_tf import __version__
from ssgan_tf.evaluate.score_table import to_text
from ssgan_tf.runs.paths import RunPaths
from ssgan_tf.utils.readers import read_json

_FILE = os.path.basename(RunPaths("").scores)
_LARGEST = 1e30  # finite score or setting; beyond, sums and axes overflow
_GROUPS = (
    "encoder", "generator", "ceiling", "chance", "images", "encoder_seen", "generator_seen", "images_seen"
)  # fmt: skip
_COUNTS = (
    "labels", "labeled_fraction", "images_trained", "samples_encoder", "samples_generator", "samples_seen", "bins",
    "seed",
)  # fmt: skip


class Scores(Mapping[str, Any]):
    """The scores of a run: the content of its metrics.json, printed as a table.

    Example: `scores["encoder"]["mig"]`, `scores["generator"]["l2"]`.

    Args:
        content: Content of metrics.json.
        paths: Files that were written: metrics.json, metrics.txt and, if the model generates images, traversal.png.
        missing: One sentence for each metric that was asked for by name and has no score.
    """

    def __init__(self, content: Mapping[str, Any], paths: tuple[str, ...] = (), missing: tuple[str, ...] = ()):
        self.content = dict(content)
        self.paths = paths
        self.missing = missing

    def __getitem__(self, key: str) -> Any:
        return self.content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.content)

    def __len__(self) -> int:
        return len(self.content)

    def __repr__(self) -> str:
        return to_text(self.content)

    @property
    def traversal(self) -> Image.Image | None:
        """Grid with one row per code; None if the model generates no images."""
        return Image.open(self.paths[2]) if len(self.paths) > 2 else None


def read(path: str, advice: str = "") -> dict[str, Any]:
    """Reads a metrics.json, of which any part may be missing.

    Args:
        path: The file.
        advice: Sentence for the error message that says what to do.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a file of scores; the message names the file and the part.
    """
    return read_json(path, check, "a file of scores", advice)


def check(content: Any) -> dict[str, Any]:
    """Returns the content of a metrics.json; raises ValueError if one of its parts has another type."""
    top = _child({_FILE: content}, _FILE)
    for group in (*_GROUPS, "oracle", "second_oracle", "agreement"):
        _check_numbers(_child(top, group), group)
    for group, intervals in _child(top, "intervals").items():
        for key, ends in _child({group: intervals}, group).items():
            if not isinstance(ends, list) or len(ends) != 2 or not all(map(_is_number, ends)):
                raise ValueError(f"intervals.{group}.{key}: expected [low, high]. Received: {reprlib.repr(ends)}.")
    for group, refused in _child(top, "refused").items():
        if not all(isinstance(why, str) for why in _child({group: refused}, group).values()):
            raise ValueError(f"refused.{group}: expected sentences. Received: {reprlib.repr(refused)}.")
    settings = _child(top, "settings")
    _check_numbers({"chance_l2": top.get("chance_l2")}, _FILE)
    _check_numbers({key: settings.get(key) for key in _COUNTS}, "settings")
    bootstrap = settings.get("bootstrap")  # a number in files of older versions
    _check_numbers(bootstrap if isinstance(bootstrap, dict) else {"bootstrap": bootstrap}, "settings")
    _child(settings, "versions")
    return top


def _child(parent: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Returns parent[name]; an empty dict if it is missing or null."""
    value = parent.get(name)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{name}: expected a dict. Received: {reprlib.repr(value)}.")
    return value or {}


def _check_numbers(values: Mapping[str, Any], name: str) -> None:
    for key, value in values.items():
        if value is not None and not _is_number(value):
            raise ValueError(f"{name}.{key}: expected a number. Received: {reprlib.repr(value)}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and (not math.isfinite(value) or abs(value) <= _LARGEST)


def versions() -> dict[str, str]:
    """Returns the versions of this package and of the libraries that affect scores."""
    libraries = ("tensorflow", "numpy", "scipy", "scikit-learn")
    return {"ssgan_tf": __version__, **{name: version(name) for name in libraries}}


def merge(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Returns `new` with the scores of metrics that only `old` has, if checkpoint, images and settings are the same.

    This adds metrics to a run that was evaluated before, without losing scores that took long to compute. Old scores
    from a feature network are dropped if `new` used another network.

    Args:
        new: New content of metrics.json.
        old: Current content of metrics.json.
    """
    if _common(new) != _common(old):
        return new
    groups = [group for group in _GROUPS if group in new and group in old]
    gone = {name for group in groups for name in map(metric_of, (*new[group], *new["refused"].get(group, {})))}
    features = [scores["settings"]["features"] for scores in (new, old)]
    if None not in features and features[0] != features[1]:
        gone.update(_OVER_FEATURES)

    def both(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
        return {**{key: value for key, value in older.items() if metric_of(key) not in gone}, **newer}

    result = {**new, **{group: both(old[group], new[group]) for group in groups}}
    for part in ("intervals", "refused"):
        scored = [group for group in groups if group in new[part]]
        result[part] = {group: both(old[part].get(group, {}), new[part][group]) for group in scored}
    bootstrap = both(old["settings"]["bootstrap"], new["settings"]["bootstrap"])
    settings = {**new["settings"], "bootstrap": bootstrap, "features": features[0] or features[1]}
    return {**result, "settings": settings}


_OVER_FEATURES = ("fid", "kid", "precision_recall")


def metric_of(key: str) -> str:
    """Returns the name of the metric that a key of a result belongs to."""
    name = key.split("/")[0]
    return "precision_recall" if name in ("precision", "recall") else name


def _common(scores: dict[str, Any]) -> list[Any]:
    """Returns the settings that all scores depend on, and the scores of the oracle."""
    settings = {key: value for key, value in scores["settings"].items() if key not in ("bootstrap", "features")}
    return [settings, scores["oracle"]]

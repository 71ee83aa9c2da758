"""Scores of a run: reading metrics.json, merging new scores with those in it, and printing them as a table."""

import math
import reprlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from PIL import Image

from ssgan_tf import __version__
from ssgan_tf.metrics.titles import TITLES
from ssgan_tf.utils.readers import read_json

_WIDTH = 32
_COLUMN = 26
_LARGEST = 1e30  # finite score or setting; beyond, sums and axes overflow
_COUNTS = ("labels", "labeled_fraction", "images_trained", "samples_encoder", "samples_generator", "bins", "seed")


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
        return report(self.content)

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
    top = _child({"metrics.json": content}, "metrics.json")
    for group in ("encoder", "generator", "images", "oracle"):
        _check_numbers(_child(top, group), group)
    for group, intervals in _child(top, "intervals").items():
        for key, ends in _child({group: intervals}, group).items():
            if not isinstance(ends, list) or len(ends) != 2 or not all(map(_is_number, ends)):
                raise ValueError(f"intervals.{group}.{key}: expected [low, high]. Received: {reprlib.repr(ends)}.")
    for group, refused in _child(top, "refused").items():
        if not all(isinstance(why, str) for why in _child({group: refused}, group).values()):
            raise ValueError(f"refused.{group}: expected sentences. Received: {reprlib.repr(refused)}.")
    settings = _child(top, "settings")
    _check_numbers({"chance_l2": top.get("chance_l2")}, "metrics.json")
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


def report(scores: dict[str, Any]) -> str:
    """Returns the table: metrics of encoder and generator, metrics of images, each factor's MIG, and the settings.

    Args:
        scores: Content of metrics.json.
    """
    parts = [_codes(scores), _images(scores), _factors(scores), _notes(scores)]
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts if part)


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
    groups = ("encoder", "generator", "images")
    gone = {name for group in groups for name in map(metric_of, (*new[group], *new["refused"].get(group, {})))}
    features = [scores["settings"]["features"] for scores in (new, old)]
    if None not in features and features[0] != features[1]:
        gone.update(_OVER_FEATURES)

    def both(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
        return {**{key: value for key, value in older.items() if metric_of(key) not in gone}, **newer}

    result = {**new, **{group: both(old[group], new[group]) for group in groups}}
    for part in ("intervals", "refused"):
        result[part] = {group: both(old[part].get(group, {}), new[part].get(group, {})) for group in groups}
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


def _codes(scores: dict[str, Any]) -> list[str]:
    keys = [key for key in TITLES if key in scores["encoder"] or key in scores["generator"]]
    if not keys:
        return []
    lines = [f"{'':<{_WIDTH}}{'encoder':<{_COLUMN}}{'generator':<{_COLUMN}}"]
    for key in keys:
        cells = [_number(scores, group, key) for group in ("encoder", "generator")]
        lines.append(f"{TITLES[key]:<{_WIDTH}}{cells[0]:<{_COLUMN}}{cells[1]:<{_COLUMN}}")
    s, oracle = scores["settings"], scores["oracle"]
    lines += [
        f"{'images':<{_WIDTH}}{s['samples_encoder']:<{_COLUMN},}{s['samples_generator']:<{_COLUMN},}",
        "",
        f"oracle, on {oracle['l2/samples']:,} held-out images: MIG {oracle['mig']:.3f}, L2 {oracle['l2']:.3f}; "
        f"L2 by chance: {scores['chance_l2']:.3f}",
    ]
    return lines


def _images(scores: dict[str, Any]) -> list[str]:
    keys = [key for key in TITLES if key in scores["images"]]
    return [f"{TITLES[key]:<{_WIDTH}}{_number(scores, 'images', key)}" for key in keys]


def _number(scores: dict[str, Any], group: str, key: str) -> str:
    """Formats a score, with its interval if there is one: "0.965 [0.960, 0.970]"; "-" if there is no score."""
    value = scores[group].get(key)
    if value is None:
        return "-"
    interval = scores["intervals"].get(group, {}).get(key)
    small = group == "images" and 0 < abs(value) < 0.01  # a good KID is 0.0004
    decimals = 2 - math.floor(math.log10(abs(value))) if small else 3
    ends = f" [{interval[0]:.{decimals}f}, {interval[1]:.{decimals}f}]" if interval else ""
    return f"{value:.{decimals}f}{ends}"


def _factors(scores: dict[str, Any]) -> list[str]:
    """Returns lines with each factor's MIG. Without labels, a generator's factors are its own codes; they come last."""
    columns = [("encoder", "mig"), ("generator", "mig_swapped"), ("generator", "mig")]
    names: dict[str, None] = {}
    for group, metric in columns:
        prefix = f"{metric}/gap/"
        names |= dict.fromkeys(key.removeprefix(prefix) for key in scores[group] if key.startswith(prefix))
    if not names:
        return []
    if "mig_swapped" not in scores["generator"]:
        columns.remove(("generator", "mig_swapped"))
    titles = [group + ", swapped" * (metric == "mig_swapped") for group, metric in columns]
    rows = [[_number(scores, group, f"{metric}/gap/{name}") for group, metric in columns] for name in names]
    return [
        f"{first:<{_WIDTH}}" + "".join(f"{cell:<{_COLUMN}}" for cell in cells)
        for first, cells in zip(["MIG per factor", *(f"  {name}" for name in names)], [titles, *rows], strict=True)
    ]


def _notes(scores: dict[str, Any]) -> list[str]:
    s = scores["settings"]
    lines = [
        f"{s['labels']:,} labelled images (eta = {100 * s['labeled_fraction']:g} %), trained with "
        f"{s['images_trained']:,} images; {s['bins']} bins, seed {s['seed']}."
    ]
    if s["bootstrap"]:
        counts = " or ".join(str(count) for count in sorted(set(s["bootstrap"].values())))
        lines.append(f"[low, high]: 95 % intervals from {counts} bootstrap replicates of the images.")
    within = {key.split("/")[0] for g in ("encoder", "generator") for key, v in scores[g].items() if _part(key, v)}
    if within:
        titles = " and ".join(TITLES[name] for name in sorted(within, reverse=True))
        lines.append(f"{titles}: groups were sampled from the evaluated images, which are not the whole grid.")
    for group, refused in scores["refused"].items():
        for why in dict.fromkeys(refused.values()):  # one line for all metrics with the same reason
            titles = ", ".join(TITLES.get(name, name) for name, reason in refused.items() if reason == why)
            lines.append(f"No {titles} of {group}: {why}")
    return lines


def _part(key: str, value: float) -> bool:
    return key.endswith("/whole_grid") and not value

"""Table of a run's scores, as text."""

import math
from typing import Any

from ssgan_tf.evaluate import confusion, weak_sliders
from ssgan_tf.evaluate.label_counts import describe_labels
from ssgan_tf.metrics.titles import TITLES

_WIDTH = 32
_COLUMN = 26
_FEW = 1_000  # images; below, the table has E's mistakes too
_PER_BIN = 10  # images that a bin needs, for mutual information to mean something
_NARROW = 10  # of a column without intervals
_COLUMNS = {"encoder": _COLUMN, "generator": _COLUMN, "ceiling": _NARROW, "chance": _NARROW}


def to_text(scores: dict[str, Any]) -> str:
    """Returns the table: metrics of encoder and generator, metrics of images, each factor's scores, and the settings.

    Args:
        scores: Content of metrics.json.
    """
    parts = [
        _codes(scores), _oracles(scores), _images(scores), _factors(scores), _accuracy(scores), _sliders(scores),
        _seen(scores), _notes(scores),
    ]  # fmt: skip
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts if part)


def _codes(scores: dict[str, Any]) -> list[str]:
    """Returns lines with the scores of codes, beside the generator's ceiling and chance where they were measured."""
    keys = [key for key in TITLES if key in scores["encoder"] or key in scores["generator"]]
    if not keys:
        return []
    columns = {group: width for group, width in _COLUMNS.items() if width == _COLUMN or scores.get(group)}
    rows = [[TITLES[key], *(_number(scores, group, key) for group in columns)] for key in keys]
    s = scores["settings"]
    counts = ["images", f"{s['samples_encoder']:,}", f"{s['samples_generator']:,}"]
    widths = [_WIDTH, *columns.values()]
    return [
        "".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
        for row in (["", *columns], *rows, counts)
    ]


def _oracles(scores: dict[str, Any]) -> list[str]:
    """Returns lines on the oracles: their own scores on held-out images, and how often they agree."""
    if not scores["encoder"] and not scores["generator"]:
        return []
    oracle, second = scores["oracle"], scores.get("second_oracle")
    lines = [f"L2 by chance: {scores['chance_l2']:.3f}"]
    if oracle:
        count = oracle.get("samples", oracle.get("l2/samples", 0))
        lines = [f"oracle, on {count:,} held-out images: {_own_scores(oracle)}; {lines[0]}"]
    if second:
        lines.append(f"second oracle: {_own_scores(second)}")
    if scores.get("agreement"):
        parts = [f"{100 * share:.1f} % of {kind} images" for kind, share in sorted(scores["agreement"].items())]
        lines.append(f"Both read the same value of every factor in {' and '.join(parts)}.")
    return lines


def _own_scores(oracle: dict[str, float]) -> str:
    """Returns an oracle's own scores, of which those are missing that need images with all labels."""
    texts = {"mig": "MIG {:.3f}", "l2": "L2 {:.3f}", "error": "error per label {:.3f}"}
    parts = [text.format(oracle[key]) for key, text in texts.items() if key in oracle]
    if "exact_match" in oracle:
        parts.append(f"all factors right {100 * oracle['exact_match']:.1f} %")
    return ", ".join(parts)


def _images(scores: dict[str, Any]) -> list[str]:
    keys = [key for key in TITLES if key in scores["images"]]
    return [f"{TITLES[key]:<{_WIDTH}}{_number(scores, 'images', key)}" for key in keys]


def _number(scores: dict[str, Any], group: str, key: str) -> str:
    """Formats a score, with its interval if there is one: "0.965 [0.960, 0.970]"; "-" if there is no score."""
    value = scores.get(group, {}).get(key)
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


def _accuracy(scores: dict[str, Any]) -> list[str]:
    """Returns the fraction of images in which E reads each factor right and, where labels are few, its mistakes."""
    prefix = "exact_match/accuracy/"
    names = [key.removeprefix(prefix) for key in scores["encoder"] if key.startswith(prefix)]
    lines = ["read right by the encoder"] if names else []
    lines += [f"{'  ' + name:<{_WIDTH}}{_number(scores, 'encoder', prefix + name)}" for name in names]
    if names and scores["settings"].get("samples_encoder", 0) < _FEW:
        lines += confusion.to_lines(scores.get("confusion") or {}, _WIDTH)
    return lines


def _sliders(scores: dict[str, Any]) -> list[str]:
    """Returns lines with the effect of each slider: in pixels where codes name images, and as the oracle reads it."""
    pixels = {"ratio": "change / real change", "correlation": "correlation", "outside": "outside"}
    lines = _effects(scores, "images", "sliders", "effect of a slider", pixels)
    reading = {"effect": "change / change asked for", "others": "in other factors"}
    lines += _effects(scores, "generator", "read_sliders", "effect, as the oracle reads it", reading)
    return lines + [f"{name}: {verdict}." for name, verdict in weak_sliders.find(scores).items()]


def _effects(scores: dict[str, Any], group: str, metric: str, title: str, columns: dict[str, str]) -> list[str]:
    """Returns a line for each factor with the parts of a metric, the keys of `columns`, below their titles."""
    prefix = f"{metric}/{next(iter(columns))}/"
    names = [key.removeprefix(prefix) for key in scores[group] if key.startswith(prefix)]
    rows = [[_number(scores, group, f"{metric}/{part}/{name}") for part in columns] for name in names]
    return [
        f"{first:<{_WIDTH}}" + "".join(f"{cell:<{_COLUMN}}" for cell in cells)
        for first, cells in zip([title, *(f"  {name}" for name in names)], [[*columns.values()], *rows], strict=True)
        if names
    ]


def _seen(scores: dict[str, Any]) -> list[str]:
    """Returns lines with the scores on images that the run was trained on, to compare with those above."""
    groups = {group: f"{group}_seen" for group in ("encoder", "generator", "images")}
    if not any(scores.get(seen) for seen in groups.values()):
        return []
    s = scores["settings"]
    lines = [f"On {s['samples_seen']:,} {s['seen']}, to compare with the {s['scored_on']} above:"]
    if scores.get(groups["generator"]):
        lines.append(" " * _WIDTH + f"{'encoder':<{_COLUMN}}generator")
    for key, title in TITLES.items():
        cells = [_number(scores, groups[group], key) for group in ("encoder", "generator")]
        image = _number(scores, groups["images"], key)
        if any(cell != "-" for cell in cells):
            lines.append(f"{'  ' + title:<{_WIDTH}}" + "".join(f"{cell:<{_COLUMN}}" for cell in cells))
        elif image != "-":
            lines.append(f"{'  ' + title:<{_WIDTH}}{image}")
    return lines


def _notes(scores: dict[str, Any]) -> list[str]:
    s = scores["settings"]
    lines = [f"Scored on {s['scored_on']}."] if s.get("scored_on") else []
    # Files of older versions do not have the number of images.
    old = f"{s['labels']:,} images (eta = {100 * s['labeled_fraction']:g} %)"
    used = describe_labels(s) if "labels_complete" in s else old
    lines += [
        f"Labels used: {used}. Trained with {s['images_trained']:,} images; {s['bins']} bins, seed {s['seed']}."
    ]
    if s["bootstrap"]:
        counts = " or ".join(str(count) for count in sorted(set(s["bootstrap"].values())))
        lines.append(f"[low, high]: 95 % intervals from {counts} bootstrap replicates of the images.")
    if "mig" in scores["encoder"] and s["samples_encoder"] < _PER_BIN * s["bins"]:
        lines.append(f"MIG of {s['samples_encoder']:,} images in {s['bins']} bins says little; see L2 and accuracy.")
    within = {key.split("/")[0] for g in ("encoder", "generator") for key, v in scores[g].items() if _part(key, v)}
    if within:
        titles = " and ".join(TITLES[name] for name in sorted(within, reverse=True))
        lines.append(f"{titles}: groups were sampled from the evaluated images, which are not the whole grid.")
    for name, why in (scores.get("unreadable") or {}).items() if scores["generator"] else ():
        lines.append(f"The generator's scores leave out {name}, which the oracle cannot read: {why}.")
    for group, refused in scores["refused"].items():
        for why in dict.fromkeys(refused.values()):  # one line for all metrics with the same reason
            titles = ", ".join(TITLES.get(name, name) for name, reason in refused.items() if reason == why)
            lines.append(f"No {titles} of {group}: {why}")
    return lines


def _part(key: str, value: float) -> bool:
    return key.endswith("/whole_grid") and not value

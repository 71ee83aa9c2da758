"""What a selection says: ranking, rank correlation with scores that needed labels, table, JSON, picture."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.stats
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ssgan_tf.metrics.titles import TITLES

METHODS = {"centrality": "ModelCentrality", "udr_lasso": "UDR Lasso", "udr_spearman": "UDR Spearman"}
"""Scores without labels: {key: title}. The first chooses unless another is asked for."""
KNOWN = ("mig", "factor_vae", "dci", "dci_histogram")
LEAST_MODELS = 3
"""Of fewer, any rank correlation is 1, -1 or nothing."""

Scores = Mapping[str, np.ndarray]  # {key: [N]}, higher is better


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model of the pool, as it is reported.

    Args:
        name: for people.
        facts: what is written beside its scores: workdir, step, fingerprint, ...
        known: scores of its encoder that were measured with labels, and on how many "samples".
        notes: what is wrong with it, a few words each.
    """

    name: str
    facts: dict[str, Any]
    known: dict[str, float]
    notes: tuple[str, ...]


def read_known(workdir: str, fingerprint: str) -> dict[str, float]:
    """Scores of KNOWN that the workdir's metrics.json holds of these very weights, and of how many "samples"."""
    try:
        with open(os.path.join(workdir, "metrics.json"), encoding="utf-8") as file:
            scores = json.load(file)
        if scores["settings"]["checkpoint"] != fingerprint:
            return {}
        found = {name: float(scores["encoder"][name]) for name in KNOWN if name in scores["encoder"]}
        if "samples_encoder" in scores["settings"]:
            found["samples"] = scores["settings"]["samples_encoder"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def order(scores: np.ndarray) -> list[int]:
    """Places of the models, the best first; equal ones stay as they are."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def correlations(scores: Scores, entries: Sequence[Entry]) -> dict[str, dict[str, dict[str, float | int | None]]]:
    """{method: {known score: {"spearman": rank correlation or None, "models": how many have that score}}}.

    None stands where fewer than LEAST_MODELS have it, or one of both is the same for all.
    """
    result: dict[str, dict[str, dict[str, float | int | None]]] = {}
    for method, values in scores.items():
        result[method] = {}
        for name in KNOWN:
            have = [i for i, entry in enumerate(entries) if name in entry.known]
            pairs = np.array([[values[i], entries[i].known[name]] for i in have]).reshape(-1, 2)
            enough = len(have) >= LEAST_MODELS and (np.ptp(pairs, axis=0) > 0).all()
            rho = float(scipy.stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic) if enough else None
            result[method][name] = {"spearman": rho, "models": len(have)}
    return result


def shorten(names: Sequence[str]) -> list[str]:
    """Names without the folder that all are in."""
    folders = {os.path.dirname(name) for name in names}
    common = os.path.commonpath(folders) if folders and len({os.path.isabs(f) for f in folders}) == 1 else ""
    return [os.path.relpath(name, common) if common else name for name in names]


def table(scores: Scores, entries: Sequence[Entry], method: str) -> str:
    """The ranking by `method`, the best first, with all other scores beside it."""
    known = [name for name in KNOWN if any(name in entry.known for entry in entries)]
    rows = [["", "model", *(METHODS[m] for m in scores), *(TITLES[name] for name in known), ""]]
    names = shorten([entry.name for entry in entries])
    for place, i in enumerate(order(scores[method]), 1):
        measured = [f"{entries[i].known[name]:.3f}" if name in entries[i].known else "-" for name in known]
        cells = [f"{scores[m][i]:.4f}" for m in scores]
        rows.append([str(place), names[i], *cells, *measured, "; ".join(entries[i].notes)])
    return _aligned(rows)


def unlike(entries: Sequence[Entry]) -> str:
    """A sentence where scores with labels were measured on different numbers of images; "" where not."""
    counts = sorted({int(entry.known["samples"]) for entry in entries if "samples" in entry.known})
    if len(counts) < 2:
        return ""
    listed = " and ".join(f"{count:,}" for count in counts)
    return f"Scores with labels were measured on {listed} images: evaluate all models alike before they are compared."


def correlation_table(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The rank correlations, or a sentence where there are none."""
    counts = {name: next(iter(found.values()))[name]["models"] for name in KNOWN}
    if not any(counts.values()):
        return "No rank correlation with ground truth: no model has scores in a metrics.json of this checkpoint."
    known = [name for name in KNOWN if counts[name]]
    titles = [f"{TITLES[n]} ({counts[n]} model{'s' * (counts[n] > 1)})" for n in known]
    rows = [["Spearman's rank correlation with", *titles]]
    for method, by_name in found.items():
        rho = [by_name[n]["spearman"] for n in known]
        rows.append([METHODS[method], *("-" if r is None else f"{r:.3f}" for r in rho)])
    few = f"\n-: fewer than {LEAST_MODELS} models have that score, or it is the same for all."
    return _aligned(rows) + (few if any("-" in row[1:] for row in rows) else "")


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    return "\n".join("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def result(
    scores: Scores, matrices: Mapping[str, np.ndarray], entries: Sequence[Entry], method: str
) -> dict[str, Any]:
    """What selection.json holds of models and scores: those in the order of the ranking, so are rows and columns."""
    places = order(scores[method])
    models = [
        {
            "name": entries[i].name,
            **entries[i].facts,
            **{m: float(scores[m][i]) for m in scores},
            "known": entries[i].known,
            "notes": list(entries[i].notes),
        }
        for i in places
    ]
    ordered = {name: matrix[np.ix_(places, places)].tolist() for name, matrix in matrices.items()}
    selected = models[0]["name"] if scores[method].max() > 0 else None
    return {"selected": selected, "method": method, "models": models, **ordered}


def draw(matrix: np.ndarray, names: Sequence[str], scores: np.ndarray) -> np.ndarray:
    """A [N, N] as a picture, a row an encoder and a column a generator, with each model's centrality: uint8 [H,W,3]."""
    count, names = len(names), shorten(names)
    cell, written = max(0.16, min(0.5, 12 / count)), count <= 20
    left, top = 0.3 + 0.075 * max(map(len, names)), 0.6
    side = cell * count  # inches, as the others
    width, height = max(left + side + 0.8, 4.5), top + side + left
    figure = Figure(figsize=(width, height), dpi=110)
    axes = figure.add_axes((left / width, left / height, side / width, side / height))
    axes.imshow(matrix, vmin=0, vmax=1, cmap="viridis")
    texts = [_plain(name) for name in names]
    axes.set_xticks(range(count), texts, rotation=90, fontsize=8)
    axes.set_yticks(range(count), texts, fontsize=8)
    axes.tick_params(length=0)
    axes.set_title("A: encoder (row) on images of generator (column)\nright: ModelCentrality", fontsize=8, loc="left")
    for i in range(count):
        axes.text(count - 0.3, i, f"{scores[i]:.3f}", va="center", fontsize=8)
        for j in range(count if written else 0):
            axes.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=7, color=_ink(matrix[i, j]))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def _plain(name: str) -> str:
    return name.replace("$", r"\$")  # matplotlib would take what stands between two for a formula


def _ink(value: float) -> str:
    return "black" if value > 0.6 else "white"

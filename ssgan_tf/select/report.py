"""Report of a selection: ranking, rank correlations with scores that need labels, selection.json, plot of A."""

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.stats
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ssgan_tf.evaluate.report import read
from ssgan_tf.metrics.titles import TITLES
from ssgan_tf.runs import Workdir
from ssgan_tf.select import model_centrality

METHODS = {"centrality": "ModelCentrality", "udr_lasso": "UDR Lasso", "udr_spearman": "UDR Spearman"}
"""Scores without labels: {key: title}. The first one is the default."""
KNOWN = ("mig", "factor_vae", "dci", "dci_histogram")
"""Scores with labels, which the scores without labels are compared with."""
MIN_MODELS = 3
"""Minimum number of models for a rank correlation; with two it can only be 1 or -1."""

Scores = Mapping[str, np.ndarray]  # {key: [N]}, higher is better


@dataclasses.dataclass(frozen=True)
class Entry:
    """Model of the pool, as it appears in the report.

    Args:
        name: Name for tables and messages.
        facts: Values written beside its scores: workdir, step, fingerprint, ...
        known: Scores of its encoder that were measured with labels, and their number of "samples".
        notes: Short descriptions of what is wrong with it.
    """

    name: str
    facts: dict[str, Any]
    known: dict[str, float]
    notes: tuple[str, ...]


def load_known(workdir: str, fingerprint: str) -> dict[str, float]:
    """Loads the KNOWN scores, and their number of "samples", from the workdir's metrics.json.

    Args:
        workdir: Folder of the run.
        fingerprint: Checksum of the weights; scores of other weights are ignored.
    """
    try:
        scores = read(Workdir(workdir).scores)
        if scores["settings"]["checkpoint"] != fingerprint:
            return {}
        found = {name: float(scores["encoder"][name]) for name in KNOWN if name in scores["encoder"]}
        if "samples_encoder" in scores["settings"]:
            found["samples"] = scores["settings"]["samples_encoder"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def order(scores: np.ndarray) -> list[int]:
    """Returns the indices of the models, best first; models with equal scores keep their order."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def correlations(scores: Scores, entries: Sequence[Entry]) -> dict[str, dict[str, dict[str, float | int | None]]]:
    """Computes Spearman's rank correlation of each score with each KNOWN score.

    Returns:
        {method: {known score: {"spearman": correlation, "models": number of models with that score}}}. The correlation
        is None if fewer than MIN_MODELS models have the score, or if either score is the same for all of them.
    """
    result: dict[str, dict[str, dict[str, float | int | None]]] = {}
    for method, values in scores.items():
        result[method] = {}
        for name in KNOWN:
            have = [i for i, entry in enumerate(entries) if name in entry.known]
            pairs = np.array([[values[i], entries[i].known[name]] for i in have]).reshape(-1, 2)
            enough = len(have) >= MIN_MODELS and (np.ptp(pairs, axis=0) > 0).all()
            rho = float(scipy.stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic) if enough else None
            result[method][name] = {"spearman": rho, "models": len(have)}
    return result


def shorten(names: Sequence[str]) -> list[str]:
    """Returns the names without the folder that they share."""
    folders = {os.path.dirname(name) for name in names}
    common = os.path.commonpath(folders) if folders and len({os.path.isabs(f) for f in folders}) == 1 else ""
    return [os.path.relpath(name, common) if common else name for name in names]


def summary(scores: Scores, entries: Sequence[Entry], method: str, no_udr: str = "") -> str:
    """Returns the text of a selection: ranking, rank correlations, warnings, and the selected model.

    Args:
        scores: Scores of the models.
        entries: The models, in the same order.
        method: Score to rank by.
        no_udr: Sentence that says why there is no UDR; empty if there is one.
    """
    places = order(scores[method])
    best, title, highest = entries[places[0]].name, METHODS[method], scores[method].max()
    tied = ", ".join(entries[i].name for i in places[1:] if scores[method][i] == highest)
    correlated = correlation_table(correlations(scores, entries))
    parts = [ranking_table(scores, entries, method), no_udr, correlated, warn_of_samples(entries)]
    sizes = sorted({entry.facts["codes"] for entry in entries})
    if len(sizes) > 1:
        parts.append(
            f"The models have {' and '.join(map(str, sizes))} codes. The chance level of a score is at least 1 / codes "
            "of the generator, so models with fewer codes score higher."
        )
    if highest > 0:
        what = "Medoid of the pool" if method == "centrality" else "Best model"
        parts.append(f"{what}: {best}, {title} {highest:.4f}" + (f" (tied with {tied})" if tied else ""))
    else:
        parts.append(f"No model is selected: {title} is 0 for all of them, so no two of them agree on anything.")
    return "\n\n".join(filter(None, parts))


def ranking_table(scores: Scores, entries: Sequence[Entry], method: str) -> str:
    """Returns the table of models, best first by `method`, with all other scores."""
    known = [name for name in KNOWN if any(name in entry.known for entry in entries)]
    rows = [["", "model", *(METHODS[m] for m in scores), *(TITLES[name] for name in known), ""]]
    names = shorten([entry.name for entry in entries])
    for place, i in enumerate(order(scores[method]), 1):
        measured = [f"{entries[i].known[name]:.3f}" if name in entries[i].known else "-" for name in known]
        cells = [f"{scores[m][i]:.4f}" for m in scores]
        rows.append([str(place), names[i], *cells, *measured, "; ".join(entries[i].notes)])
    return _aligned(rows)


def warn_of_samples(entries: Sequence[Entry]) -> str:
    """Returns a warning if the scores with labels were measured on different numbers of images; otherwise ""."""
    counts = sorted({int(entry.known["samples"]) for entry in entries if "samples" in entry.known})
    if len(counts) < 2:
        return ""
    listed = " and ".join(f"{count:,}" for count in counts)
    return f"Scores with labels were measured on {listed} images: to compare them, evaluate all models in the same way."


def correlation_table(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Returns the table of rank correlations, or a sentence if there are none.

    Args:
        found: Result of `correlations`.
    """
    counts = {name: next(iter(found.values()))[name]["models"] for name in KNOWN}
    if not any(counts.values()):
        return "No rank correlation with ground truth: no model has scores of this checkpoint in its metrics.json."
    known = [name for name in KNOWN if counts[name]]
    titles = [f"{TITLES[n]} ({counts[n]} model{'s' * (counts[n] > 1)})" for n in known]
    rows = [["Spearman's rank correlation with", *titles]]
    for method, by_name in found.items():
        rho = [by_name[n]["spearman"] for n in known]
        rows.append([METHODS[method], *("-" if r is None else f"{r:.3f}" for r in rho)])
    missing = f"\n-: fewer than {MIN_MODELS} models have that score, or it is the same for all of them."
    return _aligned(rows) + (missing if any("-" in row[1:] for row in rows) else "")


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    return "\n".join("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def make_content(
    scores: Scores,
    matrix: np.ndarray,
    entries: Sequence[Entry],
    method: str,
    left_out: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Returns the content of selection.json. Models, and the rows and columns of A and B, are in ranking order.

    Args:
        scores: Scores of the models.
        matrix: A [N, N].
        entries: The models, in the same order.
        method: Score to rank by.
        left_out: One sentence for each model that was left out.
        settings: Settings that the scores depend on, besides the models.
    """
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
    ordered = matrix[np.ix_(places, places)]
    return {
        "selected": models[0]["name"] if scores[method].max() > 0 else None,
        "method": method,
        "models": models,
        "A": ordered.tolist(),
        "B": model_centrality.symmetric(ordered).tolist(),
        "correlations": correlations(scores, entries),
        "left_out": list(left_out),
        "settings": dict(settings or {}),
    }


def plot_matrix(matrix: np.ndarray, names: Sequence[str], scores: np.ndarray) -> np.ndarray:
    """Plots A [N, N] with each model's centrality: uint8 [H,W,3]. Rows are encoders, columns are generators."""
    count, names = len(names), shorten(names)
    # Lay out the figure; lengths are in inches.
    cell = max(0.16, min(0.5, 12 / count))
    left, top, side = 0.3 + 0.075 * max(map(len, names)), 0.6, cell * count
    width, height = max(left + side + 0.8, 4.5), top + side + left
    figure = Figure(figsize=(width, height), dpi=110)
    axes = figure.add_axes((left / width, left / height, side / width, side / height))
    # Matrix, with the models' names along both axes.
    axes.imshow(matrix, vmin=0, vmax=1, cmap="viridis")
    labels = [name.replace("$", r"\$") for name in names]  # matplotlib would typeset text between two $ as a formula
    axes.set_xticks(range(count), labels, rotation=90, fontsize=8)
    axes.set_yticks(range(count), labels, fontsize=8)
    axes.tick_params(length=0)
    axes.set_title("A: encoder (row) on images of generator (column)\nright: ModelCentrality", fontsize=8, loc="left")
    # Numbers: centrality to the right, and scores in the cells unless there are too many to read.
    for i in range(count):
        axes.text(count - 0.3, i, f"{scores[i]:.3f}", va="center", fontsize=8)
        for j in range(count if count <= 20 else 0):
            colour = "black" if matrix[i, j] > 0.6 else "white"
            axes.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=7, color=colour)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]

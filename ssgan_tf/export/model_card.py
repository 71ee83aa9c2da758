"""Assets of an export: codes.json and model_card.json for programs, model_card.md and samples.png for people."""

import json
import os
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf import __version__, runs, visualize
from ssgan_tf.core.codes import FactorSpec
from ssgan_tf.evaluate import inference, report, score_table, weak_sliders
from ssgan_tf.utils import files

_MAX_WIDTH = 1024  # of samples.png, in pixels, approximately

_TEXT = """\
# {run}

{what}

## Factors

{factors}

A code of 0 stands for the first value and 1 for the last. Codes between two values are allowed; codes outside [0, 1]
are refused. `codes.json` has the same for programs.

## Training

{training}

## Scores

{scores}

## Use

{use}Any program that opens a TensorFlow SavedModel can call its signatures; nothing else is needed. A call takes up to
{max_rows:,} images.

## Config

```json
{config}
```
"""

_GENERATES = """\
Generates images of {resolution}x{resolution} pixels ({colours}) from one number in [0, 1] for each factor, and predicts
these numbers from images. It was trained on `{dataset}` only: edits and predictions of other images mean little.

![Images generated from random codes and noise](samples.png)"""

_ENCODES = """\
Predicts one number in [0, 1] for each factor from images of {resolution}x{resolution} pixels ({colours}), and generates
no images. It was trained on `{dataset}` only: predictions for other images mean little."""

_USE = """\
```
ssgan edit --model=FOLDER --in=photo.png --set={first}=0.4 --out=edited.png
```

```python
from ssgan_tf.editing import Editor

editor = Editor.load("FOLDER")
turned = editor.edit("photo.png", {{"{first}": "+0.1"}})
```

"""


def describe_codes(run: runs.Run) -> dict[str, Any]:
    """Returns the content of codes.json: all that a program needs to know about the codes.

    A factor whose slider does too little, or too much else, has a "warning", if the run was evaluated.
    """
    model, options = run.model, run.config.model
    networks, spec = model.export_networks(), model.prior.spec
    weak = weak_sliders.find(_read_scores(run)[0] or {})
    return {
        "made_by": f"ssgan_tf {__version__}",
        "run": os.path.basename(os.path.abspath(run.workdir)),
        "model": run.config.to_json()["model"]["kind"],
        "dataset": run.config.data.dataset,
        "images_trained": run.images,
        "factors": [
            {**entry, **_describe_factor(factor), **({"warning": weak[factor.name]} if factor.name in weak else {})}
            for entry, factor in zip(spec.to_json(), spec.factors, strict=True)
        ],
        "code": "index / (size - 1)",
        "resolution": options.resolution,
        "channels": options.channels,
        "noise_size": model.noise_size,
        "style_size": networks.style_size,
        "style_layers": networks.style_layers,
    }


def _describe_factor(factor: FactorSpec) -> dict[str, Any]:
    """Returns a factor's kind, its unit, and its training range as codes and in that unit."""
    if factor.range is not None:
        kind, unit, low, high = "number", "the data set's own", *factor.range
    else:
        kind, unit, low, high = "choice" if factor.values else "steps", "index of the value", 0, factor.size - 1
    return {"kind": kind, "unit": unit, "training_range": [0.0, 1.0], "training_range_in_units": [low, high]}


def facts(run: runs.Run) -> dict[str, Any]:
    """Returns the content of model_card.json except max_rows: codes, config, data, labels, scores with their settings.

    The scores are those in the run's workdir, if they belong to this checkpoint; otherwise None, with the reason.
    """
    scores, reason = _read_scores(run)
    return {
        **describe_codes(run),
        "steps": run.step,
        "images_of_dataset": _image_count(run),
        "labels": _labeled_count(run),
        "labeled_fraction": run.config.data.labeled_fraction,
        "seed": run.config.train.seed,
        "checkpoint": run.fingerprint,
        "weights": run.model.exported_weights,
        "versions": {"ssgan_tf": __version__, "tensorflow": tf.__version__, "numpy": np.__version__},
        "scores": scores,
        "no_scores_because": reason,
        "config": run.config.to_json(),
    }


def write(run: runs.Run, folder: str, max_rows: int) -> list[str]:
    """Writes codes.json, model_card.json, model_card.md and, if the model generates images, samples.png.

    Args:
        run: The run.
        folder: Folder to write to.
        max_rows: Largest number of images in one call of a signature.

    Returns:
        Paths of the files.
    """
    card = {**facts(run), "max_rows": max_rows}
    names = ["codes.json", "model_card.json", "model_card.md", *["samples.png"] * (run.model.generate is not None)]
    paths = [os.path.join(folder, name) for name in names]
    files.write_json(describe_codes(run), paths[0])
    files.write_json(card, paths[1])
    with files.atomic_write(paths[2]) as file:
        file.write(text(card))
    if run.model.generate is not None:
        visualize.save_png(plot_samples(run), paths[3])
    return paths


def text(card: dict[str, Any]) -> str:
    """Returns the content of model_card.md, made from `card`, the content of model_card.json."""
    names = tuple(factor["name"] for factor in card["factors"])
    if card["scores"] is None:
        scores = f"None: {card['no_scores_because']}"
    else:
        scores = f"```\n{score_table.to_text(card['scores'])}\n```"
    about = {"colours": "grey" if card["channels"] == 1 else "RGB"} | {k: card[k] for k in ("resolution", "dataset")}
    generates_images = card["style_size"] > 0
    return _TEXT.format(
        run=card["run"],
        max_rows=card["max_rows"],
        what=(_GENERATES if generates_images else _ENCODES).format(**about),
        use=_USE.format(first=names[0]) if generates_images else "",
        factors="\n".join(_factor_lines(card["factors"])),
        training="\n".join(_training_lines(card)),
        scores=scores,
        config=json.dumps(card["config"], indent=2),
    )


def _factor_lines(factors: list[dict[str, Any]]) -> list[str]:
    """Returns the table of the factors, and below it what is wrong with their sliders."""
    warnings = [f"- `{factor['name']}`: {factor['warning']}" for factor in factors if "warning" in factor]
    table = ["| factor | kind | 0 | 1 | values |", "|---|---|---|---|---|", *map(_factor_row, factors)]
    return [*table, *["", "Sliders that do not do what they should:", ""] * bool(warnings), *warnings]


def _factor_row(factor: dict[str, Any]) -> str:
    """Returns a factor's row of the table, from its entry in codes.json."""
    values = factor.get("values")
    low, high = (values[0], values[-1]) if values else factor["training_range_in_units"]
    count = "any between" if factor["kind"] == "number" else ", ".join(values) if values else str(factor["size"])
    return f"| {factor['name']} | {factor['kind']} | {low} | {high} | {count} |"


def _training_lines(card: dict[str, Any]) -> list[str]:
    total = f" of {card['images_of_dataset']:,}" if card["images_of_dataset"] else ""
    labels = "an unknown number" if card["labels"] is None else f"{card['labels']:,}{total}"
    fraction = card["labeled_fraction"]
    if card["labels"] is not None and total:
        fraction = card["labels"] / card["images_of_dataset"]  # fewer images may have labels than were asked for
    return [
        f"- data set: `{card['dataset']}`",
        f"- labelled images used: {labels} (eta = {100 * fraction:.3g} %)",
        f"- length: {card['images_trained']:,} images in {card['steps']:,} steps, seed {card['seed']}",
        f"- model: `{card['model']}`, {card['weights']}, checkpoint {card['checkpoint']}",
        f"- made by: {card['made_by']} on TensorFlow {card['versions']['tensorflow']}",
    ]


def plot_samples(run: runs.Run) -> np.ndarray:
    """Returns a grid of images of random codes and noise, uint8 [H,W,3]: 8x8, or fewer if the images are large."""
    model = run.model
    columns = min(8, max(2, _MAX_WIDTH // run.config.model.resolution))
    noise, codes = inference.sample_latents(model.prior, model.noise_size, columns**2, run.config.train.seed)
    batches = inference.generate_images(model.generate, noise, codes, batch=8)
    return visualize.tile(visualize.enlarge(np.concatenate([*batches])), columns)


def _read_scores(run: runs.Run) -> tuple[dict[str, Any] | None, str | None]:
    """Returns the content of metrics.json, or None and the reason."""
    if not os.path.exists(run.files.scores):
        return None, "this run was not evaluated before it was exported."
    try:
        scores = report.read(run.files.scores)
        if scores["settings"]["checkpoint"] != run.fingerprint:
            return None, "the scores in its workdir belong to another checkpoint of this run."
        score_table.to_text(scores)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        name = os.path.basename(run.files.scores)
        return None, f"{name} cannot be read ({error!r}).".replace(run.files.scores, name)
    return scores, None


def _image_count(run: runs.Run) -> int | None:
    """Returns the number of images of the run's data set; None if the file that says it is missing or damaged."""
    try:
        return run.files.read_labels()["images"]
    except (OSError, ValueError):
        return None


def _labeled_count(run: runs.Run) -> int | None:
    """Returns the number of images whose labels the run uses; None if its file is missing or damaged."""
    try:
        return len(run.files.read_labeled_rows())
    except (OSError, ValueError):
        return None

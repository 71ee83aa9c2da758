"""What an export says of itself: codes.json and model_card.json for programs, model_card.md, samples.png for people."""

import json
import os
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf import __version__, runs, visualize
from ssgan_tf.core.codes import FactorSpec
from ssgan_tf.evaluate import inference, report
from ssgan_tf.utils import files

_WIDEST = 1024  # pixels of samples.png, about

_TEXT = """\
# {run}

{what}

## Factors

{factors}

A code of 0 is the first value and 1 the last; what lies between two values may be asked for, what lies outside is
refused. `codes.json` has the same for programs.

## Training

{training}

## Scores

{scores}

## Use

{use}Any program that opens a TensorFlow SavedModel can use its signatures: nothing else is needed.

## Config

```json
{config}
```
"""

_MAKES = """\
Makes pictures of {resolution}x{resolution} pixels ({colours}) with one number in [0, 1] for each factor, and reads
these numbers off pictures. It has learnt from `{dataset}` and knows nothing else: what it makes of other pictures, or
reads off them, means little.

![Generated pictures, codes and noise drawn at random](samples.png)"""

_READS = """\
Reads one number in [0, 1] for each factor off pictures of {resolution}x{resolution} pixels ({colours}), and makes none.
It has learnt from `{dataset}` and knows nothing else: what it reads off other pictures means little."""

_USE = """\
```
ssgan-edit --model=FOLDER --in=photo.png --set={first}=0.4 --out=edited.png
```

```python
from ssgan_tf.editing import Editor

editor = Editor.load("FOLDER")
turned = editor.edit("photo.png", {{"{first}": "+0.1"}})
```

"""


def describe(run: runs.Run) -> dict[str, Any]:
    """What codes.json says: all that a program needs to know of the codes."""
    model, options = run.model, run.config.model
    parts, spec = model.export_networks(), model.prior.spec
    return {
        "made_by": f"ssgan_tf {__version__}",
        "run": os.path.basename(os.path.abspath(run.workdir)),
        "model": run.config.to_json()["model"]["kind"],
        "dataset": run.config.data.dataset,
        "images_trained": run.images,
        "factors": [
            {**entry, **_meaning(factor)}
            for entry, factor in zip(spec.to_json(), spec.factors, strict=True)
        ],
        "code": "index / (size - 1)",
        "resolution": options.resolution,
        "channels": options.channels,
        "noise_size": model.noise_size,
        "style_size": parts.style_size,
        "style_layers": parts.style_layers,
    }


def _meaning(factor: FactorSpec) -> dict[str, Any]:
    """Kind and unit of a factor, and the codes that training has shown, in [0, 1] and in that unit."""
    if factor.range is not None:
        kind, unit, low, high = "number", "the data set's own", *factor.range
    else:
        kind, unit, low, high = "choice" if factor.values else "steps", "index of the value", 0, factor.size - 1
    return {"kind": kind, "unit": unit, "training_range": [0.0, 1.0], "training_range_in_units": [low, high]}


def facts(run: runs.Run) -> dict[str, Any]:
    """What model_card.json says: config, data, labels used, and scores with the settings that they depend on.

    Scores are those of the workdir's metrics.json; None where it has none of this very checkpoint.
    """
    scores, reason = _scores(run)
    return {
        **describe(run),
        "steps": run.step,
        "images_of_dataset": _json(run, "data.json").get("images"),
        "labels": _labels(run),
        "labeled_fraction": run.config.data.labeled_fraction,
        "seed": run.config.train.seed,
        "checkpoint": runs.fingerprint(run),
        "weights": run.model.exported_weights,
        "versions": {"ssgan_tf": __version__, "tensorflow": tf.__version__, "numpy": np.__version__},
        "scores": scores,
        "no_scores_because": reason,
        "config": run.config.to_json(),
    }


def write(run: runs.Run, folder: str) -> list[str]:
    """Writes codes.json, model_card.json, model_card.md and samples.png to `folder`; their paths."""
    known = facts(run)
    names = ["codes.json", "model_card.json", "model_card.md", *["samples.png"] * (run.model.generate is not None)]
    paths = [os.path.join(folder, name) for name in names]
    files.write_json(describe(run), paths[0])
    files.write_json(known, paths[1])
    with files.atomic_write(paths[2]) as file:
        file.write(text(known))
    if run.model.generate is not None:
        visualize.save_png(draw_samples(run), paths[3])
    return paths


def text(known: dict[str, Any]) -> str:
    """model_card.md, from what `facts` returned."""
    names = tuple(factor["name"] for factor in known["factors"])
    if known["scores"] is None:
        scores = f"None: {known['no_scores_because']}"
    else:
        scores = f"```\n{report.report(known['scores'])}\n```"
    about = {"colours": "grey" if known["channels"] == 1 else "RGB"} | {k: known[k] for k in ("resolution", "dataset")}
    makes = known["style_size"] > 0
    return _TEXT.format(
        run=known["run"],
        what=(_MAKES if makes else _READS).format(**about),
        use=_USE.format(first=names[0]) if makes else "",
        factors="\n".join(["| factor | kind | 0 | 1 | values |", "|---|---|---|---|---|", *_rows(known["factors"])]),
        training="\n".join(_training(known)),
        scores=scores,
        config=json.dumps(known["config"], indent=2),
    )


def _rows(factors: list[dict[str, Any]]) -> list[str]:
    rows = []
    for factor in factors:
        values = factor.get("values")
        low, high = (values[0], values[-1]) if values else factor["training_range_in_units"]
        count = "any between" if factor["kind"] == "number" else ", ".join(values) if values else str(factor["size"])
        rows.append(f"| {factor['name']} | {factor['kind']} | {low} | {high} | {count} |")
    return rows


def _training(known: dict[str, Any]) -> list[str]:
    of = f" of {known['images_of_dataset']:,}" if known["images_of_dataset"] else ""
    labels = "not known of how many pictures" if known["labels"] is None else f"of {known['labels']:,} pictures{of}"
    return [
        f"- data set: `{known['dataset']}`",
        f"- labels used: {labels} (eta = {100 * known['labeled_fraction']:g} %)",
        f"- length: {known['images_trained']:,} images in {known['steps']:,} steps, seed {known['seed']}",
        f"- model: `{known['model']}`, {known['weights']}, checkpoint {known['checkpoint']}",
        f"- made by: {known['made_by']} on TensorFlow {known['versions']['tensorflow']}",
    ]


def draw_samples(run: runs.Run) -> np.ndarray:
    """Up to 8x8 pictures of random codes and noise, fewer where they are large: uint8 [H,W,3]."""
    model = run.model
    across = min(8, max(2, _WIDEST // run.config.model.resolution))
    noise, codes = inference.sample_latents(model.prior, model.noise_size, across**2, run.config.train.seed)
    parts = inference.generate_images(model.generate, noise, codes, batch=8)
    return visualize.tile(visualize.enlarge(np.concatenate([*parts])), across)


def _scores(run: runs.Run) -> tuple[dict[str, Any] | None, str | None]:
    """The contents of metrics.json, or None and why."""
    scores = _json(run, "metrics.json")
    if not scores:
        return None, "this run was not measured before it was exported."
    try:
        if scores["settings"]["checkpoint"] != runs.fingerprint(run):
            return None, "what was measured is another checkpoint of this run."
        report.report(scores)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return None, f"metrics.json cannot be read ({error!r})."
    return scores, None


def _json(run: runs.Run, name: str) -> dict[str, Any]:
    """A file of the workdir; empty where it is not there or damaged."""
    try:
        with open(os.path.join(run.workdir, name), encoding="utf-8") as file:
            value = json.load(file)
        return value if isinstance(value, dict) else {}
    except (OSError, ValueError):
        return {}


def _labels(run: runs.Run) -> int | None:
    try:
        return len(np.load(os.path.join(run.workdir, "labeled_subset.npy")))
    except (OSError, ValueError, EOFError, TypeError):
        return None

"""Measures with the oracle whether edits move the edited factor to its target and keep the other factors unchanged.

    .venv/bin/python tools/measure_edits.py --workdir=runs/demo --model=runs/demo/export --data_dir=data \\
        --picture=edits.png

In each image, each factor is set to a random target, one factor at a time. The oracle then predicts the codes:

    moved   mean |oracle(edited)[k] - target|, for the edited factor k
    kept    mean |oracle(edited)[j] - oracle(image)[j]|, for the other factors j

in codes from 0 to 1. There are up to three groups of images: generated images; real images whose labels were not used
in training, which the editor fits; and, if the data set is scene3d, new images, rendered with values between those of
the data set, so that no network has seen them. The oracle is that of `ssgan evaluate`; its own error is printed too.
"""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
from absl import logging

from ssgan_tf import data, runs, visualize
from ssgan_tf.data.held_out import load_for
from ssgan_tf.editing import Editor, Latents, to_uint8
from ssgan_tf.evaluate import oracle as oracles
from ssgan_tf.evaluate.inference import BATCH, make_predictor
from ssgan_tf.utils.program import ArgumentParser
from ssgan_tf.utils.progress_bar import make_bar
from tfds_builders.scene3d import scenes

SHOWN = (0.0, 0.5, 1.0)  # values of each factor in the image grid

Predictor = Callable[[np.ndarray], np.ndarray]  # uint8 images [N,R,R,C] -> codes [N,K]


class ImageGroup(NamedTuple):
    """Images to edit.

    Args:
        images: uint8 [N,R,R,C].
        latents: Latents from which the editor reproduces them.
        true_codes: Codes [N,K] that the images show.
    """

    images: np.ndarray
    latents: Latents
    true_codes: np.ndarray


class EditErrors(NamedTuple):
    """Mean errors in a group of images.

    Args:
        moved: [K], distance of the edited factor from its target.
        kept: [K], change of the other factors while this factor is edited.
        oracle: [K], error of the oracle on the images themselves.
        psnr: Mean PSNR of the fits in decibels; None if nothing was fitted.
    """

    moved: np.ndarray
    kept: np.ndarray
    oracle: np.ndarray
    psnr: float | None


def make_parser() -> ArgumentParser:
    """Returns the parser of the flags."""
    parser = ArgumentParser(__doc__)
    add = parser.add_argument
    add("--workdir", required=True, help="folder of the run")
    add("--model", help="folder of its export (default: WORKDIR/export)")
    add("--data_dir", default="data", help="folder of the prepared data sets (default: %(default)s)")
    add("--count", type=int, default=200, help="number of images in each group (default: %(default)s)")
    add("--fit_steps", type=int, default=150, help="steps of a fit (default: %(default)s)")
    add("--oracle_images", type=int, default=oracles.OracleOptions.images,
        help="length of the oracle's training, as for `ssgan evaluate` (default: %(default)s)")  # fmt: skip
    add("--picture", help="PNG file for a grid of one image with each factor edited to three values")
    add("--seed", type=int, default=0, help="seed of images, noise and targets (default: %(default)s)")
    return parser


def held_out_rows(run: runs.Run, dataset: data.FactorDataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Samples up to `count` rows whose labels are known but were not used in training.

    Raises:
        ValueError: There are none.
    """
    known = np.flatnonzero((dataset.factors >= 0).all(axis=1))
    used = run.files.read_labeled_rows()
    held_out = np.setdiff1d(known, used)
    if not len(held_out):
        raise ValueError(f"workdir: expected a run that did not use all labels. Received: {len(used):,} used.")
    return np.sort(rng.choice(held_out, min(count, len(held_out)), replace=False))


def render_new(
    dataset: str, resolution: int, names: Sequence[str], count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Renders images with factor values halfway between those of the data set, except for the shape.

    Args:
        dataset: Name of the data set, scene3d/....
        resolution: Height and width R.
        names: Names of the K factors, in the order of the codes.
        count: Number of images.
        rng: Random generator.

    Returns:
        Images uint8 [N,R,R,3] and their codes [N,K].
    """
    scene = scenes.find(dataset.split("/")[1].split("_")[0])
    images, codes = [], []
    for _ in range(count):
        # The renderer accepts fractions where the data set has integers, except for the shape.
        values: dict[str, Any] = {
            name: int(rng.integers(size)) if name == "shape" else rng.integers(size - 1) + 0.5
            for name, size in scene.factors.items()
        }
        view, lamp, tint = ({n: values[n] for n in part} for part in (scene.view, scene.lamp, scene.tint))
        ((_, image),) = scenes.draw_view(scene, resolution, view, [lamp], [tint])
        images.append(image)
        codes.append([values[n] / (scene.factors[n] - 1) for n in names])
    return np.stack(images), np.array(codes, np.float32)


def fit_group(editor: Editor, images: np.ndarray, codes: np.ndarray, steps: int, seed: int, title: str) -> ImageGroup:
    """Fits images and shows a progress bar."""
    with make_bar(100, "%", f"fit {title}") as bar:

        def on_progress(share: float) -> None:
            bar.update(int(100 * share) - bar.n)

        latents = editor.fit(images, steps, seed, on_progress)
    return ImageGroup(images, latents, codes)


def make_groups(
    run: runs.Run, dataset: data.FactorDataset, editor: Editor, options: argparse.Namespace
) -> dict[str, ImageGroup]:
    """Returns the groups "generated", "real" and, if the data set is scene3d, "new"."""
    rng = np.random.default_rng([options.seed, 11])
    fit_options = (options.fit_steps, options.seed)

    latents = editor.latents(editor.random_codes(options.count, options.seed), options.seed)
    groups = {"generated": ImageGroup(to_uint8(editor.edit(latents, {})), latents, latents.code)}

    rows = held_out_rows(run, dataset, options.count, rng)
    codes = run.spec.encode(dataset.factors[rows])
    groups["real"] = fit_group(editor, np.asarray(dataset.images[rows]), codes, *fit_options, "real")

    name = run.config.data.dataset
    if name.startswith("scene3d/"):
        images, codes = render_new(name, editor.resolution, run.spec.names, options.count, rng)
        groups["new"] = fit_group(editor, images, codes, *fit_options, "new")
    return groups


def measure(group: ImageGroup, editor: Editor, predict: Predictor, seed: int) -> EditErrors:
    """Sets each factor of each image to a random target, and measures the results with the oracle.

    Args:
        group: Images.
        editor: Editor of the model.
        predict: Oracle.
        seed: Seed of the targets.
    """
    targets = editor.random_codes(len(group.latents), seed + 1)
    before = predict(group.images)
    moved, kept = [], []
    for k in range(len(editor.factors)):
        code = group.latents.code.copy()
        code[:, k] = targets[:, k]
        after = predict(to_uint8(editor.edit(group.latents.with_code(code), {})))
        moved.append(np.abs(after[:, k] - targets[:, k]).mean())
        kept.append(np.abs(np.delete(after - before, k, axis=1)).mean())
    psnr = None if group.latents.psnr is None else float(group.latents.psnr.mean())
    return EditErrors(np.array(moved), np.array(kept), np.abs(before - group.true_codes).mean(axis=0), psnr)


def format_table(errors: Mapping[str, EditErrors], names: Sequence[str]) -> str:
    """Returns a Markdown table of "moved / kept" by factor and group, and of the oracle's error on fitted groups."""
    fitted = {group: e for group, e in errors.items() if e.psnr is not None}
    header = ["factor", *errors, *(f"oracle on {group}" for group in fitted)]
    lines = [header, ["---"] + ["---:"] * (len(header) - 1)]
    rows: list[tuple[int | slice, str]] = [*enumerate(names), (slice(None), "mean")]
    for k, name in rows:
        edits = [f"{e.moved[k].mean():.3f} / {e.kept[k].mean():.3f}" for e in errors.values()]
        lines.append([name, *edits, *(f"{e.oracle[k].mean():.3f}" for e in fitted.values())])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    fits = ", ".join(f"{e.psnr:.1f} dB ({group})" for group, e in fitted.items())
    return f"moved / kept:\n\n{table}\n\nMean PSNR of the fits: {fits}."


def edit_grid(group: ImageGroup, editor: Editor) -> np.ndarray:
    """Returns a grid uint8 [H,W,3]: the first image of the group, its fit, and each factor edited to SHOWN."""
    first, rows = group.latents[:1], []
    for factor in editor.factors:
        edits = [editor.edit(first, {factor.name: value})[0] for value in SHOWN]
        rows += [group.images[0], *to_uint8(np.stack([editor.edit(first, {})[0], *edits]))]
    grid = visualize.tile(visualize.enlarge(np.stack(rows)), 2 + len(SHOWN))
    header = ["image", "fit", *(f"{value:g}" for value in SHOWN)]
    return visualize.label_rows(grid, [factor.name for factor in editor.factors], header)


def run_tool(options: argparse.Namespace) -> None:
    """Prints the table and writes the grid.

    Raises:
        ValueError, OSError, MemoryError: A flag is out of range, or the run, its export or its data cannot be used.
    """
    # Load run, export, data and oracle.
    for name in ("count", "fit_steps", "oracle_images"):
        if getattr(options, name) < 1:
            raise ValueError(f"{name}: expected 1 or more. Received: {getattr(options, name)}.")
    run = runs.load_run(options.workdir)
    editor = Editor.load(options.model or os.path.join(options.workdir, "export"))
    if [factor.name for factor in editor.factors] != [*run.spec.names]:
        raise ValueError(f"model: expected an export of {options.workdir!r}. Received: one with other factors.")
    dataset = load_for(run.config.data, options.data_dir, run.spec.names)
    oracle_options = oracles.OracleOptions(images=options.oracle_images)
    oracle = oracles.train_or_load(dataset, oracles.cache_in(options.data_dir), oracle_options)

    # Edit, and predict the codes of the results.
    groups = make_groups(run, dataset, editor, options)
    predict_batch = make_predictor(oracle.model.encode)

    def predict(images: np.ndarray) -> np.ndarray:
        return np.concatenate([predict_batch(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])

    errors = {name: measure(group, editor, predict, options.seed) for name, group in groups.items()}
    print(format_table(errors, run.spec.names))
    if options.picture:
        last = [*groups.values()][-1]
        print(f"Image grid: {visualize.save_png(edit_grid(last, editor), options.picture)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures the edits and prints the table."""
    logging.set_verbosity(logging.ERROR)  # TFDS logs a lot.
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        run_tool(options)
    except (ValueError, OSError, MemoryError) as error:
        parser.stop(error)


if __name__ == "__main__":
    main()

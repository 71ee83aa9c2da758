#!/usr/bin/env python3
"""Measures edits by the oracle: does the edited factor move to where it should, and do the others stay?

    tools/measure_edits --workdir=runs/demo --model=runs/demo/export --data_dir=data --picture=edits.png

Each factor of each picture is set to a value of its own, drawn at random. The oracle reads the result:

    moved   mean |oracle(edited)[k] - target|, of the edited factor k
    kept    mean |oracle(edited)[j] - oracle(picture)[j]|, of the factors j that were not edited

in codes from 0 to 1. The pictures are: generated ones; real ones whose labels training did not use, read and fitted by
the editor; and, where the data set is scene3d, new ones: drawn between the values that the data set has, so that nobody
was ever shown them. The oracle is the one that `ssgan_tf.evaluate` trains; how far it is off itself stands beside.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

TOOLS = Path(__file__).resolve().parent
sys.path[:0] = [str(TOOLS), str(TOOLS.parent)]
from starting import Parser, enter_environment, stop  # noqa: E402  (its folder is on the path from here on)

if __name__ == "__main__":
    enter_environment()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Read once, when TensorFlow is first imported.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

try:
    import numpy as np
    from absl import logging

    from ssgan_tf import data, runs, visualize
    from ssgan_tf.editing import Editor, Latents, to_uint8
    from ssgan_tf.evaluate import oracle
    from ssgan_tf.evaluate.inference import BATCH, make_reader
    from ssgan_tf.utils.progress_bar import make_bar
    from tfds_builders.scene3d import scenes
except ImportError as error:
    stop(f"{error}. Set the environment up with tools/demo --setup, then run this again.")

SHOWN = (0.0, 0.5, 1.0)  # values of each factor in the picture


class Group(NamedTuple):
    """Pictures that are edited: uint8 [N,R,R,C], what the editor makes them from, and the codes they really have."""

    images: np.ndarray
    latents: Latents
    true_codes: np.ndarray


class Errors(NamedTuple):
    """Of a group: `moved` and `kept` [K]; `read`, how far the oracle is off on its pictures [K]; mean PSNR of fits."""

    moved: np.ndarray
    kept: np.ndarray
    read: np.ndarray
    psnr: float | None


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", required=True, help="folder of the run")
    parser.add_argument("--model", help="folder of its export (WORKDIR/export)")
    parser.add_argument("--data_dir", default="data", help="folder that `tfds build --data_dir` filled (data)")
    parser.add_argument("--count", type=int, default=200, help="pictures of each group (200)")
    parser.add_argument("--fit_steps", type=int, default=150, help="steps of a fit (150)")
    parser.add_argument("--oracle_images", type=int, default=oracle.OracleOptions.images, help="as of evaluate")
    parser.add_argument("--picture", help="also write this PNG: one picture, each factor edited to three values")
    parser.add_argument("--seed", type=int, default=0, help="of pictures, noise and targets (0)")
    options = parser.parse_args(arguments)
    for name in ("count", "fit_steps", "oracle_images"):
        if getattr(options, name) < 1:
            stop(f"--{name}: expected 1 or more. Received: {getattr(options, name)}.")
    return options


def real_rows(run: runs.Run, table: data.FactorDataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows whose labels are known, but were not used."""
    known = np.flatnonzero((table.factors >= 0).all(axis=1))
    used = np.load(os.path.join(run.workdir, "labeled_subset.npy"))
    held_out = np.setdiff1d(known, used)
    if not len(held_out):
        raise ValueError(f"--workdir: expected a run that did not use all labels. Received: {len(used):,} used.")
    return np.sort(rng.choice(held_out, min(count, len(held_out)), replace=False))


def draw_new(dataset: str, resolution: int, names: tuple[str, ...], count: int, rng: np.random.Generator):
    """Pictures [N,R,R,3] between the values of a scene's factors, and their codes [N,K]; shapes as they are."""
    scene = scenes.find(dataset.split("/")[1].split("_")[0])
    drawn = []
    for _ in range(count):
        # The renderer takes any number where the data set has whole ones, but for the shape.
        values = {
            name: int(rng.integers(size)) if name == "shape" else rng.integers(size - 1) + 0.5
            for name, size in scene.factors.items()
        }
        view, lamp, tint = ({n: values[n] for n in part} for part in (scene.view, scene.lamp, scene.tint))
        ((_, image),) = scenes.draw_view(scene, resolution, view, [lamp], [tint])
        drawn.append((image, [values[n] / (scene.factors[n] - 1) for n in names]))
    images, codes = zip(*drawn, strict=True)
    return np.stack(images), np.array(codes, np.float32)


def fitted(editor: Editor, images: np.ndarray, codes: np.ndarray, options: argparse.Namespace, title: str) -> Group:
    """Real pictures as the editor has them."""
    with make_bar(100, "%", f"fit {title}") as bar:

        def tell(share: float) -> None:
            bar.update(int(100 * share) - bar.n)

        latents = editor.fit(images, options.fit_steps, options.seed, tell)
    return Group(images, latents, codes)


def find_groups(
    run: runs.Run, table: data.FactorDataset, editor: Editor, options: argparse.Namespace
) -> dict[str, Group]:
    rng = np.random.default_rng([options.seed, 11])
    latents = editor.latents(editor.random_codes(options.count, options.seed), options.seed)
    groups = {"generated": Group(to_uint8(editor.edit(latents, {})), latents, latents.code)}
    rows = real_rows(run, table, options.count, rng)
    codes = run.spec.encode(table.factors[rows])
    groups["real"] = fitted(editor, np.asarray(table.images[rows]), codes, options, "real")
    if run.config.data.dataset.startswith("scene3d/"):
        new, codes = draw_new(run.config.data.dataset, editor.resolution, run.spec.names, options.count, rng)
        groups["new"] = fitted(editor, new, codes, options, "new")
    return groups


def measure(group: Group, editor: Editor, read: Callable[[np.ndarray], np.ndarray], seed: int) -> Errors:
    """Edits each factor of each picture to a target of its own; `read` gives the codes [N,K] of uint8 images."""
    targets = editor.random_codes(len(group.latents), seed + 1)
    before = read(group.images)
    moved, kept = [], []
    for k in range(len(editor.factors)):
        code = group.latents.code.copy()
        code[:, k] = targets[:, k]
        after = read(to_uint8(editor.edit(group.latents.with_code(code), {})))
        moved.append(np.abs(after[:, k] - targets[:, k]).mean())
        kept.append(np.abs(np.delete(after - before, k, axis=1)).mean())
    psnr = None if group.latents.psnr is None else float(group.latents.psnr.mean())
    return Errors(np.array(moved), np.array(kept), np.abs(before - group.true_codes).mean(axis=0), psnr)


def write_table(errors: dict[str, Errors], names: tuple[str, ...]) -> str:
    """Markdown: "moved / kept" of each factor and group, with how far the oracle is off on real pictures itself."""
    head = ["factor", *errors, *(f"oracle on {group}" for group, e in errors.items() if e.psnr is not None)]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for k, name in [*enumerate(names), (slice(None), "mean")]:
        edits = [f"{e.moved[k].mean():.3f} / {e.kept[k].mean():.3f}" for e in errors.values()]
        lines.append([name, *edits, *(f"{e.read[k].mean():.3f}" for e in errors.values() if e.psnr is not None)])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    fits = ", ".join(f"{e.psnr:.1f} dB ({group})" for group, e in errors.items() if e.psnr is not None)
    return f"moved / kept:\n\n{table}\n\nMean PSNR of the fits: {fits}."


def draw(group: Group, editor: Editor) -> np.ndarray:
    """The first picture of the group: itself, its fit, and each factor at SHOWN: uint8 [H,W,3]."""
    one, rows = group.latents[:1], []
    for factor in editor.factors:
        edits = [editor.edit(one, {factor.name: value})[0] for value in SHOWN]
        rows += [group.images[0], *to_uint8(np.stack([editor.edit(one, {})[0], *edits]))]
    sheet = visualize.tile(visualize.enlarge(np.stack(rows)), 2 + len(SHOWN))
    header = ["picture", "fit", *(f"{value:g}" for value in SHOWN)]
    return visualize.label_rows(sheet, [factor.name for factor in editor.factors], header)


def run_tool(options: argparse.Namespace) -> None:
    """Prints the table and writes the picture; raises what main turns into a message."""
    run = runs.load_run(options.workdir)
    editor = Editor.load(options.model or os.path.join(options.workdir, "export"))
    d = run.config.data
    if [factor.name for factor in editor.factors] != [*run.spec.names]:
        raise ValueError(f"--model: expected an export of {options.workdir!r}. Received: one of other factors.")
    table = data.load(d.dataset, options.data_dir, run.spec.names, d.memory_gib, d.split, d.resolution)
    cache = os.path.join(options.data_dir, "oracles")
    trained = oracle.train_or_load(table, cache, oracle.OracleOptions(images=options.oracle_images))
    groups = find_groups(run, table, editor, options)
    read_part = make_reader(trained.model.encode)

    def read(images: np.ndarray) -> np.ndarray:
        return np.concatenate([read_part(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])

    errors = {name: measure(group, editor, read, options.seed) for name, group in groups.items()}
    print(write_table(errors, run.spec.names))
    if options.picture:
        print(f"Picture: {visualize.save_png(draw([*groups.values()][-1], editor), options.picture)}")


def main() -> None:
    logging.set_verbosity(logging.ERROR)  # TFDS has much to say.
    try:
        run_tool(parse(sys.argv[1:]))
    except (ValueError, OSError, MemoryError) as error:
        stop(" ".join(str(error).split()))


if __name__ == "__main__":
    main()

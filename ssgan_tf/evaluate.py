"""Measures a trained run: MIG and L2 of its encoder, MIG-gen and L2-gen of its generator.

  python -m ssgan_tf.evaluate --workdir=runs/demo --data_dir=data

Writes scores.json and traversal.png into the workdir. The oracle that the generator's scores need is trained once
for a data set (all labels, 10 % held out) and kept in data_dir/oracles.
"""

import os
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags

from ssgan_tf import __version__, data, drawing, files, pictures, program, runs
from ssgan_tf import oracle as oracles
from ssgan_tf.encoding import encode_generated, encode_images
from ssgan_tf.metrics import chance_l2

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder that `tfds build --data_dir` filled.")
_SAMPLES = flags.DEFINE_integer("samples", 10_000, "Images that each score is computed from.", 100)
_BINS = flags.DEFINE_integer("bins", 20, "Histogram bins of MIG.", 2)
_ORACLE_IMAGES = flags.DEFINE_integer(
    "oracle_images", oracles.OracleOptions.images, "Length of the oracle's training, where it is not kept yet.", 1
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the images, noise and codes that are drawn.", 0)

_UNNAMED = "No labels were used, so no code belongs to a named factor: L2 has no meaning."


def load_table(run: runs.Run, data_dir: str) -> data.ImageTable:
    """The run's data set, with the factors of its codes.

    Raises:
        FileNotFoundError: if it is not prepared.
        ValueError: if its factors are not those of the run.
    """
    table = data.load(run.config.data.dataset, data_dir, run.spec.names, run.config.data.memory_gib)
    if table.spec != run.spec:
        raise ValueError(
            f"--data_dir: {table.name} has factors {table.spec.to_json()}. Expected those of the run: "
            f"{run.spec.to_json()}."
        )
    return table


def measure(run: runs.Run, table: data.ImageTable, oracle: oracles.Oracle) -> dict[str, Any]:
    """All scores, with the settings that they depend on."""
    spec, seed = run.spec, _SEED.value
    known = np.flatnonzero((table.factors >= 0).all(axis=1))
    rows = np.random.default_rng([seed, 5]).permutation(known)[: _SAMPLES.value]
    codes = encode_images(run.model.discriminator.encode, table.images[rows])
    encoder = oracles.score(codes, table.factors[rows], spec, _BINS.value, seed)
    noise_size = run.config.model.network.noise_size
    read_back, drawn = encode_generated(
        oracle.model.encode, run.model.ema_generator, spec, noise_size, _SAMPLES.value, seed
    )
    generator = oracles.score(read_back, drawn, spec, _BINS.value, seed)
    identified = run.config.data.labeled_fraction > 0
    return {
        "mig": encoder["mig"],
        "l2": encoder["l2"] if identified else None,
        "mig_gen": generator["mig"],
        "l2_gen": generator["l2"] if identified else None,
        "chance_l2": chance_l2(spec.sizes, np.random.default_rng(seed), 1_000_000),
        "per_factor": {"encoder": encoder, "generator": generator},
        "settings": {
            "samples_encoder": len(rows),
            "samples_generator": _SAMPLES.value,
            "bins": _BINS.value,
            "seed": seed,
            "oracle": oracle.scores,
            "labeled_fraction": run.config.data.labeled_fraction,
            "labels": len(np.load(os.path.join(run.workdir, "labeled_subset.npy"))),
            "images_trained": run.images,
            "versions": {"ssgan_tf": __version__, "tensorflow": tf.__version__, "numpy": np.__version__},
        },
    }


def report(scores: dict[str, Any], names: tuple[str, ...]) -> str:
    """The scores as a table for people."""
    s, oracle = scores["settings"], scores["settings"]["oracle"]

    def row(label, mig, l2, note=""):
        return f"{label:<28}{mig:>8.3f}{'      -' if l2 is None else f'{l2:>8.3f}'}   {note}".rstrip()

    lines = [
        f"{'':<28}{'MIG':>8}{'L2':>8}",
        row("encoder, real images", scores["mig"], scores["l2"], f"{s['samples_encoder']:,} images"),
        row("generator, by the oracle", scores["mig_gen"], scores["l2_gen"], f"{s['samples_generator']:,} images"),
        row("oracle, held-out images", oracle["mig"], oracle["l2"], f"{oracle['l2/samples']:,} images"),
        f"{'chance':<28}{'0':>8}{scores['chance_l2']:>8.3f}   two independent draws of codes",
        "",
        f"{'MIG per factor':<28}{'encoder':>9}{'generator':>11}",
    ]
    for name in names:
        gaps = [scores["per_factor"][who].get(f"mig/gap/{name}", float("nan")) for who in ("encoder", "generator")]
        lines.append(f"  {name:<26}{gaps[0]:>9.3f}{gaps[1]:>11.3f}")
    if scores["l2"] is None:
        lines.append(_UNNAMED)
    lines.append(
        f"{s['labels']:,} labelled images (eta = {100 * s['labeled_fraction']:g} %), trained with "
        f"{s['images_trained']:,} images; {s['bins']} bins."
    )
    return "\n".join(lines)


def write_scores(scores: dict[str, Any], run: runs.Run) -> tuple[str, str]:
    """Writes scores.json and traversal.png into the workdir, each whole or not at all; returns their paths."""
    path = os.path.join(run.workdir, "scores.json")
    files.write_json(scores, path)
    draw = drawing.make_drawing(run.model, run.config.train.seed)
    return path, pictures.save_png(draw()["traversal"], os.path.join(run.workdir, "traversal.png"))


def main() -> int:
    try:
        run = runs.load_run(_WORKDIR.value)
        runs.check_grown(run)
        table = load_table(run, _DATA_DIR.value)
        options = oracles.OracleOptions(images=_ORACLE_IMAGES.value)
        oracle = oracles.train_or_load(table, os.path.join(_DATA_DIR.value, "oracles"), options)
        scores = measure(run, table, oracle)
        path, picture = write_scores(scores, run)
    except (ValueError, OSError, MemoryError) as error:
        return program.fail(error)
    print(report(scores, run.spec.names))
    print(f"Scores: {path}\nPicture: {picture}")
    return 0


if __name__ == "__main__":
    program.start(main)

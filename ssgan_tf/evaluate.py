"""Measures a trained run: its encoder on real images, its generator through the oracle, its images against real ones.

  python -m ssgan_tf.evaluate --workdir=runs/demo --data_dir=data
  python -m ssgan_tf.evaluate --workdir=runs/demo --data_dir=data --metrics=mig,dci --bootstrap=200

Writes metrics.json (all numbers), metrics.txt (the table that is printed) and traversal.png into the workdir. Scores of
other metrics that are there already stay, if they were measured alike: of the same checkpoint, images and settings. The
oracle that the generator's scores need is trained once for a data set (all labels, 10 % held out) and kept in
data_dir/oracles.
"""

import dataclasses
import json
import os
from typing import Any

import numpy as np
from absl import flags

from ssgan_tf import data, drawing, features, measuring, pictures, reports, runs
from ssgan_tf import oracle as oracles
from ssgan_tf.metrics import Settings, chance_l2
from ssgan_tf.readings import Networks, read
from ssgan_tf.utils import files, program

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder that `tfds build --data_dir` filled.")
_METRICS = flags.DEFINE_string(
    "metrics",
    "fast",
    f"'fast' (all that take seconds), 'all', or names with commas between: {', '.join(measuring.NAMES)}.",
)
_SAMPLES = flags.DEFINE_integer("samples", 10_000, "Real images, and generated ones, per score.", 100)
_BOOTSTRAP = flags.DEFINE_integer("bootstrap", 0, "Replicates of 95 % intervals; 0 for none.", 0)
_BINS = flags.DEFINE_integer("bins", 20, "Histogram bins of a code: MIG, modularity, mutual information.", 2)
_GROUP = flags.DEFINE_integer("group", 64, "Pictures that share a factor, in a group of FactorVAE and BetaVAE.", 2)
_FEATURES = flags.DEFINE_string(
    "features", None, "Network for FID, KID, precision and recall: a SavedModel folder or a .keras or .h5 file."
)
_FEATURES_RANGE = flags.DEFINE_enum(
    "features_range", "-1,1", list(features.RANGES), "The numbers that this network expects for black and white."
)
_ORACLE_IMAGES = flags.DEFINE_integer(
    "oracle_images", oracles.OracleOptions.images, "Length of the oracle's training, where it is not kept yet.", 1
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the images, noise and codes that are drawn, and of the metrics.", 0)


RESULTS = ("metrics.json", "metrics.txt", "traversal.png")


def make_plan(labeled_fraction: float) -> measuring.Plan:
    """The plan that the flags ask for.

    Raises:
        ValueError: for an unknown metric, or one replicate.
    """
    names = measuring.choose(_METRICS.value, _FEATURES.value is not None)
    if _BOOTSTRAP.value == 1:
        raise ValueError("--bootstrap: expected 0 for none, or 2 replicates or more. Received: 1.")
    settings = Settings(bins=_BINS.value, group=_GROUP.value)
    return measuring.Plan(names, _SEED.value, settings, _BOOTSTRAP.value, identified=labeled_fraction > 0)


def load_features() -> features.FeatureNetwork:
    """The network of --features.

    Raises:
        FileNotFoundError, ValueError: it is not given, not there, or no such network.
    """
    if _FEATURES.value is None:
        raise ValueError(features.MISSING)
    return features.load(_FEATURES.value, _FEATURES_RANGE.value)


def feature_settings(path: str) -> dict[str, str]:
    """What FID and its like depend on besides the images."""
    name = os.path.basename(os.path.abspath(path))
    return {"network": name, "fingerprint": features.fingerprint(path), "range": _FEATURES_RANGE.value}


def check_writable(workdir: str) -> None:
    """Raises OSError where the results could not be written, before anything is measured."""
    files.check_writable(workdir, f"--workdir: expected a folder that can be written. Received: {workdir!r}.")
    for name in RESULTS:
        if os.path.isdir(os.path.join(workdir, name)):
            raise IsADirectoryError(f"--workdir: {workdir!r} has a folder called {name}; expected a file or none.")


def load_table(run: runs.Run, data_dir: str) -> data.FactorDataset:
    """The run's data set, with the factors of its codes.

    Raises:
        FileNotFoundError: if it is not prepared.
        ValueError: if its factors are not those of the run.
    """
    d = run.config.data
    table = data.load(d.dataset, data_dir, run.spec.names, d.memory_gib, d.split, d.resolution)
    if table.spec != run.spec:
        raise ValueError(
            f"--data_dir: {table.name} has factors {table.spec.to_json()}. Expected those of the run: "
            f"{run.spec.to_json()}."
        )
    return table


def measure(
    run: runs.Run, table: data.FactorDataset, oracle: oracles.Oracle, network: features.FeatureNetwork | None, plan
) -> dict[str, Any]:
    """All scores, with the settings that they depend on: what metrics.json holds."""
    networks = Networks(
        run.model.encode,
        run.model.generate,
        run.model.prior,
        run.model.noise_size,
        oracle.model.encode_with_features,
        network,
    )
    spec, samples = run.spec, _SAMPLES.value
    readings = read(networks, table.images, table.factors, spec, samples, plan.seed, plan.extras)
    result = measuring.score(readings, plan)
    return {
        **result.values,
        "intervals": result.intervals,
        "refused": result.refused,
        "oracle": oracle.scores,
        "chance_l2": chance_l2(spec.sizes, np.random.default_rng(plan.seed), 1_000_000),
        "settings": {
            "dataset": run.config.data.dataset,
            "model": run.config.to_json()["model"]["kind"],
            "labels": len(np.load(os.path.join(run.workdir, "labeled_subset.npy"))),
            "labeled_fraction": run.config.data.labeled_fraction,
            "images_trained": run.images,
            "checkpoint": runs.fingerprint(run),
            "samples_encoder": len(readings.encoder.codes),
            "samples_generator": samples,
            "seed": plan.seed,
            "bootstrap": dict.fromkeys(plan.names, plan.bootstrap) if plan.bootstrap else {},
            "features": feature_settings(_FEATURES.value) if network and _FEATURES.value else None,
            **dataclasses.asdict(plan.settings),
            "versions": reports.versions(),
        },
    }


def with_earlier(scores: dict[str, Any], run: runs.Run) -> dict[str, Any]:
    """`scores`, and those of other metrics that the run's metrics.json holds, if they were measured alike."""
    try:
        with open(os.path.join(run.workdir, "metrics.json"), encoding="utf-8") as file:
            return reports.merge(scores, json.load(file))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return scores  # there is no such file, it is damaged, or of another version


def write(scores: dict[str, Any], text: str, run: runs.Run) -> list[str]:
    """Writes metrics.json, metrics.txt and traversal.png into the workdir, each whole or not at all; their paths.

    There is no traversal of a model that makes no pictures.
    """
    paths = [os.path.join(run.workdir, name) for name in RESULTS]
    files.write_json(scores, paths[0])
    with files.atomic_write(paths[1]) as file:
        file.write(text + "\n")
    titles = None if run.config.data.labeled_fraction > 0 else match(scores, run)
    drawn = drawing.make_drawing(run.model, run.config.train.seed, titles)()
    if "traversal" not in drawn:
        return paths[:2]
    pictures.save_png(drawn["traversal"], paths[2])
    return paths


def match(scores: dict[str, Any], run: runs.Run) -> list[str]:
    """What codes that belong to no factor are called in pictures: their names, and the factors that E reads best.

    Best is by mutual information, as MIG finds it; a code may have several factors, or none.
    """
    best = {name: scores["encoder"].get(f"mig/code/{name}") for name in run.spec.names}
    return [
        ": ".join([latent, *[", ".join(found)] * bool(found)])
        for k, latent in enumerate(run.model.prior.spec.names)
        for found in [[name for name, code in best.items() if code == k]]
    ]


def main() -> int:
    try:
        run = runs.load_run(_WORKDIR.value)
        runs.check_grown(run)
        check_writable(run.workdir)
        plan = make_plan(run.config.data.labeled_fraction)
        network = load_features() if "network" in plan.extras else None
        table = load_table(run, _DATA_DIR.value)
        options = oracles.OracleOptions(images=_ORACLE_IMAGES.value)
        oracle = oracles.train_or_load(table, os.path.join(_DATA_DIR.value, "oracles"), options)
        scores = measure(run, table, oracle, network, plan)
        together = with_earlier(scores, run)
        text = reports.report(together)
        paths = write(together, text, run)
    except (ValueError, OSError, MemoryError) as error:
        return program.fail(error)
    print("\n".join([text, "", f"Scores: {paths[0]}", *(f"Picture: {path}" for path in paths[2:])]))
    return refusals(scores)


def refusals(scores: dict[str, Any]) -> int:
    """The exit code: tells of metrics that were asked for by name and have no score at all, after all is written."""
    code = 0
    for name in dict.fromkeys(name.strip() for name in _METRICS.value.split(",")):
        reasons = {group: why[name] for group, why in scores["refused"].items() if name in why}
        if reasons and not any(name in scores[group] for group in scores["refused"]):
            different = len(set(reasons.values())) > 1
            said = [f"{why} ({group})" if different else why for group, why in reasons.items()]
            code = program.fail(f"{name} has no score: {'; '.join(dict.fromkeys(said))}", program.PARTLY)
    return code


if __name__ == "__main__":
    program.start(main)

"""Evaluation as a function: predicts and scores with a trained run, and writes the scores into its workdir."""

import dataclasses
import os
from typing import Any, NamedTuple

import numpy as np

from ssgan_tf import data, runs, visualize
from ssgan_tf.data.held_out import load_for
from ssgan_tf.evaluate import (
    confusion,
    feature_network,
    judges,
    parts,
    predictions,
    references,
    report,
    score_table,
    scoring,
)
from ssgan_tf.evaluate import oracle as oracles
from ssgan_tf.evaluate.label_counts import count_labels
from ssgan_tf.metrics import Settings, chance_l2
from ssgan_tf.metrics.settings import DEFAULTS
from ssgan_tf.utils import files


def run(
    workdir: str,
    data_dir: str = "data",
    *,
    metrics: str = "fast",
    samples: int = 10_000,
    bootstrap: int = 0,
    bins: int = DEFAULTS.bins,
    group: int = DEFAULTS.group,
    features: str | None = None,
    features_range: str = "-1,1",
    oracle_images: int = oracles.OracleOptions.images,
    seed: int = 0,
    quiet: bool = False,
) -> report.Scores:
    """Scores a trained run, and writes metrics.json, metrics.txt and traversal.png into its workdir.

    Earlier scores of other metrics are kept if they belong to the same checkpoint, images and settings. The two oracles
    that the generator's scores need are trained once for each data set, with all labels, and cached in
    data_dir/oracles.

    Args:
        workdir: Folder of the run.
        data_dir: Folder of the prepared data sets.
        metrics: Comma-separated names, "fast" (all that take seconds) or "all".
        samples: Number of real images, and of generated ones, for each score.
        bootstrap: Number of replicates for 95 % intervals; 0 for no intervals.
        bins: Number of histogram bins of a code, for MIG, modularity and mutual information.
        group: Number of images in a group of FactorVAE, and of image pairs in a group of BetaVAE.
        features: Network for FID, KID, precision and recall: a SavedModel folder or a .keras or .h5 file.
        features_range: Pixel range that this network expects, one of `feature_network.RANGES`.
        oracle_images: Number of images to train each oracle with, if it is not cached yet.
        seed: Seed of the choice of images, of noise and codes, and of the metrics.
        quiet: Whether to print nothing and show no progress bar.

    Returns:
        The scores; they print as a table.

    Raises:
        ValueError, OSError, MemoryError: The run, the data or an argument cannot be used.
    """
    # Check everything before the first image is read.
    trained = runs.load_run(workdir)
    runs.check_grown(trained)
    check_writable(trained.files)
    labeled_rows = trained.files.read_labeled_rows()
    settings = Settings(bins=bins, group=group)
    if bootstrap == 1:
        raise ValueError("bootstrap: expected 0 for none, or 2 or more replicates. Received: 1.")
    names = scoring.choose(metrics, features is not None)
    identified = trained.config.data.labeled_fraction > 0
    plan = scoring.Plan(names, seed, settings, bootstrap, identified, quiet, few=True)
    network = load_features(features, features_range) if "network" in plan.optional_inputs else None
    dataset = load_dataset(trained, data_dir)

    # Predict and score.
    judging = judges.load(dataset, data_dir, oracle_images, quiet)
    targets = predictions.targets_of(trained.model, judging.networks, network, judging.reason, judging.unreadable)
    part = parts.unseen(dataset, labeled_rows)
    found = predictions.predict(targets, dataset, part, samples, seed, plan.optional_inputs, judging.held_out, quiet)
    result = scoring.score(found, plan)
    seen = score_seen(targets, dataset, labeled_rows, samples, plan)
    used = describe_features(features, features_range) if network and features else None
    content = make_content(trained, judging, plan, result, found, samples, used)
    content |= seen.groups
    counts = count_labels(dataset.factors, labeled_rows)
    content["settings"] |= {**counts, "scored_on": part.text, **seen.settings}

    # Write. Several evaluations of one run may end at the same time.
    try:
        with files.taking_turns(workdir):
            merged = merge_previous(content, trained.files)
            paths = write(merged, trained)
    except OSError as error:
        raise OSError(f"workdir: {error}. The scores were not written: evaluate again.") from error
    asked = tuple(dict.fromkeys(name.strip() for name in metrics.split(",")))
    return report.Scores(merged, paths, tuple(explain_missing(asked, content)))


def check_writable(workdir: runs.Workdir) -> None:
    """Raises OSError, before anything is computed, if the results cannot be written."""
    files.check_writable(workdir.path, f"workdir: expected a writable folder. Received: {workdir.path!r}.")
    for path in (workdir.scores, workdir.report, workdir.traversal):
        if os.path.isdir(path):
            name = os.path.basename(path)
            raise IsADirectoryError(f"workdir: {workdir.path!r} has a folder called {name}; expected a file or none.")


def load_features(path: str | None, pixel_range: str) -> feature_network.FeatureNetwork:
    """Loads the feature network.

    Raises:
        FileNotFoundError, ValueError: The network is not given, does not exist, or cannot be used.
    """
    if path is None:
        raise ValueError(feature_network.MISSING)
    return feature_network.load(path, pixel_range)


def describe_features(path: str, pixel_range: str) -> dict[str, str]:
    """Returns the settings that FID and related metrics depend on."""
    name = os.path.basename(os.path.abspath(path))
    return {"network": name, "fingerprint": feature_network.fingerprint(path), "range": pixel_range}


def load_dataset(run: runs.Run, data_dir: str) -> data.FactorDataset:
    """Loads the run's data set, with the factors that the run has codes for.

    Raises:
        FileNotFoundError: The data set is not prepared.
        ValueError: Its factors differ from the run's.
    """
    dataset = load_for(run.config.data, data_dir, run.spec.names)
    if dataset.spec != run.spec:
        raise ValueError(
            f"data_dir: {dataset.name} has factors {dataset.spec.to_json()}. Expected those of the run: "
            f"{run.spec.to_json()}."
        )
    return dataset


class SeenScores(NamedTuple):
    """Scores on images that the run was trained on.

    Args:
        groups: {"encoder_seen", "generator_seen" or "images_seen": scores}.
        settings: What these images are, and how many.
    """

    groups: dict[str, scoring.Values]
    settings: dict[str, Any]


def score_seen(
    targets: predictions.EvaluationTargets,
    dataset: data.FactorDataset,
    labeled_rows: np.ndarray,
    samples: int,
    plan: scoring.Plan,
) -> SeenScores:
    """Scores E, and G if images are held out, on images of the training; metrics that take minutes are left out."""
    part = parts.seen(dataset, labeled_rows)
    if part is None:
        return SeenScores({}, {})
    names = tuple(name for name in plan.names if name not in scoring.SLOW)
    plan = dataclasses.replace(plan, names=names, bootstrap=0, few=False)
    if not len(dataset.held_out):
        targets = dataclasses.replace(targets, generate=None)
    found = predictions.predict(targets, dataset, part, samples, plan.seed, plan.optional_inputs, None, plan.quiet)
    values = scoring.score(found, plan).values
    groups = {f"{group}_seen": scores for group, scores in values.items()}
    return SeenScores(groups, {"seen": part.text, "samples_seen": len(found.encoder.codes)})


def make_content(
    run: runs.Run,
    judging: judges.Judges,
    plan: scoring.Plan,
    result: scoring.Result,
    found: predictions.Predictions,
    generated_samples: int,
    features: dict[str, str] | None,
) -> dict[str, Any]:
    """Returns the content of metrics.json: all scores, with the settings they depend on."""
    named = plan.identified and found.encoder.codes.shape[1] == run.spec.size  # code k stands for factor k
    return {
        **result.values,
        **score_references(found, plan),
        "intervals": {
            group: {key: list(ends) for key, ends in intervals.items()} for group, intervals in result.intervals.items()
        },
        "refused": result.refused,
        "confusion": confusion.count(found.encoder.codes, found.encoder.factors, run.spec) if named else {},
        "oracle": judging.scores[0],
        "second_oracle": judging.scores[1],
        "agreement": found.agreement,
        "chance_l2": chance_l2(run.spec.sizes, np.random.default_rng(plan.seed), 1_000_000),
        "unreadable": judging.unreadable,
        "settings": {
            "dataset": run.config.data.dataset,
            "model": run.config.to_json()["model"]["kind"],
            "labeled_fraction": run.config.data.labeled_fraction,
            "images_trained": run.images,
            "checkpoint": run.fingerprint,
            "samples_encoder": len(found.encoder.codes),
            "samples_generator": generated_samples,
            "seed": plan.seed,
            "bootstrap": result.replicates,
            "features": features,
            **dataclasses.asdict(plan.settings),
            "versions": report.versions(),
        },
    }


def score_references(found: predictions.Predictions, plan: scoring.Plan) -> dict[str, dict[str, float]]:
    """Returns {"ceiling" or "chance": scores} that the generator's scores are to be read by."""
    if found.ceiling is None:
        return {"ceiling": {}, "chance": {}}
    names = [name for name in plan.names if plan.identified or name not in scoring.NAMED_CODES]
    tables = {"ceiling": found.ceiling, "chance": references.by_chance(found.ceiling, plan.seed)}
    return {name: references.score(both, names, plan.seed, plan.settings) for name, both in tables.items()}


def merge_previous(content: dict[str, Any], workdir: runs.Workdir) -> dict[str, Any]:
    """Adds the scores of other metrics that are already in metrics.json, if they were computed in the same way."""
    try:
        return report.merge(content, report.read(workdir.scores))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return content  # the file is missing, damaged, or of another version


def write(content: dict[str, Any], run: runs.Run) -> tuple[str, ...]:
    """Writes metrics.json, metrics.txt and, if the model generates images, traversal.png; returns their paths."""
    place = run.files
    files.write_json(content, place.scores)
    with files.atomic_write(place.report) as file:
        file.write(score_table.to_text(content) + "\n")
    titles = None if run.config.data.labeled_fraction > 0 else match_codes_to_factors(content, run)
    grids = visualize.make_plotter(run.model, run.config.train.seed, titles)()
    if "traversal" not in grids:
        return place.scores, place.report
    return place.scores, place.report, visualize.save_png(grids["traversal"], place.traversal)


def match_codes_to_factors(content: dict[str, Any], run: runs.Run) -> list[str]:
    """Returns row titles for unsupervised codes: each code's name and the factors that it encodes best.

    The best code of a factor has the most mutual information, as in MIG. A code may be the best for several or none.
    """
    best = {name: content["encoder"].get(f"mig/code/{name}") for name in run.spec.names}
    return [
        ": ".join([latent, *[", ".join(found)] * bool(found)])
        for k, latent in enumerate(run.model.prior.spec.names)
        for found in [[name for name, code in best.items() if code == k]]
    ]


def explain_missing(asked: tuple[str, ...], content: dict[str, Any]) -> list[str]:
    """Returns one sentence for each metric in `asked` that has no score in any group."""
    sentences = []
    for name in asked:
        reasons = {group: why[name] for group, why in content["refused"].items() if name in why}
        if reasons and not any(name in content[group] for group in content["refused"]):
            different = len(set(reasons.values())) > 1
            said = [f"{why} ({group})" if different else why for group, why in reasons.items()]
            sentences.append(f"{name} has no score: {'; '.join(dict.fromkeys(said))}")
    return sentences

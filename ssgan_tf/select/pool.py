"""Pool of models to select from: found on disk, described, and checked to be comparable."""

import dataclasses
import gc
import glob
import hashlib
import json
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ssgan_tf import models, runs
from ssgan_tf.data.held_out import load_for
from ssgan_tf.runs import checkpoints
from ssgan_tf.select.pairs import Model
from ssgan_tf.utils.progress_bar import make_bar


@dataclasses.dataclass(frozen=True)
class Candidate:
    """Model of the pool; it can be sent to another process.

    Args:
        name: Its workdir or, for checkpoints of one workdir, "step 1200".
        workdir: Folder of the run.
        step: Step of the checkpoint.
        fingerprint: Checksum of the weights.
        key: Checksum of the weights and of the options that determine what is computed with them.
        kind: Kind of model, as in config.json.
        images: Number of images it was trained with.
        shape: Shape of its images, (R, R, C).
        codes: Number of codes, K.
        dataset: Data set it was trained on.
        prior_variance: Variance of each code under the prior.
    """

    name: str
    workdir: str
    step: int
    fingerprint: str
    key: str
    kind: str
    images: int
    shape: tuple[int, int, int]
    codes: int
    dataset: str
    prior_variance: tuple[float, ...]

    def load(self) -> Model:
        """Loads the model with the weights of its checkpoint."""
        return runs.load_run(self.workdir, self.step).model


@dataclasses.dataclass(frozen=True)
class Pool:
    """Models to select from.

    Args:
        members: The models, in the order of their names or steps.
        left_out: One sentence for each model that cannot be ranked, with the reason.
    """

    members: tuple[Candidate, ...]
    left_out: tuple[str, ...] = ()


def find_workdirs(patterns: str | Sequence[str]) -> list[str]:
    """Returns the folders with a run that match the patterns, each once, sorted.

    Args:
        patterns: Patterns such as "runs/*", as a list or separated by commas.

    Raises:
        FileNotFoundError: A pattern matches no folder with a run.
    """
    if isinstance(patterns, str):
        patterns = [patterns] if os.path.isdir(patterns) else patterns.split(",")  # a name may contain commas
    found: dict[str, str] = {}
    for pattern in filter(None, (part if os.path.isdir(part) else part.strip() for part in patterns)):
        matches = [pattern] if os.path.isdir(pattern) else [p for p in glob.glob(pattern) if os.path.isdir(p)]
        workdirs = [p for p in matches if os.path.isfile(runs.Workdir(p).config)]
        if not workdirs:
            there = f"{len(matches)} folders without a config.json" if matches else "no folder"
            raise FileNotFoundError(f"workdirs: expected folders of runs. Received: {there} at {pattern!r}.")
        for path in workdirs:
            found.setdefault(os.path.realpath(path), os.path.normpath(path))
    if not found:
        raise FileNotFoundError("workdirs: expected patterns such as 'runs/*'. Received: none.")
    return sorted(found.values())


def of_workdirs(workdirs: Sequence[str], quiet: bool = False) -> Pool:
    """Describes the newest checkpoint of each workdir. Models that generate no images are left out.

    Raises:
        FileNotFoundError, ValueError: A run cannot be loaded, or has not reached its full resolution.
    """
    members: list[Candidate] = []
    left_out: list[str] = []
    with make_bar(len(workdirs), "model", "loading", quiet=quiet) as bar:
        for workdir in workdirs:
            run = runs.load_run(workdir)
            runs.check_grown(run)
            if run.model.generate is None:
                kind = models.kind_of(run.config.model)
                left_out.append(f"{workdir} generates no images (model {kind}), so it cannot be compared.")
            else:
                _add(_describe(run, workdir), members, left_out)
            del run
            _free_memory()
            bar.update()
    return Pool(tuple(members), tuple(left_out))


def of_checkpoints(workdir: str, quiet: bool = False) -> Pool:
    """Describes all checkpoints of one workdir, oldest first. Damaged ones, and those still growing, are left out.

    Raises:
        FileNotFoundError: There is no run or no checkpoint.
        ValueError: The run is damaged, or generates no images.
    """
    members: list[Candidate] = []
    left_out: list[str] = []
    folder = runs.Workdir(workdir).checkpoints
    steps = checkpoints.steps_in(folder)
    if not steps:
        runs.load_run(workdir)  # raises an error that says what is missing
    with make_bar(len(steps), "model", "loading", quiet=quiet) as bar:
        for step in steps:
            path = checkpoints.path_in(folder, step)
            if corruption := checkpoints.find_corruption(path):
                removed = f"step {step} was removed meanwhile, as the run is being trained."
                left_out.append(f"step {step} is damaged ({corruption})." if os.path.isdir(path) else removed)
                continue
            run = runs.load_run(workdir, step)
            if run.model.generate is None:
                raise ValueError(f"checkpoints_of: expected a run that generates images. Received: {workdir!r}.")
            try:
                runs.check_grown(run)
            except ValueError:
                left_out.append(f"step {step} is still growing.")
            else:
                _add(_describe(run, f"step {step}"), members, left_out)
            del run
            _free_memory()
            bar.update()
    return Pool(tuple(members), tuple(left_out))


def _add(candidate: Candidate, members: list[Candidate], left_out: list[str]) -> None:
    """Adds a candidate, unless it is a copy: it would agree with its original, and both would rank first."""
    same = [member.name for member in members if member.key == candidate.key]
    if same:
        left_out.append(f"{candidate.name} has the weights of {same[0]}, so it counts once.")
    else:
        members.append(candidate)


def _free_memory() -> None:
    tf.keras.backend.clear_session()
    gc.collect()


def _describe(run: runs.Run, name: str) -> Candidate:
    options, prior = run.config.model, run.model.prior
    computed = json.dumps([run.fingerprint, run.config.to_json()["model"]], sort_keys=True)
    codes = prior.sample(10_000, tf.constant([0, 14])).numpy()
    return Candidate(
        name=name,
        workdir=run.workdir,
        step=run.step,
        fingerprint=run.fingerprint,
        key=hashlib.sha256(computed.encode()).hexdigest()[:12],
        kind=models.kind_of(options),
        images=run.images,
        shape=(options.resolution, options.resolution, options.channels),
        codes=codes.shape[1],
        dataset=run.config.data.dataset,
        prior_variance=tuple(np.var(codes.astype(np.float64), axis=0).tolist()),
    )


def check_comparable(pool: Pool, mixed_codes: bool) -> None:
    """Checks that the models of the pool can be compared.

    Args:
        pool: The models.
        mixed_codes: Whether the models may have different numbers of codes.

    Raises:
        ValueError: There are fewer than two models, or their image shapes or numbers of codes differ.
    """
    members = pool.members
    if len(members) < 2:
        named = "; ".join([*(m.name for m in members), *(why.rstrip(".") for why in pool.left_out)]) or "none"
        raise ValueError(f"expected two models or more to compare. Received: {len(members)} ({named}).")
    if len({m.shape for m in members}) > 1:
        shapes = "; ".join(f"{m.name}: {'x'.join(map(str, m.shape))}" for m in members)
        raise ValueError(f"expected models whose images have the same shape. Received: {shapes}.")
    if len({m.codes for m in members}) > 1 and not mixed_codes:
        sizes = "; ".join(f"{m.name}: {m.codes}" for m in members)
        raise ValueError(
            "mixed_codes: expected models with the same number of codes, since the chance level of a score is "
            f"1 / codes. Received: {sizes}. Set mixed_codes to compare them anyway."
        )


def load_real_images(member: Candidate, data_dir: str, count: int, seed: int) -> np.ndarray:
    """Loads a random choice of the images that the model was trained on, without labels: uint8 [N,R,R,C].

    Args:
        member: Model of the pool.
        data_dir: Folder of the prepared data sets.
        count: Number of images; all images are loaded if there are fewer.
        seed: Seed of the choice.

    Raises:
        FileNotFoundError, ValueError, MemoryError: The data set is missing or has changed, or does not fit.
    """
    workdir = runs.Workdir(member.workdir)
    d, spec = workdir.read_config().data, workdir.read_factors()
    dataset = load_for(d, data_dir, spec.names)
    images = dataset.images
    if images.shape[1:] != member.shape:
        raise ValueError(
            f"data_dir: expected images of shape {member.shape}, like those of {member.name}. Received: "
            f"{tuple(images.shape[1:])}."
        )
    return images[np.random.default_rng([seed, 15]).permutation(dataset.training_rows)[:count]]

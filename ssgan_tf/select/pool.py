"""The models to choose from: found on disk, described, and checked to be comparable."""

import dataclasses
import gc
import glob
import hashlib
import json
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ssgan_tf import data, runs
from ssgan_tf.runs import checkpoints
from ssgan_tf.select.pairs import Model
from ssgan_tf.utils.progress_bar import make_bar


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A model of the pool, as it can be sent to another process.

    Args:
        name: its workdir, or for the checkpoints of one, "step 1200".
        workdir: where it is.
        step: of its checkpoint.
        fingerprint: of its weights.
        key: of its weights and of the options that say what is computed with them.
        kind: of the model, as a config says it.
        images: it was trained with.
        shape: (R, R, C) of its images.
        codes: K.
        dataset: it was trained on.
        prior_variance: of its codes.
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
        return runs.load_run(self.workdir, self.step).model


@dataclasses.dataclass(frozen=True)
class Pool:
    """What was found.

    Args:
        members: the models, in the order of their names.
        left_out: those that cannot be ranked, and why, a sentence each.
    """

    members: tuple[Candidate, ...]
    left_out: tuple[str, ...] = ()


def find_workdirs(patterns: str) -> list[str]:
    """The folders with a run that patterns such as "runs/*,more/run7" name, each once, sorted.

    Raises:
        FileNotFoundError: a pattern matches no folder with a run.
    """
    found: dict[str, str] = {}
    for pattern in filter(None, (part.strip() for part in patterns.split(","))):
        matches = [pattern] if os.path.isdir(pattern) else [p for p in glob.glob(pattern) if os.path.isdir(p)]
        workdirs = [p for p in matches if os.path.isfile(os.path.join(p, "config.json"))]
        if not workdirs:
            there = f"{len(matches)} folders without a config.json" if matches else "no folder"
            raise FileNotFoundError(f"--workdirs: expected folders of runs. Received: {there} at {pattern!r}.")
        for path in workdirs:
            found.setdefault(os.path.realpath(path), os.path.normpath(path))
    if not found:
        raise FileNotFoundError("--workdirs: expected patterns such as 'runs/*'. Received: none.")
    return sorted(found.values())


def of_workdirs(workdirs: Sequence[str]) -> Pool:
    """The newest checkpoint of each workdir. Models that make no images are left out.

    Raises:
        FileNotFoundError, ValueError: as `runs.load_run`; or a run is still growing.
    """
    members: list[Candidate] = []
    left_out: list[str] = []
    with make_bar(len(workdirs), "model", "loading") as bar:
        for workdir in workdirs:
            run = runs.load_run(workdir)
            runs.check_grown(run)
            if run.model.generate is None:
                left_out.append(f"{workdir} makes no images (model {_kind(run)}), so it cannot be compared.")
            else:
                _add(_describe(run, workdir), members, left_out)
            del run
            _forget()
            bar.update()
    return Pool(tuple(members), tuple(left_out))


def of_checkpoints(workdir: str) -> Pool:
    """All whole checkpoints of one workdir, oldest first. Damaged ones, and those still growing, are left out.

    Raises:
        FileNotFoundError: there is no run or no checkpoint.
        ValueError: its files are damaged, or it makes no images.
    """
    members: list[Candidate] = []
    left_out: list[str] = []
    folder = os.path.join(workdir, "checkpoints")
    steps = checkpoints.steps_in(folder)
    if not steps:
        runs.load_run(workdir)  # it says what is missing
    with make_bar(len(steps), "model", "loading") as bar:
        for step in steps:
            if damage := checkpoints.find_damage(checkpoints.path_in(folder, step)):
                left_out.append(f"step {step} is damaged ({damage}).")
                continue
            run = runs.load_run(workdir, step)
            if run.model.generate is None:
                raise ValueError(f"--checkpoints_of: {workdir!r} makes no images. Expected a run that generates.")
            try:
                runs.check_grown(run)
                _add(_describe(run, f"step {step}"), members, left_out)
            except ValueError:
                left_out.append(f"step {step} is still growing.")
            del run
            _forget()
            bar.update()
    return Pool(tuple(members), tuple(left_out))


def _add(candidate: Candidate, members: list[Candidate], left_out: list[str]) -> None:
    """To the members, or to those left out: a copy would agree with its original, and both would come first."""
    same = [member.name for member in members if member.key == candidate.key]
    if same:
        left_out.append(f"{candidate.name} has the weights of {same[0]}, so it counts once.")
    else:
        members.append(candidate)


def _forget() -> None:
    tf.keras.backend.clear_session()
    gc.collect()


def _kind(run: runs.Run) -> str:
    return run.config.to_json()["model"]["kind"]


def _describe(run: runs.Run, name: str) -> Candidate:
    options, prior = run.config.model, run.model.prior
    fingerprint = runs.fingerprint(run)
    computed = json.dumps([fingerprint, run.config.to_json()["model"]], sort_keys=True)
    drawn = prior.sample(10_000, tf.constant([0, 14])).numpy()
    return Candidate(
        name=name,
        workdir=run.workdir,
        step=run.step,
        fingerprint=fingerprint,
        key=hashlib.sha256(computed.encode()).hexdigest()[:12],
        kind=_kind(run),
        images=run.images,
        shape=(options.resolution, options.resolution, options.channels),
        codes=drawn.shape[1],
        dataset=run.config.data.dataset,
        prior_variance=tuple(np.var(drawn.astype(np.float64), axis=0).tolist()),
    )


def check(pool: Pool, mixed_codes: bool) -> None:
    """Refuses a pool in which nothing can be compared.

    Args:
        pool: the models.
        mixed_codes: may they have different numbers of codes?

    Raises:
        ValueError: there are fewer than two models, their images differ in shape, or their codes in number.
    """
    members = pool.members
    if len(members) < 2:
        named = "; ".join([*(m.name for m in members), *(why.rstrip(".") for why in pool.left_out)]) or "none"
        raise ValueError(f"expected two models or more to compare. Received: {len(members)} ({named}).")
    if len({m.shape for m in members}) > 1:
        shapes = "; ".join(f"{m.name}: {'x'.join(map(str, m.shape))}" for m in members)
        raise ValueError(f"expected models whose images have one shape. Received: {shapes}.")
    if len({m.codes for m in members}) > 1 and not mixed_codes:
        sizes = "; ".join(f"{m.name}: {m.codes}" for m in members)
        raise ValueError(
            f"expected models with one number of codes, since a score by chance is 1 / codes. Received: {sizes}. "
            "--mixed_codes compares them all the same."
        )


def real_images(member: Candidate, data_dir: str, count: int, seed: int) -> np.ndarray:
    """Images that the model was trained on, chosen by the seed: uint8 [N,R,R,C], all there are if fewer. No labels.

    Raises:
        FileNotFoundError, ValueError, MemoryError: the data set is not there, or not as it was.
    """
    workdir = runs.Workdir(member.workdir)
    d, spec = workdir.read_config().data, workdir.read_factors()
    images = data.load(d.dataset, data_dir, spec.names, d.memory_gib, d.split, d.resolution).images
    if images.shape[1:] != member.shape:
        raise ValueError(
            f"--data_dir: expected images of shape {member.shape}, as those of {member.name}. Received: "
            f"{tuple(images.shape[1:])}."
        )
    return images[np.random.default_rng([seed, 15]).permutation(len(images))[:count]]

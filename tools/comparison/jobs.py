"""What tools/compare_methods has to do, what was done of it, and how both are told: a record in each workdir."""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

from starting import ROOT

from ssgan_tf import config as configs
from ssgan_tf.data.tfds_reader import open_builder
from ssgan_tf.runs import workdir
from ssgan_tf.utils import files

METHODS = ROOT / "configs" / "compare"
RECORD = "comparison_record.json"  # in each workdir: what was asked for, and what is done


class Job(NamedTuple):
    """One training: a method and a seed."""

    method: str
    path: Path
    seed: int
    workdir: Path


def find_jobs(options: argparse.Namespace) -> list[Job]:
    """All trainings, method after method within a seed, so that a comparison that is stopped early has all methods.

    Raises:
        ValueError: for a method that is none, twice the same, or seeds that are no numbers.
    """
    known = {path.stem: path for path in sorted(METHODS.glob("*.py"))}
    paths = []
    for name in known if options.methods is None else options.methods.split(","):
        path = known.get(name, Path(name))
        if not path.is_file():
            raise ValueError(f"--methods: expected paths of configs, or among {', '.join(known)}. Received: {name!r}.")
        paths.append(path)
    if len({path.stem for path in paths}) < len(paths):
        raise ValueError(f"--methods: expected configs of different names. Received: {options.methods!r}.")
    try:
        seeds = [int(seed) for seed in options.seeds.split(",")]
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f"--seeds: expected different numbers from 0 on. Received: {options.seeds!r}.")
    out = Path(options.out)
    return [Job(path.stem, path, seed, out / f"{path.stem}-{seed}") for seed in seeds for path in paths]


def settings_of(job: Job, options: argparse.Namespace) -> tuple[list[str], configs.Config]:
    """What is changed in a job's config, and the config so changed.

    Raises:
        ValueError: for a setting that the config does not have, or that a flag is there for.
    """
    fields = {setting.partition("=")[0].strip() for setting in options.settings}
    for field, flag, value in (("train.seed", "--seeds", options.seeds), ("train.images", "--images", options.images)):
        if field in fields and value is not None:
            raise ValueError(f"--set: expected no {field}, which {flag} says. Received: both.")
    loaded = configs.load_config(str(job.path))
    try:
        config = configs.override(loaded, options.settings)
        result = [*options.settings, f"train.seed={job.seed}"]
        if options.images is not None:
            share = options.images / config.train.images
            result.append(f"train.images={options.images}")
            result += [f"{name}={round(share * value)}" for name, value in lengths(config.to_json()) if value]
        return result, configs.override(loaded, result)
    except ValueError as error:
        raise ValueError(f"{job.method}: {error}") from error


def lengths(value: Any, place: str = "") -> list[tuple[str, int]]:
    """(dotted name, value) of every field of a config's model and phases that ends in `_images`."""
    if isinstance(value, dict):
        inside = [(f"{place}.{key}".strip("."), part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)):
        inside = [(f"{place}.{i}", part) for i, part in enumerate(value)]
    else:
        return [(place, value)] if place.endswith("_images") else []
    return [found for name, part in inside if name not in ("train", "data") for found in lengths(part, name)]


def read_record(job: Job) -> dict[str, Any]:
    """What was done of a job; empty where nothing was."""
    try:
        return json.loads((job.workdir / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_record(job: Job, record: dict[str, Any]) -> None:
    """Keeps what was done of a job."""
    files.write_json(record, str(job.workdir / RECORD))


def asked_of(job: Job, options: argparse.Namespace) -> dict[str, Any]:
    """What is to be done, as it is kept; the same for all calls that go on with a training.

    Raises:
        FileNotFoundError: its data set is not prepared.
        ValueError: its workdir was made with something else, or as `settings_of`.
    """
    settings, config = settings_of(job, options)
    open_builder(config.data.dataset, options.data_dir)
    asked = {"images": options.images, "minutes": options.minutes, "settings": settings}
    before = read_record(job).get("asked", asked)
    if before != asked:
        made, now = (", ".join(told(before, asked)), ", ".join(told(asked, before)))
        raise ValueError(f"--out: {job.workdir} was made with {made}. Received: {now}. Choose another folder.")
    try:
        workdir.check(str(job.workdir), config)  # the config itself may have been changed since
    except (ValueError, OSError) as error:
        text = str(error).replace("--workdir", "--out", 1)
        remedy = "Remove that folder to train it anew, or choose another --out."
        raise ValueError(text.replace("Choose another folder.", remedy)) from error
    return asked


def told(asked: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What of `asked` is not in `other`, as one writes it; without the lengths that follow from --images."""
    found = [f"--{name}={asked[name]}" for name in ("images", "minutes") if asked[name] and asked[name] != other[name]]
    settings = [setting for setting in asked["settings"] if setting not in other["settings"]]
    if asked["images"] != other["images"]:
        settings = [setting for setting in settings if not setting.partition("=")[0].endswith("images")]
    found += [f"--set={setting}" for setting in settings]
    return found or ["no such flag"]


def lost_seconds(job: Job, begun: float | None) -> float:
    """How long a training ran that was killed together with this program: from its begin to what it logged last."""
    log = job.workdir / "metrics.jsonl"
    return max(0.0, log.stat().st_mtime - begun) if begun and log.exists() else 0.0


def progress(jobs: list[Job]) -> str:
    """A table of what is done."""
    seeds = sorted({job.seed for job in jobs})
    width = max(len(job.method) for job in jobs)
    rows = ["".join([f"{'':<{width}}", *(f"{f'seed {seed}':>10}" for seed in seeds)])]
    for method in dict.fromkeys(job.method for job in jobs):
        cells = [state(job) for job in jobs if job.method == method]
        rows.append("".join([f"{method:<{width}}", *(f"{cell:>10}" for cell in cells)]))
    return "\n".join(rows)


def state(job: Job) -> str:
    record = read_record(job)
    if record.get("failed"):
        return "failed"
    if record.get("scored"):
        return "no scores" if record.get("unscored") else "done"
    return "trained" if record.get("trained") else "begun" if record else "-"

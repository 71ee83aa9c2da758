"""Jobs of tools/compare_methods.py, one for each method and seed, and the record in each workdir of what was done."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ssgan_tf import config as configs
from ssgan_tf.data import open_builder
from ssgan_tf.runs import Workdir
from ssgan_tf.utils import files

METHODS = Path(__file__).resolve().parents[2] / "configs" / "compare"
RECORD = "comparison_record.json"  # in each workdir: what was requested, and what is done


class Job(NamedTuple):
    """One training of a method with one seed, and its evaluation."""

    method: str
    path: Path
    seed: int
    workdir: Path

    @property
    def files(self) -> Workdir:
        """Paths of the files of the job's run."""
        return Workdir(str(self.workdir))


def find_jobs(options: argparse.Namespace) -> list[Job]:
    """Returns all jobs: every method with the first seed, then every method with the second, and so on.

    In this order, a comparison that is stopped early has scores of all methods.

    Raises:
        ValueError: A method does not exist or is given twice, or the seeds are not different integers from 0.
    """
    known = {path.stem: path for path in sorted(METHODS.glob("*.py"))}
    paths = []
    for name in known if options.methods is None else options.methods.split(","):
        path = known.get(name, Path(name))
        if not path.is_file():
            expected = f"comma-separated paths of configs, or names among {', '.join(known)}"
            raise ValueError(f"methods: expected {expected}. Received: {name!r}.")
        paths.append(path)
    if len({path.stem for path in paths}) < len(paths):
        raise ValueError(f"methods: expected configs with different names. Received: {options.methods!r}.")
    try:
        seeds = [int(seed) for seed in options.seeds.split(",")]
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f"seeds: expected different integers from 0. Received: {options.seeds!r}.")
    out = Path(options.out)
    return [Job(path.stem, path, seed, out / f"{path.stem}-{seed}") for seed in seeds for path in paths]


def make_settings(job: Job, options: argparse.Namespace) -> tuple[list[str], configs.Config]:
    """Returns the settings that change a job's config, as for --set, and the changed config.

    Raises:
        ValueError: A setting names a field that the config does not have or that another flag sets.
    """
    fields = {setting.partition("=")[0].strip() for setting in options.settings}
    for field, flag, value in (("train.seed", "--seeds", options.seeds), ("train.images", "--images", options.images)):
        if field in fields and value is not None:
            raise ValueError(f"set: expected no {field}, because {flag} sets it. Received: both.")
    original = configs.load_config(str(job.path))
    try:
        config = configs.override(original, options.settings)
        settings = [*options.settings, f"train.seed={job.seed}"]
        if options.images is not None:
            share = options.images / config.train.images
            settings.append(f"train.images={options.images}")
            settings += [f"{name}={round(share * value)}" for name, value in find_lengths(config.to_json()) if value]
        return settings, configs.override(original, settings)
    except ValueError as error:
        raise ValueError(f"{error} Method: {job.method}.") from error


def find_lengths(value: Any, place: str = "") -> list[tuple[str, int]]:
    """Returns (dotted name, value) of every field of a config's model and phases whose name ends in `_images`."""
    if isinstance(value, dict):
        items = [(f"{place}.{key}".strip("."), item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        items = [(f"{place}.{i}", item) for i, item in enumerate(value)]
    else:
        return [(place, value)] if place.endswith("_images") else []
    return [found for name, item in items if name not in ("train", "data") for found in find_lengths(item, name)]


def read_record(job: Job) -> dict[str, Any]:
    """Reads the record of a job; empty if there is none."""
    try:
        return json.loads((job.workdir / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_record(job: Job, record: dict[str, Any]) -> None:
    """Writes the record of a job."""
    files.write_json(record, str(job.workdir / RECORD))


def make_request(job: Job, options: argparse.Namespace) -> dict[str, Any]:
    """Returns the training that is requested, as it is recorded; the same at every start that continues it.

    Raises:
        FileNotFoundError: The data set is not prepared.
        ValueError: The workdir was made with another request or config; see also `make_settings`.
    """
    settings, config = make_settings(job, options)
    open_builder(config.data.dataset, options.data_dir)

    # Compare with the request of an earlier start.
    request = {"images": options.images, "minutes": options.minutes, "settings": settings}
    earlier = read_record(job).get("asked", request)
    if earlier != request:
        made, now = (", ".join(describe_difference(*pair)) for pair in ((earlier, request), (request, earlier)))
        raise ValueError(f"out: {job.workdir} was made with {made}. Received: {now}. Choose another folder.")

    # Compare with the config of an earlier start: the file may have been edited since.
    try:
        job.files.check_config(config)
    except (ValueError, OSError) as error:
        text = str(error).replace("workdir:", "out:", 1)
        remedy = "Remove that folder to train it again, or choose another --out."
        raise ValueError(text.replace("Choose another folder.", remedy)) from error
    return request


def describe_difference(request: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Returns the flags of `request` that `other` does not have, without the lengths that follow from --images."""
    names = ("images", "minutes")
    flags = [f"--{name}={request[name]}" for name in names if request[name] and request[name] != other[name]]
    settings = [setting for setting in request["settings"] if setting not in other["settings"]]
    if request["images"] != other["images"]:
        settings = [setting for setting in settings if not setting.partition("=")[0].endswith("images")]
    flags += [f"--set={setting}" for setting in settings]
    return flags or ["no such flag"]


def unrecorded_seconds(job: Job, begun: float | None) -> float:
    """Returns the length of a training that was killed together with this program: from its start to its last log."""
    log = Path(job.files.log)
    return max(0.0, log.stat().st_mtime - begun) if begun and log.exists() else 0.0


def format_progress(jobs: Sequence[Job]) -> str:
    """Returns a table of the state of all jobs: one row per method, one column per seed."""
    seeds = sorted({job.seed for job in jobs})
    width = max(len(job.method) for job in jobs)
    rows = ["".join([f"{'':<{width}}", *(f"{f'seed {seed}':>10}" for seed in seeds)])]
    for method in dict.fromkeys(job.method for job in jobs):
        cells = [_state(job) for job in jobs if job.method == method]
        rows.append("".join([f"{method:<{width}}", *(f"{cell:>10}" for cell in cells)]))
    return "\n".join(rows)


def _state(job: Job) -> str:
    record = read_record(job)
    if record.get("failed"):
        return "failed"
    if record.get("scored"):
        return "no scores" if record.get("unscored") else "done"
    return "trained" if record.get("trained") else "started" if record else "-"

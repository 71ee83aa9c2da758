"""Trains every method on the same data with the same budget, and compares their scores.

    .venv/bin/python tools/compare_methods.py --out=runs/comparison --data_dir=data --images=200000 --seeds=0,1
    .venv/bin/python tools/compare_methods.py --out=runs/comparison --data_dir=data --minutes=10 \\
        --methods=beta_vae,configs/demo.py

A method is a config: a name in configs/compare, or a path. The default is all of configs/compare. Every method is
trained and evaluated once per seed. The same command resumes a comparison that was stopped, and repeats what failed.
With --images, lengths inside a config (fields that end in `_images`: decays, warm-ups, events) are scaled with the
length of the training. --minutes stops each training after that time, however far it has got.

Writes a folder for each run, comparison.md, comparison.json, comparison.png and traversals/METHOD.png into --out. Exits
with 1 if a training or an evaluation failed.
"""

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `tools` importable from any folder

from ssgan_tf.evaluate import scoring
from ssgan_tf.utils import files
from ssgan_tf.utils.program import INTERRUPTED, PARTLY, ArgumentParser, fail
from tools.comparison import table
from tools.comparison.jobs import (
    Job,
    find_jobs,
    format_progress,
    make_request,
    read_record,
    unrecorded_seconds,
    write_record,
)

ROOT = Path(__file__).resolve().parents[1]
STOPPED = (INTERRUPTED, 128 + signal.SIGTERM)  # exit codes of programs that were stopped


class Terminated(KeyboardInterrupt):
    """SIGTERM was received. Unlike Ctrl-C, it does not reach the program that was started from here."""


def make_parser() -> ArgumentParser:
    """Returns the parser of the flags."""
    parser = ArgumentParser(__doc__)
    add = parser.add_argument

    # Methods and trainings.
    add("--out", required=True, help="folder of the comparison: new, or one to resume")
    add("--data_dir", default="data", help="folder of the prepared data sets (default: %(default)s)")
    add("--methods", help="comma-separated names in configs/compare, or paths of configs (default: all in "
        "configs/compare)")  # fmt: skip
    add("--seeds", default="0", help="comma-separated seeds (default: %(default)s)")
    add("--images", type=int, help="length of each training in images (default: as in each config)")
    add("--minutes", type=float, help="stop each training after this many minutes, instead of --images")
    add("--set", dest="settings", action="append", default=[], metavar="FIELD=VALUE",
        help="change a field of all configs, e.g. data.dataset; may be repeated")  # fmt: skip

    # Scores.
    add("--metrics", default="fast", help="metrics, as for `ssgan evaluate` (default: %(default)s)")
    add("--samples", type=int, default=10_000,
        help="number of real images, and of generated ones, per score (default: %(default)s)")  # fmt: skip
    add("--oracle_images", type=int, help="length of the oracle's training, as for `ssgan evaluate`")
    add("--columns", help="comma-separated scores to show (default: those of "
        f"{','.join(table.COLUMNS)} that were measured or have a reason why not)")  # fmt: skip
    return parser


def check(options: argparse.Namespace) -> None:
    """Raises ValueError if a flag is out of range or cannot be combined with another."""
    if options.images is not None and options.minutes is not None:
        raise ValueError("--images, --minutes: expected one of them. Received: both.")
    if options.samples < 100:
        raise ValueError(f"samples: expected 100 or more. Received: {options.samples}.")
    for budget in (options.images, options.minutes):
        if budget is not None and not budget > 0:
            raise ValueError(f"--images, --minutes: expected a number above 0. Received: {budget}.")


def run_job(job: Job, options: argparse.Namespace) -> None:
    """Trains and evaluates, unless the record says that it is done. A failure is recorded, and repeated next time.

    Raises:
        KeyboardInterrupt: It was stopped, and everything is saved.
    """
    record = {"seconds": 0.0, "trained": False, **read_record(job), "asked": make_request(job, options)}
    if not record["trained"]:
        train(job, options, record)
    if record["trained"]:
        evaluate(job, options, record)


def train(job: Job, options: argparse.Namespace, record: dict[str, Any]) -> None:
    """Trains, or resumes, and records the outcome and the time in `record` and on disk.

    Raises:
        KeyboardInterrupt: It was stopped, and everything is saved.
    """
    words = [f"--config={job.path}", *(f"--set={setting}" for setting in record["asked"]["settings"])]
    record["seconds"] += unrecorded_seconds(job, record.pop("begun", None))
    if options.minutes is not None:
        words.append(f"--minutes={max(0.01, options.minutes - record['seconds'] / 60):.2f}")
    job.workdir.mkdir(parents=True, exist_ok=True)
    start = time.time()
    write_record(job, {**record, "begun": start})
    try:
        code = run_program("train", [*words, *folder_flags(job, options)])
        record["trained"] = code == 0
        if code not in STOPPED:
            record["failed"] = None if code == 0 else f"training ended with exit code {code}"
    finally:
        record["seconds"] += time.time() - start
        write_record(job, record)
    if code in STOPPED:
        raise KeyboardInterrupt


def evaluate(job: Job, options: argparse.Namespace, record: dict[str, Any]) -> None:
    """Evaluates, unless it was done with the same options, and records the outcome in `record` and on disk.

    Raises:
        KeyboardInterrupt: It was stopped.
    """
    requested = {"metrics": options.metrics, "samples": options.samples}
    if options.oracle_images is not None:
        requested["oracle_images"] = options.oracle_images
    if record.get("scored") == requested and not record.get("unscored"):
        return
    words = [f"--{name}={value}" for name, value in requested.items()]
    code = run_program("evaluate", [*words, *folder_flags(job, options)])
    if code in STOPPED:
        raise KeyboardInterrupt
    failed = code not in (0, PARTLY)  # PARTLY: the method cannot have every score; the table says why
    record |= {"scored": requested, "unscored": f"evaluation ended with exit code {code}" if failed else None}
    write_record(job, record)


def folder_flags(job: Job, options: argparse.Namespace) -> list[str]:
    """Returns the flags --workdir and --data_dir of a job."""
    return [f"--workdir={job.workdir}", f"--data_dir={options.data_dir}"]


def run_program(program: str, words: Sequence[str]) -> int:
    """Runs a program of the package and returns its exit code.

    Raises:
        KeyboardInterrupt: This process was stopped; the program was stopped too and has saved its state.
    """
    command = [sys.executable, "-m", f"ssgan_tf.{program}", *words]
    process = subprocess.Popen(command, env=make_environment(), preexec_fn=terminate_with_parent)
    try:
        code = process.wait()
    except KeyboardInterrupt as error:
        if isinstance(error, Terminated):
            process.terminate()  # Ctrl-C reaches it without our help
        process.wait()
        raise
    return 128 - code if code < 0 else code


def terminate_with_parent() -> None:
    """Makes the system send SIGTERM, at which programs save and exit, to the calling process when its parent dies."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG of Linux


def make_environment() -> dict[str, str]:
    """Returns the environment variables, with the package of this repository on the path."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def write_results(jobs: Sequence[Job], folder: str, columns: Sequence[str] | None) -> None:
    """Writes comparison.md, .json and .png and the traversals of the first seed, and prints the table.

    Args:
        jobs: All jobs.
        folder: Folder of the comparison.
        columns: Scores to show; None for those of `table.COLUMNS` that were measured or have a reason why not.
    """
    runs = [table.read_run(job.method, job.seed, job.files, read_record(job)) for job in jobs]
    if columns is None:
        columns = [c for c in table.COLUMNS if any(c in run.scores or c in run.refused for run in runs)]
    out = Path(folder)
    traversals = out / "traversals"
    traversals.mkdir(parents=True, exist_ok=True)
    for job in reversed(jobs):  # the first seed comes last and replaces the others
        if os.path.exists(job.files.traversal):
            shutil.copyfile(job.files.traversal, traversals / f"{job.method}.png")
    text = table.format_markdown(runs, columns)
    with files.atomic_write(str(out / "comparison.md")) as file:
        file.write(text + "\n")
    files.write_json(table.to_json(runs), str(out / "comparison.json"))
    table.plot_scores(runs, columns, str(out / "comparison.png"))
    print(f"\n{text}\n\nTable: {out}/comparison.md, .json\nFigure: {out}/comparison.png\nTraversals: {traversals}")


def run_all(jobs: Sequence[Job], options: argparse.Namespace) -> None:
    """Runs all jobs and writes the results.

    Raises:
        ValueError, OSError: A flag is wrong, which is noticed before anything is trained, or --out is in use.
        KeyboardInterrupt: It was stopped, and everything is saved.
    """
    columns = None if options.columns is None else table.parse_columns(options.columns)
    scoring.choose_without_features(options.metrics)
    for job in jobs:
        make_request(job, options)
    with files.exclusive_folder(options.out, "compares"):
        for number, job in enumerate(jobs, 1):
            print(f"\n{format_progress(jobs)}\n\n{job.method}, seed {job.seed} ({number} of {len(jobs)})", flush=True)
            run_job(job, options)
        print(f"\n{format_progress(jobs)}")
        write_results(jobs, options.out, columns)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the comparison; returns the exit code, 1 if a training or an evaluation failed."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        check(options)
        jobs = find_jobs(options)
        run_all(jobs, options)
    except (ValueError, OSError) as error:
        parser.stop(error)
    except KeyboardInterrupt:
        print("\nStopped. Everything is saved; run the same command to resume.", file=sys.stderr)
        return INTERRUPTED
    records = [(job, read_record(job)) for job in jobs]
    failures = [(job, why) for job, record in records if (why := record.get("failed") or record.get("unscored"))]
    for job, why in failures:
        fail(f"{job.method} (seed {job.seed}): {why}")
    return 1 if failures else 0


def _raise_terminated(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


if __name__ == "__main__":
    sys.exit(main())

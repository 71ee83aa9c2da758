#!/usr/bin/env python3
"""Trains every method on the same data with the same budget, and puts their scores beside each other.

    tools/compare_methods --out=runs/comparison --data_dir=data --images=200000 --seeds=0,1
    tools/compare_methods --out=runs/comparison --data_dir=data --minutes=10 --methods=beta_vae,configs/demo.py

A method is a config: a name in configs/compare, or a path; default: all of configs/compare. Every seed of every
method is trained and measured once: the same command goes on where the last one stopped, and tries again what failed.
Lengths inside a config (fields that end in `_images`: falling rates, warm-ups, events) are stretched or shortened with
--images; --minutes stops each training after that time, wherever it is.

Writes into --out: a folder for each run, comparison.md, comparison.json, comparison.png, and traversals/METHOD.png.
"""

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

TOOLS = Path(__file__).resolve().parent
sys.path[:0] = [str(TOOLS), str(TOOLS.parent)]
from starting import ROOT, Parser, enter_environment, stop  # noqa: E402  (its folder is on the path from here on)

if __name__ == "__main__":
    enter_environment()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Read once, when TensorFlow is first imported.

try:
    import method_table
    from method_jobs import Job, asked_of, find_jobs, lost_seconds, progress, read_record, write_record

    from ssgan_tf.evaluate import scoring
    from ssgan_tf.utils import files
    from ssgan_tf.utils.program import PARTLY
except ImportError as error:
    stop(f"{error}. Set the environment up with tools/demo or tools/test, then run this again.")

STOPPED = (130, 143)  # exit codes of programs that were told to end


class Terminated(KeyboardInterrupt):
    """SIGTERM, which a program that was started from here does not get."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="folder of the comparison, new or one to go on with")
    parser.add_argument("--data_dir", default="data", help="folder that `tfds build --data_dir` filled (data)")
    parser.add_argument("--methods", help="names in configs/compare or paths, with commas between; default: all there")
    parser.add_argument("--seeds", default="0", help="numbers with commas between (0)")
    parser.add_argument("--images", type=int, help="length of each training; default: the configs' own")
    parser.add_argument("--minutes", type=float, help="stop each training after so many minutes instead")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="FIELD=VALUE",
                        help="changes a field of all configs, e.g. data.dataset; may be repeated")  # fmt: skip
    parser.add_argument("--metrics", default="fast", help="as of ssgan_tf.evaluate (fast)")
    parser.add_argument("--samples", type=int, default=10_000, help="real images, and generated ones, per score")
    parser.add_argument("--oracle_images", type=int, help="as of ssgan_tf.evaluate")
    default = ",".join(method_table.COLUMNS)
    parser.add_argument("--columns", help=f"scores of the table, where they were measured ({default})")
    options = parser.parse_args(arguments)
    if options.images is not None and options.minutes is not None:
        stop("--images, --minutes: expected one of them. Received: both.")
    if options.samples < 100:
        stop(f"--samples: expected 100 or more. Received: {options.samples}.")
    for budget in (options.images, options.minutes):
        if budget is not None and not budget > 0:
            stop(f"--images, --minutes: expected a number above 0. Received: {budget}.")
    return options


def do(job: Job, options: argparse.Namespace) -> None:
    """Trains and measures what is not yet; what fails is noted, the others go on, and another call tries it again.

    Raises:
        KeyboardInterrupt: it was stopped. All is saved.
    """
    record = {"seconds": 0.0, "trained": False, **read_record(job), "asked": asked_of(job, options)}
    if not record["trained"]:
        train(job, options, record)
    scores = {"metrics": options.metrics, "samples": options.samples}
    if options.oracle_images is not None:
        scores["oracle_images"] = options.oracle_images
    if record["trained"] and (record.get("scored") != scores or record.get("unscored")):
        code = run("evaluate", [*(f"--{k}={v}" for k, v in scores.items()), *places(job, options)])
        if code in STOPPED:
            raise KeyboardInterrupt
        failed = code not in (0, PARTLY)  # not every method has every score; the table says why
        record |= {"scored": scores, "unscored": f"evaluation ended with exit code {code}" if failed else None}
        write_record(job, record)


def train(job: Job, options: argparse.Namespace, record: dict[str, Any]) -> None:
    """Trains what is left, and notes in `record` and on disk how it went and how long it took.

    Raises:
        KeyboardInterrupt: it was stopped. All is saved.
    """
    words = [f"--config={job.path}", *(f"--set={setting}" for setting in record["asked"]["settings"])]
    record["seconds"] += lost_seconds(job, record.pop("begun", None))
    if options.minutes is not None:
        words.append(f"--minutes={max(0.01, options.minutes - record['seconds'] / 60):.2f}")
    job.workdir.mkdir(parents=True, exist_ok=True)
    begin = time.time()
    write_record(job, {**record, "begun": begin})
    try:
        code = run("train", [*words, *places(job, options)])
        record["trained"] = code == 0
        if code not in STOPPED:
            record["failed"] = None if code == 0 else f"training ended with exit code {code}"
    finally:
        record["seconds"] += time.time() - begin
        write_record(job, record)
    if code in STOPPED:
        raise KeyboardInterrupt


def places(job: Job, options: argparse.Namespace) -> list[str]:
    return [f"--workdir={job.workdir}", f"--data_dir={options.data_dir}"]


def run(program: str, words: list[str]) -> int:
    """Runs a program of the package: its exit code.

    Raises:
        KeyboardInterrupt: after the program, which was stopped too, has saved what it had.
    """
    command = [sys.executable, "-m", f"ssgan_tf.{program}", *words]
    process = subprocess.Popen(command, env=python_path(), preexec_fn=end_with_parent)
    try:
        code = process.wait()
    except KeyboardInterrupt as error:
        if isinstance(error, Terminated):
            process.terminate()  # ctrl-C reaches it by itself
        process.wait()
        raise
    return 128 - code if code < 0 else code


def end_with_parent() -> None:
    """Called in a program that was started: it is told to end when this one dies, and saves what it has."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG of Linux


def python_path() -> dict[str, str]:
    """The environment, with this repository's package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def write(jobs: list[Job], folder: str, columns: list[str] | None) -> None:
    """comparison.md, .json and .png, and the traversal sheets of the first seed; prints the table.

    Columns are those asked for, or the usual ones that were measured or refused.
    """
    runs = [method_table.read(job.method, job.seed, str(job.workdir), read_record(job)) for job in jobs]
    if columns is None:
        columns = [c for c in method_table.COLUMNS if any(c in run.scores or c in run.refused for run in runs)]
    out = Path(folder)
    sheets = out / "traversals"
    sheets.mkdir(parents=True, exist_ok=True)
    for job in jobs[::-1]:  # the first seed last, over the others
        if (job.workdir / "traversal.png").exists():
            shutil.copyfile(job.workdir / "traversal.png", sheets / f"{job.method}.png")
    text = method_table.markdown(runs, columns)
    with files.atomic_write(str(out / "comparison.md")) as file:
        file.write(text + "\n")
    files.write_json(method_table.to_json(runs), str(out / "comparison.json"))
    method_table.draw(runs, columns, str(out / "comparison.png"))
    print(f"\n{text}\n\nTable: {out}/comparison.md, .json\nFigure: {out}/comparison.png\nTraversals: {sheets}")


def terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    signal.signal(signal.SIGTERM, terminate)
    try:
        jobs = find_jobs(options)
        columns = None if options.columns is None else method_table.choose(options.columns)
        scoring.choose_without_features(options.metrics)
        for job in jobs:  # whatever is wrong is said before anything is trained
            asked_of(job, options)
        with files.exclusive_folder(options.out, "compares"):
            for number, job in enumerate(jobs, 1):
                print(f"\n{progress(jobs)}\n\n{job.method}, seed {job.seed} ({number} of {len(jobs)})", flush=True)
                do(job, options)
            print(f"\n{progress(jobs)}")
            write(jobs, options.out, columns)
    except (ValueError, OSError) as error:
        stop(error)
    except KeyboardInterrupt:
        print("\nStopped, all saved. The same command goes on from there.", file=sys.stderr)
        return 130
    reasons = [(job, read_record(job)) for job in jobs]
    failed = [(job, why) for job, record in reasons if (why := record.get("failed") or record.get("unscored"))]
    for job, why in failed:
        print(f"error: {job.method} (seed {job.seed}): {why}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

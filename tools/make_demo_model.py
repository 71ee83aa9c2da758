#!/usr/bin/env python3
"""Exports a measured run as the model that comes with the package, which ssgan-edit and the page open without one.

    tools/make_demo_model --workdir=runs/demo

It is one SavedModel, ssgan_tf/editing/demo/1, with the run's scores on its model card, and takes the place of the one
before. More than 5 MB are refused: it is in every clone.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
sys.path[:0] = [str(TOOLS), str(TOOLS.parent)]
from starting import ROOT, Parser, enter_environment, stop  # noqa: E402  (its folder is on the path from here on)

if __name__ == "__main__":
    enter_environment()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Read once, when TensorFlow is first imported.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # the check compares CPU with CPU

try:
    import tensorflow as tf

    from ssgan_tf import runs
    from ssgan_tf.export import ExportError, model_card, saved_model
except ImportError as error:
    stop(f"{error}. Set the environment up with tools/demo or tools/test, then run this again.")

LARGEST = 5_000_000  # bytes


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", required=True, help="folder of a run that was trained and measured")
    place = ROOT / "ssgan_tf" / "editing" / "demo"
    parser.add_argument("--out", default=str(place), help="where it goes (%(default)s)")
    return parser.parse_args(arguments)


def make(workdir: str, out: str) -> tuple[str, int]:
    """Writes, checks, and puts in the place of the one before; whole or not at all. Returns its folder and bytes."""
    saved_model.check_out(out)
    run = runs.load_run(workdir)
    runs.check_grown(run)
    known = model_card.facts(run)
    if known["scores"] is None:
        raise ValueError(
            f"--workdir: expected a run with scores for the model card, but there are none: "
            f"{known['no_scores_because']} Run `python -m ssgan_tf.evaluate --workdir={workdir} --data_dir=...` first."
        )
    with tempfile.TemporaryDirectory() as scratch:
        export = saved_model.run(run, os.path.join(scratch, "demo"))
        if export.size > LARGEST:
            raise ValueError(
                f"--workdir: expected a model of {LARGEST:,} bytes or less. Received: one of {export.size:,}."
            )
        os.makedirs(out, exist_ok=True)
        for name in os.listdir(out):
            shutil.rmtree(os.path.join(out, name))
        return shutil.copytree(export.folder, os.path.join(out, "1")), export.size


def main() -> None:
    options = parse(sys.argv[1:])
    try:
        folder, size = make(options.workdir, options.out)
    except (ValueError, OSError, tf.errors.OpError) as error:
        stop(" ".join(str(error).split()))
    except ExportError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"{folder}: {size:,} bytes. Its card: {folder}/assets/model_card.md")


if __name__ == "__main__":
    main()

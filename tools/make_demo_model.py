"""Exports an evaluated run as the model that comes with the package, which edit, page and serve open by default.

    .venv/bin/python tools/make_demo_model.py --workdir=runs/demo

The result is one SavedModel, ssgan_tf/editing/demo/1, with the run's scores on its model card. It replaces the model
that was there before. Models of more than 5 MB are refused, because every clone contains the model.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # an export needs no GPU

import ssgan_tf  # noqa: F401  before TensorFlow, for which it sets the environment

# isort: split
import tensorflow as tf

from ssgan_tf import runs
from ssgan_tf.export import ExportError, model_card, saved_model
from ssgan_tf.utils.program import ArgumentParser, fail

DEMO = Path(__file__).resolve().parents[1] / "ssgan_tf" / "editing" / "demo"
MAX_BYTES = 5_000_000


def make_parser() -> ArgumentParser:
    """Returns the parser of the flags."""
    parser = ArgumentParser(__doc__)
    parser.add_argument("--workdir", required=True, help="folder of a run that was trained and evaluated")
    parser.add_argument("--out", default=str(DEMO), help="folder of the model (default: %(default)s)")
    return parser


def make(workdir: str, out: str) -> tuple[str, int]:
    """Exports a run and, once the export is complete and checked, replaces the model in `out` with it.

    Returns:
        The SavedModel's folder, and its size in bytes.

    Raises:
        ValueError, OSError: The run has no scores or is too large, or `out` cannot be written.
        ExportError: The export differs from the model.
    """
    # Validate before the export, which takes minutes.
    saved_model.check_out(out)
    run = runs.load_run(workdir)
    runs.check_grown(run)
    facts = model_card.facts(run)
    if facts["scores"] is None:
        raise ValueError(
            f"workdir: expected a run with scores for the model card. Received: none, because "
            f"{facts['no_scores_because']} Run `ssgan evaluate --workdir={workdir} --data_dir=...` first."
        )

    # Export, and replace.
    with tempfile.TemporaryDirectory() as scratch:
        export = saved_model.run(run, os.path.join(scratch, "demo"))
        if export.size > MAX_BYTES:
            raise ValueError(f"workdir: expected a model of at most {MAX_BYTES:,} bytes. Received: {export.size:,}.")
        os.makedirs(out, exist_ok=True)
        for name in os.listdir(out):
            shutil.rmtree(os.path.join(out, name))
        return shutil.copytree(export.folder, os.path.join(out, "1")), export.size


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the model and prints its folder and size."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        folder, size = make(options.workdir, options.out)
    except (ValueError, OSError, tf.errors.OpError) as error:
        parser.stop(error)
    except ExportError as error:
        sys.exit(fail(error, 1))
    print(f"{folder}: {size:,} bytes. Model card: {folder}/assets/model_card.md")


if __name__ == "__main__":
    main()

"""Writes a trained run as a SavedModel that makes and reads pictures without this package.

python -m ssgan_tf.export --workdir=runs/demo --out=runs/demo/export

--out is a model folder as TensorFlow Serving wants it: the SavedModel is its subfolder 1. The next export writes 2
and takes 1 away, so that there is one whole model at every moment, and a running server changes over.
`ssgan_tf.signatures` says what can be asked of it, and `ssgan_tf/editing.py` asks.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags

from ssgan_tf import __version__, editing, program, runs, signatures

_PARTIAL = ".ssgan_tf-partial"  # in --out; TensorFlow Serving looks at numbered folders alone
_CHECKED_IMAGES = 8
# Largest difference between the export and the model, per unit of the largest value where that is above 1.
_TOLERANCES = {"image": 1e-6, "code": 1e-5, "realness": 1e-5}

_FRESH_PROCESS = """
import importlib.util, sys
import numpy as np
editing_path, export_path, given_path, result_path = sys.argv[1:]
spec = importlib.util.spec_from_file_location("editing", editing_path)
editing = importlib.util.module_from_spec(spec)
spec.loader.exec_module(editing)
editor = editing.Editor.load(export_path)
given = np.load(given_path)
image = editor.generate(given["code"], noise=given["noise"])
read = editor.call("encode", {"image": given["image"]})
if "ssgan_tf" in sys.modules:
    sys.exit("it needs the package ssgan_tf")
np.savez(result_path, image=image, **read)
"""


class ExportError(RuntimeError):
    """The export does not do what the model does."""


def describe(run: runs.Run) -> dict[str, Any]:
    """What the asset codes.json says."""
    network = run.config.model.network
    return {
        "made_by": f"ssgan_tf {__version__}",
        "run": os.path.basename(os.path.abspath(run.workdir)),
        "model": run.config.to_json()["model"]["kind"],
        "dataset": run.config.data.dataset,
        "images_trained": run.images,
        "factors": run.spec.to_json(),
        "code": "index / (size - 1)",
        "resolution": network.resolution,
        "channels": network.channels,
        "noise_size": network.noise_size,
        "style_size": network.style_size,
    }


def write(run: runs.Run, folder: str) -> None:
    """Writes the SavedModel of `run` to `folder`."""
    functions, variables = signatures.make_signatures(run.model, run.spec)
    module = tf.Module()
    module.weights = variables  # and no Keras object, which would ask the reader for Keras
    with tempfile.TemporaryDirectory() as scratch:
        card = os.path.join(scratch, "codes.json")
        with open(card, "w", encoding="utf-8") as file:
            json.dump(describe(run), file, indent=2)
            file.write("\n")
        module.card = tf.saved_model.Asset(card)
        tf.saved_model.save(module, folder, signatures=functions)


def check(run: runs.Run, folder: str) -> float:
    """Compares the export with the model, in a process that has tensorflow, numpy and editing.py alone.

    Returns:
        The largest difference of a pixel.

    Raises:
        ExportError: if images, codes or realness differ, or the export cannot be used there.
    """
    noise = tf.random.stateless_normal([_CHECKED_IMAGES, run.config.model.network.noise_size], [0, 1])
    code = run.spec.sample(_CHECKED_IMAGES, tf.constant([0, 2]))
    # As functions: TensorFlow may fuse operations in a graph that it computes one by one outside.
    image = tf.function(lambda z, c: run.model.ema_generator((z, c)))(noise, code)
    judge = tf.function(lambda x: run.model.discriminator(x))
    pictures = tf.clip_by_value(image, -1.0, 1.0)
    judged = [judge(picture[None]) for picture in pictures]
    expected = {
        "image": image.numpy(),
        "code": np.concatenate([code for _, code in judged]),
        "realness": np.concatenate([realness for realness, _ in judged]),
    }
    found = _in_fresh_process(folder, {"noise": noise, "code": code, "image": pictures})
    for name, values in expected.items():
        difference = np.abs(found[name] - values).max()
        if not difference <= _TOLERANCES[name] * max(1.0, np.abs(values).max()):  # also for NaN
            raise ExportError(
                f"The export gives another {name} than the model; expected a difference of at most "
                f"{_TOLERANCES[name]:g}. Received: {difference:g}. Nothing was exported."
            )
    return float(np.abs(found["image"] - expected["image"]).max())


def _in_fresh_process(folder: str, given: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
    """Runs _FRESH_PROCESS on the export in `folder`; returns image, code and realness."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = [os.path.join(scratch, name) for name in ("given.npz", "result.npz")]
        np.savez(paths[0], **{name: np.asarray(value) for name, value in given.items()})
        process = subprocess.run(
            [sys.executable, "-c", _FRESH_PROCESS, os.path.abspath(editing.__file__), os.path.abspath(folder), *paths],
            cwd=scratch,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        if process.returncode:
            reason = (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            raise ExportError(f"The export cannot be used in a fresh process: {reason}. Nothing was exported.")
        with np.load(paths[1]) as result:
            return dict(result)


def check_out(out: str) -> None:
    """Refuses an --out that cannot be written to, or that holds something else than an export.

    Raises:
        OSError: if it cannot be written to.
        ValueError: if it holds something else.
    """
    missing = _missing_folders(out)
    place = os.path.dirname(missing[-1]) if missing else out
    if not os.path.isdir(place):
        raise NotADirectoryError(f"--out: {out!r} cannot be written: expected a folder. Received: the file {place!r}.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"--out: {out!r} cannot be written: no permission to write in {place!r}.")
    names = [] if missing else sorted(set(os.listdir(out)) - {_PARTIAL})
    strangers = [name for name in names if not (name.isdigit() and _is_export(os.path.join(out, name)))]
    if strangers:
        raise ValueError(
            f"--out: {out!r} holds something that is no export of ours; expected a new or empty folder, or an "
            f"earlier export. Received: one with {', '.join(strangers[:3])}. Nothing was written over."
        )


def _missing_folders(path: str) -> list[str]:
    """`path` and its parents as far as they do not exist, innermost first."""
    place, result = os.path.abspath(path), []
    while not os.path.exists(place):
        result.append(place)
        place = os.path.dirname(place)
    return result


def _is_export(folder: str) -> bool:
    try:
        return bool(editing.read_card(editing.find_export(folder)))
    except (OSError, ValueError):
        return False


def export(run: runs.Run, out: str) -> tuple[str, float]:
    """Writes, checks, and puts in the place of an earlier export; whole or not at all.

    Returns:
        The SavedModel's folder, and the largest difference of a pixel that the check found.

    Raises:
        ExportError: if the check fails.
        OSError, tf.errors.OpError: if it cannot be written. What was there before stays.
    """
    parents = _missing_folders(out)
    partial = os.path.join(out, _PARTIAL)
    try:
        os.makedirs(out, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)  # of an export that was killed
        write(run, partial)
        difference = check(run, partial)
        earlier = [name for name in os.listdir(out) if name.isdigit()]
        final = os.path.join(out, str(1 + max(map(int, earlier), default=0)))
        os.replace(partial, final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in parents:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        raise
    for name in earlier:
        os.replace(os.path.join(out, name), partial)  # at once, so that no half of it is ever seen under its number
        shutil.rmtree(partial, ignore_errors=True)
    return final, difference


def main(workdir: str, out: str) -> int:
    """The command without its flags; returns the exit code."""
    try:
        check_out(out)
        run = runs.load_run(workdir)
        runs.check_grown(run)
    except (ValueError, OSError) as error:
        return program.fail(error)
    try:
        folder, difference = export(run, out)
    except ExportError as error:
        return program.fail(error, 1)
    except (OSError, tf.errors.OpError) as error:
        return program.fail(f"--out: {out!r} cannot be written: {error}")
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)
    print(
        f"Exported {workdir} at {run.images:,} images to {folder} ({size / 2**20:.1f} MiB).\n"
        f"Checked in a process without this package: {_CHECKED_IMAGES} images, largest difference {difference:.2g}.\n"
        f"Use it with Editor.load({out!r}) of ssgan_tf/editing.py, which needs tensorflow and numpy alone."
    )
    return 0


def body() -> int:
    tf.config.set_visible_devices([], "GPU")  # the check compares CPU with CPU
    tf.get_logger().setLevel("WARNING")
    return main(flags.FLAGS.workdir, flags.FLAGS.out)


if __name__ == "__main__":
    # Here, so that this file can be imported beside other programs.
    flags.DEFINE_string("workdir", None, "Folder of a run that ssgan_tf.train made.", required=True)
    flags.DEFINE_string("out", None, "Folder for the export, new or an earlier export's.", required=True)
    program.start(body)

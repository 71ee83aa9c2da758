"""Writes a trained run as a SavedModel that makes and reads pictures without this package.

python -m ssgan_tf.export --workdir=runs/demo --out=runs/demo/export

--out is a model folder as TensorFlow Serving wants it: the SavedModel is its subfolder 1. The next export writes 2
and takes 1 away, so that there is one whole model at every moment, and a running server changes over.
`ssgan_tf.export.signatures` says what can be asked of it, `ssgan_tf.editing` asks, and assets/model_card.md in it says what
it is. The weights are the averaged generator's, and everything is computed in float32, in whatever precision the run
was trained.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from absl import flags

from ssgan_tf import editing, runs
from ssgan_tf.evaluate import inference
from ssgan_tf.export import model_card, signatures
from ssgan_tf.utils import program

_PARTIAL = ".ssgan_tf-partial"  # in --out; TensorFlow Serving looks at numbered folders alone
_CHECKED_IMAGES = 16
_CHECKED_AT_ONCE = 8
_TOLERANCE = 1e-5  # largest difference between the export and the model, per unit of the largest value above 1

# Uses the export where there is only tensorflow and numpy.
_FRESH_PROCESS = """
import sys
for name in ("ssgan_tf", "keras", "tf_keras"):
    sys.modules[name] = None  # an import of it fails
import numpy as np
import tensorflow as tf
export_path, given_path, result_path, at_once = sys.argv[1:]
model = tf.saved_model.load(export_path)
functions, given = model.signatures, dict(np.load(given_path))
parts = []
for i in range(0, len(given["image"]), int(at_once)):
    noise, code, image = (tf.constant(given[name][i : i + int(at_once)]) for name in ("noise", "code", "image"))
    part = dict(functions["encode"](image=image))
    if "generate" in functions:
        ones, factor = tf.ones(len(noise)), tf.fill([len(noise)], "0")
        style = functions["mapping"](noise=noise, code=code)["style"]
        edited = functions["edit"](image=image, noise=noise, factor=factor, value=ones)
        part.update({
            "image": functions["generate"](noise=noise, code=code, truncation=ones)["image"],
            "image by its style": functions["synthesis"](style=style)["image"],
            "edited code": edited["code"],
            "edited image": edited["image"],
        })
    parts.append(part)
np.savez(result_path, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
"""


class ExportError(RuntimeError):
    """The export does not do what the model does."""


def write(run: runs.Run, folder: str) -> None:
    """Writes the SavedModel of `run` to `folder`."""
    functions, variables = signatures.make_signatures(run.model)
    module = tf.Module()
    module.weights = variables  # and no Keras object, which would ask the reader for Keras
    with tempfile.TemporaryDirectory() as scratch:
        module.about = [tf.saved_model.Asset(path) for path in model_card.write(run, scratch)]
        tf.saved_model.save(module, folder, signatures=functions)


def check(run: runs.Run, folder: str) -> float:
    """Compares the export with the model, in a process that has tensorflow and numpy alone.

    Returns:
        The largest difference of a pixel, or of a code if the model makes no images.

    Raises:
        ExportError: if images, codes or realness differ, or the export cannot be used there.
    """
    model, prior = run.model, run.model.prior
    noise, codes = inference.sample_latents(prior, model.noise_size, _CHECKED_IMAGES, seed=0)
    told = np.asarray(prior.to_unit(codes))
    makes_images, expected = model.generate is not None, {}
    if makes_images:
        images = expected["image"] = expected["image by its style"] = _paint(model, noise, told)
    else:
        shape = [_CHECKED_IMAGES, *[run.config.model.resolution] * 2, run.config.model.channels]
        images = tf.random.stateless_uniform(shape, [0, 6], -1.0, 1.0).numpy()
    pictures = np.clip(images, -1.0, 1.0)
    expected["code"] = np.asarray(prior.to_unit(_one_by_one(model.encode, pictures)))
    if model.realness is not None:
        expected["realness"] = _one_by_one(model.realness, pictures)
    found = _in_fresh_process(folder, {"noise": noise, "code": told, "image": pictures})
    if makes_images:
        edited = np.clip(expected["code"], 0.0, 1.0)
        edited[:, 0] = 1.0
        expected["edited code"] = edited
        expected["edited image"] = _paint(model, noise, found["edited code"])
    for name, values in expected.items():
        difference = np.abs(found[name] - values).max()
        if not difference <= _TOLERANCE * max(1.0, np.abs(values).max()):  # also for NaN
            raise ExportError(
                f"The export gives another {name} than the model; expected a difference of at most "
                f"{_TOLERANCE:g}. Received: {difference:g}. Nothing was exported."
            )
    most = "image" if makes_images else "code"
    return float(np.abs(found[most] - expected[most]).max())


def _paint(model: tf.keras.Model, noise: tf.Tensor, told: np.ndarray) -> np.ndarray:
    """The model's images of noise [B,Z] and codes [B,K] as told in [0, 1]."""
    # As a function: TensorFlow may fuse operations in a graph that it computes one by one outside.
    paint = tf.function(lambda z, c: model.generate(z, model.prior.from_unit(c)), reduce_retracing=True)
    # As many at a time as the export: another batch size rounds otherwise, and instance norm makes 1e-4 of that in
    # a network that has hardly been trained.
    rows = [slice(i, i + _CHECKED_AT_ONCE) for i in range(0, len(told), _CHECKED_AT_ONCE)]
    return np.concatenate([paint(noise[row], told[row]) for row in rows])


def _one_by_one(function: Callable[[tf.Tensor], tf.Tensor], pictures: np.ndarray) -> np.ndarray:
    """What a function gives for each image by itself: a discriminator may look at groups."""
    once = tf.function(function, reduce_retracing=True)
    return np.concatenate([once(picture[None]) for picture in pictures])


def _in_fresh_process(folder: str, given: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
    """Runs _FRESH_PROCESS on the export in `folder`; returns what it found."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = [os.path.join(scratch, name) for name in ("given.npz", "result.npz")]
        np.savez(paths[0], **{name: np.asarray(value) for name, value in given.items()})
        process = subprocess.run(
            [sys.executable, "-c", _FRESH_PROCESS, os.path.abspath(folder), *paths, str(_CHECKED_AT_ONCE)],
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
    editor = f"Editor.load({out!r}) "
    use = f"Read codes off pictures with {editor}" if run.model.generate is None else (
        f"Use it with ssgan-edit --model={out} or {editor}"
    )
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)
    print(
        f"Exported {workdir} at {run.images:,} images to {folder} ({size / 2**20:.1f} MiB).\n"
        f"Checked in a process without this package: {_CHECKED_IMAGES} images, largest difference {difference:.2g}.\n"
        f"{use}of ssgan_tf.editing, a folder that needs\n"
        f"tensorflow and numpy alone. What it is: {os.path.join(folder, 'assets', 'model_card.md')}"
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

"""Comparison of an export with its model on the same inputs; the export runs in a process without this package."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from ssgan_tf import runs
from ssgan_tf.evaluate import inference

IMAGES = 16  # number of images compared

_BATCH = 8
_TOLERANCE = 1e-5  # largest difference between export and model, relative to the largest value if that exceeds 1

# Uses the export in a process that can import tensorflow and numpy, but neither this package nor Keras. Inputs and
# results are sent through pipes, so that nothing depends on a disk for temporary files.
_FRESH_PROCESS = """
import io, os, sys
results = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # whatever else is printed
for name in ("ssgan_tf", "keras", "tf_keras"):
    sys.modules[name] = None  # importing it fails
import numpy as np
import tensorflow as tf
export_path, batch = sys.argv[1:]
model = tf.saved_model.load(export_path)
functions, inputs = model.signatures, dict(np.load(io.BytesIO(sys.stdin.buffer.read())))
parts = []
for i in range(0, len(inputs["image"]), int(batch)):
    noise, code, image = (tf.constant(inputs[name][i : i + int(batch)]) for name in ("noise", "code", "image"))
    part = dict(functions["encode"](image=image))
    if "generate" in functions:
        ones, factor = tf.ones(len(noise)), tf.fill([len(noise)], "0")
        style = functions["mapping"](noise=noise, code=code)["style"]
        edited = functions["edit"](image=image, noise=noise, factor=factor, value=ones)
        part.update({
            "image": functions["generate"](noise=noise, code=code, truncation=ones)["image"],
            "image from its style": functions["synthesis"](style=style)["image"],
            "edited code": edited["code"],
            "edited image": edited["image"],
        })
    parts.append(part)
np.savez(results, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
"""


class ExportError(RuntimeError):
    """The export cannot be used without this package, or its results differ from the model's."""


def check(run: runs.Run, folder: str) -> float:
    """Compares the SavedModel in `folder` with the model, in a fresh process that has only tensorflow and numpy.

    Both run on the CPU even if the model is on a GPU, because a GPU rounds differently, with TF32 by up to 1e-3.

    Returns:
        The largest difference of a pixel, or of a code if the model generates no images.

    Raises:
        ExportError: Images, codes or realness differ, or the SavedModel cannot be used there.
    """
    model, generates_images = run.model, run.model.generate is not None
    inputs, expected = _inputs_and_results(run)
    found = _export_results(folder, inputs)
    if generates_images:
        expected["edited code"] = np.clip(expected["code"], 0.0, 1.0)
        expected["edited code"][:, 0] = 1.0
        # From the code that the export predicted, since an image magnifies the rounding of its code.
        expected["edited image"] = _generate(model, inputs["noise"], found["edited code"])
    for name, values in expected.items():
        difference = np.abs(found[name] - values).max()
        if not difference <= _TOLERANCE * max(1.0, np.abs(values).max()):  # refuses NaN, too
            raise ExportError(
                f"The export's {name} differs from the model's: expected a difference of at most {_TOLERANCE:g}. "
                f"Received: {difference:g}. Nothing was exported."
            )
    compared = "image" if generates_images else "code"
    return float(np.abs(found[compared] - expected[compared]).max())


def _inputs_and_results(run: runs.Run) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns random inputs by name, and the model's results by the names that _FRESH_PROCESS gives them.

    The inputs are noise [N,Z], codes [N,K] in [0, 1] and images [N,R,R,C], which are generated from the first two, or
    random pixels if the model generates no images.
    """
    model, prior, options = run.model, run.model.prior, run.config.model
    sampled, codes = inference.sample_latents(prior, model.noise_size, IMAGES, seed=0)
    noise, unit_codes = np.asarray(sampled), np.asarray(prior.to_unit(codes))
    results: dict[str, np.ndarray] = {}
    if model.generate is not None:
        images = results["image"] = results["image from its style"] = _generate(model, noise, unit_codes)
    else:
        shape = [IMAGES, options.resolution, options.resolution, options.channels]
        images = tf.random.stateless_uniform(shape, [0, 6], -1.0, 1.0).numpy()
    images = np.clip(images, -1.0, 1.0)
    results["code"] = _one_by_one(lambda image: prior.to_unit(model.encode(image)), images)
    if model.realness is not None:
        results["realness"] = _one_by_one(model.realness, images)
    return {"noise": noise, "code": unit_codes, "image": images}, results


def _generate(model: tf.keras.Model, noise: np.ndarray, unit_codes: np.ndarray) -> np.ndarray:
    """Returns the model's images [N,R,R,C] for noise [N,Z] and codes [N,K] in [0, 1], computed on the CPU."""
    # In a graph, as in the export: TensorFlow may fuse operations there that it runs one by one in eager mode.
    generate = tf.function(
        lambda z, c: model.generate(z, model.prior.from_unit(c)), autograph=False, reduce_retracing=True
    )
    # In the same batches as the export: another batch size rounds differently, and instance normalization magnifies
    # that to 1e-4 in a hardly trained network.
    batches = [slice(i, i + _BATCH) for i in range(0, len(unit_codes), _BATCH)]
    with tf.device("CPU:0"):
        return np.concatenate([generate(noise[rows], unit_codes[rows]) for rows in batches])


def _one_by_one(function: Callable[[tf.Tensor], tf.Tensor], images: np.ndarray) -> np.ndarray:
    """Returns `function` of each image alone, computed on the CPU: a discriminator may look at groups of images."""
    in_graph = tf.function(function, autograph=False, reduce_retracing=True)
    with tf.device("CPU:0"):
        return np.concatenate([in_graph(image[None]) for image in images])


def _export_results(folder: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the results of the SavedModel in `folder`, from a process that runs _FRESH_PROCESS."""
    sent = io.BytesIO()
    np.savez(sent, **inputs)
    path = os.path.abspath(folder)
    process = subprocess.run(
        [sys.executable, "-c", _FRESH_PROCESS, ".", str(_BATCH)],
        input=sent.getvalue(),
        capture_output=True,
        cwd=path,  # where there is no module to import; TensorFlow takes some absolute paths for patterns
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    )
    if process.returncode:
        lines = process.stderr.decode(errors="replace").strip().splitlines()
        reason = (lines or [f"exit code {process.returncode}"])[-1]
        raise ExportError(f"The export cannot be used in a fresh process: {reason}. Nothing was exported.")
    with np.load(io.BytesIO(process.stdout)) as results:
        return dict(results)

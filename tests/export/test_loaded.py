"""An export as others load it: without the package, with bad input, and to compute gradients."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import editing, runs
from ssgan_tf.editing import Editor


def latents(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    return rng.standard_normal([count, 6]).astype(np.float32), rng.uniform(size=[count, 2]).astype(np.float32)


def random_images(count: int) -> np.ndarray:
    return np.random.default_rng(count).uniform(-1, 1, [count, 8, 8, 3]).astype(np.float32)


# Forbids the package, then uses the export; prints the modules imported besides tensorflow, numpy and the standard
# library.
WITHOUT_PACKAGE = """
import json, sys
for name in ("ssgan_tf", "keras", "PIL"):
    sys.modules[name] = None  # importing it fails
import numpy as np
import tensorflow
before = set(sys.modules)
from editing import Editor
given = np.load("given.npz")
editor = Editor.load(sys.argv[1])
style = editor.call("mapping", {"noise": given["noise"], "code": given["code"]})["style"]
np.savez(
    "result.npz",
    generated=editor.generate(given["code"], noise=given["noise"]),
    single=editor.generate(given["code"][:1], noise=given["noise"][:1]),
    style=style,
    **editor.call("synthesis", {"style": style}),
    fitted=editor.fit(given["image"], steps=3).noise,
    **editor.call("encode", {"image": given["image"]}),
)
print(json.dumps(sorted({n.split(".")[0] for n in set(sys.modules) - before} - set(sys.stdlib_module_names))))
"""


def test_a_process_without_the_package_gets_the_same_results(exported: Path, run: runs.Run, tmp_path: Path) -> None:
    shutil.copytree(Path(editing.__file__).parent, tmp_path / "editing", ignore=shutil.ignore_patterns("demo"))
    noise, code = latents(3)
    images = random_images(3)
    np.savez(tmp_path / "given.npz", noise=noise, code=code, image=images)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [sys.executable, "-c", WITHOUT_PACKAGE, str(exported)]
    process = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == ["editing"]
    found = np.load(tmp_path / "result.npz")
    expected = run.model.ema_generator((noise, code)).numpy()
    assert np.abs(expected - run.model.generator((noise, code))).max() > 0.1  # so the average is exported
    np.testing.assert_allclose(found["generated"], expected, rtol=0, atol=1e-6)
    single = run.model.ema_generator((noise[:1], code[:1]))  # another batch size rounds differently
    np.testing.assert_allclose(found["single"], single, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["image"], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["style"], run.model.ema_generator.mapping((noise, code)), rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["code"], run.model.discriminator.encode(images), rtol=0, atol=1e-6)
    alone = [float(run.model.discriminator(image[None])[0][0]) for image in images]
    np.testing.assert_allclose(found["realness"], alone, rtol=0, atol=1e-6)
    assert found["fitted"].shape == (3, 6) and np.isfinite(found["fitted"]).all()


def test_bad_input_is_refused_with_the_reason(exported: Path) -> None:
    editor, (noise, code) = Editor.load(exported), latents(2)
    with pytest.raises(ValueError, match=r"^noise: expected shape \[batch,6\]\. Received: \[2,5\]\.$"):
        editor.generate(code, noise=noise[:, :5])
    with pytest.raises(ValueError, match=r"^code \(hue, shape\): expected numbers in \[0, 1\]. Received.*: 0 2$"):
        editor.generate([[0.0, 2.0]])
    with pytest.raises(ValueError, match=r"^image: expected shape \[batch,8,8,3\]\. Received: \[2,8,4,3\]\.$"):
        editor.call("encode", {"image": random_images(2)[:, :, :4]})
    with pytest.raises(ValueError, match=r"^factor: expected one of hue, shape, or .* 1\. Received: size$"):
        editor.call("traverse", {"noise": noise, "code": code, "factor": np.array(["hue", "size"]), "steps": 3})


def test_gradients_flow_through_a_loaded_export(exported: Path) -> None:
    """From features back to noise and styles, as fitting an image with nothing but the export needs them."""
    model = tf.saved_model.load(str(exported / "1"))
    functions, (noise, code) = model.signatures, map(tf.constant, latents(2))

    @tf.function
    def loss(noise, offset):
        style = functions["mapping"](noise=noise, code=code)["style"]
        image = functions["synthesis"](style=style[:, None, :] + offset)["image"]
        features = functions["features"](image=tf.clip_by_value(image, -1.9, 1.9))
        return tf.add_n([tf.reduce_sum(level**2) for level in features.values()])

    at = [noise, tf.constant(np.random.default_rng(0).normal(size=[2, 4, 5], scale=0.1), tf.float32)]
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = loss(*at)
    gradient = tape.gradient(value, at)
    for i in range(2):
        direction = tf.random.stateless_normal(at[i].shape, [i, 0])
        ahead, behind = ([x + (step * direction if i == j else 0) for j, x in enumerate(at)] for step in (1e-3, -1e-3))
        slope = (loss(*ahead) - loss(*behind)) / 2e-3
        np.testing.assert_allclose(tf.reduce_sum(gradient[i] * direction), slope, rtol=0.02, atol=0.2)

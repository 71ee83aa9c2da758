"""Export of a tiny run that nobody trained: as a command, as others load it, and when something is wrong."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from ssgan_tf import editing, export, runs
from ssgan_tf.editing import Editor
from tests.support import tiny_run


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run.write_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def command(workdir: Path, repository: Path, tmp_path_factory) -> tuple[subprocess.CompletedProcess, Path]:
    """The command and its --out, in a folder that was not there."""
    out = tmp_path_factory.mktemp("exports") / "new" / "tiny"
    words = [sys.executable, "-m", "ssgan_tf.export", f"--workdir={workdir}", f"--out={out}"]
    return subprocess.run(words, cwd=repository, capture_output=True, text=True), out


@pytest.fixture(scope="module")
def exported(command) -> Path:
    process, out = command
    assert process.returncode == 0, process.stderr
    return out


@pytest.fixture(scope="module")
def run(workdir: Path) -> runs.Run:
    return runs.load_run(str(workdir))


@pytest.fixture
def earlier(exported: Path, tmp_path: Path) -> Path:
    """A copy of the export that a test may spoil."""
    return Path(shutil.copytree(exported, tmp_path / "earlier"))


def latents(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    return rng.standard_normal([count, 6]).astype(np.float32), rng.uniform(size=[count, 2]).astype(np.float32)


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(count).uniform(-1, 1, [count, 8, 8, 3]).astype(np.float32)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_command_writes_one_version_and_says_so(command) -> None:
    process, out = command
    assert process.returncode == 0, process.stderr
    assert sorted(os.listdir(out)) == ["1"]
    assert files(out / "1") == [
        "assets/codes.json",
        "assets/model_card.json",
        "assets/model_card.md",
        "assets/samples.png",
        "fingerprint.pb",
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]
    assert "70 images" in process.stdout and str(out / "1") in process.stdout
    assert "16 images" in process.stdout and str(out / "1" / "assets" / "model_card.md") in process.stdout


def test_nothing_of_keras_or_pickle_is_in_the_file(exported: Path) -> None:
    saved = saved_model_pb2.SavedModel.FromString((exported / "1" / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    kinds = {node.user_object.identifier for node in graph.object_graph_def.nodes if node.HasField("user_object")}
    assert kinds <= {"_generic_user_object", "signature_map", "trackable_list_wrapper"}
    operations = {node.op for function in graph.graph_def.library.function for node in function.node_def}
    assert not operations & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}


def test_codes_json_says_what_the_codes_are(exported: Path) -> None:
    card = json.loads((exported / "1" / "assets" / "codes.json").read_text())
    assert card.pop("made_by").startswith("ssgan_tf ")
    steps = {"kind": "steps", "unit": "index of the value", "training_range": [0.0, 1.0]}
    assert card == {
        "run": "tiny",
        "model": "semi_stylegan",
        "dataset": "fake/tiny",
        "images_trained": 70,
        "factors": [
            {"name": "hue", "size": 3, **steps, "training_range_in_units": [0, 2]},
            {"name": "shape", "size": 2, **steps, "training_range_in_units": [0, 1]},
        ],
        "code": "index / (size - 1)",
        "resolution": 8,
        "channels": 3,
        "noise_size": 6,
        "style_size": 5,
        "style_layers": 4,
    }


# Forbids the package, then uses the export; prints the modules that it took beyond tensorflow, numpy and Python.
STRANGER = """
import json, sys
for name in ("ssgan_tf", "keras", "PIL"):
    sys.modules[name] = None  # an import of it fails
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


def test_a_process_without_the_package_gets_what_the_model_gives(exported: Path, run: runs.Run, tmp_path: Path) -> None:
    shutil.copytree(Path(editing.__file__).parent, tmp_path / "editing", ignore=shutil.ignore_patterns("demo"))
    noise, code = latents(3)
    image = pictures(3)
    np.savez(tmp_path / "given.npz", noise=noise, code=code, image=image)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [sys.executable, "-c", STRANGER, str(exported)]
    process = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == ["editing"]
    found = np.load(tmp_path / "result.npz")
    expected = run.model.ema_generator((noise, code)).numpy()
    assert np.abs(expected - run.model.generator((noise, code))).max() > 0.1  # so the average was exported
    np.testing.assert_allclose(found["generated"], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["single"], expected[:1], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["image"], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["style"], run.model.ema_generator.mapping((noise, code)), rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["code"], run.model.discriminator.encode(image), rtol=0, atol=1e-6)
    alone = [float(run.model.discriminator(picture[None])[0][0]) for picture in image]
    np.testing.assert_allclose(found["realness"], alone, rtol=0, atol=1e-6)
    assert found["fitted"].shape == (3, 6) and np.isfinite(found["fitted"]).all()


def test_the_export_refuses_what_it_cannot_use(exported: Path) -> None:
    editor, (noise, code) = Editor.load(exported), latents(2)
    with pytest.raises(ValueError, match=r"^noise: expected shape \[batch,6\]\. Received: \[2,5\]\.$"):
        editor.generate(code, noise=noise[:, :5])
    with pytest.raises(ValueError, match=r"^code \(hue, shape\): expected numbers in \[0, 1\]. Received.*: 0 2$"):
        editor.generate([[0.0, 2.0]])
    with pytest.raises(ValueError, match=r"^image: expected shape \[batch,8,8,3\]\. Received: \[2,8,4,3\]\.$"):
        editor.call("encode", {"image": pictures(2)[:, :, :4]})
    with pytest.raises(ValueError, match=r"^factor: expected one of hue, shape, or .* 1\. Received: size$"):
        editor.call("traverse", {"noise": noise, "code": code, "factor": np.array(["hue", "size"]), "steps": 3})


def test_gradients_flow_through_what_was_loaded(exported: Path) -> None:
    """From noise and styles to features: what fits pictures in a process that has nothing but the export."""
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


@pytest.fixture
def quick_write(exported: Path, monkeypatch) -> None:
    """Copies the one export instead of tracing another."""
    monkeypatch.setattr(export, "write", lambda run, folder: shutil.copytree(exported / "1", folder))


def test_a_second_export_replaces_the_first(workdir, earlier, quick_write, monkeypatch, capsys) -> None:
    monkeypatch.setattr(export, "check", lambda run, folder: 0.0)  # what it does is tested below
    (earlier / ".ssgan_tf-partial").mkdir()
    (earlier / ".ssgan_tf-partial" / "junk").write_text("of an export that was killed")
    before = Editor.load(earlier).generate([[0.5, 0.5]])
    assert export.main(str(workdir), str(earlier)) == 0, capsys.readouterr().err
    assert os.listdir(earlier) == ["2"]
    np.testing.assert_allclose(Editor.load(earlier).generate([[0.5, 0.5]]), before, rtol=0, atol=1e-6)


def test_a_run_in_mixed_precision_is_exported_in_float32(tmp_path: Path, capsys) -> None:
    network = dataclasses.replace(tiny_run.NETWORK, precision="mixed_bfloat16")
    workdir = tiny_run.write_run(tmp_path / "mixed", network=network)
    assert export.main(str(workdir), str(tmp_path / "export")) == 0, capsys.readouterr().err
    noise, code = latents(3)
    model = runs.load_run(str(tiny_run.write_run(tmp_path / "plain"))).model  # of the same weights
    expected = model.ema_generator((noise, code)).numpy()
    generated = Editor.load(tmp_path / "export").generate(code, noise=noise)
    np.testing.assert_allclose(generated, expected, rtol=0, atol=1e-5)


def test_an_export_that_differs_from_the_model_fails(workdir, earlier, quick_write, monkeypatch, capsys) -> None:
    before = files(earlier)

    def write_then_change(run, folder, write=export.write):
        write(run, folder)
        run.model.ema_generator.synthesis.to_rgb[-1].bias.assign_add([0.0, 1e-4, 0.0])

    monkeypatch.setattr(export, "write", write_then_change)
    assert export.main(str(workdir), str(earlier)) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "another image" in error and "1e-05" in error
    assert files(earlier) == before


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("raise ValueError('the package is missing')", ["fresh process", "the package is missing"]),
        (
            "import numpy as n, sys; n.savez(sys.argv[3], **{'image': n.nan, 'edited code': n.zeros([16, 2], 'f')})",
            ["nan"],
        ),
    ],
)
def test_an_export_that_fails_its_check_leaves_nothing(
    script, words, workdir, tmp_path, quick_write, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(export, "_FRESH_PROCESS", script)
    assert export.main(str(workdir), str(tmp_path / "new" / "export")) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and [word for word in words if word not in error] == []
    assert not (tmp_path / "new").exists()


def test_a_full_disk_leaves_nothing(workdir: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    def write(run, folder):
        os.makedirs(folder)
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(export, "write", write)
    assert export.main(str(workdir), str(tmp_path / "new")) == 2
    error = capsys.readouterr().err
    assert error == f"error: --out: {str(tmp_path / 'new')!r} cannot be written: No space left on device\n"
    assert os.listdir(tmp_path) == []

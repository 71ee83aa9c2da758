"""Export as a function: its result and files, replacing an earlier export, and input that it refuses."""

import dataclasses
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from ssgan_tf import export, runs
from ssgan_tf.core.schedule import Phase
from ssgan_tf.editing import Editor
from ssgan_tf.export import saved_model, signatures, verification
from ssgan_tf.export.signatures import Signatures, make_signatures
from tests.support import faults, tiny_run
from tests.support.odd_names import EVERYTHING


@pytest.fixture
def earlier(exported: Path, tmp_path: Path) -> Path:
    """Copy of the export that a test may spoil."""
    return Path(shutil.copytree(exported, tmp_path / "earlier"))


@pytest.fixture
def quick_write(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies the session's export instead of tracing another."""
    monkeypatch.setattr(saved_model, "write", lambda run, folder: shutil.copytree(exported / "1", folder))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- Result and files


def test_the_result_says_where_the_export_is_and_how_near_to_the_model(result: export.Export, exported: Path) -> None:
    assert result.folder == str(exported / "1") and result.images_trained == 70 and result.generates_images
    assert result.size == sum((exported / "1" / name).stat().st_size for name in files(exported / "1"))
    assert 0 <= result.largest_difference < 1e-5
    assert Path(result.model_card).read_text().startswith("# tiny\n")
    assert repr(result).startswith(f"<Export {str(exported / '1')!r}: 0.") and "trained with 70 images" in repr(result)


def test_an_export_is_one_version_with_its_assets(exported: Path) -> None:
    assert os.listdir(exported) == ["1"]
    assert files(exported / "1") == [
        "assets/codes.json",
        "assets/model_card.json",
        "assets/model_card.md",
        "assets/samples.png",
        "fingerprint.pb",
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]


def test_nothing_of_keras_or_pickle_is_in_the_file(exported: Path) -> None:
    saved = saved_model_pb2.SavedModel.FromString((exported / "1" / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    kinds = {node.user_object.identifier for node in graph.object_graph_def.nodes if node.HasField("user_object")}
    assert kinds <= {"_generic_user_object", "signature_map", "trackable_list_wrapper"}
    operations = {node.op for function in graph.graph_def.library.function for node in function.node_def}
    assert not operations & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}


def test_codes_json_describes_the_codes(exported: Path) -> None:
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


def test_a_run_in_mixed_precision_is_exported_in_float32(run: runs.Run, tmp_path: Path) -> None:
    """From and to a folder with an odd name."""
    network = dataclasses.replace(tiny_run.NETWORK, precision="mixed_bfloat16")
    place = tmp_path / EVERYTHING
    place.mkdir()
    workdir = tiny_run.write_run(place / "mixed", network=network)
    export.run(str(workdir), str(place / "export"))
    rng = np.random.default_rng(3)
    noise, code = rng.standard_normal([3, 6]).astype(np.float32), rng.uniform(size=[3, 2]).astype(np.float32)
    expected = run.model.ema_generator((noise, code)).numpy()  # which has the same weights
    generated = Editor.load(place / "export").generate(code, noise=noise)
    np.testing.assert_allclose(generated, expected, rtol=0, atol=1e-5)


# --- Completely or not at all


def test_a_second_export_replaces_the_first(workdir, earlier, quick_write, monkeypatch) -> None:
    monkeypatch.setattr(verification, "check", lambda run, folder: 0.0)  # has its own tests
    (earlier / ".ssgan_tf-partial").mkdir()
    (earlier / ".ssgan_tf-partial" / "junk").write_text("of an export that was killed")
    before = Editor.load(earlier).generate([[0.5, 0.5]])
    result = export.run(str(workdir), str(earlier))
    assert result.folder == str(earlier / "2") and os.listdir(earlier) == ["2"]
    np.testing.assert_allclose(Editor.load(earlier).generate([[0.5, 0.5]]), before, rtol=0, atol=1e-6)


def test_an_export_that_fails_its_check_leaves_the_earlier_one(run, earlier, quick_write, monkeypatch) -> None:
    def fail(run, folder):
        raise export.ExportError("different")

    monkeypatch.setattr(verification, "check", fail)
    before = files(earlier)
    with pytest.raises(export.ExportError, match="different"):
        export.run(run, str(earlier))
    assert files(earlier) == before


def test_an_export_that_fails_its_check_leaves_no_new_folder(run, tmp_path, quick_write, monkeypatch) -> None:
    monkeypatch.setattr(verification, "_FRESH_PROCESS", "raise ValueError")
    with pytest.raises(export.ExportError):
        export.run(run, str(tmp_path / "new" / "export"))
    assert os.listdir(tmp_path) == []


def test_what_tensorflow_says_of_a_full_disk_is_one_line(run: runs.Run, tmp_path: Path, monkeypatch) -> None:
    def write(run, folder):
        os.makedirs(folder)
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(saved_model, "write", write)
    out = str(tmp_path / "new")
    with pytest.raises(OSError) as error:
        export.run(run, out)
    reason = "No space left on device; free some space on its disk"
    assert str(error.value) == f"out: {out!r} cannot be written: {reason}"
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def traced(run: runs.Run) -> Signatures:
    return make_signatures(run.model)


@pytest.mark.parametrize("free", [0, 20_000, 150_000, 400_000])
def test_a_full_disk_leaves_nothing(free: int, run: runs.Run, traced, small_disk: Path, monkeypatch) -> None:
    """The disk fills up before anything is written, in the assets, in the graph and in the weights."""
    monkeypatch.setattr(signatures, "make_signatures", lambda model: traced)
    faults.fill_disk(small_disk, free)
    out = str(small_disk / "new" / "export")
    with pytest.raises(OSError, match=r"^out: .*No space left on device.*free some space") as error:
        export.run(run, out)
    assert out in str(error.value) and "\n" not in str(error.value)
    assert os.listdir(small_disk) == ["filler"]


def test_of_three_exports_to_one_folder_one_is_made_and_the_others_are_told(run, tmp_path, monkeypatch) -> None:
    def write(run, folder):
        for _ in range(2):
            assert refused.acquire(timeout=60)  # until both others are told to wait
        shutil.copytree(exported, folder)

    def try_to_export(number: int) -> str:
        try:
            return export.run(run, str(out)).folder
        except ValueError as error:
            refused.release()
            return str(error)

    exported, out, refused = tmp_path / "exported", tmp_path / "new" / "out", threading.Semaphore(0)
    exported.mkdir()
    monkeypatch.setattr(saved_model, "write", write)
    monkeypatch.setattr(verification, "check", lambda run, folder: 0.0)
    with ThreadPoolExecutor(3) as threads:
        results = sorted(threads.map(try_to_export, range(3)))
    assert results[0] == str(out / "1") and os.listdir(out) == ["1"]
    for message in results[1:]:
        assert message.startswith(f"out: another process exports in {str(out)!r} (")  # its number may not be there yet


def test_an_export_that_was_killed_locks_nobody_out(workdir, earlier, quick_write, monkeypatch) -> None:
    monkeypatch.setattr(verification, "check", lambda run, folder: 0.0)
    (earlier / ".ssgan_tf-lock").write_text("process 1 on another machine")
    assert export.run(str(workdir), str(earlier)).folder == str(earlier / "2")
    assert os.listdir(earlier) == ["2"]


# --- Refused input


def no_run(workdir: Path) -> None:
    shutil.rmtree(workdir)


def no_checkpoint(workdir: Path) -> None:
    shutil.rmtree(workdir / "checkpoints")


def no_factors(workdir: Path) -> None:
    (workdir / "factors.json").unlink()


def damaged_factors(workdir: Path) -> None:
    (workdir / "factors.json").write_text('[{"name": "hue"}]')


def damaged_checkpoint(workdir: Path) -> None:
    data = workdir / "checkpoints" / "step-000000007" / "ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_run, "does not contain a run"),
        (no_checkpoint, "does not contain a checkpoint"),
        (no_factors, "factors.json"),
        (damaged_factors, "factors.json is not a list of factors"),
        (damaged_checkpoint, "None of the 1 checkpoints"),
    ],
)
def test_a_workdir_without_a_complete_run_is_refused(spoil, words: str, workdir: Path, tmp_path: Path) -> None:
    spoiled = Path(shutil.copytree(workdir, tmp_path / "spoiled"))
    spoil(spoiled)
    with pytest.raises((ValueError, OSError)) as error:
        export.run(str(spoiled), str(tmp_path / "out"))
    message = str(error.value)
    assert message.startswith("workdir: ") and words in message and str(spoiled) in message
    assert not (tmp_path / "out").exists()


def test_a_run_that_still_grows_is_refused(tmp_path: Path) -> None:
    network = dataclasses.replace(tiny_run.NETWORK, resolution=16)
    phases = (Phase(8, images=100, batch=10, labeled_batch=2), Phase(16, batch=10, labeled_batch=2))
    growing = tiny_run.write_run(tmp_path / "growing", phases, network=network)
    with pytest.raises(ValueError, match=r"^workdir: .*past step 10.*at 8x8, step 7"):
        export.run(str(growing), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", ["notes.txt", "notes.txt/inside", "", "numbers", "mixed", "mixed/1"])
def test_an_out_that_is_not_an_export_is_left_alone(path: str, run: runs.Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "numbers" / "1").mkdir(parents=True)
    (tmp_path / "numbers" / "1" / "thesis.txt").write_text("mine")
    (tmp_path / "mixed" / "1" / "assets").mkdir(parents=True)  # looks like an export ...
    (tmp_path / "mixed" / "1" / "saved_model.pb").touch()
    (tmp_path / "mixed" / "1" / "assets" / "codes.json").write_text('{"made_by": "ssgan_tf 0.1.0"}')
    (tmp_path / "mixed" / "2").mkdir()  # ... beside something else
    (tmp_path / "mixed" / "2" / "thesis.txt").write_text("mine")
    before = files(tmp_path)
    with pytest.raises((ValueError, OSError), match=r"^out: .*expected"):
        export.run(run, str(tmp_path / path))
    assert files(tmp_path) == before


def test_an_out_that_cannot_be_created_is_named(run: runs.Run) -> None:
    with pytest.raises(OSError, match=r"^out: expected a writable folder\. Received: '/proc/ssgan_tf_export'"):
        export.run(run, "/proc/ssgan_tf_export")

"""Runs in folders with unusual names: what cannot work is refused at once, and everything else works.

test_kills.py trains and resumes a run in such a folder, and tests/soak/test_odd_paths.py does so for every name.
"""

import os

import pytest
import tensorflow as tf

from ssgan_tf import runs
from ssgan_tf.editing import Editor, shipped_model
from ssgan_tf.runs.checkpoints import Checkpoints
from ssgan_tf.utils.validation import check_path
from tests.support import tiny_run
from tests.support.odd_names import ODD_NAMES


@pytest.mark.parametrize("name", [*ODD_NAMES, "x" * 255])
def test_a_checkpoint_in_a_folder_of_any_name_is_restored(name, tmp_path):
    check_path("workdir", str(tmp_path / name))
    saved, restored = tf.Variable([1.0, 2.0]), tf.Variable([0.0, 0.0])
    Checkpoints(str(tmp_path / name), {"weight": saved}).save(1)
    assert Checkpoints(str(tmp_path / name), {"weight": restored}).restore_latest() == 1
    assert restored.numpy().tolist() == [1.0, 2.0]


def test_a_run_is_loaded_by_a_relative_path_and_through_a_link(tmp_path, monkeypatch):
    run = tiny_run.write_run(tmp_path / "run")
    (tmp_path / "link[1]").symlink_to(run)
    monkeypatch.chdir(tmp_path)
    assert runs.load_run("link[1]").step == tiny_run.STEP
    assert runs.load_run(os.path.relpath(run)).step == tiny_run.STEP


def test_an_export_in_a_folder_like_a_pattern_is_opened(tmp_path):
    (tmp_path / "a[1]\\b").symlink_to(shipped_model())
    assert Editor.load(tmp_path / "a[1]\\b").factors


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", r"expected a folder\. Received: ''\.$"),
        ("a\0b", r"expected a path without the character '\\x00'\. Received: 'a\\x00b'\.$"),
        ("a\udcffb", r"expected a path in UTF-8, without the byte '\\udcff'\. Received: 'a\\udcffb'\.$"),
        ("gs://bucket/run", r"expected a folder of this machine, without 'gs://'\. Received: 'gs://bucket/run'\.$"),
        ("a/" * 2000, r"expected a path of at most 3,845 bytes, .* Received: 'a/.*a/'\.\.\. of 4,000 characters\.$"),
        ("a/" + "b" * 256, r"expected a path .* at most 255 between two slashes\. Received: 'a/b+'\.$"),
    ],
)
def test_a_path_that_cannot_work_is_refused(path, message):
    with pytest.raises(ValueError, match=f"^workdir: {message}"):
        check_path("workdir", path)

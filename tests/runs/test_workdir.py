"""The folder of a run: one process at a time, one set of labels and factors, and old names of its files."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from ssgan_tf import data
from ssgan_tf.config import Config
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.runs import Workdir
from ssgan_tf.runs import workdir as workdir_module

HOLD = """
import sys, time
from ssgan_tf.runs import Workdir
file = Workdir(sys.argv[1]).lock()
print("held", flush=True)
time.sleep(600)
"""


def test_a_second_process_is_refused_and_the_first_is_named(tmp_path):
    workdir = Workdir(str(tmp_path / "new" / "run"))
    first = workdir.lock()
    message = rf"^workdir: .*/new/run' is being trained by process {os.getpid()} on \S+\. Wait"
    with pytest.raises(ValueError, match=message):
        workdir.lock()
    first.close()
    workdir.lock().close()


def test_a_process_that_was_killed_holds_no_lock(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match=f"trained by process {process.pid}"):
            Workdir(str(tmp_path)).lock()
        process.send_signal(signal.SIGKILL)
        process.wait()
    with Workdir(str(tmp_path)).lock() as file:
        file.seek(0)
        assert file.read().startswith(f"process {os.getpid()} on ")


def table(factors) -> data.FactorDataset:
    spec = CodeSpec((FactorSpec("hue", 3), FactorSpec("shape", 2)))
    return data.FactorDataset("fake/tiny", np.zeros([len(factors), 8, 8, 3], np.uint8), np.array(factors), spec)


def test_a_run_does_not_resume_with_other_labels(tmp_path):
    labels = [[0, 1], [2, -1], [1, 0]]
    Workdir(str(tmp_path)).record_labels(table(labels))
    Workdir(str(tmp_path)).record_labels(table(labels))
    for other in ([labels[1], labels[0], labels[2]], [[0, 1], [2, 0], [1, 0]], labels[:2]):
        with pytest.raises(ValueError, match="^workdir: .* contains a run on other labels, or on labels in another"):
            Workdir(str(tmp_path)).record_labels(table(other))
    (tmp_path / "data.json").write_text("{")
    with pytest.raises(ValueError, match="^workdir: .*data.json is not a record of .* Remove it if"):
        Workdir(str(tmp_path)).record_labels(table(labels))


@pytest.mark.parametrize("older", [False, True])
def test_a_run_does_not_resume_with_other_images(older, tmp_path):
    labels, path = np.zeros([1000, 2], int), tmp_path / "data.json"
    images = np.random.default_rng(0).integers(0, 256, [1000, 8, 8, 3], np.uint8)
    first = dataclasses.replace(table(labels), images=images)
    Workdir(str(tmp_path)).record_labels(first)
    recorded = json.loads(path.read_text())
    if older:  # runs that began before images were recorded resume, and images are recorded from then on
        path.write_text(json.dumps({key: value for key, value in recorded.items() if key != "images_sha256"}))
    Workdir(str(tmp_path)).record_labels(first)
    assert json.loads(path.read_text()) == recorded
    for other in (images[::-1], 255 - images, images[:, ::-1]):
        with pytest.raises(ValueError, match="^workdir: .* a run on other images, or on images in another order"):
            Workdir(str(tmp_path)).record_labels(dataclasses.replace(first, images=other))


def test_the_labelled_subset_is_chosen_once_for_the_same_labels_and_options(tmp_path, monkeypatch):
    labels = np.random.default_rng(0).integers(0, [3, 2], [40, 2])
    config, workdir = Config(data.DataOptions(labeled_fraction=0.25, stratified=True)), Workdir(str(tmp_path))
    first = table(labels)
    workdir.record_labels(first)
    rows = workdir.labeled_rows(first, config)
    calls, choose = [], workdir_module.choose_labeled
    monkeypatch.setattr(workdir_module, "choose_labeled", lambda *choice: calls.append(1) or choose(*choice))
    workdir.record_labels(first)
    assert np.array_equal(workdir.labeled_rows(first, config), rows) and not calls
    # Whatever the choice depends on is compared.
    other_seed = dataclasses.replace(config, train=dataclasses.replace(config.train, seed=1))
    held_out = dataclasses.replace(first, held_out_labels=rows[:2])
    for changed in ((table(labels[::-1]), config), (first, other_seed), (held_out, config)):
        with pytest.raises(ValueError, match="belongs to other data"):
            workdir.labeled_rows(*changed)
    np.save(tmp_path / "labeled_subset.npy", (rows + 1) % 40)
    with pytest.raises(ValueError, match="belongs to other data"):
        workdir.labeled_rows(first, config)
    assert len(calls) == 4


def test_labelled_rows_that_the_seed_does_not_choose_are_refused(tmp_path):
    labels = np.stack([np.arange(40) % 3, np.arange(40) % 2], axis=1)
    config = Config(data.DataOptions(labeled_fraction=0.25))
    rows = Workdir(str(tmp_path)).labeled_rows(table(labels), config)
    assert np.array_equal(Workdir(str(tmp_path)).labeled_rows(table(labels), config), rows)
    np.save(tmp_path / "labeled_subset.npy", (rows + 1) % 40)
    with pytest.raises(ValueError, match="labeled_subset.npy belongs to other data; .* that the seed chooses"):
        Workdir(str(tmp_path)).labeled_rows(table(labels), config)


def test_factors_are_read_under_their_old_name(tmp_path):
    workdir, spec = Workdir(str(tmp_path)), table([[0, 1]]).spec
    workdir.write_factors(spec)
    assert workdir.read_factors() == spec and os.path.basename(workdir.factors) == "factors.json"
    os.rename(workdir.factors, tmp_path / "codes.json")
    assert workdir.read_factors() == spec
    workdir.write_factors(CodeSpec((FactorSpec("other", 2),)))  # a run's factors never change
    assert workdir.read_factors() == spec and not os.path.exists(workdir.factors)
    (tmp_path / "codes.json").write_text('[{"name": "hue"}]')
    with pytest.raises(ValueError, match="^workdir: .*codes.json is not a list of factors"):
        workdir.read_factors()


def test_an_empty_folder_contains_no_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="^workdir: .* does not contain a run .expected .*config.json"):
        Workdir(str(tmp_path)).read_config()
    with pytest.raises(FileNotFoundError, match="^workdir: .* does not contain a run .expected .*factors.json"):
        Workdir(str(tmp_path)).read_factors()


def test_a_lock_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(OSError, match="^workdir: expected a file that can be locked. Received: .*lock.* Remove it if"):
        Workdir(str(tmp_path)).lock()

"""InfoGAN-CR runs: trained, stopped at its event, copied and resumed; exported and used for editing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import export, models, runs
from ssgan_tf.config import Config, DataOptions, Phase
from ssgan_tf.editing import Editor
from ssgan_tf.models import InfoGANCROptions
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.checkpoints import Checkpoints
from tests.support import fakes, tiny_run
from tests.support.run_files import read_checkpoint
from tests.support.training import train

CONFIG = """
from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import InfoGANCROptions


def get_config():
    return Config(
        data=DataOptions(dataset="fake/tiny", labeled_fraction=0.0),
        model=InfoGANCROptions(resolution=8, channels=3, codes=4, noise_size=2, cr_after_images=64),
        phases=(Phase(batch=8, labeled_batch=4),),
        train=TrainOptions(images=96, log_every=32, sample_every=64, checkpoint_every=32),
    )
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """A folder with data/ and tiny.py, whose model is InfoGAN-CR."""
    folder = tmp_path_factory.mktemp("inputs")
    fakes.prepare(folder / "data")
    (folder / "tiny.py").write_text(CONFIG)
    return folder


def assert_equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.slow
def test_infogan_modified_is_a_copy_from_before_the_event(inputs, tmp_path):
    """Stops at train.images = cr_after_images, before the event; copies the run, and resumes it to the same bits."""
    done = train(inputs, tmp_path / "whole")
    assert done.code == 0 and "contrastive " in done.out and "failed" not in done.err
    first = train(inputs, tmp_path / "run", "--set=train.images=64")
    assert first.code == 0, first.err
    shutil.copytree(tmp_path / "run", tmp_path / "modified")
    second = train(inputs, tmp_path / "run")
    assert second.code == 0 and "Resuming from step 8" in second.out
    assert_equal(read_checkpoint(tmp_path / "whole", 8), read_checkpoint(tmp_path / "modified", 8))
    assert_equal(read_checkpoint(tmp_path / "whole", 12), read_checkpoint(tmp_path / "run", 12))
    modified, whole = runs.load_run(str(tmp_path / "modified")), runs.load_run(str(tmp_path / "whole"))
    assert (modified.images, int(modified.model.events)) == (64, 0)
    assert (whole.images, int(whole.model.events)) == (96, 1)
    assert (tmp_path / "whole" / "samples" / "traversal-000000064.png").exists()


def test_labels_are_refused_before_anything_is_written(inputs, tmp_path):
    done = train(inputs, tmp_path / "run", "--set=data.labeled_fraction=0.5")
    assert done.code == 2 and "data.labeled_fraction: expected 0 for a method that uses no labels" in done.err
    assert not (tmp_path / "run").exists()


OPTIONS = InfoGANCROptions(resolution=8, channels=3, codes=4, noise_size=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> runs.Run:
    """An untrained run, with weights that make its images differ."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    config = Config(DataOptions(dataset="fake/tiny", labeled_fraction=0.0), OPTIONS, (Phase(batch=8, labeled_batch=1),))
    workdir.mkdir()
    Workdir(str(workdir)).write_config(config)
    Workdir(str(workdir)).write_factors(tiny_run.SPEC)
    Checkpoints(str(workdir / "checkpoints"), make_model().checkpoint_items()).save(7)
    return runs.load_run(str(workdir))


def make_model() -> tf.keras.Model:
    tf.keras.utils.set_random_seed(1)
    model = models.make_model(OPTIONS, tiny_run.SPEC, seed=0)
    for variable in [*model.generator.trainable_variables, *model.discriminator.trainable_variables]:
        variable.assign_add(0.2 * tf.random.stateless_normal(variable.shape, [variable.shape.num_elements(), 0]))
    model.step.assign(7)
    return model


def test_an_export_opens_in_the_editor(run, tmp_path):
    exported = export.run(run, str(tmp_path / "export"))  # compares the export with the model
    assert exported.largest_difference < 1e-5
    editor = Editor.load(tmp_path / "export")
    assert [factor.name for factor in editor.factors] == [f"latent_{i}" for i in range(4)]

    noise, codes = editor.noise(3), editor.random_codes(3)
    made = editor.generate(codes, noise=noise)
    own = run.model.generate(tf.constant(noise), tf.constant(2 * codes - 1))  # native codes are in [-1, 1]
    np.testing.assert_allclose(made, own, atol=1e-5)
    assert made.shape == (3, 8, 8, 3) and made.std() > 0.05

    found = editor.encode(made)
    np.testing.assert_allclose(found, np.clip((run.model.encode(own) + 1) / 2, 0, 1), atol=1e-5)

    latents = editor.latents(codes, noise=noise)
    moved = editor.edit(latents, {"latent_2": 0.9})
    expected = codes.copy()
    expected[:, 2] = 0.9
    np.testing.assert_allclose(moved, editor.generate(expected, noise=noise), atol=1e-5)
    assert np.abs(moved - made).max() > 1e-3

    # Truncation 0 moves all images to the middle of the prior: unit codes 0.5 and noise 0.
    middle = editor.generate(codes, noise=noise, truncation=0.0)
    np.testing.assert_allclose(middle[1:], middle[:-1], atol=1e-6)
    np.testing.assert_allclose(middle[:1], editor.generate([[0.5] * 4], noise=[[0.0, 0.0]]), atol=1e-5)

    fitted = editor.fit(made[:1], steps=5)
    assert editor.edit(fitted, {"latent_0": 0.1}).shape == (1, 8, 8, 3) and np.isfinite(fitted.psnr).all()

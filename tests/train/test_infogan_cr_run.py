"""InfoGAN-CR as a person runs it: trained, stopped at its event, copied, gone on with; exported, and edited with."""

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
    folder = tmp_path_factory.mktemp("inputs")
    fakes.prepare(folder / "data")
    (folder / "tiny.py").write_text(CONFIG)
    return folder


def train(inputs: Path, workdir: Path, *more: str) -> fakes.Result:
    flags = [f"--config={inputs}/tiny.py", f"--data_dir={inputs}/data", f"--workdir={workdir}", *more]
    return fakes.run("ssgan_tf.train", *flags)


def saved(workdir: Path, step: int) -> dict[str, np.ndarray]:
    """Every variable of a checkpoint."""
    reader = tf.train.load_checkpoint(str(workdir / "checkpoints" / f"step-{step:09d}" / "ckpt"))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names}


def assert_equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.slow
def test_infogan_modified_is_a_copy_at_the_event(inputs, tmp_path):
    """train.images at cr_after_images stops before the event; copied and gone on with, the run has the same bits."""
    done = train(inputs, tmp_path / "whole")
    assert done.code == 0 and "contrastive " in done.out and "failed" not in done.err
    first = train(inputs, tmp_path / "run", "--set=train.images=64")
    assert first.code == 0, first.err
    shutil.copytree(tmp_path / "run", tmp_path / "modified")
    second = train(inputs, tmp_path / "run")
    assert second.code == 0 and "Resuming from step 8" in second.out
    assert_equal(saved(tmp_path / "whole", 8), saved(tmp_path / "modified", 8))
    assert_equal(saved(tmp_path / "whole", 12), saved(tmp_path / "run", 12))
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
    """A run that nobody trained, with weights that make its pictures differ."""
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
    return model


def test_an_export_opens_in_the_editor(run, tmp_path):
    exported = export.run(run, str(tmp_path / "export"))  # compares its signatures with the model
    assert exported.largest_difference < 1e-5
    editor = Editor.load(tmp_path / "export")
    assert [factor.name for factor in editor.factors] == [f"latent_{i}" for i in range(4)]

    noise, codes = editor.noise(3), editor.random_codes(3)
    made = editor.generate(codes, noise=noise)
    own = run.model.generate(tf.constant(noise), tf.constant(2 * codes - 1))  # told in [0, 1], in [-1, 1] inside
    np.testing.assert_allclose(made, own, atol=1e-5)
    assert made.shape == (3, 8, 8, 3) and made.std() > 0.05

    found = editor.encode(made)
    np.testing.assert_allclose(found, np.clip((run.model.encode(own) + 1) / 2, 0, 1), atol=1e-5)

    latents = editor.latents(codes, noise=noise)
    moved = editor.edit(latents, {"latent_2": 0.9})
    told = codes.copy()
    told[:, 2] = 0.9
    np.testing.assert_allclose(moved, editor.generate(told, noise=noise), atol=1e-5)
    assert np.abs(moved - made).max() > 1e-3

    # Without truncation's full measure images move to the middle of the prior, which is 0.5 as told and noise 0.
    middle = editor.generate(codes, noise=noise, truncation=0.0)
    np.testing.assert_allclose(middle[1:], middle[:-1], atol=1e-6)
    np.testing.assert_allclose(middle[:1], editor.generate([[0.5] * 4], noise=[[0.0, 0.0]]), atol=1e-5)

    fitted = editor.fit(made[:1], steps=5)
    assert editor.edit(fitted, {"latent_0": 0.1}).shape == (1, 8, 8, 3) and np.isfinite(fitted.psnr).all()

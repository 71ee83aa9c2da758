"""Export of a method with latents and no noise: an untrained beta-VAE, opened in the Editor."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import export, models, runs
from ssgan_tf.config import Config, DataOptions, Phase
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.editing import Editor
from ssgan_tf.models import BetaVAEOptions
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.checkpoints import Checkpoints

OPTIONS = BetaVAEOptions(resolution=32, channels=3, latents=4)
SPEC = CodeSpec((FactorSpec("hue", 3), FactorSpec("shape", 2)))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> runs.Run:
    """Random weights, large enough for images that differ."""
    workdir = tmp_path_factory.mktemp("run")
    tf.keras.utils.set_random_seed(1)
    model = models.make_model(OPTIONS, SPEC, seed=0)
    for variable in [*model.encoder.variables, *model.decoder.variables]:
        variable.assign(1.5 * variable + 0.05 * tf.random.stateless_normal(variable.shape, [3, 1]))
    data = DataOptions(dataset="fake/tiny", labeled_fraction=0.0)
    config = Config(data, OPTIONS, (Phase(batch=10, labeled_batch=2),))
    Workdir(str(workdir)).write_config(config)
    Workdir(str(workdir)).write_factors(SPEC)
    model.step.assign(7)
    Checkpoints(str(workdir / "checkpoints"), model.checkpoint_items()).save(7)
    return runs.load_run(str(workdir))


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("exports") / "vae"
    assert export.run(run, str(out)).largest_difference < 1e-5
    return out


@pytest.fixture(scope="module")
def editor(exported) -> Editor:
    return Editor.load(exported)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """A bright square, [1,32,32,3]."""
    square = np.full([1, 32, 32, 3], -0.5, np.float32)
    square[:, 8:20, 10:24] = [0.8, 0.1, -0.2]
    return square


def test_the_card_names_latents(exported):
    card = json.loads((exported / "1" / "assets" / "codes.json").read_text())
    assert [factor["name"] for factor in card["factors"]] == [f"latent_{i}" for i in range(4)]
    assert (card["model"], card["noise_size"], card["style_size"], card["style_layers"]) == ("beta_vae", 0, 4, 1)


def test_it_generates_the_images_of_the_model(editor, run):
    codes = np.random.default_rng(0).uniform(0.01, 0.99, [3, 4]).astype(np.float32)
    noise = tf.zeros([3, 0])
    expected = run.model.generate(noise, run.model.prior.from_unit(tf.constant(codes)))
    found = editor.generate(codes)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 0.05
    middle = editor.generate(codes, truncation=0.0)
    np.testing.assert_allclose(middle, editor.generate(np.full([3, 4], 0.5)), atol=1e-5)


def test_it_predicts_the_codes_of_the_model(editor, run, image):
    expected = np.clip(run.model.prior.to_unit(run.model.encode(image)), 0, 1)
    np.testing.assert_allclose(editor.encode(image), expected, atol=1e-5)
    assert "realness" not in editor.call("encode", {"image": image})


def test_it_edits_traverses_and_mixes(editor, image):
    codes = np.full([1, 4], 0.3, np.float32)
    edited = editor.edit(codes, {"latent_2": 0.9})
    np.testing.assert_allclose(edited, editor.generate([[0.3, 0.3, 0.9, 0.3]]), atol=1e-6)
    assert editor.traverse(codes, "latent_0", steps=3).shape == (1, 3, 32, 32, 3)
    other = np.full([1, 4], 0.8, np.float32)
    np.testing.assert_allclose(editor.interpolate(codes, other, 3)[:, 2], editor.generate(other), atol=1e-6)
    mixed = editor.mix(codes, other, ["latent_1"])
    np.testing.assert_allclose(mixed, editor.generate([[0.3, 0.8, 0.3, 0.3]]), atol=1e-6)
    signature = editor.call(
        "edit", {"image": image, "noise": np.zeros([1, 0]), "factor": np.array(["latent_2"]), "value": np.ones([1])}
    )
    assert signature["code"][0, 2] == 1


def test_it_fits_an_image(editor, image):
    """Without noise only the style is fitted, which is the codes: it comes nearer than the encoder, and edits hold."""
    fitted = editor.fit(image, steps=60)
    assert fitted.noise.shape == (1, 0) and fitted.offset.shape == (1, 1, 4)
    plain = editor.generate(fitted.code)
    near, far = (np.mean((fit - image) ** 2) for fit in (editor.edit(fitted, {}), plain))
    assert near < far and np.abs(fitted.offset).max() > 0.01
    assert np.abs(editor.edit(fitted, {"latent_1": 0.9}) - editor.edit(fitted, {"latent_1": 0.1})).max() > 0.01
    again = editor.fit(np.concatenate([image, -image]), steps=5)
    assert again.psnr.shape == (2,)

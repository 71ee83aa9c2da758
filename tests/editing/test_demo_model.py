"""Model that comes with the package: Python, the command, the page and REST generate the same edited image from it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from ssgan_tf import config as configs
from ssgan_tf.editing import Editor, to_uint8
from ssgan_tf.editing import __main__ as command_line
from ssgan_tf.editing.exports import shipped_model
from tests.support.servers import Server
from tests.support.visiting import SWITCHES, Visitor, find_chromium, serving

SEED, HUE = 3, 0.3


@pytest.fixture(scope="module")
def editor() -> Editor:
    return Editor.load()


@pytest.fixture(scope="module")
def edited(editor: Editor) -> np.ndarray:
    """Image of SEED with another hue, as generated from Python: uint8 [32,32,3]."""
    latents = editor.latents(editor.random_codes(1, SEED), SEED)
    before, after = (to_uint8(editor.edit(latents, changes)[0]) for changes in ({}, {"object_hue": HUE}))
    assert np.abs(after.astype(int) - before).max() > 50  # the hue does change
    return after


def test_it_is_small_and_has_a_model_card():
    folder = Path(shipped_model())
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 5_000_000
    card = json.loads((folder / "1/assets/model_card.json").read_text())
    assert card["scores"]["encoder"]["mig"] > 0.9 and card["scores"]["generator"]["mig"] > 0.7
    assert card["dataset"] == "scene3d/demo" and card["labels"] == 778


def test_it_was_trained_with_the_config_of_the_demo(repository):
    card = json.loads((Path(shipped_model()) / "1/assets/model_card.json").read_text())
    demo = configs.load_config(str(repository / "configs/demo.py"))
    trained = configs.Config.from_json(card["config"])
    assert [name for name, *_ in configs.differences(trained, demo)] == ["train.seed"]


def test_the_encoder_predicts_the_codes_of_generated_images(editor):
    codes = editor.random_codes(32, seed=1)
    predicted = editor.encode(to_uint8(editor.generate(codes, seed=1)))
    assert np.abs(predicted - codes).mean() < 0.1  # chance is 0.39


def test_the_command(edited, tmp_path):
    out = tmp_path / "edited.png"
    assert command_line.main([f"--seed={SEED}", f"--set=object_hue={HUE}", f"--out={out}"]) == 0
    assert np.array_equal(Image.open(out), edited)


def test_rest(editor, edited, tmp_path):
    server = Server(None, tmp_path / "log")
    try:
        code, noise = editor.change(editor.random_codes(1, SEED), {"object_hue": HUE}), editor.noise(1, SEED)
        row = {"noise": noise[0].tolist(), "code": code[0].tolist(), "truncation": 1.0}
        (found,) = server.predict("generate", instances=[row]).json["predictions"]
        assert np.abs(to_uint8(np.float32(found)).astype(int) - edited).max() <= 1
        inputs = {"image": found, "noise": row["noise"], "factor": "scale", "value": 1.0}
        (answer,) = server.predict("edit", instances=[inputs]).json["predictions"]
        expected = editor.call("edit", {name: [value] for name, value in inputs.items()})
        np.testing.assert_allclose(answer["image"], expected["image"][0], atol=1e-4)
        assert answer["code"][[factor.name for factor in editor.factors].index("scale")] == 1
        assert server.stop() == 0
    finally:
        server.kill()


def test_the_page(repository, edited, tmp_path):
    path = find_chromium()
    with serving(repository, tmp_path, None) as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        page = browser.new_page()
        page.goto(address)
        person = Visitor(page)
        person.type("seed", str(SEED))
        person.says(f"seed {SEED}")
        person.type("object_hue", str(HUE))
        assert np.array_equal(person.image("after"), edited)
        browser.close()

"""The Editor on a model of three lines: images are known functions of noise and codes, codes of images."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import editing, images
from ssgan_tf.editing import Editor, Factor

CODES = np.array([[0.2, 0.5, 0.9], [0.0, 1.0, 0.4]], np.float32)
CARD = {
    "made_by": "ssgan_tf 0.1.0",
    "factors": [{"name": "azimuth", "size": 5}, {"name": "hue", "size": 3}, {"name": "scale", "size": 2}],
    "noise_size": 4,
}


def save_toy(folder: Path, brightness: float = 0.0) -> Path:
    """Pixel [0,k] of a 2x3 image is code k, [1,k] is noise k; every pixel is `brightness` more. encode: row 0, x3."""

    def generate(noise, code):
        code = tf.ensure_shape(code, [None, 3])
        tf.debugging.Assert(tf.reduce_all(code <= 1), ["code: expected [0, 1]. Received:", code])
        return {"image": tf.stack([code, noise[:, :3]], axis=1)[..., None] + brightness}

    def encode(image):
        return {"code": image[:, 0, :, 0] * 3.0, "realness": image[:, 1, 0, 0]}

    module = tf.Module()
    given = [tf.TensorSpec([None, None], tf.float32, name) for name in ("noise", "code")]
    signatures = {
        "generate": tf.function(generate, input_signature=given),
        "encode": tf.function(encode, input_signature=[tf.TensorSpec([None, 2, 3, 1], tf.float32, "image")]),
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)
    (folder / "assets").mkdir(exist_ok=True)
    (folder / "assets" / "codes.json").write_text(json.dumps(CARD))
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of two versions; the newer, 10, is 0.25 brighter than the older, 9."""
    folder = tmp_path_factory.mktemp("model")
    save_toy(folder / "9")
    save_toy(folder / "10", 0.25)
    return folder


@pytest.fixture(scope="module")
def editor(exported: Path) -> Editor:
    return Editor.load(exported / "9")


def test_load_takes_the_newest_version(exported: Path, editor: Editor) -> None:
    newest = Editor.load(str(exported))
    np.testing.assert_allclose(newest.generate(CODES) - editor.generate(CODES), 0.25, atol=1e-6)


def test_load_names_what_is_no_export(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ssgan_tf.export.*nowhere"):
        Editor.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="ssgan_tf.export"):
        Editor.load(tmp_path)
    other = tmp_path / "other"
    shutil.copytree(exported / "9", other)
    for text in ('{"made_by": "someone"}', "[]", "no json"):
        (other / "assets" / "codes.json").write_text(text)
        with pytest.raises(ValueError, match="assets/codes.json"):
            Editor.load(other)


def test_factors_have_name_and_size(editor: Editor) -> None:
    assert editor.factors == (Factor("azimuth", 5), Factor("hue", 3), Factor("scale", 2))


def test_generate_puts_codes_and_noise_where_they_belong(editor: Editor) -> None:
    noise = editor.noise(2, seed=3)
    assert noise.shape == (2, 4) and noise.dtype == np.float32
    generated = editor.generate(CODES, seed=3)
    assert generated.shape == (2, 2, 3, 1) and generated.dtype == np.float32
    np.testing.assert_array_equal(generated[:, 0, :, 0], CODES)
    np.testing.assert_array_equal(generated[:, 1, :, 0], noise[:, :3])
    np.testing.assert_array_equal(editor.generate(CODES.tolist(), noise=noise), generated)


def test_noise_of_a_row_is_a_function_of_seed_and_row(editor: Editor) -> None:
    np.testing.assert_array_equal(editor.noise(5, 1)[:2], editor.noise(2, 1))
    assert not np.isclose(editor.noise(2, 1), editor.noise(2, 2)).any()
    assert not np.isclose(*editor.noise(2, 1)).any()


def test_one_code_and_one_noise_are_batches(editor: Editor) -> None:
    noise = editor.noise(1, 8)
    generated = editor.generate(np.repeat(CODES, 2, axis=0), noise=noise[0])
    np.testing.assert_array_equal(generated[:, 1, :, 0], np.repeat(noise[:, :3], 4, axis=0))
    np.testing.assert_array_equal(editor.generate(CODES[0], noise=noise), generated[:1])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, CODES),
        ({"hue": 0.25}, [[0.2, 0.25, 0.9], [0.0, 0.25, 0.4]]),
        ({"hue": "0.25"}, [[0.2, 0.25, 0.9], [0.0, 0.25, 0.4]]),
        ({"scale": "+0.1"}, [[0.2, 0.5, 1.0], [0.0, 1.0, 0.5]]),
        ({"scale": "-0.4", "azimuth": 1}, [[1.0, 0.5, 0.5], [1.0, 1.0, 0.0]]),
    ],
)
def test_edit_changes_what_it_is_told_and_keeps_the_rest(editor: Editor, changes, expected) -> None:
    before = CODES.copy()
    np.testing.assert_allclose(editor.change(before, changes), expected, atol=1e-6)
    np.testing.assert_array_equal(before, CODES)  # not changed in place
    edited = editor.edit(CODES, changes, seed=5)
    np.testing.assert_allclose(edited[:, 0, :, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(edited[:, 1], editor.generate(CODES, seed=5)[:, 1])
    noise = editor.noise(2, 6)
    np.testing.assert_array_equal(editor.edit(CODES, changes, noise=noise)[:, 1, :, 0], noise[:, :3])


def test_a_change_never_leaves_the_range_by_rounding(editor: Editor) -> None:
    changed = editor.change([[0.7, 0.1, 0.5]], {"azimuth": "+0.3", "hue": "-0.1"})
    assert (changed >= 0).all() and (changed <= 1).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"azimut": 0.5}, ["azimuth", "hue", "scale", "'azimut'", "Did you mean 'azimuth'?"]),
        ({"zzz": 0.5}, ["azimuth", "hue", "scale", "'zzz'"]),
        ({"hue": 1.2}, ["hue", "[0, 1]", "1.2"]),
        ({"hue": -0.1}, ["hue", "[0, 1]", "-0.1"]),
        ({"hue": "+0.1"}, ["hue", "[0, 1]", "'+0.1'", "1.1"]),
        ({"hue": float("nan")}, ["hue", "[0, 1]", "nan"]),
        ({"hue": "blue"}, ["hue", "number", "'blue'"]),
        ({"hue": None}, ["hue", "number", "None"]),
    ],
)
def test_a_bad_change_is_refused_with_the_reason(editor: Editor, changes, words) -> None:
    with pytest.raises(ValueError) as caught:
        editor.edit(CODES, changes)
    assert [word for word in words if word not in str(caught.value)] == []


def test_encode_takes_bytes_floats_and_single_images(editor: Editor) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, [2, 2, 3, 1], np.uint8)
    floats = pixels / 127.5 - 1.0
    expected = np.clip(3.0 * floats[:, 0, :, 0], 0.0, 1.0)  # cut, so that generate takes it
    assert (expected == 0).any() and (expected == 1).any()
    np.testing.assert_allclose(editor.encode(pixels), expected, atol=1e-6)
    np.testing.assert_allclose(editor.encode(floats), expected, atol=1e-6)
    np.testing.assert_allclose(editor.encode(pixels[1]), expected[1:], atol=1e-6)
    with pytest.raises(ValueError, match="uint8 in 0..255 or float in \\[-1, 1\\]. Received: int64"):
        editor.encode(pixels.astype(np.int64))


def test_call_gives_all_outputs_and_the_models_reasons(editor: Editor) -> None:
    image = np.full([1, 2, 3, 1], 0.5)
    outputs = editor.call("encode", {"image": image})
    np.testing.assert_array_equal(outputs["code"], [[1.5, 1.5, 1.5]])
    np.testing.assert_array_equal(outputs["realness"], [0.5])
    with pytest.raises(ValueError, match=r"^code: expected shape \[batch,3\]\. Received: \[2,2\]\.$"):
        editor.generate(CODES[:, :2])
    with pytest.raises(ValueError, match=r"^code: expected \[0, 1\]\. Received: .*2"):
        editor.generate([[0.0, 1.0, 2.0]])
    with pytest.raises(ValueError, match=r"expected one of \['.*generate.*'\]. Received: 'paint'"):
        editor.call("paint", {})
    with pytest.raises(ValueError, match=r"generate: expected the inputs \['code', 'noise'\]. Received: \['code'\]"):
        editor.call("generate", {"code": CODES})


def test_bytes_are_those_of_the_package() -> None:
    floats = np.linspace(-1.2, 1.2, 1001)
    np.testing.assert_array_equal(editing.to_uint8(floats), images.to_uint8(floats))


def test_the_file_works_anywhere(exported: Path, editor: Editor, tmp_path: Path) -> None:
    copy = shutil.copy(editing.__file__, tmp_path / "elsewhere.py")
    spec = importlib.util.spec_from_file_location("elsewhere", copy)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded = module.Editor.load(exported / "9")
    np.testing.assert_array_equal(loaded.edit(CODES, {"hue": 0.1}), editor.edit(CODES, {"hue": 0.1}))

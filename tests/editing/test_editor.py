"""Editor on the toy model: inputs, results and refusals."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssgan_tf import editing
from ssgan_tf.core import images
from ssgan_tf.editing import Editor, Factor, exports
from ssgan_tf.editing.model import Model


def test_load_takes_the_newest_version(exported: Path, editor: Editor, codes) -> None:
    newest = Editor.load(str(exported))
    assert newest.folder == str(exported / "10")
    np.testing.assert_allclose(newest.generate(codes) - editor.generate(codes), 0.25, atol=1e-6)


def test_load_refuses_folders_without_an_export(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ssgan export.*nowhere"):
        Editor.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="ssgan export"):
        Editor.load(tmp_path)
    other = tmp_path / "other"
    shutil.copytree(exported / "9", other)
    for text in ('{"made_by": "someone"}', "[]", "no json"):
        (other / "assets" / "codes.json").write_text(text)
        with pytest.raises(ValueError, match="assets/codes.json"):
            Editor.load(other)


def test_load_refuses_a_damaged_export(exported: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(exported / "9", tmp_path / "damaged"))
    (data,) = (damaged / "variables").glob("*.data-*")
    data.write_bytes(data.read_bytes()[:10])
    with pytest.raises(ValueError, match="complete export.*damaged.*copy it again"):
        Editor.load(damaged)
    shutil.rmtree(damaged / "variables")
    with pytest.raises(ValueError, match="complete export.*damaged.*copy it again"):
        Editor.load(damaged)


@pytest.mark.parametrize(
    "factors",
    [
        [],
        [{"name": "a"}],
        [{"name": 3, "size": 2}],
        [{"name": "a", "size": 1}],
        [{"name": "a", "size": 3, "values": ["b", "c"]}],
        [{"name": "a", "size": 3}, {"name": "a", "size": 2}],
        [{"name": ["a"], "size": 2}],
        [{"name": "\ud800", "size": 2}],
        [{"name": "a", "size": 10**400}],
        [{"name": "a", "size": 2, "values": [["b"], "c"]}],
        [{"name": "a", "size": 2, "range": [1, 1]}],
        [{"name": "a", "size": 2, "range": [0, 1e400]}],
        [["a", 2]],
        "factors",
    ],
)
def test_invalid_factors_are_refused(factors) -> None:
    with pytest.raises(ValueError, match="codes.json: expected factors with different names"):
        exports.read_factors({"factors": factors})


def test_without_a_path_the_packaged_model_is_loaded(exported: Path, codes, tmp_path, monkeypatch) -> None:
    folder = Path(shutil.copytree(Path(editing.__file__).parent, tmp_path / "editing", ignore=lambda *_: {"demo"}))
    monkeypatch.setattr(exports, "__file__", str(folder / "exports.py"))
    with pytest.raises(FileNotFoundError, match=f"contains no model .*{folder}/demo.* tools/make_demo_model.py"):
        Editor.load()
    shutil.copytree(exported / "9", folder / "demo" / "1")
    assert Editor.load().folder == str(folder / "demo" / "1")


def test_factors_describe_codes(editor: Editor) -> None:
    azimuth, shape, scale = editor.factors
    assert editor.factors == (
        Factor("azimuth", 5),
        Factor("shape", 3, ("cube", "ball", "2")),
        Factor("scale", 1001, (), (10.0, 20.0)),
    )
    assert [factor.kind for factor in editor.factors] == ["steps", "choice", "number"]
    assert [azimuth.text(0.25), shape.text(0.2), shape.text(0.3), shape.text(1.0)] == ["0.25", "cube", "ball", "2"]
    assert [scale.text(code) for code in (0, 0.25, 1)] == ["10", "12.5", "20"]


def test_repr_names_the_export_the_image_and_the_factors(exported: Path, editor: Editor) -> None:
    factors = "{'azimuth': 5, 'shape': 3, 'scale': 1001}"
    assert repr(editor) == f"Editor(folder={str(exported / '9')!r}, image=[4, 4, 1], factors={factors})"


def test_the_folder_offers_its_names_before_tensorflow_is_imported() -> None:
    script = """
import sys
from ssgan_tf import editing
assert set(editing.__all__) <= set(dir(editing)) and "tensorflow" not in sys.modules
assert editing.to_image.__name__ == "to_image" and "tensorflow" not in sys.modules
from ssgan_tf.editing import *
assert Editor is editing.Editor and "tensorflow" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(AttributeError, match="module 'ssgan_tf.editing' has no attribute 'Painter'"):
        editing.Painter  # noqa: B018


def test_generate_passes_codes_and_noise_to_the_model(editor: Editor, codes) -> None:
    noise = editor.noise(2, seed=3)
    assert noise.shape == (2, 4) and noise.dtype == np.float32
    generated = editor.generate(codes, seed=3)
    assert generated.shape == (2, 4, 4, 1) and generated.dtype == np.float32
    np.testing.assert_array_equal(generated[:, 0, :3, 0], codes)
    np.testing.assert_array_equal(generated[:, 1, :, 0], noise)
    np.testing.assert_array_equal(editor.generate(codes.tolist(), noise=noise), generated)
    np.testing.assert_allclose(editor.generate(codes, noise=noise, truncation=0.5)[:, 1, :, 0], noise / 2, rtol=1e-6)


def test_many_images_are_generated_in_parts_of_bounded_size(editor: Editor, monkeypatch) -> None:
    codes = editor.random_codes(7)
    at_once = editor.generate(codes, seed=2)
    monkeypatch.setattr("ssgan_tf.editing.model._PIXELS_PER_CALL", 3 * 4 * 4)
    rows, call = [], Model.call

    def counted(self, signature, inputs):
        rows.append(len(next(iter(inputs.values()))))
        return call(self, signature, inputs)

    monkeypatch.setattr(Model, "call", counted)
    np.testing.assert_array_equal(editor.generate(codes, seed=2), at_once)
    assert rows == [3, 3, 1]
    np.testing.assert_allclose(editor.encode(np.clip(at_once, -1, 1)), codes, atol=1e-6)
    assert rows == [3, 3, 1] * 2


def test_noise_of_a_row_is_a_function_of_seed_and_row(editor: Editor) -> None:
    np.testing.assert_array_equal(editor.noise(5, 1)[:2], editor.noise(2, 1))
    assert not np.isclose(editor.noise(2, 1), editor.noise(2, 2)).any()
    assert not np.isclose(*editor.noise(2, 1)).any()


@pytest.mark.parametrize("seed", [1.5, -1, "3", None, np.nan])
def test_a_seed_is_an_integer_of_0_or_more(editor: Editor, codes, seed) -> None:
    images = np.zeros([4, 4, 1], np.uint8)
    for call in (editor.noise, editor.random_codes):
        with pytest.raises(ValueError, match="seed: expected an integer of 0 or more"):
            call(1, seed)
    for make in (lambda: editor.generate(codes, seed=seed), lambda: editor.edit(images, {}, seed=seed)):
        with pytest.raises(ValueError, match="seed: expected an integer of 0 or more. Received: "):
            make()
    counted = np.arange(4)[3]
    np.testing.assert_array_equal(editor.noise(2, counted), editor.noise(2, 3))


def test_latents_of_one_image_are_a_batch_of_one(editor: Editor, codes) -> None:
    all_of_them = editor.latents(codes, seed=1)
    expected = editor.edit(all_of_them, {})
    np.testing.assert_array_equal(editor.edit(all_of_them[1], {}), expected[1:2])
    np.testing.assert_array_equal(editor.edit(all_of_them[-1], {}), expected[-1:])
    each = [editor.edit(all_of_them[i], {}) for i in range(len(codes))]
    np.testing.assert_array_equal(np.concatenate(each), expected)
    with pytest.raises(IndexError):
        all_of_them[len(codes)]


def test_arguments_of_the_wrong_type_are_refused_in_words(editor: Editor, codes) -> None:
    calls: Any = editor  # anything that a user may pass
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: calls.generate(editor.latents(codes)), "codes: expected numbers. Received: Latents"),
        (lambda: calls.change(editor.latents(codes)[0], {}), "codes: expected numbers. Received: Latents"),
        (lambda: calls.edit(codes, ["azimuth"]), r"changes: expected a dictionary .* \['azimuth'\]"),
        (lambda: calls.traverse(codes, "azimuth", steps=2.5), "steps: expected an integer of 2 or more. Received: 2.5"),
        (lambda: calls.interpolate(codes, codes, steps="9"), "steps: expected an integer of 2 or more. Received: '9'"),
    ]
    for call, words in wrong:
        with pytest.raises(ValueError, match=words):
            call()


def test_random_codes_are_trained_values(editor: Editor) -> None:
    codes = editor.random_codes(300, seed=4)
    assert codes.shape == (300, 3) and codes.dtype == np.float32
    np.testing.assert_array_equal(codes[:5], editor.random_codes(5, seed=4))
    assert set(codes[:, 0]) == {0, 0.25, 0.5, 0.75, 1} and set(codes[:, 1]) == {0, 0.5, 1}
    assert np.unique(codes[:, 2]).size > 200


def test_one_code_and_one_noise_are_batches(editor: Editor, codes) -> None:
    noise = editor.noise(1, 8)
    generated = editor.generate(np.repeat(codes, 2, axis=0), noise=noise[0])
    np.testing.assert_array_equal(generated[:, 1, :, 0], np.repeat(noise, 4, axis=0))
    np.testing.assert_array_equal(editor.generate(codes[0], noise=noise), generated[:1])
    with pytest.raises(ValueError, match="noise: expected 1 row, or 2 as in codes. Received: 3"):
        editor.generate(codes, noise=editor.noise(3))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [[0.2, 0.5, 0.9], [0.0, 1.0, 0.4]]),
        ({"azimuth": 0.25}, [[0.25, 0.5, 0.9], [0.25, 1.0, 0.4]]),
        ({"azimuth": "0.25"}, [[0.25, 0.5, 0.9], [0.25, 1.0, 0.4]]),
        ({"scale": "+0.1"}, [[0.2, 0.5, 1.0], [0.0, 1.0, 0.5]]),
        ({"scale": "-0.4", "azimuth": 1}, [[1.0, 0.5, 0.5], [1.0, 1.0, 0.0]]),
        ({"shape": "ball"}, [[0.2, 0.5, 0.9], [0.0, 0.5, 0.4]]),
        ({"shape": "cube"}, [[0.2, 0.0, 0.9], [0.0, 0.0, 0.4]]),
        ({"shape": "2"}, [[0.2, 1.0, 0.9], [0.0, 1.0, 0.4]]),  # a name that looks like a number
    ],
)
def test_edit_changes_the_named_factors_and_keeps_the_rest(editor: Editor, codes, changes, expected) -> None:
    before = codes.copy()
    np.testing.assert_allclose(editor.change(before, changes), expected, atol=1e-6)
    np.testing.assert_array_equal(before, codes)  # not changed in place
    edited = editor.edit(codes, changes, seed=5)
    np.testing.assert_allclose(edited[:, 0, :3, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(edited[:, 1], editor.generate(codes, seed=5)[:, 1])
    latents = editor.latents(codes, noise=editor.noise(2, 6), truncation=0.5)
    np.testing.assert_allclose(editor.edit(latents, changes)[:, 1, :, 0], editor.noise(2, 6) / 2, rtol=1e-6)


def test_rounding_does_not_take_a_change_out_of_range(editor: Editor) -> None:
    changed = editor.change([[0.7, 0.1, 0.5]], {"azimuth": "+0.3", "shape": "-0.1"})
    assert (changed >= 0).all() and (changed <= 1).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"azimut": 0.5}, ["azimuth", "shape", "scale", "'azimut'", "Did you mean 'azimuth'?"]),
        ({"zzz": 0.5}, ["azimuth", "shape", "scale", "'zzz'"]),
        ({"scale": 1.2}, ["scale", "[0, 1]", "1.2"]),
        ({"scale": -0.1}, ["scale", "[0, 1]", "-0.1"]),
        ({"scale": "+0.7"}, ["scale", "[0, 1]", "'+0.7'", "1.6"]),
        ({"scale": float("nan")}, ["scale", "[0, 1]", "nan"]),
        ({"scale": "blue"}, ["scale", "number", "'blue'"]),
        ({"shape": "bal"}, ["shape", "cube, ball, 2", "number", "'bal'", "Did you mean 'ball'?"]),
        ({"scale": None}, ["scale", "number", "None"]),
    ],
)
def test_a_bad_change_is_refused_with_the_reason(editor: Editor, codes, changes, words) -> None:
    with pytest.raises(ValueError) as caught:
        editor.edit(codes, changes)
    assert [word for word in words if word not in str(caught.value)] == []


def test_traverse_moves_one_factor_from_0_to_1(editor: Editor, codes) -> None:
    found = editor.traverse(codes, "shape", steps=5, seed=2)
    assert found.shape == (2, 5, 4, 4, 1)
    np.testing.assert_allclose(found[:, :, 0, 1, 0], np.tile(np.linspace(0, 1, 5), [2, 1]), atol=1e-6)
    one_by_one = [editor.edit(codes, {"shape": value}, seed=2) for value in np.linspace(0, 1, 5)]
    np.testing.assert_array_equal(found, np.stack(one_by_one, axis=1))
    with pytest.raises(ValueError, match="steps: expected an integer of 2 or more. Received: 1"):
        editor.traverse(codes, "shape", steps=1)
    with pytest.raises(ValueError, match="Did you mean 'shape'"):
        editor.traverse(codes, "shap")


def test_interpolate_includes_both_ends(editor: Editor, codes) -> None:
    a, b = editor.latents(codes[:1], seed=1), editor.latents(codes[1:], seed=2)
    found = editor.interpolate(a, b, steps=3)
    assert found.shape == (1, 3, 4, 4, 1)
    np.testing.assert_allclose(found[:, 0], editor.edit(a, {}), atol=1e-6)
    np.testing.assert_allclose(found[:, 2], editor.edit(b, {}), atol=1e-6)
    np.testing.assert_allclose(found[0, 1, 0, :3, 0], codes.mean(axis=0), atol=1e-6)
    middle, (first, last) = found[0, 1, 1, :, 0], found[0, [0, 2], 1, :, 0]
    angles = [np.arccos(middle @ end / np.linalg.norm(middle) / np.linalg.norm(end)) for end in (first, last)]
    assert angles[0] == pytest.approx(angles[1], abs=1e-5)  # half of the way around the circle
    assert np.linalg.norm(middle) > np.linalg.norm((first + last) / 2)  # and not through its interior
    same = editor.interpolate(codes[:1], codes[1:], steps=3, seed=7)
    np.testing.assert_allclose(same[0, :, 1, :, 0], np.repeat(editor.noise(1, 7), 3, axis=0), atol=1e-6)
    with pytest.raises(ValueError, match="a and b: expected the same number of images. Received: 1 and 2"):
        editor.interpolate(a, codes)


def test_interpolate_handles_parallel_opposite_and_zero_noise(editor: Editor, codes) -> None:
    z = editor.noise(1)
    for other in (z, 2 * z, -z, 0 * z):
        a, b = (editor.latents(codes[:1], noise=noise) for noise in (z, other))
        found = editor.interpolate(a, b, steps=3)[0, :, 1, :, 0]
        np.testing.assert_allclose(found, np.concatenate([z, (z + other) / 2, other]), atol=1e-5)


def test_mix_takes_some_factors_from_the_other(editor: Editor, codes) -> None:
    a, b = editor.latents(codes, seed=1), editor.latents(codes[::-1], seed=2)
    mixed = editor.mix(a, b, ["azimuth", "scale"])
    np.testing.assert_allclose(mixed[:, 0, :3, 0], [[0.0, 0.5, 0.4], [0.2, 1.0, 0.9]], atol=1e-6)
    np.testing.assert_array_equal(mixed[:, 1, :, 0], a.noise)
    with pytest.raises(ValueError, match="factor: expected one of .*'hue'"):
        editor.mix(a, b, ["hue"])
    with pytest.raises(ValueError, match=r"factors: expected a list of names, such as \['azimuth'\]"):
        editor.mix(a, b, "azimuth")


def test_encode_takes_bytes_floats_and_single_images(editor: Editor) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, [2, 4, 4, 1], np.uint8)
    floats = pixels / 127.5 - 1.0
    expected = np.clip(floats[:, 0, :3, 0], 0.0, 1.0)  # clipped, so that generate accepts it
    assert (expected == 0).any() and (expected > 0).any()
    np.testing.assert_allclose(editor.encode(pixels), expected, atol=1e-6)
    np.testing.assert_allclose(editor.encode(floats), expected, atol=1e-6)
    np.testing.assert_allclose(editor.encode(pixels[1]), expected[1:], atol=1e-6)
    np.testing.assert_allclose(editor.encode(pixels[1, ..., 0]), expected[1:], atol=1e-6)


def test_call_returns_all_outputs_and_the_models_reasons(editor: Editor, codes) -> None:
    image = np.full([1, 4, 4, 1], 1.5)
    outputs = editor.call("encode", {"image": image})
    np.testing.assert_array_equal(outputs["code"], [[1.5, 1.5, 1.5]])
    np.testing.assert_array_equal(outputs["realness"], [1.5])
    with pytest.raises(ValueError, match=r"^code: expected shape \[batch,3\]\. Received: \[2,2\]\.$"):
        editor.generate(codes[:, :2])
    with pytest.raises(ValueError, match=r"^code: expected \[0, 1\]\. Received: .*2"):
        editor.generate([[0.0, 1.0, 2.0]])
    with pytest.raises(ValueError, match=r"expected one of \['.*generate.*'\]. Received: 'paint'"):
        editor.call("paint", {})
    with pytest.raises(ValueError, match=r"mapping: expected the inputs \['code', 'noise'\]. Received: \['code'\]"):
        editor.call("mapping", {"code": codes})
    with pytest.raises(ValueError, match=r"code: expected numbers\. Received: <U1"):
        editor.call("mapping", {"code": [["a"]], "noise": editor.noise(1)})
    with pytest.raises(ValueError, match="codes: expected 1 row or more. Received: 0"):
        editor.generate(codes[:0])


def test_threads_do_not_see_each_others_images(editor: Editor) -> None:
    wrong = []

    def work(number: int) -> None:
        code = np.full([1, 3], number / 8, np.float32)
        for _ in range(20):
            found = editor.edit(code, {"scale": number / 16})[0, 0, :3, 0]
            if found.tolist() != [number / 8, number / 8, number / 16]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_to_uint8_equals_that_of_the_package() -> None:
    floats = np.linspace(-1.2, 1.2, 1001)
    np.testing.assert_array_equal(editing.to_uint8(floats), images.to_uint8(floats))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("resolution", 8, r"expected the sizes of the SavedModel, whose encode takes image .*Received: \[8, 8, 1\]"),
        ("resolution", [4], r"resolution: expected a whole number from 1 to .*Received: \[4\]"),
        ("noise_size", 10**400, "noise_size: expected a whole number from 0 to"),
        ("channels", True, "channels: expected a whole number"),
        ("run", ["a"], r"run: expected text. Received: \['a'\]"),
        ("made_by", None, "made_by: expected ssgan_tf"),
    ],
)
def test_edited_entries_of_a_card_are_named(name, value, message, exported: Path, tmp_path: Path) -> None:
    edited = Path(shutil.copytree(exported / "9", tmp_path / "edited"))
    card = json.loads((edited / "assets" / "codes.json").read_text())
    (edited / "assets" / "codes.json").write_text(json.dumps({**card, name: value}))
    with pytest.raises(ValueError, match=f"codes.json.*{message}.*export the model again") as caught:
        Editor.load(edited)
    assert "\n" not in str(caught.value)


def test_a_card_that_is_no_json_is_named(exported: Path, tmp_path: Path) -> None:
    edited = Path(shutil.copytree(exported / "9", tmp_path / "edited"))
    for content in (b"", b"[" * 100_000, b"\x80", b'{"made_by": 1' + b"0" * 5000 + b"}"):
        (edited / "assets" / "codes.json").write_bytes(content)
        with pytest.raises(ValueError, match="Expected assets/codes.json written by `ssgan export`. Received: "):
            Editor.load(edited)


def test_a_fit_with_a_wrong_number_of_layers_is_one_sentence(exported: Path, tmp_path: Path) -> None:
    edited = Path(shutil.copytree(exported / "9", tmp_path / "edited"))
    card = json.loads((edited / "assets" / "codes.json").read_text())
    (edited / "assets" / "codes.json").write_text(json.dumps({**card, "style_layers": 3}))
    with pytest.raises(ValueError, match="codes.json: expected the SavedModel's number of style_layers. Received: 3"):
        Editor.load(edited).fit(np.zeros([4, 4, 1], np.float32), steps=2)


def test_missing_entries_of_an_older_card_are_named(exported: Path, tmp_path: Path) -> None:
    older = Path(shutil.copytree(exported / "9", tmp_path / "older"))
    card = json.loads((older / "assets" / "codes.json").read_text())
    del card["style_layers"]
    (older / "assets" / "codes.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match="style_layers.*export the model again"):
        Editor.load(older)

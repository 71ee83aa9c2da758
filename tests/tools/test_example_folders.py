"""The folders of docs/own_images.md, and the comparison of an encoder with the truth about them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.editing import Editor, Factor, to_uint8
from tools import check_truth, example_folders


def rows(table: Path) -> list[dict[str, str]]:
    with open(table, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_letters_have_labels_that_agree_with_the_truth(tmp_path):
    assert example_folders.main(["letters", str(tmp_path / "out"), "--images=12", "--labelled=6"]) == 0
    truth = {row["image"]: row for row in rows(tmp_path / "out/truth.csv")}
    labels = rows(tmp_path / "out/images/labels.csv")
    assert (len(truth), len(labels)) == (12, 6)
    for i, row in enumerate(labels):
        missing = [name for name, value in row.items() if not value]
        assert len(missing) == (i % 2 == 0)
        assert row == {**truth[row["image"]], **dict.fromkeys(missing, "")}
    # The most saturated pixel has the hue that the truth says.
    for name, row in truth.items():
        hsv = np.asarray(Image.open(tmp_path / "out/images" / name).convert("HSV")).reshape(-1, 3)
        hue = float(row["hue"])
        assert abs(hsv[hsv[:, 1].argmax(), 0] / 255 - hue) % 1 < 0.02 or hue > 0.98


def test_pieces_of_photographs(tmp_path):
    for i, name in enumerate(example_folders.PHOTOS):
        Image.new("RGB", (80 + i, 90), (40 * i, 100, 100)).save(tmp_path / f"{name}.png")
    example_folders.make("photos", tmp_path / "out", 8, 4, str(tmp_path))
    for row in rows(tmp_path / "out/truth.csv"):
        light = float(row["light"]) * np.array(example_folders.TINTS[row["tint"]])
        expected = np.array([40 * example_folders.PHOTOS.index(row["photo"]), 100, 100]) * light
        assert np.asarray(Image.open(tmp_path / "out/images" / row["image"]))[5, 5] == pytest.approx(expected, abs=1)


def test_emoji_are_copied_with_vendor_category_and_skin(tmp_path):
    (tmp_path / "emoji-datasource").mkdir()
    entry = {"category": "People & Body", "image": "a.png", "skin_variations": {"1F3FF": {"image": "b.png"}}}
    listed = [entry, {"category": "Symbols", "image": "c.png"}]
    (tmp_path / "emoji-datasource/emoji.json").write_text(json.dumps(listed))
    folder = tmp_path / "emoji-datasource-apple/img/apple/64"
    folder.mkdir(parents=True)
    for name in "abc":
        Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(folder / f"{name}.png")
    example_folders.make("emoji", tmp_path / "out", 9, 2, str(tmp_path))
    found = rows(tmp_path / "out/truth.csv")
    assert sorted(row["skin"] for row in found) == ["", "dark"]
    assert {(row["vendor"], row["category"]) for row in found} == {("apple", "People & Body")}
    assert np.asarray(Image.open(tmp_path / "out/images/00000.png")).min() == 255  # white where it is transparent


@pytest.mark.parametrize("kind", ["photos", "emoji"])
def test_a_wrong_source_is_one_line_and_leaves_nothing(kind, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        example_folders.main([kind, str(tmp_path / "out"), f"--source={tmp_path}"])
    assert capsys.readouterr().err.startswith("error: --source: expected ")
    assert not (tmp_path / "out").exists()


def test_emoji_without_images_leave_nothing(tmp_path):
    (tmp_path / "emoji-datasource").mkdir()
    (tmp_path / "emoji-datasource/emoji.json").write_text("[]")
    with pytest.raises(ValueError, match="^source: expected a folder with the images of the packages"):
        example_folders.make("emoji", tmp_path / "out", 9, 2, str(tmp_path))
    with pytest.raises(ValueError, match="^labelled: expected 1 to 9, .* Received: 10.$"):
        example_folders.make("letters", tmp_path / "out", 9, 10)
    assert not (tmp_path / "out").exists()


def test_the_code_of_a_cell():
    choice, number = Factor("shape", 3, ("ball", "cone", "cube")), Factor("size", 5, range=(2.0, 4.0))
    assert check_truth.to_code("2", Factor("count", 5)) == 0.5
    for text, factor, expected in (("ring", choice, "ball, cone, cube"), ("big", number, "a number")):
        message = f"^truth: expected {expected} in column '{factor.name}'. Received: '{text}'"
        with pytest.raises(ValueError, match=message):
            check_truth.to_code(text, factor)
    assert [check_truth.to_code(text, choice) for text in ("ball", "cone", "cube")] == [0, 0.5, 1]
    assert check_truth.to_code("2.5", number) == 0.25 and np.isnan(check_truth.to_code("", number))


def test_an_encoder_is_compared_with_the_images_that_have_no_label(tmp_path, capsys, monkeypatch):
    editor = Editor.load()
    codes = editor.random_codes(4)
    images = to_uint8(editor.generate(codes))
    table = [dict(image=f"{i}.png", **{f.name: f.text(c) for f, c in zip(editor.factors, row, strict=True)})
             for i, row in enumerate(codes)]  # fmt: skip
    for row, image in zip(table, images, strict=True):
        Image.fromarray(image).save(tmp_path / row["image"])
    monkeypatch.setattr(check_truth, "to_code", lambda text, factor: float(text))
    for path, part in ((tmp_path / "truth.csv", table), (tmp_path / "labels.csv", table[:1])):
        example_folders._write(path, [*table[0]], part)
    flags = [f"--model={editor.folder}", f"--images={tmp_path}", f"--truth={tmp_path}/truth.csv"]
    assert check_truth.main(flags) == 0
    found = json.loads(capsys.readouterr().out)
    read = editor.call("encode", {"image": editor.read([tmp_path / f"{i}.png" for i in range(1, 4)])})["code"]
    rounded = np.round(codes[1:], 2)
    assert found["images"] == 3
    assert found["l2"] == pytest.approx(np.linalg.norm(read - rounded, axis=1).mean(), abs=1e-3)
    (tmp_path / "truth.csv").write_text("image,other\n9.png,1\n")
    with pytest.raises(SystemExit, match="2"):
        check_truth.main(flags)
    assert capsys.readouterr().err.startswith("error: --truth: expected images without labels, with a column ")

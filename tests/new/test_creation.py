"""`ssgan new`: reports, data set, config, questions, and the second time."""

import dataclasses
import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import config as configs
from ssgan_tf import data, new
from ssgan_tf.data.held_out import load_for
from ssgan_tf.new import preparation, settings
from ssgan_tf.new.__main__ import main
from ssgan_tf.utils.project import find_places
from tests.support import photo_folder


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo_folder.build_in_this_process(monkeypatch)
    return photo_folder.draw(tmp_path / "photos")


def refused(capsys, *words: str) -> str:
    """Runs the program, which must refuse the input with one line of at most 500 characters; returns that line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(words)
    err = capsys.readouterr().err
    assert stopped.value.code == 2 and err.startswith("error: ") and err.count("\n") == 1 and len(err) <= 520, err
    return err.removeprefix("error: ").rstrip()


def test_a_folder_becomes_a_data_set_and_a_config(photos, capsys):
    assert main(["photos", "--out=cups"]) == 0
    out = capsys.readouterr().out
    for line in (
        "photos: 24 images, PNG (24)",
        "labels: photos/labels.csv (table separated by commas): 12 of 24 images labelled, 12 of them with all labels",
        "  size   numbers from 0.01 to 0.89: 12 labels, 11 different",
        "  8x8 pixels: nearly all images have 8 pixels or more",
        "  labels used  12 of 24 images (50 %)",
        "  ssgan train --config=cups/config.py",
    ):
        assert line in out.splitlines(), (line, out)
    assert re.search(r"^  shape  3 names: 12 labels: ball \(\d\), cone \(\d\), cube \(\d\)$", out, re.MULTILINE)
    assert "runs through its values in alphabetical order; --values='shape=ball,cone,cube' gives another." in out
    assert sorted(os.listdir("cups")) == ["config.py", "data", "labels.csv", "project.json"]
    config = configs.load_config("cups/config.py")
    assert (config.data.factors, config.data.labeled_fraction) == (("shape", "size"), 1)
    places = find_places("cups/config.py")
    dataset = load_for(config.data, places.data_dir)
    assert dataset.images.shape == (24, 8, 8, 3) and dataset.spec.factors[0].values == photo_folder.SHAPES
    assert (dataset.factors != -1).all(axis=1).sum() == 12


def test_from_python_the_result_says_what_was_found(photos):
    told: list[str] = []
    made = new.run("photos", "cups", new.Options(values=("shape=cube,ball,cone", "size=0..1")), tell=told.append)
    assert repr(made).splitlines() == told and "numbers from 0 to 1: 12 labels" in repr(made)
    assert made.labels.factors[0].values == ("cube", "ball", "cone") and "alphabetical" not in repr(made)
    assert (made.config, made.run, made.resolution) == ("cups/config.py", "cups/run", 8) and made.hours > 0
    info = data.inspect("labeled_folder/cups", "cups/data")
    assert info.spec.factors[0].values == ("cube", "ball", "cone") and info.spec.factors[1].range == (0, 1)


def test_the_second_time_goes_on(photos, capsys):
    table = (photos / "labels.csv").read_text()
    first = new.run("photos", "cups", new.Options(values=("shape=cube,ball,cone",)))
    assert main(["--out=cups"]) == 0  # the folder of images and the answers are remembered
    out = capsys.readouterr().out
    assert "With --values=shape=cube,ball,cone" in out
    assert "Neither images nor labels have changed since the last time." in out
    # More labels and images, after a training.
    os.mkdir("cups/run")
    photo_folder.draw(photos, 26, 20)
    again = new.run("", "cups")
    for line in ("  16 labels more of the same images and factors", "  2 images new, such as '24.png'",
                 "The next training begins a new run in cups/run2; cups/run stays."):  # fmt: skip
        assert line in again.lines, again
    assert (again.run, again.resolution, again.labels.labelled) == ("cups/run2", first.resolution, 20)
    assert find_places("cups/config.py").workdir == "cups/run2"
    assert new.run("", "cups").run == "cups/run2"
    # A label changed and one taken away; the run was not trained yet.
    rows = [line.split(",") for line in (photos / "labels.csv").read_text().splitlines()]
    rows[1][2], rows[2][1] = "0.99", ""
    photo_folder.write_table(photos, rows)
    last = new.run("photos", "cups")
    assert any(line.startswith("  1 label changed, such as '0.png' size from ") for line in last.lines)
    assert "  1 label taken away" in last.lines and last.run == "cups/run2"
    assert table != (photos / "labels.csv").read_text()


def test_held_out_labels_stay_held_out_when_labels_are_added(photos, monkeypatch):
    def held_out(labelled: int) -> set[bytes]:
        photo_folder.draw(photos, 40, labelled)
        new.run("photos", "cups")
        config = configs.load_config("cups/config.py")
        assert config.data.held_out_labels == settings.HELD_OUT
        dataset = load_for(config.data, "cups/data")
        return {dataset.images[row].tobytes() for row in dataset.held_out_labels}

    monkeypatch.setattr(settings, "HELD_OUT_FROM", 20)
    first, more = held_out(20), held_out(36)
    assert len(first) >= 4 and len(more) > len(first)
    assert len(first - more) <= 1  # one may only have been chosen to have enough


def test_an_edited_config_is_not_replaced_in_silence(photos):
    new.run("photos", "cups")
    edited = Path("cups/config.py").read_text().replace("learning_rate=0.025", "learning_rate=0.01")
    Path("cups/config.py").write_text(edited)
    photo_folder.draw(photos, 24, 14)
    kept = new.run("photos", "cups")
    assert Path("cups/config.py").read_text() == edited
    assert "cups/config.py was edited and stays as it is; cups/config.new.py is today's (--overwrite uses it)." in (
        kept.lines
    )
    assert "yours has phases.0.learning_rate 0.01, not 0.025." in kept.lines
    assert configs.load_config("cups/config.new.py").phases[0].learning_rate == 0.025
    # A config that does not fit any more.
    Path("cups/config.py").write_text(edited.replace('"shape"', '"form"'))
    assert any("does not fit the data: " in line and "form" in line for line in new.run("photos", "cups").lines)
    new.run("photos", "cups", overwrite=True)
    assert configs.load_config("cups/config.py").phases[0].learning_rate == 0.025
    assert "form" in Path("cups/config.old.py").read_text() and not os.path.exists("cups/config.new.py")


def test_a_build_that_fails_leaves_everything_as_it_was(photos, monkeypatch, capsys):
    def fail(command, **_):
        return subprocess.CompletedProcess(command, 2, "", "0 examples\r1 example\nTraceback\nthe disk is full\n")

    works = preparation.subprocess.run
    monkeypatch.setattr(preparation.subprocess, "run", fail)
    assert refused(capsys, "photos", "--out=a/cups") == "the disk is full"
    assert not os.path.exists("a/cups")
    monkeypatch.setattr(preparation.subprocess, "run", works)
    new.run("photos", "cups")
    before = {path: path.read_bytes() for path in Path("cups").rglob("*") if path.is_file()}
    photo_folder.draw(photos, 24, 13)
    monkeypatch.setattr(preparation.subprocess, "run", fail)
    assert refused(capsys, "--out=cups") == "the disk is full"
    assert {path: path.read_bytes() for path in Path("cups").rglob("*") if path.is_file()} == before
    # Killed while preparing: the next call goes on.
    os.remove("cups/project.json")
    assert "which contains config.py" in refused(capsys, "photos", "--out=cups")
    Path("cups/project.json").write_text(json.dumps({"run": "run"}))
    os.makedirs("cups/data.new/x")
    monkeypatch.setattr(preparation.subprocess, "run", works)
    assert main(["photos", "--out=cups", "--overwrite"]) == 0 and not os.path.exists("cups/data.new")


def test_images_that_leave_something_open_are_asked_about(photos, capsys):
    Image.new("RGB", (8, 10)).save(photos / "wide.png")
    words = ("photos", "--out=cups")
    asked = "--not_square: 1 of 25 images are not square, such as 'wide.png' (8x10). --not_square=crop takes"
    assert refused(capsys, *words).startswith(asked)
    assert refused(capsys, *words, "--not_square=cut") == "--not_square: expected crop or skip. Received: 'cut'."
    assert (
        "  left out: 1 that are not square: 'wide.png'" in new.run("photos", "a", new.Options(not_square="skip")).lines
    )
    assert data.inspect("labeled_folder/a", "a/data").count == 24
    new.run("photos", "b", new.Options(not_square="crop"))
    assert data.inspect("labeled_folder/b", "b/data").count == 25
    os.remove(photos / "wide.png")
    Image.new("RGBA", (8, 8), (9, 9, 9, 255)).save(photos / "opaque.png")  # taken without a question
    assert data.inspect("labeled_folder/c", new.run("photos", "c").folder + "/data").count == 25
    Image.new("RGBA", (8, 8), (9, 9, 9, 99)).save(photos / "clear.png")
    assert refused(capsys, *words).startswith("--background: images such as 'clear.png' are transparent.")
    assert "expected a colour such as white" in refused(capsys, *words, "--background=#ffff")
    new.run("photos", "d", new.Options(background="white"))
    assert data.inspect("labeled_folder/d", "d/data").count == 26


def test_unusable_images_are_left_out_and_said(photos):
    (photos / "empty.png").touch()
    (photos / "text.png").write_text("no image")
    Image.new("RGB", (4, 4)).save(photos / "0.png")
    (photos / "1.png").write_bytes((photos / "1.png").read_bytes()[:-30])  # its header is whole
    Image.new("CMYK", (8, 8)).save(photos / "press.jpg")
    Image.new("RGB", (8, 8)).save(photos / "a\nb.png")
    os.link(photos / "2.png", os.fsencode(photos) + b"/\xff.png")
    made = new.run("photos", "cups")
    for line in ("1 empty: 'empty.png'", "1 that cannot be read: 'text.png'", "1 smaller than 8 pixels: '0.png'",
                 "1 with colours of the kind CMYK: 'press.jpg'",
                 "1 with a line break in the name: 'a\\nb.png'"):  # fmt: skip
        assert f"  left out: {line}" in made.lines, (line, made.lines)
    assert "  note: used without labels, since the name is not UTF-8: 1 image, such as '\\udcff.png'." in made.lines
    assert data.inspect("labeled_folder/cups", "cups/data").count == 23
    assert "  note: left out, since the file is damaged: 1 image, such as '1.png'." in made.lines
    assert "  note: left out: 1 of the 12 labelled images." in made.lines


def test_grey_images_stay_grey(photos):
    for i in range(24):
        Image.fromarray(np.full([8, 8], 10 * i, np.uint8)).save(photos / f"{i}.png")
    new.run("photos", "cups")
    assert configs.load_config("cups/config.py").model.network.channels == 1
    assert data.inspect("labeled_folder/cups", "cups/data").shape == (8, 8, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing", "--out=cups"], "images: expected a folder with images. Received: 'nothing'."),
        (["--out=cups"], "images: expected the folder with the images."),
        (["photos"], "the following arguments are required: --out"),
        (["photos", "--out=photos"], "--out: expected a folder outside 'photos', whose images are read."),
        (["photos", "--out=photos/cups"], "--out: expected a folder outside 'photos'"),
        (["photos", "--out=photos/0.png/x"], "--out: expected a folder outside"),
        (["photos", "--out=file"], "--out: expected a folder. Received: 'file', and '"),
        (["photos", "--out=file/x"], "--out: expected a folder. Received: 'file/x', and '"),
        (["photos", "--out=other"], "--out: expected a new folder, or one of `ssgan new`. Received: 'other', which"),
        (["photos", "--out=odd"], "--out: odd/project.json is not a record of `ssgan new`: project.json: expected"),
        (["photos", "--out=cups", "--resolution=20"], "--resolution: expected one of 8, 16, 32, 64, 128, 256."),
        (["photos", "--out=cups", "--resolution=16"], "images: expected 8 or more in photos that can be used. "
         "Received: 0; left out: 24 smaller than 16 pixels: '0.png', '1.png', '2.png'."),
        (["photos", "--out=cups", "--hours=-1"], "--hours: expected a number above 0."),
        (["photos", "--out=cups", "--hours=nan"], "--hours: expected a number above 0."),
        (["photos", "--out=cups", "--values=shape"], "--values: expected COLUMN=VALUES, such as x=cube,ball"),
        (["photos", "--out=cups", "--values=shap=names"], "--values: expected one of ['shape', 'size']. Received: "
         "'shap'. Did you mean 'shape'?"),
        (["photos", "--out=cups", "--decimal=dot"], "--decimal: expected comma or point. Received: 'dot'."),
        (["photos", "--out=cups", "--labels=none.csv"], "--labels: expected the file of a table. Received: 'none"),
        (["photos", "--out=cups", "--labels=photos"], "--labels: expected the file of a table."),
        (["photos", "--out=cups", "--ignore=shape,size"], "--labels: expected a factor with two values or more."),
        (["empty", "--out=cups"], "images: expected PNG, JPEG, WebP"),
    ],
)  # fmt: skip
def test_wrong_input_gets_a_sentence_and_leaves_nothing(words, message, photos, capsys):
    Path("file").touch()
    os.mkdir("empty")
    for folder, name, text in (("other", "config.py", ""), ("odd", "project.json", '{"run": "run", "more": 1}')):
        os.mkdir(folder)
        Path(folder, name).write_text(text)
    before = sorted(map(str, Path().rglob("*")))
    assert refused(capsys, *words).startswith(message)
    assert sorted(map(str, Path().rglob("*"))) == before


def test_a_factor_of_too_many_names_is_refused(photos, capsys):
    rows = [["image", "shape"], *([f"{i}.png", f"{i % 6}" + "x" * 25_000] for i in range(24))]
    photo_folder.write_table(photos, rows)
    message = refused(capsys, "photos", "--out=cups")
    assert message.startswith("--ignore: expected fewer values than the 6 of 'shape'"), message


def test_of_two_at_the_same_time_one_waits(photos, capsys, monkeypatch):
    monkeypatch.setattr(preparation, "build", lambda *_: refused(capsys, "photos", "--out=cups") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        new.run("photos", "cups")
    assert not os.path.exists("cups")


def test_answers_are_written_as_flags_that_give_them_again():
    options = new.Options(
        values=("a=x,y", "b=0..1"), ignore=("notes", "my column"), skip_bad=True, hours=2, resolution=8
    )
    assert str(options) == "--ignore='notes,my column' --values='a=x,y;b=0..1' --skip_bad --resolution=8 --hours=2"
    assert str(new.Options()) == ""
    assert dataclasses.replace(options, unknown=("?", "a=-1")).for_labels().reading.unknown == {
        "": frozenset("?"), "a": frozenset({"-1"}),
    }  # fmt: skip

"""Session of the labelling page: what it shows after each key, without a browser and without TensorFlow."""

import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.editing import Factor as ModelFactor
from ssgan_tf.label import __main__ as program
from ssgan_tf.label import images
from ssgan_tf.label.answers import Answers
from ssgan_tf.label.background import Background
from ssgan_tf.label.factors import Factor
from ssgan_tf.label.guesses import to_cell
from ssgan_tf.label.proposals import Guess, Proposals
from ssgan_tf.label.session import Session
from ssgan_tf.label.table import Table

FACTORS = [Factor("shape", ("cube", "ball")), Factor("size", range=(0.0, 1.0))]


@pytest.fixture
def folder(tmp_path):
    for i in range(4):
        Image.new("RGB", (16, 16), (i, 0, 0)).save(tmp_path / f"{i}.png")
    return tmp_path


def make(folder, guess=None) -> Session:
    path = str(folder / "labels.csv")
    answers = Answers(Table(path), images.find_images(str(folder)), FACTORS)
    guesses = Background(guess) if guess else None
    return Session(
        str(folder), answers, Proposals(answers, lambda _: None, guesses.get if guesses else None), guesses, path
    )


def test_an_image_stays_until_all_questions_are_answered_or_skipped(folder):
    session = make(folder)
    state = session.act({"do": "look", "image": ""})
    image, following = state["image"], state["following"]
    assert state["open"] == ["shape", "size"] and following not in ("", image) and state["total"] == 4
    state = session.act({"do": "answer", "image": image, "answers": {"shape": "ball"}})
    assert state["image"] == image and state["open"] == ["size"] and state["cells"]["shape"] == "ball"
    state = session.act({"do": "skip", "image": image, "factors": ["size"]})
    assert state["image"] == following and state["skipped"] == 1
    state = session.act({"do": "undo", "image": following})
    assert state["image"] == image and state["open"] == ["size"] and state["undone"] == image
    assert state["factors"][0]["counts"] == [0, 1] and state["done"] == 1
    for _ in range(4):
        state = session.act({"do": "skip", "image": state["image"], "factors": state["open"]})
    assert state["image"] == "" and state["open"] == [] and state["following"] == ""


def test_a_grid_asks_one_factor(folder):
    session = make(folder)
    state = session.act({"do": "look", "image": "", "grid": "shape"})
    assert sorted(state["images"]) == [f"{i}.png" for i in range(4)]
    state = session.act({"do": "answer", "image": "2.png", "answers": {"shape": "cube"}, "grid": "shape"})
    assert sorted(state["images"]) == ["0.png", "1.png", "3.png"] and state["grid"] == "shape"


def test_guesses_arrive_when_they_are_computed(folder):
    session = make(folder, lambda image: Guess({"shape": "ball"}, {"shape": 0.0}))
    state = session.act({"do": "look", "image": ""})
    while state["waiting"]:
        time.sleep(0.01)
        state = session.act({"do": "look", "image": state["image"]})
    assert state["guesses"] == {"shape": "ball"} and state["trouble"] == ""


def test_a_model_that_fails_does_not_stop_the_page(folder):
    def fail(image):
        raise RuntimeError("model: damaged")

    session = make(folder, fail)
    state = session.act({"do": "look", "image": ""})
    while state["waiting"]:
        time.sleep(0.01)
        state = session.act({"do": "look", "image": state["image"]})
    assert state["trouble"] == "model: damaged" and state["guesses"] == {} and state["image"]


def test_malformed_requests_change_nothing(folder):
    session = make(folder)
    for request in (
        {"do": "answer", "image": "9.png", "answers": {"shape": "cube"}},
        {"do": "answer", "image": "../0.png", "answers": {"shape": "cube"}},
        {"do": "answer", "image": "0.png", "answers": {"shape": "<b>"}},
        {"do": "answer", "image": "0.png", "answers": []},
        {"do": "answer", "image": "0.png"},
        {"do": "look", "grid": "hue"},
        {"do": "delete"},
        {},
    ):
        assert session.act(request).keys() == {"error"}
    for image in ("../labels.csv", "labels.csv", "/etc/passwd", ""):
        assert session.image({"image": image}).keys() == {"error"}
    assert not (folder / "labels.csv").exists()


def test_images_of_many_kinds_are_shown_and_damaged_ones_get_a_sentence(folder):
    Image.new("RGBA", (900, 300), (255, 0, 0, 0)).save(folder / "clear.png")
    Image.fromarray(np.full((20, 20), 40_000, np.uint16)).save(folder / "deep.tif")
    Image.new("P", (10, 10)).save(folder / "palette.gif")
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 ...")
    (folder / "sub").mkdir()
    (folder / "sub/.hidden.png").touch()
    (folder / "sub/back").symlink_to(folder)
    assert images.find_images(str(folder))[-4:] == ["clear.png", "deep.tif", "palette.gif", "torn.jpg"]
    session = make(folder)
    starts = {"clear.png": "data:image/jpeg;", "deep.tif": "data:image/png;", "palette.gif": "data:image/png;"}
    for name, start in starts.items():
        assert session.image({"image": name})["address"].startswith(start)
        assert session.image({"image": name, "small": True})["address"].startswith("data:image/png;")
        assert images.vector(str(folder / name)).shape == (432,)
    error = session.image({"image": "torn.jpg"})["error"]
    assert error.startswith("torn.jpg: ") and str(folder) not in error


@pytest.mark.parametrize(
    ("factor", "model", "code", "cell"),
    [
        (FACTORS[0], ModelFactor("shape", 2, ("Ball", "Cube")), 0.1, "ball"),
        (FACTORS[0], ModelFactor("shape", 3, ("cone", "cube", "rod")), 0.1, ""),
        (FACTORS[0], ModelFactor("shape", 2), 0.9, "ball"),
        (Factor("n", ("0", "1", "2")), ModelFactor("n", 5), 0.52, "2"),
        (Factor("n", ("0", "1", "2")), ModelFactor("n", 5), 1.2, ""),
        (FACTORS[1], ModelFactor("size", 101, (), (0.0, 2.0)), 0.25, "0.5"),
        (FACTORS[1], ModelFactor("size", 101, (), (0.0, 2.0)), 0.75, "1.0"),
        (FACTORS[1], ModelFactor("size", 9), 0.3, "0.3"),
    ],
)
def test_a_models_code_becomes_a_cell(factor, model, code, cell):
    assert to_cell(factor, model, code) == cell


def test_the_program_starts_without_tensorflow_and_says_what_is_wrong(folder, capsys):
    code = "import sys; from ssgan_tf.label import server; print({'tensorflow', 'gradio'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
    (folder / "empty").mkdir()
    (folder / "export").mkdir()
    factors = "--factors=shape=cube,ball"
    for words, said in {
        (str(folder / "no"), factors): "error: images: expected a folder with images",
        (str(folder / "empty"), factors): "error: images: expected PNG, JPEG",
        (str(folder),): "--factors: expected what to ask for",
        (str(folder), factors, "--port=0"): "--port: expected a number",
        (str(folder), factors, "--labels=no/labels.csv"): "--labels: expected a file in an existing folder",
        (str(folder), factors, f"--model={folder}/export"): "--model: Expected a folder written by `ssgan export`",
        (str(folder), factors, "--colour"): "unrecognized arguments",
    }.items():
        with pytest.raises(SystemExit) as caught:
            program.main(words)
        error = capsys.readouterr().err
        assert caught.value.code == 2 and said in error and error.count("\n") == 1, error
    (folder / "labels.json").write_text("{}")
    with pytest.raises(SystemExit):
        program.main((str(folder), factors))
    assert "labels.json, which the data set is built from" in capsys.readouterr().err
    assert not (folder / "labels.csv.lock").exists()


def test_linked_folders_are_listed_once_and_under_their_own_path(tmp_path):
    (tmp_path / "z").mkdir()
    (tmp_path / "z/1.png").touch()
    (tmp_path / "a").symlink_to("z")
    (tmp_path / "z/up").symlink_to("..")
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "lost+found/2.png").touch()
    assert images.find_images(str(tmp_path)) == ["z/1.png"]

"""ssgan-edit on the toy model: files, messages and refusals."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import editing
from ssgan_tf.editing import Editor, __main__, images_out, to_uint8
from ssgan_tf.editing.model import ENCODER_ONLY


@pytest.fixture
def run(exported: Path, tmp_path: Path, capsys, monkeypatch):
    """Function that runs the command in an empty folder and returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run_command(*words: str) -> tuple[int, str, str]:
        code = __main__.main([f"--model={exported / '9'}", *words])
        return code, *capsys.readouterr()

    return run_command


@pytest.fixture
def photos(tmp_path: Path) -> list[np.ndarray]:
    """Images uint8 [4,4] of the files photos/a.png and photos/b.png; photo.png is a copy of the first."""
    (tmp_path / "photos").mkdir()
    rows = np.random.default_rng(0).uniform(0, 1, [2, 4, 4])  # images that the toy can generate
    rows[:, 0, 3] = rows[:, 2, 3] = 0
    rows[:, 2, :3] = 0.25 * rows[:, 0, :3]
    images = to_uint8(rows)
    for name, image in zip("ab", images, strict=True):
        Image.fromarray(image).save(tmp_path / "photos" / f"{name}.png")
    (tmp_path / "photos" / "notes.txt").write_text("not an image")
    shutil.copy(tmp_path / "photos" / "a.png", tmp_path / "photo.png")
    return list(images)


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_an_image_is_fitted_and_edited(run, photos) -> None:
    code, out, err = run("--in=photo.png", "--set=azimuth=0.25", "--set=shape=ball", "--out=new/edited.png")
    assert code == 0, err
    edited, codes = pixels("new/edited.png"), photos[0][0, :3] / 127.5 - 1
    assert edited.shape == (4, 4)
    np.testing.assert_allclose(edited[0, :3], to_uint8(np.array([0.25, 0.5, codes[2]])), atol=1)
    assert np.abs(edited[1].astype(int) - photos[0][1]).mean() < 30  # its noise was found
    assert "fitted to" in out and f"azimuth {codes[0]:.2f} -> 0.25" in out and "-> 0.50 (ball)" in out
    assert "new/edited.png" in out and "100 %" in err


def test_without_a_fit_the_noise_is_random(run, photos, editor: Editor) -> None:
    assert run("--in=photo.png", "--no_fit", "--seed=3", "--truncation=0.5", "--out=edited.png")[0] == 0
    codes = photos[0][None, 0, :3] / 127.5 - 1
    expected = editor.generate(codes, seed=3, truncation=0.5)
    np.testing.assert_allclose(pixels("edited.png"), to_uint8(expected)[0, ..., 0], atol=1)


def test_without_an_image_one_is_generated(run, editor: Editor) -> None:
    code, out, _ = run("--seed=5", "--truncation=0.5", "--set=scale=1", "--out=new.png")
    codes = editor.change(editor.random_codes(1, 5), {"scale": 1})
    np.testing.assert_array_equal(pixels("new.png"), to_uint8(editor.generate(codes, 5, None, 0.5))[0, ..., 0])
    assert code == 0 and "seed 5: " in out and "-> 1.00 (20)" in out


def test_a_folder_gives_a_folder(run, photos) -> None:
    code, out, err = run("--in=photos", "--set=azimuth=0", "--out=new", "--grid=new", "--gif=new", "--fit_steps=2")
    assert code == 0, err
    assert sorted(os.listdir("new")) == ["a-grid.png", "a.gif", "a.png", "b-grid.png", "b.gif", "b.png"]
    for name, photo in zip("ab", photos, strict=True):
        edited = pixels(f"new/{name}.png")
        expected = [128, *photo[0, 1:3]]
        np.testing.assert_allclose(edited[0, :3], expected, atol=10)  # after two steps
        assert f"photos/{name}.png, fitted to" in out
    assert run("--in=photo.png", "--in=photos/b.png", "--no_fit", "--out=two")[0] == 0
    assert sorted(os.listdir("two")) == ["b.png", "photo.png"]


def test_a_note_states_each_conversion(run, tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "wide.png")
    code, _, err = run("--in=wide.png", "--no_fit", "--out=new.png")
    assert code == 0
    assert [line.partition(":")[0] for line in err.splitlines()] == ["note", "note"]
    assert "30x20 pixels" in err and "grey" in err


def frames(path: str) -> list[np.ndarray]:
    """Returns the pixels [3] of the codes in each frame."""
    with Image.open(path) as animation:
        found = []
        for i in range(getattr(animation, "n_frames", 1)):
            animation.seek(i)
            found.append(np.asarray(animation.convert("L"))[32, 32:224:64])
    return found


def test_grids_and_animations_show_the_chosen_factors(run, editor: Editor, monkeypatch) -> None:
    grids = []
    monkeypatch.setattr(images_out, "save_grid", lambda rows, names, path: grids.append((rows, names, path)))
    assert run("--seed=1", "--set=scale=0.5", "--grid=all.png")[0] == 0
    assert run("--seed=1", "--sweep=shape,azimuth", "--steps=3", "--grid=two.png")[0] == 0
    (every, names, _), (two, chosen, _) = grids
    assert names == ["azimuth", "shape", "scale"] and every.shape == (3, 9, 4, 4, 1)
    np.testing.assert_allclose(every[:2, :, 0, 2, 0], 0.5, atol=1e-6)
    assert chosen == ["shape", "azimuth"] and two.shape == (2, 3, 4, 4, 1)
    np.testing.assert_allclose(two[0, :, 0, 1, 0], [0, 0.5, 1], atol=1e-6)

    before = editor.random_codes(1, 1)[0]
    assert run("--seed=1", "--set=azimuth=1", "--steps=4", "--gif=edit.gif")[0] == 0
    there_and_back = np.array([0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])
    expected = before[0] + there_and_back * (1 - before[0])
    found = np.array(frames("edit.gif"))
    np.testing.assert_allclose(found[:, 0], to_uint8(expected), atol=2)
    np.testing.assert_allclose(found[:, 1], to_uint8(before[1]), atol=2)
    assert run("--seed=1", "--set=azimuth=1", "--sweep=shape", "--steps=4", "--gif=sweep.gif")[0] == 0
    found = np.array(frames("sweep.gif"))
    np.testing.assert_allclose(found[:, 1], to_uint8(there_and_back), atol=2)
    np.testing.assert_allclose(found[:, 0], 255, atol=2)
    assert run("--seed=1", "--steps=4", "--gif=all.gif")[0] == 0
    assert len(frames("all.gif")) == 3 * 6


def test_a_video_is_written(run) -> None:
    assert run("--seed=1", "--sweep=shape", "--steps=4", "--mp4=a.mp4")[0] == 0
    reader = images_out.import_ffmpeg().read_frames("a.mp4")
    assert next(reader)["codec"] == "h264" and len([*reader]) == 6


def test_a_missing_video_library_is_named_before_anything_is_done(run, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    code, _, err = run("--seed=1", "--mp4=a.mp4")
    assert code == 2 and "pip install imageio-ffmpeg" in err and err.count("\n") == 1


# Runs a module as a program in a process in which importing TensorFlow fails.
WITHOUT_TENSORFLOW = """
import runpy, sys
sys.modules["tensorflow"] = None
sys.argv[0] = "ssgan-edit"
runpy.run_module("ssgan_tf.editing", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["--help"], 0, ["usage: ssgan-edit", "--truncation", "generated image"]),
        (["--what"], 2, ["error: ", "--what"]),
        ([], 2, ["error: nothing to write"]),
    ],
)
def test_help_and_wrong_flags_do_not_wait_for_tensorflow(words, code: int, expected, repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *words], cwd=repository, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    assert [word for word in expected if word not in done.stdout + done.stderr] == []


def test_the_factors_are_listed(run) -> None:
    code, out, _ = run("--list")
    assert code == 0 and out.splitlines() == ["azimuth: 5 values", "shape: cube, ball, 2", "scale: 10 to 20"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["nothing to write", "--out, --grid, --gif or --mp4"]),
        (["--out=a.png", "--what"], ["--what", "--help"]),
        (["--out=a.png", "--trunc=1"], ["--trunc"]),  # no abbreviations, which a later option could change
        (["--out=a.png", "--set=azimut=1"], ["--set", "'azimut'", "Did you mean 'azimuth'?"]),
        (["--out=a.png", "--set=azimuth"], ["--set", "FACTOR=VALUE", "'azimuth'"]),
        (["--out=a.png", "--set=shape=bal"], ["--set", "cube, ball", "Did you mean 'ball'?"]),
        (["--out=a.png", "--set=azimuth=1.5"], ["--set", "azimuth", "[0, 1]", "1.5"]),
        (["--out=a.png", "--in=photo.png", "--set=azimuth=+0.9"], ["--set", "azimuth", "[0, 1]", "'+0.9'"]),
        (["--out=a.png", "--sweep=hue"], ["--sweep", "'hue'"]),
        (["--out=a.png", "--steps=1"], ["--steps", "2 or more", "1"]),
        (["--out=a.png", "--fit_steps=0"], ["--fit_steps", "1 or more", "0"]),
        (["--out=a.png", "--seed=-1"], ["--seed", "0 or more", "-1"]),
        (["--out=a.png", "--seed=one"], ["--seed", "one"]),
        (["--out=a.png", "--truncation=2"], ["--truncation", "0 to 1", "2"]),
        (["--out=a.png", "--truncation=0.5", "--in=photo.png"], ["--truncation", "--no_fit"]),
        (["--out=a.png", "--no_fit"], ["--no_fit", "--in"]),
        (["--out=a"], ["--out", ".png", "'a'"]),
        (["--gif=a.png"], ["--gif", ".gif", "'a.png'"]),
        (["--in=photo.png", "--out=./photo.png"], ["--out", "a file different from --in"]),
        (["--in=photos", "--out=photos"], ["--out", "a file different from --in"]),
        (["--in=photo.png", "--in=photos/../photo.png", "--out=new"], ["--in", "different names"]),
        (["--in=empty", "--out=new"], ["--in", "'empty'", "none"]),
        (["--in=nowhere.png", "--out=a.png"], ["nowhere.png", "does not exist"]),
        (["--in=photos/notes.txt", "--out=a.png"], ["photos/notes.txt", "begins with b'not an image'"]),
        (["--out=photo.png/a.png"], ["--out", "cannot write"]),
        (["--out=a.png", "--model=photos"], ["ssgan export", "'photos'"]),
    ],
)
def test_bad_input_gets_one_line_and_nothing_is_written(words, expected, run, photos, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    code, out, err = run(*words)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1
    assert [word for word in expected if word not in err] == []
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


def test_ctrl_c_ends_the_command_with_one_line(run, monkeypatch) -> None:
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Editor, "edit", interrupt)
    assert run("--out=a.png")[::2] == (130, "error: interrupted.\n")


# Runs a copy of the folder in a process without the package, and prints the modules that it imported.
STRANGER = """
import json, sys
sys.modules["ssgan_tf"] = None  # importing it fails
import tensorflow, PIL.Image, PIL.ImageDraw, PIL.ImageFont, PIL.ImageOps
before = set(sys.modules)
from editing.__main__ import main
code = main(sys.argv[1:])
imported = {name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(json.dumps([code, sorted(imported - {"PIL"})]))
"""


def test_a_copy_of_the_folder_works_anywhere(exported: Path, tmp_path: Path, editor: Editor) -> None:
    shutil.copytree(Path(editing.__file__).parent, tmp_path / "editing", ignore=shutil.ignore_patterns("demo"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [f"--model={exported / '9'}", "--seed=4", "--out=a.png"]
    process = subprocess.run(
        [sys.executable, "-c", STRANGER, *words], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert process.stdout.splitlines()[-1:] == ['[0, ["editing"]]'], process.stderr
    expected = to_uint8(editor.generate(editor.random_codes(1, 4), 4))[0, ..., 0]
    np.testing.assert_array_equal(pixels(str(tmp_path / "a.png")), expected)


def test_no_file_is_overwritten_by_accident(run, photos) -> None:
    before = Path("photo.png").read_bytes()
    os.symlink("photo.png", "link.png")
    os.link("photo.png", "twin.png")
    os.symlink("photos", "album")
    for source, place in (("link.png", "photo.png"), ("photo.png", "link.png"), ("photo.png", "twin.png")):
        code, _, err = run(f"--in={source}", "--no_fit", f"--out={place}")
        assert code == 2 and f"--out: expected a file different from --in. Received: '{place}'" in err
    assert run("--in=photos", "--no_fit", "--out=album")[0] == 2
    code, _, err = run("--out=new.png", "--grid=./new.png")
    assert code == 2 and "--grid: expected a file different from --out. Received: './new.png'" in err
    assert Path("photo.png").read_bytes() == before and not Path("new.png").exists()


def test_files_that_cannot_be_written_are_refused_before_a_fit(run, photos, monkeypatch) -> None:
    monkeypatch.setattr(Editor, "fit", lambda *_: pytest.fail("fitted"))
    os.makedirs("there.png")
    Path("kept.png").write_bytes(b"kept")
    code, _, err = run("--in=photo.png", "--grid=new.png", "--out=there.png")
    assert code == 2 and err == "error: --out: cannot write 'there.png': Is a directory.\n"
    code, _, err = run("--in=photo.png", "--grid=kept.png", "--out=fine.png", "--gif=/proc/new.gif")
    # The reason that the system gives is another one for root.
    assert code == 2 and err.startswith("error: --gif: cannot write '/proc/new.gif': ")
    assert not Path("new.png").exists() and not Path("fine.png").exists() and Path("kept.png").read_bytes() == b"kept"


def test_a_factor_is_set_only_once_and_steps_are_limited(run) -> None:
    code, _, err = run("--set=azimuth=+0.1", "--set=azimuth=+0.1", "--out=new.png")
    assert code == 2 and "--set: expected each factor once. Received: azimuth=+0.1 and azimuth=+0.1." in err
    code, _, err = run("--steps=100000000", "--grid=new.png")
    assert code == 2 and "--steps: expected at most 1000. Received: 100000000." in err


def test_hidden_files_and_subfolders_are_ignored(run, photos) -> None:
    (Path("photos") / "more.png").mkdir()
    (Path("photos") / "._a.png").write_bytes(b"\0\5\26\7")  # macOS writes such files beside a.png on foreign disks
    code, _, err = run("--in=photos", "--no_fit", "--out=new")
    assert code == 0, err
    assert sorted(os.listdir("new")) == ["a.png", "b.png"]


def test_an_encoder_is_refused_before_anything_else(run, monkeypatch, tmp_path: Path) -> None:
    load = Editor.load

    def load_without(path):
        editor = load(path)
        editor.can_generate = False
        return editor

    monkeypatch.setattr(Editor, "load", load_without)
    code, out, err = run("--seed=1", "--out=new.png")
    assert (code, out) == (2, "") and not (tmp_path / "new.png").exists()
    assert err == f"error: --model: {ENCODER_ONLY}\n"
    assert run("--list")[0] == 0

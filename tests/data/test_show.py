"""ssgan data show: the images it chooses, what it measures, and invalid input."""

import re

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.core.codes import FactorSpec
from ssgan_tf.data import __main__ as program
from ssgan_tf.data import show
from tfds_builders.scene3d.scene3d_dataset_builder import Builder, Scene3dConfig

GRID = np.stack(np.meshgrid(range(2), range(3), indexing="ij"), axis=-1).reshape(-1, 2)  # Factors of 2 and 3 values.


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> str:
    """Folder with scene3d/tiny: scene3d/demo with two shapes, one scale and one azimuth."""
    folder = str(tmp_path_factory.mktemp("data"))
    config = Scene3dConfig(name="tiny", resolution=16, first={"shape": 2, "scale": 1, "azimuth": 1})
    Builder(config=config, data_dir=folder).download_and_prepare()
    return folder


def test_rows_of_a_whole_grid_differ_in_one_factor():
    chosen, exact = show.traversal_rows(GRID, [[0, 1], [0, 1, 2]], base=4)  # (1, 1)
    assert chosen == [[1, 4], [3, 4, 5]]
    assert exact == [True, True]


def test_rows_of_a_grid_with_gaps_come_as_near_as_they_can():
    factors = np.array([[0, 0, 0], [1, 2, 0], [1, -1, 1], [1, 0, 1]])
    chosen, exact = show.traversal_rows(factors, [[0, 1], [0, 1, 2], [0, 1]], base=0)
    assert chosen == [[0, 1], [0, None, 1], [0, 3]]
    assert exact == [False, False, False]
    # An unknown label agrees with nothing, not with another unknown one either.
    chosen, _ = show.traversal_rows(np.array([[0, -1], [1, -1], [1, 0]]), [[0, 1], [0, 1]], base=0)
    assert chosen == [[0, 1], [2, None]]


def test_some_of_many_values_are_shown_from_the_first_to_the_last():
    assert show.choose_values(5, 12) == [0, 1, 2, 3, 4]
    assert show.choose_values(183, 4) == [0, 61, 121, 182]
    assert show.choose_values(1001, 3) == [0, 500, 1000]


def test_values_are_called_what_they_are():
    assert show.value_text(FactorSpec("shape", 2, ("cup", "jug")), 1) == "jug"
    assert show.value_text(FactorSpec("hue", 6), 4) == "4"
    assert show.value_text(FactorSpec("angle", 1001, range=(-90.0, 90.0)), 750) == "45"


def test_of_a_number_the_nearest_value_is_shown():
    factors = np.array([[0], [340], [520], [-1], [1000], [360]])
    chosen, _ = show.traversal_rows(factors, [[0, 333, 667, 1000]], base=0, reach=[166])
    assert chosen[0][0] == 0 and chosen[0][3] == 4
    assert chosen[0][1] in (1, 5) and chosen[0][2] == 2


def test_neighbours_differ_by_one_in_one_factor():
    rng = np.random.default_rng(0)
    pairs = show.find_neighbours(GRID, 1, 100, rng)
    assert sorted(map(tuple, pairs)) == [(0, 1), (1, 2), (3, 4), (4, 5)]
    assert len(show.find_neighbours(GRID, 1, 3, rng)) == 3
    gaps = np.array([[0, 0], [0, 2], [1, -1], [0, -1]])
    assert show.find_neighbours(gaps, 0, 100, rng).shape == show.find_neighbours(gaps, 1, 100, rng).shape == (0, 2)


def test_image_and_table(data_dir, tmp_path, capsys):
    out = tmp_path / "new" / "factors.png"
    names = "shape,wall_hue,scale"
    assert program.main(
        ["show", "--dataset=scene3d/tiny", f"--data_dir={data_dir}", f"--out={out}", f"--factors={names}"]
    ) == 0
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line.split()[1:] for line in printed.splitlines()}
    assert "432 images" in printed
    assert float(lines["wall_hue"][1]) > 10 > float(lines["shape"][1]) > 0.5  # The mean changes.
    assert "no two images differ" in printed.splitlines()[4]  # scale has one value here.
    # Three rows and six columns of cells of 64 pixels and gaps between them, text around.
    image = np.asarray(Image.open(out))
    assert image.shape[0] > 3 * 65 and image.shape[1] > 6 * 65
    assert (image[-240:, -390:-65].reshape(-1, 3).std(axis=0) > 20).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset=scene3d/huge"], "--dataset: 'scene3d/huge' is not prepared"),
        (["--factors=shape,colour"], "--factors: expected names among .*Received: 'colour'"),
        (["--pairs=0"], "--pairs: expected 1 or more. Received: 0"),
        (["--seed=x"], "--seed: .*'x'"),
        (["--memory_gib=0"], "^error: --memory_gib: "),
        (["factors.png"], "unrecognized arguments: factors.png"),
        (["--out={blocked}/factors.png"], "--out: cannot write"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments, message, data_dir, tmp_path, monkeypatch, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.chdir(tmp_path)
    given = [argument.format(blocked=blocked) for argument in arguments]
    with pytest.raises(SystemExit) as end:
        program.main(["show", "--dataset=scene3d/tiny", f"--data_dir={data_dir}", *given])
    captured = capsys.readouterr()
    assert end.value.code == 2
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert re.search(message, line)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_as_a_function(data_dir):
    view = show.run("scene3d/tiny", data_dir, factors="wall_hue,scale", pairs=20)
    assert view.shape == (432, 16, 16, 3) and view.path == "" and view.mixed == ()
    hue, scale = view.changes
    assert (hue.factor.name, hue.pairs, scale.pairs) == ("wall_hue", 20, 0)
    assert hue.mean >= hue.weakest >= hue.least > 0
    assert "432 images" in repr(view) and view._repr_png_()[1:4] == b"PNG"
    with pytest.raises(ValueError, match="^columns: expected 2 or more. Received: 1"):
        show.run("scene3d/tiny", data_dir, columns=1)


def test_the_table_says_which_characters_are_escapes_in_the_image():
    view = show.DatasetView("x", (1, 8, 8, 3), np.zeros([8, 8, 3], np.uint8), (), (), escaped="色颜")
    assert repr(view).splitlines()[-1].startswith("No installed font has the characters 色颜: the image shows them as")

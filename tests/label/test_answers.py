"""Answers of ssgan label: on disk at once, whatever happens; skipped, taken back, and read by labeled_folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from ssgan_tf.label.answers import Answers
from ssgan_tf.label.factors import Factor, read_factors
from ssgan_tf.label.table import Table
from tfds_builders.labeled_folder.columns import read_columns
from tfds_builders.labeled_folder.declared import Declared
from tfds_builders.labeled_folder.labels import read_labels

FACTORS = (Factor("shape", ("cube", "ball")), Factor("size", range=(0.0, 1.0)))
IMAGES = [f"{i}.png" for i in range(8)]


def make(path: Path, **named) -> Answers:
    return Answers(Table(str(path)), IMAGES, FACTORS, **named)


def test_every_answer_is_in_the_file_at_once(tmp_path):
    path = tmp_path / "labels.csv"
    answers = make(path)
    assert not path.exists()
    answers.answer("3.png", {"shape": "ball"})
    assert path.read_text() == "image,shape\n3.png,ball\n"
    answers.answer("3.png", {"size": 0.25})
    answers.answer("1.png", {"size": "1"})
    assert path.read_text() == "image,shape,size\n3.png,ball,0.25\n1.png,,1.0\n"
    assert make(path).cells("3.png") == {"shape": "ball", "size": "0.25"}
    assert answers.open("3.png") == [] and answers.open("1.png") == ["shape"] and answers.done() == {"1.png", "3.png"}
    assert answers.counts("shape") == [0, 1] and answers.counts("size") == [0, 1, 0, 0, 1]


def test_other_columns_and_rows_stay_as_they_are(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text('\ufeffimage,notes,shape,,\n"1.png","a, ""b""",cube,,\nelsewhere.png,,ball\n2.png,x,NA\n')
    answers = make(path)
    assert answers.open("2.png") == ["shape", "size"] and answers.open("1.png") == ["size"]
    answers.answer("2.png", {"shape": "ball"})
    assert path.read_text() == 'image,notes,shape\n1.png,"a, ""b""",cube\nelsewhere.png,,ball\n2.png,x,ball\n'
    assert answers.counts("shape") == [1, 1]  # elsewhere.png is no image of the folder


def test_undo_takes_back_answers_and_skips_one_after_another(tmp_path):
    path = tmp_path / "labels.csv"
    answers = make(path)
    answers.answer("1.png", {"shape": "cube"})
    answers.answer("1.png", {"shape": "ball"})
    answers.skip("1.png", ["size"])
    answers.skip("2.png", ["shape", "size"])
    assert answers.skipped == 3 and answers.open("1.png") == [] and answers.open("2.png") == []
    assert answers.undo() == "2.png" and answers.open("2.png") == ["shape", "size"]
    assert answers.undo() == "1.png" and answers.open("1.png") == ["size"] and answers.skipped == 0
    assert answers.undo() == "1.png" and "1.png,cube\n" in path.read_text()
    assert answers.undo() == "1.png" and "1.png,\n" in path.read_text()
    assert answers.undo() == "" and not answers.can_undo


def test_what_another_program_writes_is_kept(tmp_path):
    path = tmp_path / "labels.csv"
    answers = make(path)
    answers.answer("1.png", {"shape": "cube"})
    path.write_text("image,hue,shape\n1.png,red,cube\n5.png,blue,ball\n")
    answers.answer("2.png", {"shape": "ball"})
    assert path.read_text() == "image,hue,shape\n1.png,red,cube\n5.png,blue,ball\n2.png,,ball\n"


def test_an_answer_that_is_not_written_did_not_happen(tmp_path, monkeypatch):
    path = tmp_path / "labels.csv"
    answers = make(path)
    answers.answer("1.png", {"shape": "cube"})
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="free some space"):
            answers.answer("2.png", {"shape": "ball"})
        with pytest.raises(OSError, match="free some space"):
            answers.undo()
    assert answers.cells("2.png")["shape"] == "" and answers.cells("1.png")["shape"] == "cube" and answers.can_undo
    assert sorted(os.listdir(tmp_path)) == ["labels.csv"]


def test_invalid_answers_change_nothing(tmp_path):
    answers = make(tmp_path / "labels.csv")
    for image, cells in (("x.png", {"shape": "cube"}), ("1.png", {"shape": "cone"}), ("1.png", {"hue": "red"})):
        with pytest.raises(ValueError, match="expected"):
            answers.answer(image, cells)
    assert not (tmp_path / "labels.csv").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image;shape\n1.png;cube\n", "line 1: expected image,<factor>"),
        ("image,shape,shape\n", "a different name for each column"),
        ("image,shape\n1.png,cube,3\n", "line 2: expected 2 cells"),
        ("image,shape\n1.png,cube\n1.png,ball\n", "line 3: '1.png' has a second row"),
        ('image,shape\n"1.png,cube\n', "expected comma-separated values"),
        ("image,shape\n\udcff,cube\n", "expected comma-separated values in UTF-8"),
    ],
)
def test_a_damaged_table_is_refused_and_left_alone(tmp_path, text, said):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError) as caught:
        Table(str(path))
    assert str(caught.value).startswith("labels: ") and said in str(caught.value)
    assert path.read_bytes() == text.encode(errors="surrogateescape")


def test_labeled_folder_reads_the_table(tmp_path):
    for image in IMAGES:
        Image.new("RGB", (8, 8)).save(tmp_path / image)
    factors = read_factors("shape=cube,ball;size=0..1;count=0,1,2", {})
    answers = Answers(Table(str(tmp_path / "labels.csv")), IMAGES, factors)
    for image, cells in zip(
        IMAGES, [{"shape": "ball", "size": 0, "count": "2"}, {"shape": "cube"}, {"size": 1}, {"size": ""}], strict=False
    ):
        answers.answer(image, cells)
    columns, skipped = read_columns(read_labels(tmp_path), Declared({}, {}, {"shape": ["cube", "ball"]}, {}), False)
    assert skipped == [] and [c.kind for c in columns] == ["categorical", "decimal", "integer"]
    assert columns[0].values.tolist() == [1, 0] + [-1] * 6 and columns[2].values.tolist() == [2] + [-1] * 7
    assert columns[1].known.tolist() == [True, False, True] + [False] * 5 and columns[1].bounds == (0.0, 1.0)


LABELLER = """
import sys
from ssgan_tf.label.answers import Answers
from ssgan_tf.label.factors import Factor
from ssgan_tf.label.table import Table
images = [f"{i}.png" for i in range(100_000)]
answers = Answers(Table(sys.argv[1]), images, [Factor("shape", ("cube", "ball"))])
for i in range(len(answers.done()), 100_000):
    answers.answer(images[i], {"shape": ("cube", "ball")[i % 2]})
    print(i, flush=True)
"""


def kill_while_answering(path: Path, repository: Path, seconds: float) -> int:
    """Kills a program that answers as fast as it can; returns the number of answers that it has acknowledged."""
    process = subprocess.Popen([sys.executable, "-c", LABELLER, path], cwd=repository, stdout=subprocess.PIPE)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    lines = [first, *process.stdout.readlines()]
    process.wait()
    return int(next(line for line in reversed(lines) if line.endswith(b"\n"))) + 1


def check_answers(path: Path, acknowledged: int) -> None:
    """Checks that a table has all acknowledged answers, at most one more, and nothing else."""
    rows = Table(str(path)).rows
    assert acknowledged <= len(rows) <= acknowledged + 1
    assert all(rows[f"{i}.png"] == [("cube", "ball")[i % 2]] for i in range(len(rows)))


def test_nothing_is_lost_by_a_kill(tmp_path, repository):
    path = tmp_path / "labels.csv"
    for seconds in (0.05, 0.11):
        check_answers(path, kill_while_answering(path, repository, seconds))

"""ssgan label --merge: labels of several people in one table, and what they differ on."""

import pytest

from ssgan_tf.label import __main__ as program
from ssgan_tf.label import merge

ANN = "image,shape,size\na.png,cube,0.5\nb.png,ball,\nc.png,cube,0.0\nd.png,,1.0\n"
BOB = "image,size,shape,hue\na.png,0.54,cube,3\nb.png,,cube,\nc.png,0.9,,1\ne.png,,ball,2\n"


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ann.csv").write_text(ANN)
    (tmp_path / "bob.csv").write_text(BOB)
    return tmp_path


def test_labels_are_united_and_conflicts_are_listed_and_left_open(tables, capsys):
    assert program.main(["--merge", "ann.csv", "bob.csv", "--out=both.csv"]) == 3
    assert (tables / "both.csv").read_text() == (
        "image,shape,size,hue\na.png,cube,0.52,3\nb.png,,,\nc.png,cube,,1\nd.png,,1.0,\ne.png,ball,,2\n"
    )
    out = capsys.readouterr().out
    assert "both.csv: 8 labels of 5 images." in out
    assert "shape: 2 labelled more than once, 1 agree, 1 do not." in out
    assert "size: 2 labelled more than once, 1 agree, 1 by their mean, 1 do not." in out
    assert "conflict: b.png, shape: 'ball' in ann.csv, 'cube' in bob.csv" in out
    assert "conflict: c.png, size: '0.0' in ann.csv, '0.9' in bob.csv" in out
    assert (tables / "ann.csv").read_text() == ANN and (tables / "bob.csv").read_text() == BOB


def test_three_tables_that_agree(tables, capsys):
    (tables / "eve.csv").write_text("image,shape\nz.png,ball\n")
    (tables / "joe.csv").write_text("image,shape\nz.png,ball\na.png,NA\n")
    merged = merge(["eve.csv", "joe.csv", "eve.csv"], "all.csv")
    assert merged.conflicts == [] and merged.labels == 1 and merged.shared == {"shape": 1}
    assert program.main(["--merge", "eve.csv", "joe.csv", "--out=two.csv"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--merge", "ann.csv", "--out=c.csv"], "--merge: expected two or more tables"),
        (["--merge", "ann.csv", "bob.csv"], "--merge: expected --merge TABLE TABLE ... --out=TABLE"),
        (["--merge", "ann.csv", "no.csv", "--out=c.csv"], "Received: 'no.csv', which is no file"),
        (["--merge", "ann.csv", "bob.csv", "--out=bob.csv"], "--out: expected a new file"),
        (["--merge", "ann.csv", "bob.csv", "--out=no/c.csv"], "No such file or directory"),
    ],
)
def test_what_cannot_be_merged_gets_one_line(tables, capsys, words, said):
    with pytest.raises(SystemExit) as caught:
        program.main(words)
    error = capsys.readouterr().err
    assert caught.value.code == 2 and said in error and error.count("\n") == 1
    assert (tables / "bob.csv").read_text() == BOB

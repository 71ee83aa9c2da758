"""Labels as people have them: every format becomes the same plain factors, and what is ambiguous is asked for."""

import json
import unicodedata
from pathlib import Path

import pytest

from ssgan_tf.new.labels import LabelOptions, Labels, Reading, read_labels

IMAGES = ["a.png", "b.png", "c.jpg", "d.png"]


def read(folder: Path, name: str, content: str | bytes, images=IMAGES, **options) -> Labels:
    """Writes a table beside images that are names alone, and reads it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reading = {field: options.pop(field) for field in ("values", "unknown", "decimal") if field in options}
    return read_labels(str(folder), images, LabelOptions(**options, reading=Reading(**reading)))


def cells(labels: Labels) -> dict[str, list[str]]:
    return {factor.name: list(factor.cells) for factor in labels.factors}


def kinds(labels: Labels) -> dict[str, str]:
    return {factor.name: factor.kind for factor in labels.factors}


def refused(folder: Path, name: str, content: str | bytes, match: str, images=IMAGES, **options) -> None:
    with pytest.raises(ValueError, match=match) as error:
        read(folder, name, content, images, **options)
    assert len(str(error.value)) <= 500, len(str(error.value))


PLAIN = "image,shape,size\na.png,cube,0.5\nb.png,ball,1\nc.jpg,cube,\n"
RECORDS: list[tuple[str, dict[str, object]]] = [
    ("a.png", {"shape": "cube", "size": 0.5}),
    ("b.png", {"shape": "ball", "size": 1}),
    ("c.jpg", {"shape": "cube", "size": None}),
]
COLUMNS = {"shape": {"0": "cube", "1": "ball", "2": "cube"}, "size": {"0": 0.5, "1": 1.0, "2": None}}
SPLIT = [["a.png", "cube", 0.5], ["b.png", "ball", 1.0], ["c.jpg", "cube", None]]
WANTED = {"shape": ["cube", "ball", "cube"], "size": ["0.5", "1.0", ""]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", PLAIN),
        ("labels.csv", "\ufeff" + PLAIN.replace("\n", "\r\n")),
        ("labels.csv", PLAIN.replace("\n", ",,\n") + ",,,,\n"),  # Excel's trailing commas, and an empty row
        ("labels.csv", PLAIN.replace(",", ";")),
        ("labels.csv", "sep=;\n" + PLAIN.replace(",", ";")),
        ("labels.csv", PLAIN.replace(",", ";").replace(".5", ",5")),
        ("Labels.tsv", PLAIN.replace(",", "\t")),
        ("labels.txt", PLAIN.replace(",", "|")),
        ("unicode.txt", PLAIN.replace(",", "\t").encode("utf-16")),  # Excel's "Unicode text"
        ("frame.csv", ",filename,shape,size\n0,a.png,cube,0.5\n1,b.png,ball,1.0\n2,c.jpg,cube,\n"),
        ("frame.csv", "Unnamed: 0,shape,File,size\n0,cube,a.png,0.5\n1,ball,b.png,1.0\n2,cube,c.jpg,nan\n"),
        ("labels.csv", PLAIN.replace("image", "Image ").replace("cube", " cube ").replace("b.png", " b.png")),
        ("labels.csv", "shape,photo of it,size\ncube,a.png,0.5\nball,b.png,1\ncube,c.jpg,\n"),
        ("labels.json", json.dumps(dict(RECORDS))),
        ("rows.json", json.dumps([{"file": name, **cells} for name, cells in RECORDS])),
        ("columns.json", json.dumps({"file": {"0": "a.png", "1": "b.png", "2": "c.jpg"}, **COLUMNS})),
        ("split.json", json.dumps({"columns": ["file", "shape", "size"], "index": [0, 1, 2], "data": SPLIT})),
        ("metadata.jsonl", "".join(json.dumps({"file_name": name, **cells}) + "\n" for name, cells in RECORDS)),
        ("sub/deep/labels.csv", PLAIN),
        ("labels.csv", PLAIN.replace("a.png", "C:\\Users\\a.png").replace("b.png", "B.PNG").replace("c.jpg", "c")),
    ],
)  # fmt: skip
def test_every_format_becomes_the_same_factors(name, content, tmp_path):
    labels = read(tmp_path, name, content)
    assert (cells(labels), list(labels.images)) == (WANTED, IMAGES[:3])
    assert kinds(labels) == {"shape": "names", "size": "numbers"}
    assert labels.factors[0].values == ("ball", "cube") and labels.factors[1].range == (0.5, 1.0)
    assert (labels.labelled, labels.complete) == (3, 2)


def test_class_numbers_of_stylegan(tmp_path):
    labels = read(tmp_path, "dataset.json", json.dumps({"labels": [["a.png", 6], ["b.png", 10], ["d.png", 6]]}))
    assert cells(labels) == {"class": ["6", "10", "6"]} and labels.factors[0].values == ("6", "10")
    refused(tmp_path, "dataset.json", '{"labels": null}', "Received: a dataset.json without any")
    refused(tmp_path, "dataset.json", '{"labels": [["a.png", 1], ["b.png"]]}', "entry 2: expected")


def test_label_vectors_of_stylegan(tmp_path):
    vectors = {"labels": [["a.png", [0.1, 2]], ["b.png", [0.3, 1]], ["c.jpg", [0.1, 1]]]}
    labels = read(tmp_path, "dataset.json", json.dumps(vectors))
    assert cells(labels) == {"label_0": ["0.1", "0.3", "0.1"], "label_1": ["2", "1", "1"]}
    labels = read(tmp_path, "dataset.json", json.dumps({"labels": [["a.png", [0, 1, 0]], ["b.png", [0, 0, 1]]]}))
    assert cells(labels) == {"class": ["1", "2"]} and "single 1" in labels.notes[0]
    refused(
        tmp_path, "dataset.json", '{"labels": [["a.png", [1, 2]], ["b.png", [1]]]}', "entry 2: expected a vector of 2"
    )


def test_a_huge_dataset_json_of_other_images_gets_a_short_sentence(tmp_path):
    content = json.dumps({"labels": [[f"00000/img{i:08d}.png", i % 10] for i in range(70_000)]})
    refused(tmp_path, "dataset.json", content, "no row of 70,000 names one", labels=str(tmp_path / "dataset.json"))
    refused(
        tmp_path, "dataset.json", content.replace("]]", "], 3]"), "entry 70001", labels=str(tmp_path / "dataset.json")
    )


def test_list_attr_tables_have_no_before_yes(tmp_path):
    content = "3\nSmiling  Male Young\na.png  1 -1  1\nb.png -1 -1  1\nc.jpg -1  1 1\n"
    labels = read(tmp_path, "Anno/list_attr.txt", content)
    assert cells(labels) == {"Smiling": ["yes", "no", "no"], "Male": ["no", "no", "yes"]}
    assert labels.factors[0].values == ("no", "yes")
    assert any("'Young' has only the value '1'" in note for note in labels.notes)
    refused(tmp_path, "Anno/list_attr.txt", content.replace(" 1\nc", "\nc"), "line 4: expected an image and 3 values")


def test_words_between_spaces(tmp_path):
    labels = read(tmp_path, "identity.txt", "a.png 3\nb.png 0\nc.jpg 3\n", columns=("image", "who"))
    assert cells(labels) == {"who": ["3", "0", "3"]} and kinds(labels) == {"who": "integers"}
    refused(tmp_path, "identity.txt", "a.png 3\nb.png 0\n", "has no header.*--columns=image,shape$")


def column(folder: Path, texts: list[str], **options) -> Labels:
    """Reads a table with the single column x."""
    images = [f"{i}.png" for i in range(len(texts))]
    text = "image,x\n" + "".join(f'{image},"{value}"\n' for image, value in zip(images, texts, strict=True))
    return read(folder, "labels.csv", text, images, **options)


@pytest.mark.parametrize(
    ("values", "kind", "expected", "order"),
    [
        (["1.0", "", "2.0"], "integers", ["1", "", "2"], ()),
        (["0", "3", "1"], "integers", ["0", "3", "1"], ()),
        (["1.0", "2.5", ""], "numbers", ["1.0", "2.5", ""], ()),
        (["1e-2", "2", ""], "numbers", ["0.01", "2.0", ""], ()),
        (["0,5", "1", ""], "numbers", ["0.5", "1.0", ""], ()),
        (["True", "False", ""], "names", ["True", "False", ""], ("False", "True")),
        (["1", "-1", "-1"], "names", ["yes", "no", "no"], ("no", "yes")),
        (["yes", "no", "NA"], "names", ["yes", "no", ""], ("no", "yes")),
        (["type 10", "type 9", "None", "#N/A", "<NA>", "nan", "NULL"], "names", ["type 10", "type 9", *[""] * 5],
         ("type 9", "type 10")),
        (["gr\u00fcn", "gru\u0308n", "rot"], "names", ["gr\u00fcn", "gr\u00fcn", "rot"], ("gr\u00fcn", "rot")),
    ],
)  # fmt: skip
def test_kinds_of_columns(values, kind, expected, order, tmp_path):
    labels = column(tmp_path, values)
    assert (kinds(labels), cells(labels)) == ({"x": kind}, {"x": expected})
    assert labels.factors[0].values == order


def test_cells_that_count_as_unknown_are_noted(tmp_path):
    labels = column(tmp_path, ["cube", "None", "NA", "ball", "nan"])
    assert "column 'x': 'None' (1), 'NA' (1), 'nan' (1) counted as unknown." in labels.notes
    declared = column(tmp_path, ["round", "None", "NA", "round"], values={"x": "None,round"})
    assert cells(declared) == {"x": ["round", "None", "", "round"]}


@pytest.mark.parametrize(
    ("values", "question", "answers"),
    [
        (["-1", "0", "1"], "integers from -1 to 1: --unknown=x=-1 if -1 means unknown",
         {"unknown": {"x": frozenset({"-1"})}, "values": {"x": "-1,0,1"}}),
        (["-1", "0", "7"], "integers from -1 to 7", {"unknown": {"": frozenset({"-1"})}, "values": {"x": "numbers"}}),
        (["-30", "0", "30"], "integers from -30 to 30", {"values": {"x": "names"}}),
        (["1999", "2005", "2010"], "3 different integers from 1999 to 2010", {"values": {"x": "integers"}}),
        ([str(3 * i) for i in range(30)], "another number in each of its 30 rows", {"ignore": ("x",)}),
        (["3", "cube", "4"], r"numbers such as '3' \(2\) and words such as 'cube' \(1\)", {"values": {"x": "names"}}),
        (["1,234", "2,500"], "--decimal=comma if", {"decimal": "comma"}),
        (["cube", "ball", "?"], r"has '\?' \(1\) beside names", {"unknown": {"": frozenset("?")}}),
        (["cube", "Cube", "ball"], r"'Cube' \(1\) and 'cube' \(1\): --values='x=ball,", {"values": {"x": "cube,ball"}}),
        (["red|round", "red", "round"], "no and yes of each of the 2", {"values": {"x": "several"}}),
        (["red, round", "red", "round, red"], "cells such as 'red, round'", {"values": {"x": "several"}}),
        (["['red']", "['red', 'round']", "[]"], "cells such as", {"values": {"x": "several"}}),
        ([f"a note about {i}" for i in range(9)], "9 different texts in 9 rows.*--ignore=x", {"ignore": ("x",)}),
    ],
)  # fmt: skip
def test_what_is_ambiguous_is_asked_with_the_option_that_settles_it(values, question, answers, tmp_path):
    with pytest.raises(ValueError, match=question) as error:
        column(tmp_path, values)
    assert str(error.value).startswith("labels: column x has ") and len(str(error.value)) <= 500
    for name, answer in answers.items():
        try:
            column(tmp_path, values, **{name: answer})
        except ValueError as after:
            assert "expected a factor with two values" in str(after)  # nothing else was in the table


def test_columns_with_the_same_question_are_asked_for_together(tmp_path):
    names = [f"attribute {k}" for k in range(40)]
    rows = "".join(f"{i}.png,{','.join([str(i - 1)] * 40)},{i}.5\n" for i in range(3))
    images = [f"{i}.png" for i in range(3)]
    refused(
        tmp_path, "labels.csv", f"image,{','.join(names)},notes\n{rows}",
        "The same is open for attribute 1, attribute 2, attribute 3 and 36 more", images,
    )  # fmt: skip


def test_several_labels_in_a_cell_become_factors(tmp_path):
    labels = column(tmp_path, ["red|round", "", "round"], values={"x": "several"})
    assert cells(labels) == {"red": ["yes", "", "no"]}
    assert any("'round' is in every row" in note for note in labels.notes)


def test_declared_values_have_their_order_and_take_other_cases(tmp_path):
    labels = column(tmp_path, ["Small", "large", "medium", "1.0"], values={"x": "small,medium,large,1"})
    assert labels.factors[0].values == ("small", "medium", "large", "1")
    assert cells(labels) == {"x": ["small", "large", "medium", "1"]}
    with pytest.raises(
        ValueError, match="^values: expected one of 'small,large' in column 'x'. Received: 'medium'; add"
    ):
        column(tmp_path, ["small", "medium", "large"], values={"x": "small,large"})
    with pytest.raises(ValueError, match=r"^values: expected one of \['x'\]. Received: 'y'"):
        column(tmp_path, ["1", "2"], values={"y": "names"})
    assert column(tmp_path, ["5", "90,5"], values={"x": "0..360"}).factors[0].range == (0, 360)


def test_thousands(tmp_path):
    assert cells(column(tmp_path, ["1,234", "12"], decimal="comma", values={"x": "numbers"})) == {
        "x": ["1.234", "12.0"]
    }
    assert cells(column(tmp_path, ["1,234", "12"], decimal="point", values={"x": "numbers"})) == {
        "x": ["1234.0", "12.0"]
    }


# Names of images.


@pytest.mark.parametrize(
    ("name", "image", "difference"),
    [
        ("a.png", "a.png", ""),
        (" a.png ", "a.png", "spaces"),
        ("./a.png", "a.png", "slashes"),
        ("A.PNG", "a.png", "case"),
        ("a", "a.png", "ending"),
        ("a.jpg", "a.png", "ending"),
        ("sub\\b.png", "sub/b.png", "slashes"),
        ("SUB\\B", "sub/b.png", "ending"),
        ("b.png", "sub/b.png", "folder"),
        ("D:\\photos\\b", "sub/b.png", "folder and the ending"),
        ("/home/ann/photos/x/same.png", "x/same.png", "folder"),
        ("7", "0007.png", "zeros"),
        (unicodedata.normalize("NFD", "grün.png"), unicodedata.normalize("NFC", "grün.png"), "accents"),
        (" lead.png", " lead.png", ""),
    ],
)
def test_a_name_with_one_candidate_is_taken_and_noted(name, image, difference, tmp_path):
    images = ["a.png", "sub/b.png", "x/same.png", "y/same.png", "0007.png", "grün.png", " lead.png", "z.png"]
    labels = read(tmp_path, "labels.csv", f'image,x\n"{name}",1\nz.png,0\n', images)
    assert set(labels.images) == {image, "z.png"}
    noted = [note for note in labels.notes if "1 names differ" in note]
    assert (len(noted) == 1 and difference in noted[0]) if difference else not noted


@pytest.mark.parametrize(
    ("name", "images"),
    [("a", ["a.png", "a.jpg"]), ("same.png", ["x/same.png", "y/same.png"]), ("A.png", ["a.png", "a.PNG"])],
)
def test_a_name_with_several_candidates_is_asked_for(name, images, tmp_path):
    content = f"image,x\n{name},1\nz.png,0\nq.png,1\n"
    images = [*images, "z.png", "q.png"]
    refused(tmp_path, "labels.csv", content, "line 2: .* may be .* or .*; write the whole name, --ending=.png", images)
    assert read(tmp_path, "labels.csv", content, images, skip_bad=True).images == ("z.png", "q.png")
    if name == "a":
        assert "a.jpg" in read(tmp_path, "labels.csv", content, images, ending=".jpg").images


def test_rows_without_an_image_and_second_rows(tmp_path):
    content = "image,x\na.png,1\nnone.png,0\nb.png,0\na.png,1\n"
    labels = read(tmp_path, "labels.csv", content)
    assert "1 of 4 rows name no image of the folder: 'none.png', line 3." in labels.notes
    assert any("1 of 4 rows repeat another row" in note for note in labels.notes)
    refused(tmp_path, "labels.csv", content + "a.png,0\n", "line 6: 'a.png' has another row with other labels, line 2")
    refused(
        tmp_path,
        "labels.csv",
        "image,x\nq.png,1\nw.png,2\n",
        "cells such as 'q.png'",
        labels=str(tmp_path / "labels.csv"),
    )


# Tables, columns and subfolders.


def test_of_several_tables_one_is_asked_for_and_labels_csv_is_the_first(tmp_path):
    (tmp_path / "old.csv").write_text(PLAIN)
    refused(
        tmp_path, "new.csv", PLAIN, "has 2 tables that name its images. Choose one: --labels=.*/new.csv or --labels="
    )
    labels = read(tmp_path, "labels.csv", PLAIN)
    assert labels.source.startswith(f"{tmp_path}/labels.csv") and "other tables are not: " in labels.notes[0]
    assert read(tmp_path, "x.csv", PLAIN, labels=str(tmp_path / "old.csv")).source.startswith(f"{tmp_path}/old.csv")


def test_other_files_are_no_tables(tmp_path):
    (tmp_path / "README.txt").write_text("These are photos,\nnot labels.")
    (tmp_path / "a.json").write_text('{"annotation": 3}')
    (tmp_path / "prices.csv").write_text("item,price\ntea,3\n")
    assert cells(read(tmp_path, "labels.csv", PLAIN)) == WANTED


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"PK\x03\x04...", "a workbook of a spreadsheet"),
        (b"\x00\x01\x02\xff", "other data"),
        ("", "an empty file"),
        ("image,x\n", "a header alone"),
        ("image\na.png\n", "a single column"),
        ("image,x\na.png,1,2\n", "line 2: expected 2 cells, as in the first line. Received: 3"),
        ('image,x\na.png,"1\n', "unexpected end of data"),
        ("image,x,x\na.png,1,2\n", "every column once"),
        ("path,file,x\na.png,b.png,1\n", "--image_column='path' or --image_column='file'"),
        ("colour,x\nred,2\n", "no column names images"),
        ("[" * 100_000, "expected JSON"),
        ('{"a.png": {"x": ' + "9" * 5_000 + "}}", "expected JSON"),
        ('{"a.png": {"x": [[1]]}}', "entry 1, 'x': expected one value"),
        ("3", "a single column"),
        ("image," + "y" * 300 + "\na.png,1\n", "at most 200 bytes"),
    ],
)
def test_files_that_cannot_be_read_get_a_sentence(content, match, tmp_path):
    refused(tmp_path, "labels.csv", content, match, labels=str(tmp_path / "labels.csv"))


def test_windows_1252_is_read_and_noted(tmp_path):
    labels = read(tmp_path, "labels.csv", "image,x\na.png,grün\nb.png,rot\n".encode("cp1252"))
    assert cells(labels) == {"x": ["grün", "rot"]} and "Windows-1252, for example 'a.png,grün'" in labels.notes[0]


def test_columns_are_left_out_where_asked_or_constant(tmp_path):
    content = "image,x,notes,same,empty,a/b\na.png,1,hello there,5,,u\nb.png,0,what is it,5,,v\n"
    labels = read(tmp_path, "labels.csv", content, ignore=("notes",))
    assert list(cells(labels)) == ["x", "a_b"]
    assert "column 'same' has only the value '5', and is left out." in labels.notes
    assert "column 'empty' has no label, and is left out." in labels.notes
    refused(tmp_path, "labels.csv", content, "ignore: expected one of .*Did you mean 'notes'", ignore=("note",))


def test_a_class_per_subfolder_is_offered(tmp_path):
    images = ["cat/1.png", "cat/2.png", "dog/1.png"]
    with pytest.raises(
        ValueError, match=r"2 subfolders, such as 'cat' \(2\), 'dog' \(1\): --folders=NAME1 makes a factor"
    ):
        read_labels(str(tmp_path), images, LabelOptions())
    labels = read_labels(str(tmp_path), images, LabelOptions(folders=("animal",)))
    assert cells(labels) == {"animal": ["cat", "cat", "dog"]} and labels.source == "the subfolders"
    both = read(tmp_path, "labels.csv", "image,x\ncat/1.png,1\ndog/1.png,0\n", images, folders=("animal",))
    assert cells(both) == {"x": ["1", "", "0"], "animal": ["cat", "cat", "dog"]}
    offered = read(tmp_path, "labels.csv", "image,x\ncat/1.png,1\ndog/1.png,0\n", images)
    assert any("--folders=NAME1" in note for note in offered.notes)


def test_levels_of_subfolders(tmp_path):
    images = ["sets/apple/face/1.png", "sets/google/face/1.png", "sets/google/hand/2.png"]
    labels = read_labels(str(tmp_path), images, LabelOptions(folders=("-", "vendor", "category")))
    assert cells(labels) == {"vendor": ["apple", "google", "google"], "category": ["face", "face", "hand"]}
    with pytest.raises(ValueError, match="^folders: expected a name for each of 3 levels"):
        read_labels(str(tmp_path), images, LabelOptions(folders=("a", "b", "c", "d")))


def test_a_folder_without_labels_gets_the_next_command(tmp_path):
    with pytest.raises(
        ValueError, match="^labels: expected a table of labels in .*Received: none. Label some images with"
    ):
        read_labels(str(tmp_path), IMAGES, LabelOptions())

"""labeled_folder, the table: its two formats, the kinds of columns, and errors about bad ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from tfds_builders.labeled_folder.columns import Column, check_variation, read_columns
from tfds_builders.labeled_folder.declared import Declared
from tfds_builders.labeled_folder.files import natural_key
from tfds_builders.labeled_folder.labels import Table, read_labels


def declare(**fields: dict) -> Declared:
    declared = Declared(**{"kinds": {}, "sizes": {}, "categories": {}, "ranges": {}, **fields})
    declared.check()
    return declared


def table_of(folder: Path, cells: list[str], more: str = "") -> Table:
    """Writes and reads a table with the single column x."""
    for i in range(len(cells)):
        (folder / f"{i}.png").touch()
    lines = [f'{i}.png,"{cell}"\n' for i, cell in enumerate(cells)]
    (folder / "labels.csv").write_text("image,x\n" + "".join(lines) + more, encoding="utf-8")
    return read_labels(folder)


def column_of(folder: Path, cells: list[str], skip_bad: bool = False, **fields: dict) -> Column:
    table, declared = table_of(folder, cells), declare(**fields)
    (column,), _ = read_columns(table, declared, skip_bad)
    check_variation(table, [column], declared, range(len(table.images)))
    return column


def test_words_become_labels_in_natural_order(tmp_path: Path) -> None:
    column = column_of(tmp_path, ["type 10", "", "Type 9", "type 1", "ähre"])
    assert (column.kind, column.size) == ("categorical", 4)
    assert column.categories == ("type 1", "Type 9", "type 10", "ähre")
    assert column.values.tolist() == [2, -1, 1, 0, 3]


def test_integers_are_their_own_labels(tmp_path: Path) -> None:
    column = column_of(tmp_path, ["3", "", "00", "1"])
    assert (column.kind, column.size, column.values.tolist()) == ("integer", 4, [3, -1, 0, 1])


def test_one_decimal_point_makes_a_column_decimal(tmp_path: Path) -> None:
    column = column_of(tmp_path, ["3", "", "-.5", "+1e1"])
    assert (column.kind, column.size, column.bounds) == ("decimal", 0, (-0.5, 10.0))
    assert column.values.dtype == np.float32
    np.testing.assert_array_equal(column.values, np.array([3, np.nan, -0.5, 10], np.float32))
    assert column.known.tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    ("cells", "fields", "kind", "values"),
    [
        (["-1", "2005"], {"kinds": {"x": "decimal"}}, "decimal", [-1, 2005]),
        (["1999", "2005"], {"kinds": {"x": "categorical"}}, "categorical", [0, 1]),
        (["1999", "2005"], {"kinds": {"x": "integer"}}, "integer", [1999, 2005]),
        (["1999", "2005"], {"sizes": {"x": 2006}}, "integer", [1999, 2005]),
        (["0", "90"], {"ranges": {"x": [0, 360]}}, "decimal", [0, 90]),
        (["3", "cube"], {"kinds": {"x": "categorical"}}, "categorical", [0, 1]),
        (["large", "small"], {"categories": {"x": ["small", "medium", "large"]}}, "categorical", [2, 0]),
        (["small", ""], {"categories": {"x": ["small", "large"]}}, "categorical", [0, -1]),
        (["0.5", ""], {"ranges": {"x": [0, 1]}}, "decimal", [0.5, np.nan]),
    ],
)
def test_declarations_in_the_config_take_precedence(
    cells: list[str], fields: dict, kind: str, values: list[float], tmp_path: Path
) -> None:
    column = column_of(tmp_path, cells, **fields)
    assert column.kind == kind
    np.testing.assert_array_equal(column.values, values)


def test_rounding_never_steps_out_of_the_range(tmp_path: Path) -> None:
    column = column_of(tmp_path, ["0.1", "0.7"], ranges={"x": [0.1, 0.7]})
    assert 0.1 <= column.values.astype(np.float64).min() and column.values.astype(np.float64).max() <= 0.7
    np.testing.assert_allclose(column.values, [0.1, 0.7], rtol=1e-6)


CELL = "labels.csv, line 3, column 'x': "
BAD = {
    "mixed": (
        ["0", "cube", "1"],
        {},
        CELL + "expected a number like '0' in line 2, or an empty cell for an unknown value.",
    ),
    "mixed the other way": (["a", "1", "b"], {}, CELL + "expected a name like 'a' in line 2"),
    "not a number": (["0.5", "nan", "1"], {}, CELL + "expected a number like '0.5' in line 2"),
    "comma": (["1,5", "2,5"], {}, "line 2, column 'x': expected a decimal point instead of a comma. Received: '1,5'."),
    "negative": (
        ["1", "-1"],
        {},
        CELL + "expected an integer from 0 to 999999, or an empty cell for an unknown value.",
    ),
    "years": (
        ["1999", "2005"],
        {},
        "column 'x': expected integers that count from 0. Received: 2 different values from",
    ),
    "degrees": (["0", "90", "180", "270"], {}, '"kinds": {"x": "decimal"} (a quantity in that range) or "sizes": {"x"'),
    "constant decimal": (["0.5", "0.50"], {}, "column 'x': only the value 0.5; a factor needs at least two."),
    "constant word": (["cube", "cube"], {}, "column 'x': only the value cube; a factor needs at least two."),
    "no value": (["", ""], {}, "column 'x': no value at all; a factor needs at least two."),
    "out of range": (["0", "361"], {"ranges": {"x": [0, 360]}}, CELL + "expected 0 to 360, as declared in ranges."),
    "no float": (["0", "1e39"], {"kinds": {"x": "decimal"}}, CELL + "expected a number that fits into 32 bits."),
    "no category": (
        ["cube", "cubr"],
        {"categories": {"x": ["cube", "ball"]}},
        CELL + "expected one of the categories ['cube', 'ball']. Received: 'cubr'. Did you mean 'cube'?",
    ),
    "no integer": (["1", "1.5"], {"kinds": {"x": "integer"}}, CELL + "expected an integer from 0 to 999999"),
    "no decimal": (["1", "a"], {"kinds": {"x": "decimal"}}, CELL + "expected a number like 0.5, or an empty cell"),
    "two lines": (["cube", "a\nb"], {}, "expected a name on one line. Received: 'a\\nb'."),
    "unknown column": (["0", "1"], {"ranges": {"y": [0, 1]}}, "ranges: expected columns of"),
    "two kinds": (["0", "1"], {"ranges": {"x": [0, 1]}, "sizes": {"x": 2}}, "another field says integer. Keep one."),
    "unlike its kind": (["0", "1"], {"ranges": {"x": [0, 1]}, "kinds": {"x": "integer"}}, "says integer. Keep one."),
    "no kind": (["0", "1"], {"kinds": {"x": "float"}}, "kinds: expected one of ['integer', 'categorical', 'decimal']"),
    "no mapping": (["0", "1"], {"kinds": ["x"]}, "kinds: expected {"),
    "no ends": (["0", "1"], {"ranges": {"x": [1, 0]}}, "ranges: expected [low, high], low < high, for 'x'."),
    "same names": (["0", "1"], {"categories": {"x": ["a", "a"]}}, "categories: expected at least 2 different names"),
}


@pytest.mark.parametrize(("cells", "fields", "message"), BAD.values(), ids=BAD)
def test_bad_columns(cells: list[str], fields: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        column_of(tmp_path, cells, **fields)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bad_cell_that_is_skipped_is_unknown(tmp_path: Path) -> None:
    table, declared = table_of(tmp_path, ["0", "7", "1"]), declare(sizes={"x": 2})
    (column,), skipped = read_columns(table, declared, skip_bad=True)
    assert column.values.tolist() == [0, -1, 1]
    reason = "expected 0 to 1, since sizes declares 2 values. Received: 7."
    assert skipped == [("labels.csv, line 3, column 'x'", reason)]


def test_bad_rows_are_skipped_and_listed(tmp_path: Path) -> None:
    table_of(tmp_path, ["0", "1"])
    (tmp_path / "labels.csv").write_text("image,x\n0.png,0\ngone.png,1\n0.png,1\nmore\\1.png,1\n1.png,1\n")
    table = read_labels(tmp_path, skip_bad=True)
    assert [(row.image, row.cells) for row in table.rows] == [("0.png", ("0",)), ("1.png", ("1",))]
    places, reasons = zip(*table.skipped, strict=True)
    assert places == ("labels.csv, line 3", "labels.csv, line 4", "labels.csv, line 5")
    assert reasons[0].startswith("no image '") and reasons[1] == "'0.png' already has a row, line 2. Keep one."
    assert reasons[2].endswith("Use / between folders.")
    with pytest.raises(FileNotFoundError, match="labels.csv, line 3: no image '"):
        read_labels(tmp_path)


@pytest.mark.parametrize("form", ["by image", "records"])
def test_json_says_the_same_as_csv(form: str, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for name in ("b.png", "more/a.png", "10.png", "9.png", "notes.txt"):
        (tmp_path / name).touch()
    entries: dict[str, dict] = {
        "more/a.png": {"shape": "cube", "hue": 2, "lit": True},
        "b.png": {"hue": None, "azimuth": 0.50, "lit": False},
    }
    content = entries if form == "by image" else [{"image": name, **labels} for name, labels in entries.items()]
    (tmp_path / "labels.json").write_text(json.dumps(content))
    table = read_labels(tmp_path)
    assert table.factors == ("shape", "hue", "lit", "azimuth")
    assert [row.cells for row in table.rows] == [("cube", "2", "true", ""), ("", "", "false", "0.5")]
    assert table.images == ("more/a.png", "b.png", "9.png", "10.png")
    assert table.others == {".txt": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'labels.json: expected {"a.png": {"shape": "cube", "hue": null}, ...} or ['),
        ("{'a': 1}", "Received: Expecting property name"),
        ('{"a.png": {"x": NaN}}', "Received: NaN, which is not a valid value. Write null for an unknown value."),
        ('"a.png"', "Received: str."),
        ('{"a.png": 3}', "entry 1: expected {"),
        ('{"a.png": {"x": [1]}}', "entry 1, column 'x': expected one value. Received: a list or an object."),
        ('{"a.png": {"x": 1, "x": 2}}', "entry 1: a column occurs twice. Received: ['x', 'x']."),
        ('{"a.png": {"x": 1}, "a.png": {"x": 2}}', "entry 2: 'a.png' already has a row, entry 1. Keep one."),
        ('[{"image": "a.png", "x": 1}, {"x": 2}]', "entry 2: expected an image below '"),
        ('{"b.png": {"x": 1}}', "entry 1: no image '"),
        ('{"a.png": {}}', "labels.json: expected a column for each factor after 'image'. Received: none."),
    ],
)
def test_bad_json(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        read_labels(tmp_path)
    assert "labels.json" in str(error.value) and message in str(error.value)


def test_two_tables_are_one_too_many(tmp_path: Path) -> None:
    table_of(tmp_path, ["0", "1"])
    (tmp_path / "labels.json").write_text("{}")
    with pytest.raises(ValueError, match="expected labels.csv or labels.json. Received: both. Keep one."):
        read_labels(tmp_path)


def test_natural_order_sorts_numbers_by_value() -> None:
    names = ["img10.png", "Img2.png", "img2.png", "img1/9.png", "a", "", "img²"]
    assert sorted(names, key=natural_key) == ["", "a", "img1/9.png", "Img2.png", "img2.png", "img10.png", "img²"]


def test_the_table_may_be_elsewhere(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "1.png").touch()
    (photos / "labels.csv").write_text("not;this")
    (tmp_path / "mine.csv").write_text("image,x\n1.png,3\n")
    table = read_labels(photos, labels=str(tmp_path / "mine.csv"))
    assert (table.path, table.rows[0].cells, table.others) == (tmp_path / "mine.csv", ("3",), {".csv": 1})
    with pytest.raises(FileNotFoundError, match="^labels: expected a table. Received: 'none.csv'"):
        read_labels(photos, labels="none.csv")

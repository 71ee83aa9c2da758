"""Factors that ssgan label asks for: its flag --factors, and the columns of a table."""

import pytest

from ssgan_tf.label.factors import Factor, declarations, read_factors

TABLE = {
    "hue": {"a.png": "red", "b.png": "blue", "c.png": ""},
    "count": {"a.png": "0", "b.png": "3", "c.png": "NA"},
    "size": {"a.png": "0.25", "b.png": "2", "c.png": ""},
    "notes": {f"{i}.png": f"note {i}" for i in range(60)},
}


def test_values_ranges_and_columns_of_the_table():
    factors = read_factors("shape=cube, ball ; angle = -90..90;hue;count;size", TABLE)
    assert factors == (
        Factor("shape", ("cube", "ball")),
        Factor("angle", range=(-90.0, 90.0)),
        Factor("hue", ("blue", "red")),
        Factor("count", ("0", "1", "2", "3")),
        Factor("size", range=(0.25, 2.0)),
    )
    assert declarations(factors) == {
        "categories": {"shape": ["cube", "ball"], "hue": ["blue", "red"]},
        "ranges": {"angle": [-90.0, 90.0], "size": [0.25, 2.0]},
    }


def test_without_the_flag_all_columns_are_asked():
    assert [f.name for f in read_factors("", {name: TABLE[name] for name in ("size", "hue")})] == ["size", "hue"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Received: 60. If it is not a factor, list the others"),
        ("shape", "expected two or more values of 'shape' in the table; declare them"),
        ("shape=cube", "expected two or more different values for 'shape'"),
        ("shape=cube,cube", "two or more different values"),
        ("shape=cube,", "two or more different values"),
        ("shape=cube,3", "only names or only numbers"),
        ("size=1..0", "expected a range from low to high"),
        ("size=1.2.3..4", "expected a range from low to high"),
        ("=a,b", "expected names and values such as"),
        ("image=a,b", "expected names and values such as"),
        ("a,b", "expected names and values such as"),
        ("hue=red,green", "Received: 'blue' for 'b.png'; add it to the values"),
        ("size=0..1", "Received: '2' for 'b.png'"),
        ("a=x,y;a=1..2", "Received: 'a' twice"),
        ("v=" + ",".join(map(str, range(99))), "at most 50 values"),
    ],
)
def test_what_cannot_be_asked_gets_a_sentence(text, said):
    with pytest.raises(ValueError) as caught:
        read_factors(text, TABLE)
    message = str(caught.value)
    assert message.startswith("factors: ") and said in message and len(message) < 500


def test_an_empty_table_needs_the_flag():
    with pytest.raises(ValueError, match="expected what to ask for"):
        read_factors("", {})


def test_decimals_are_written_with_a_point_and_counted_in_intervals():
    size = Factor("size", range=(0.0, 10.0))
    assert [size.cell(value) for value in (0, "3", 9.87654321)] == ["0.0", "3.0", "9.876543"]
    assert size.bins == ("0 to 2", "2 to 4", "4 to 6", "6 to 8", "8 to 10")
    assert [size.bin(cell) for cell in ("0.0", "3.9", "10.0", "10.1", "", "x")] == [0, 1, 4, -1, -1, -1]
    for wrong in (-0.1, 10.1, "nan", "x", "", None):
        with pytest.raises(ValueError, match=r"size: expected a number from 0 to 10\. Received: "):
            size.cell(wrong)
    with pytest.raises(ValueError, match="shape: expected one of a, b. Received: 'c'"):
        Factor("shape", ("a", "b")).cell("c")

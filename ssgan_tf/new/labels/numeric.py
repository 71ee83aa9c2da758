"""Columns of numbers: integers that count from 0, or quantities."""

import math
import re

from ssgan_tf.new.labels.factor import NUMBER, Ambiguous, Factor, as_names
from ssgan_tf.new.labels.formats import short

_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?", re.ASCII)
_LARGEST = 999_999  # integer that labeled_folder takes
_LARGE, _SPARSE = 99, 10  # integers up to _LARGE, or of which more than one in _SPARSE occurs, count from 0
_FEWEST = 20  # numbers, all different, that rather number the rows


def with_points(name: str, cells: list[str], decimal: str, notes: list[str]) -> list[str]:
    """Returns cells with decimal points if all of them are numbers and some have commas."""
    known = [cell for cell in cells if cell]
    commas = [cell for cell in known if "," in cell]
    if not commas or not all(any(p.fullmatch(cell) for p in (NUMBER, _COMMA, _THOUSANDS)) for cell in known):
        return cells
    thousands = all(map(_THOUSANDS.fullmatch, commas))
    if not decimal and thousands:
        raise Ambiguous(
            "thousands", name,
            f"column {{}} has numbers such as {short(commas[0])}: --decimal=comma if the comma stands before decimals, "
            "--decimal=point if it stands between thousands.",
        )  # fmt: skip
    if decimal == "point":
        return [cell.replace(",", "") if _THOUSANDS.fullmatch(cell) else cell for cell in cells]
    if any("." in cell for cell in known) or any(cell.count(",") > 1 for cell in known):
        raise ValueError(f"labels: column {name!r}: expected a decimal point. Received: {short(commas[0])}.")
    notes.append(f"column {name!r}: numbers such as {short(commas[0])} are read with a decimal comma.")
    return [cell.replace(",", ".") for cell in cells]


def read_numbers(name: str, cells: list[str], kind: str, notes: list[str]) -> Factor:
    """Returns the factor of a column whose known cells are all numbers.

    Args:
        name: Name of the column.
        cells: Its cells, "" where unknown.
        kind: "names", "integers" or "numbers" if that is known, else "".
        notes: Receives a sentence if integers have decimals.

    Raises:
        Ambiguous: Integers may be something other than values that count from 0.
        ValueError: A number is too large, or not of that kind.
    """
    known = [cell for cell in cells if cell]
    if kind == "numbers" or kind == "" and not all(map(_WHOLE.fullmatch, known)):
        if odd := next((cell for cell in known if abs(float(cell)) > 3e38), ""):
            raise ValueError(f"labels: column {name!r}: expected numbers of 32 bits. Received: {short(odd)}.")
        numbers = [float(cell) for cell in known]
        return Factor(name, "numbers", tuple(map(with_point, cells)), range=(min(numbers), max(numbers)))
    if odd := next((cell for cell in known if not _WHOLE.fullmatch(cell) or len(cell) > 15), ""):
        raise ValueError(f"values: expected integers in column {name!r}. Received: {short(odd)}.")
    if any("." in cell for cell in known):
        notes.append(f"column {name!r}: cells such as {short(known[0])} are read as integers.")
    cells = [str(int(float(cell))) if cell else "" for cell in cells]
    if kind == "names":
        return as_names(name, cells)
    integers = [int(cell) for cell in cells if cell]
    if kind != "integers":
        _check_integers(name, integers)
    if min(integers) < 0 or max(integers) > _LARGEST:
        raise ValueError(
            f"values: expected integers from 0 to {_LARGEST} in column {name!r}. Received: {min(integers)}."
        )
    return Factor(name, "integers", tuple(cells), size=max(integers) + 1)


def _check_integers(name: str, integers: list[int]) -> None:
    """Raises Ambiguous if integers may be something other than values that count from 0."""
    low, high, different = min(integers), max(integers), len(set(integers))
    apart = "--values='{}=numbers' reads them as a quantity, --values='{}=names' each as a value of its own"
    if low == -1:
        raise Ambiguous(
            "minus one", name,
            f"column {{}} has integers from -1 to {high}: --unknown={{}}=-1 if -1 means unknown; otherwise {apart}.",
        )  # fmt: skip
    if low < 0:
        raise Ambiguous("negative", name, f"column {{}} has integers from {low} to {high}: {apart}.")
    if different == len(integers) >= _FEWEST:
        raise Ambiguous(
            "unique", name,
            f"column {{}} has another number in each of its {different} rows: --ignore={{}} leaves it out, "
            "--values='{}=numbers' reads them as a quantity.",
        )  # fmt: skip
    if high > _LARGE and different * _SPARSE <= high:
        raise Ambiguous(
            "gaps", name,
            f"column {{}} has {different} different integers from {low} to {high}: {apart}, and "
            "--values='{{}}=integers' makes all integers from 0 on possible.",
        )  # fmt: skip


def with_point(cell: str) -> str:
    """Returns a number with a decimal point, so that labeled_folder takes its column for decimals; or ""."""
    return repr(float(cell)) if cell and math.isfinite(float(cell)) else ""

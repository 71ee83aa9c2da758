"""Readers of JSON and array files. A file that was damaged or edited raises one sentence, whatever is wrong with it.

    steps = read_json("run/skipped_steps.json", parse_steps, "a list of steps", "Remove it.")
    rows = read_array("run/labeled_subset.npy", np.integer, 1, "a list of row numbers", "Remove it.")

Nothing in the files is executed: JSON and .npy hold data alone, and pickled objects are refused.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

MAX_DEPTH = 32
"""Levels of lists and objects that JSON may have. Our files have at most six."""
MAX_INTEGER = 2**63 - 1

_NPY = b"\x93NUMPY"  # first bytes of a .npy file
_LONGEST_REASON = 500


def read_json(path: str, parse: Callable[[Any], T], expected: str, advice: str = "", argument: str = "") -> T:
    """Returns `parse` of the content of a JSON file.

    Args:
        path: The file.
        parse: Function that checks the content and converts it; it raises ValueError if the content is something else.
        expected: Noun for the content, for the message, e.g. "a list of factors".
        advice: Sentence for the message that says what to do.
        argument: Name of the argument that led to the file; the message begins with it.

    Raises:
        OSError: The file cannot be read.
        ValueError: It contains something else. The message is one line with the file, the reason and the advice.
    """
    with open(path, "rb") as file:
        text = file.read()
    try:
        return parse(parse_json(text))
    except ValueError as error:
        raise ValueError(_sentence(path, expected, error, advice, argument)) from error


def parse_json(text: str | bytes) -> Any:
    """Returns the value of a JSON text whose numbers fit into 64 bits and which is not nested deeper than MAX_DEPTH.

    Infinity and NaN are read as Python writes them; a number such as 1e400 is not.

    Raises:
        ValueError: It is not such a text.
    """
    try:
        value = json.loads(text, parse_int=_parse_integer, parse_float=_parse_float)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [item for parent in level for item in _children(parent)]
        for item in level:
            if isinstance(item, str):
                item.encode()  # half of a surrogate pair can be neither printed nor written
        if not level:
            return value
    raise ValueError(_TOO_DEEP)


_TOO_DEEP = f"expected at most {MAX_DEPTH} levels of lists and objects. Received: more"


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _parse_integer(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > MAX_INTEGER:
        raise ValueError(f"expected integers of at most 64 bits. Received: one of {len(text)} digits")
    return int(text)


def _parse_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"expected numbers of at most 64 bits. Received: {text[:40]}")
    return value


def read_array(
    path: str, kind: type, dimensions: int, expected: str, advice: str = "", argument: str = ""
) -> np.ndarray:
    """Returns the array in a .npy file.

    Args:
        path: The file.
        kind: Kind of its numbers, e.g. np.integer.
        dimensions: Number of its dimensions.
        expected: Noun for the content, for the message, e.g. "a list of row numbers".
        advice: Sentence for the message that says what to do.
        argument: Name of the argument that led to the file; the message begins with it.

    Raises:
        OSError: The file cannot be read.
        ValueError: It contains something else. The message is one line with the file, the reason and the advice.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(len(_NPY))
        if start != _NPY:
            raise ValueError(f"expected a .npy file. Received: a file that begins with {start!r}")
        # Mapped, so that a header with a huge shape is compared with the file's length and allocates nothing.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not np.issubdtype(array.dtype, kind) or array.ndim != dimensions:
            raise ValueError(f"expected {kind.__name__} of {dimensions} dimensions. Received: {_describe(array)}")
        return np.array(array)
    except OSError:
        raise
    except Exception as error:  # NumPy raises nearly anything on a damaged header: SyntaxError, TypeError, ...
        raise ValueError(_sentence(path, expected, error, advice, argument)) from error


def _describe(array: np.ndarray) -> str:
    return f"{array.dtype} of shape {list(array.shape)}"


def _sentence(path: str, expected: str, error: Exception, advice: str, argument: str) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    reason = reason if len(reason) <= _LONGEST_REASON else reason[:_LONGEST_REASON] + "..."
    return f"{argument}{': ' * bool(argument)}{path} is not {expected}: {reason.rstrip('.')}. {advice}".rstrip()

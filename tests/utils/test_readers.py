"""Readers of JSON and array files: whatever is wrong with a file, the error is one sentence that names it."""

import io
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from ssgan_tf.utils import readers


def parse(value):
    if not isinstance(value, dict):
        raise ValueError(f"expected a dict. Received: {value!r}.")
    return value


def save_bytes(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


GOOD = save_bytes(np.arange(5))


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a": [1, -2.5, "\xc3\xa9", null, true]}', {"a": [1, -2.5, "é", None, True]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),  # some editors begin a file with this mark
        (b'{"a": 9223372036854775807}', {"a": 2**63 - 1}),
        (b'{"a": -Infinity}', {"a": float("-inf")}),  # as Python writes it
        (b'{"a": ' + b"[" * 30 + b"1" + b"]" * 30 + b"}", None),
    ],
)
def test_json_is_read(content: bytes, value, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    found = readers.read_json(str(tmp_path / "a.json"), parse, "settings")
    assert value is None or found == value


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value: line 1"),
        (b'{"a": 1', "Expecting ',' delimiter"),
        (b"\x80", "can't decode byte 0x80"),
        (b"PK\x03\x04", "Expecting value"),
        (pickle.dumps({"a": 1}), "can't decode byte 0x80"),
        (b"[1]", r"expected a dict. Received: \[1\]"),
        (b'{"a": 1' + b"0" * 400 + b"}", "expected integers of at most 64 bits. Received: one of 401 digits"),
        (b'{"a": 1' + b"0" * 9999 + b"}", "expected integers of at most 64 bits. Received: one of 10000 digits"),
        (b'{"a": 9223372036854775808}', "at most 64 bits"),
        (b'{"a": [1e400]}', "expected numbers of at most 64 bits. Received: 1e400"),
        (b"[" * 100_000, "at most 32 levels"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "at most 32 levels of lists and objects. Received: more"),
        (b'{"a": "\\ud800"}', "surrogates not allowed"),
        (b'{"\\ud800": 1}', "surrogates not allowed"),
        (json.dumps("a" * 10_000).encode(), "expected a dict. Received: 'aaa"),
    ],
)
def test_other_content_is_named_in_one_sentence(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        readers.read_json(str(path), parse, "a dict of settings", "Remove it.", "workdir")
    message = str(caught.value)
    assert re.fullmatch(rf"workdir: {path} is not a dict of settings: [^\n]+[^.]\. Remove it\.", message)
    assert len(message) < 700


def test_an_array_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(5))
    found = readers.read_array(str(tmp_path / "a.npy"), np.integer, 1, "rows")
    assert np.array_equal(found, np.arange(5)) and type(found) is np.ndarray and found.flags.writeable
    np.save(tmp_path / "none.npy", np.arange(0))
    assert readers.read_array(str(tmp_path / "none.npy"), np.integer, 1, "rows").shape == (0,)


def changed_header(old: bytes, new: bytes) -> bytes:
    """Returns the file of five numbers with another header of the same length."""
    assert old in GOOD
    start, rest = GOOD.split(old)
    return start + new + rest[max(0, len(new) - len(old)) :]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "expected a .npy file. Received: a file that begins with b''"),
        (b"[1, 2]", "a file that begins with b'"),
        (b"PK\x03\x04" + b"0" * 50, "a file that begins with b'PK"),
        (pickle.dumps([1, 2]), "a file that begins with"),
        (GOOD[:7], "expected 8 bytes|EOF"),
        (GOOD[:-1], "mmap length is greater"),
        (save_bytes(np.array(["a", "b"])), "expected integer of 1 dimensions. Received: <U1 of shape"),
        (save_bytes(np.arange(4.0)), r"Received: float64 of shape \[4\]"),
        (save_bytes(np.ones([2, 2], int)), r"Received: int64 of shape \[2, 2\]"),
        (save_bytes(np.array(3)), r"Received: int64 of shape \[\]"),
        (save_bytes(np.array([{}, 1], object)), "Python objects"),
        (changed_header(b"(5,), }", b"(999999999999999,), }"), "mmap length is greater"),
        (changed_header(b"(5,), }", b"(-5,), }"), "a"),
        (changed_header(b"'<i8'", b"[[[[["), "a"),
        (changed_header(b"{'desc", b"{[]:1 "), "a"),
    ],
)
def test_other_arrays_are_named_in_one_sentence(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        readers.read_array(str(path), np.integer, 1, "a list of rows", "Remove it.", "workdir")
    assert re.fullmatch(rf"workdir: {path} is not a list of rows: [^\n]+[^.]\. Remove it\.", str(caught.value))


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "run",))

    for name, content in {"a": pickle.dumps(Trap()), "b": save_bytes(np.array([Trap()], object))}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError):
            readers.read_array(str(tmp_path / name), np.integer, 1, "rows")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("read", [readers.read_json, readers.read_array])
def test_files_that_cannot_be_read_are_os_errors(read, tmp_path: Path) -> None:
    rest = (parse, "settings") if read is readers.read_json else (np.integer, 1, "rows")
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(OSError, match=str(path)):
            read(str(path), *rest)

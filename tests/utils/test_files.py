"""Files that are written completely or not at all."""

import json

import pytest

from ssgan_tf.utils import files


def test_a_block_that_succeeds_replaces_the_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with files.atomic_write(str(path)) as file:
        file.write("new é")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text(encoding="utf-8") == "new é"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_block_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="full"), files.atomic_write(str(path), "wb") as file:
        file.write(b"half")
        raise OSError("full")
    assert path.read_bytes() == b"old"


def test_json_is_written_completely_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    files.write_json({"a": [1, None]}, str(path))
    assert json.loads(path.read_text()) == {"a": [1, None]}
    with pytest.raises(TypeError):
        files.write_json({"a": object()}, str(path))
    assert json.loads(path.read_text()) == {"a": [1, None]}

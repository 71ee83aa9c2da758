"""Files that are written completely or not at all."""

import errno
import json
import os
import threading

import pytest

from ssgan_tf.utils import files
from tests.support import faults


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


def test_a_full_disk_is_named_and_nothing_is_left(small_disk):
    path = small_disk / "scores.json"
    files.write_json("old", str(path))
    faults.fill_disk(small_disk)
    for write in (lambda: files.write_json("x" * 10**5, str(path)), lambda: write_array(str(path))):
        with pytest.raises(OSError) as error:
            write()
        assert error.value.errno == errno.ENOSPC and error.value.filename == str(path)
        assert str(error.value).endswith(f"No space left on device; free some space on its disk: {str(path)!r}")
    assert sorted(os.listdir(small_disk)) == ["filler", "scores.json"]
    assert json.loads(path.read_text()) == "old"


def write_array(path: str) -> None:
    with files.atomic_write(path, "wb") as file:
        file.write(bytes(10**5))


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError("of something else")])
def test_a_write_that_is_interrupted_leaves_nothing(tmp_path, error):
    with pytest.raises(error if isinstance(error, type) else OSError) as raised:
        with files.atomic_write(str(tmp_path / "a")) as file:
            file.write("half")
            raise error
    assert raised.value is error or isinstance(error, type)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_a_missing_folder_is_named(tmp_path):
    path = str(tmp_path / "missing" / "a.json")
    with pytest.raises(FileNotFoundError) as error:
        files.write_json(1, path)
    assert error.value.filename == path


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path, monkeypatch):
    """The process that holds a lock may remove its file: who had opened it before must not lock the removed one."""

    def flock(file, operation):
        if os.path.exists(path) and not removed:
            os.remove(path)
            removed.append(path)
        original(file, operation)

    path, original, removed = str(tmp_path / "lock"), files.fcntl.flock, []
    monkeypatch.setattr(files.fcntl, "flock", flock)
    with files.lock_file(path), pytest.raises(files.LockedError, match=f"process {os.getpid()} on "):
        files.lock_file(path)
    assert removed


def test_processes_take_turns_in_a_folder(tmp_path):
    """Threads, as every opening of the folder has its own lock."""
    inside, most = [], []

    def work(number: int) -> None:
        for _ in range(50):
            with files.taking_turns(str(tmp_path)):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 200 and list(tmp_path.iterdir()) == []

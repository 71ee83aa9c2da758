"""Damaged and edited files of every kind are read, or refused with one line that names the file."""

import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.support import file_kinds, mutations

MUTATIONS = 12  # of each kind; tests/soak/test_mutated_files.py has a thousand in all


@pytest.mark.parametrize("name", file_kinds.CHEAP)
def test_a_damaged_file_is_read_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    kind, rng = file_kinds.CHEAP[name], np.random.default_rng(zlib.crc32(name.encode()))
    path = kind.make(tmp_path)
    good = path.read_bytes()
    assert file_kinds.outcome(kind, path) == "read"
    ways = [(way, content) for way, content in mutations.WHOLE.items() if way in ("empty", "pickle", "npz", "nested")]
    for way, content in [*ways, *(mutations.mutate(path.name, good, rng) for _ in range(MUTATIONS))]:
        path.write_bytes(content)
        assert file_kinds.outcome(kind, path) in ("read", "refused"), (way, content[:500])

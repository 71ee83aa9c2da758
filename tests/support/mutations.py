"""Damage to files, as disks, editors and attackers do it: seeded, one mutation after another, each with its name."""

import copy
import io
import json
import pickle
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# Values that no file of ours contains. Text in <> stands for JSON that Python cannot write, see `_RAW`.
VALUES: list[Any] = [
    None, True, -1, 0, 1.5, 2**31, 2**63, 10**400, -(10**400), 1e308, float("nan"), float("inf"), "", "x", "x" * 5000,
    "\ud800", "\0", "a\nb", "../../etc/passwd", [], {}, [1], ["x"], {"x": 1}, [[]], "<1e400>", "<deep>", "<deepest>",
]  # fmt: skip
_RAW = {'"<1e400>"': "[1e400]", '"<deep>"': "[" * 60 + "]" * 60, '"<deepest>"': "[" * 100_000 + "]" * 100_000}


class _Trap:
    """Object whose pickle raises when it is loaded."""

    def __reduce__(self):
        return (exec, ("raise AssertionError('a pickle was run')",))


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", "{}")
    return file.getvalue()


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, np.arange(3))
    return file.getvalue()


WHOLE: dict[str, bytes] = {
    "empty": b"",
    "text": b"hello\n",
    "zeros": bytes(1000),
    "zip": _zip(),
    "npz": _npz(),
    "pickle": pickle.dumps(_Trap()),
    "pickled array": _npy(np.array([_Trap()], object)),
    "array of text": _npy(np.array(["a", "b"])),
    "nested": b"[" * 100_000,
    "no UTF-8": b'{"a": "\xff\xfe"}',
    "list": b"[]",
    "object": b"{}",
    "number": b"1" * 400,
    "null": b"null",
}
"""Contents that replace a whole file."""


def flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(content)
    for place in rng.integers(0, len(content), rng.integers(1, 9)):
        damaged[place] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(len(content))]


def cut_out(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(0, len(content), 2))
    return content[:first] + content[last:]


def double(content: bytes, rng: np.random.Generator) -> bytes:
    return content + content


def replace_value(content: bytes, rng: np.random.Generator) -> bytes:
    """Replaces, wraps or removes one value, or renames one key, of a JSON text."""
    root = [json.loads(content)]
    places = list(_places(root))
    parent, key = places[rng.integers(len(places))]
    action = rng.integers(8)
    if action == 0 and parent is not root:
        del parent[key]
    elif action == 1:
        parent[key] = [parent[key]]
    elif action == 2 and isinstance(parent, dict):
        parent[VALUES[15] if rng.integers(2) else "x"] = parent.pop(key)
    elif action == 3:
        parent[key] = copy.deepcopy(root[0])
    else:
        parent[key] = VALUES[rng.integers(len(VALUES))]
    text = json.dumps(root[0])
    for name, raw in _RAW.items():
        text = text.replace(name, raw)
    return text.encode()


def _places(parent: Any) -> Iterator[tuple[Any, Any]]:
    """Yields (list or dict, index or key) of every value below `parent`."""
    for key in [*parent] if isinstance(parent, dict) else range(len(parent)):
        yield parent, key
        if isinstance(parent[key], dict | list):
            yield from _places(parent[key])


def change_array(content: bytes, rng: np.random.Generator) -> bytes:
    """Changes type, shape or values of the array in a .npy file, or its header."""
    array = np.load(io.BytesIO(content))
    changed: list[Any] = [
        array.astype(str), array.astype(object), array.astype(np.float64), array.astype(bool), array[None],
        array[..., None], array[:0], array[:-1], -array - 2, np.full_like(array, 2**31 - 1), array.ravel()[0],
        array.astype(np.complex64), array.astype(">i8"), np.concatenate([array, array]),
    ]  # fmt: skip
    choice = rng.integers(len(changed) + 3)
    if choice < len(changed):
        return _npy(changed[choice])
    headers = [(b"'shape': (", b"'shape': (999999999,"), (b"False", b"[[[[["), (b"descr", b"x\xffscr")]
    return content.replace(*headers[choice - len(changed)], 1)


BYTES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (flip_bits, cut, cut_out, double)


def mutate(name: str, content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """Returns the name of a random mutation and the content of the mutated file.

    Args:
        name: Name of the file; its ending says what it contains.
        content: Its content before.
        rng: Source of random numbers.
    """
    special = {"json": replace_value, "npy": change_array}.get(name.rpartition(".")[2])
    share = rng.random()
    if special is not None and share < 0.6:
        return special.__name__, special(content, rng)
    if share < 0.75:
        whole = list(WHOLE)[rng.integers(len(WHOLE))]
        return whole, WHOLE[whole]
    change = BYTES[rng.integers(len(BYTES))]
    return change.__name__, change(content, rng)

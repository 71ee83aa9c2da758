"""Packages whose attributes are imported when they are first used."""

import importlib
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture
def package(tmp_path, monkeypatch) -> Iterator[str]:
    """Makes a package `light` with an attribute from its module `heavy`; yields its name."""
    folder = tmp_path / "light"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        'from ssgan_tf.utils.lazy import lazy_attributes\n__getattr__ = lazy_attributes(__name__, {"run": "heavy"})\n'
    )
    (folder / "heavy.py").write_text("def run():\n    return 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "light"
    for name in ("light", "light.heavy"):
        sys.modules.pop(name, None)


def test_the_module_is_imported_at_the_first_use(package: str) -> None:
    light = importlib.import_module(package)
    assert "light.heavy" not in sys.modules
    assert light.run() == 3
    assert "light.heavy" in sys.modules


def test_other_attributes_are_unknown(package: str) -> None:
    light = importlib.import_module(package)
    with pytest.raises(AttributeError, match="module 'light' has no attribute 'walk'"):
        light.walk  # noqa: B018
    assert not hasattr(light, "walk")

"""The programs of tools/ as modules: their files have no ending that Python would import them by."""

import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def load_tool(repository: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Makes a module of the program of that name in tools/."""
    names = []

    def load(name: str) -> ModuleType:
        loader = importlib.machinery.SourceFileLoader(name, str(repository / "tools" / name))
        spec = importlib.util.spec_from_loader(name, loader)
        assert spec
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # where dataclasses look for it
        names.append(name)
        loader.exec_module(module)
        return module

    yield load
    for name in names:
        sys.modules.pop(name, None)

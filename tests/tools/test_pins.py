"""setup.cfg and constraints/lane1.txt together name one exact version of everything installed."""

import configparser
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def read(text: str) -> list[Requirement]:
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [Requirement(line) for line in lines if line]


@pytest.fixture
def requested(repository: Path) -> list[Requirement]:
    """Requirements in setup.cfg, including the test extra."""
    parser = configparser.ConfigParser()
    parser.read(repository / "setup.cfg")
    wanted = parser["options"]["install_requires"] + parser["options.extras_require"]["test"]
    return read(wanted)


@pytest.fixture
def dependencies(repository: Path) -> list[Requirement]:
    return read((repository / "constraints" / "lane1.txt").read_text())


def pins(requirements: list[Requirement], python: str) -> dict[str, str]:
    """Returns {package: version} on a version of Python; fails if a package is named twice."""
    found: dict[str, str] = {}
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", f"{requirement} is not an exact version"
            name = canonicalize_name(requirement.name)
            assert name not in found, f"{name} is named twice for Python {python}"
            found[name] = specifier.version
    return found


@pytest.mark.parametrize("python", ["3.10", "3.11"])
def test_every_package_is_pinned_in_one_place(
    requested: list[Requirement], dependencies: list[Requirement], python: str
) -> None:
    assert len(pins(requested + dependencies, python)) > 100


def test_every_dependency_is_pinned_and_no_other_package(
    requested: list[Requirement], dependencies: list[Requirement]
) -> None:
    pinned = pins(requested + dependencies, "{}.{}".format(*sys.version_info))
    todo = {(canonicalize_name(requirement.name), "") for requirement in requested}
    done: set[tuple[str, str]] = set()
    while todo:
        name, extra = todo.pop()
        assert name in pinned, f"{name} has no version in constraints/lane1.txt"
        done.add((name, extra))
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                wanted = {(canonicalize_name(needed.name), e) for e in ("", *needed.extras)}
                todo |= wanted - done
    unused = set(pinned) - {name for name, _ in done}
    assert not unused, f"nothing asks for {sorted(unused)}: remove their pins"

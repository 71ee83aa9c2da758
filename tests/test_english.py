"""Docstrings open with what a thing is or does, and an argument's text with a noun: DESIGN's two rules of English."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HEADLESS = {"What", "Of", "How", "Where", "Those", "Which", "Who", "Whether", "Likewise"}
ARGUMENT = re.compile(r"^\s+\w+: of\b", re.MULTILINE)
FOLDERS = ["ssgan_tf", "configs", "tfds_builders", "tests", "tools"]


def breaches(file: Path) -> Iterator[str]:
    """Yields one line for every docstring of `file` that breaks a rule."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        text, line = ast.get_docstring(node, clean=False) or "", getattr(node, "lineno", 1)
        if (re.match(r"\s*(\w+)", text) or [""])[0].strip() in HEADLESS:
            yield f"{file}:{line}: the docstring opens with {text.split()[0]!r}"
        for argument in ARGUMENT.findall(text):
            yield f"{file}:{line}: the text of an argument begins with 'of': {argument.strip()!r}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_keep_the_rules(folder: str, repository: Path) -> None:
    assert [line for file in sorted((repository / folder).rglob("*.py")) for line in breaches(file)] == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Returns the rows.", 0),
        ("Of the checkpoint of `step`.", 1),
        ("What is measured.\n\n    Args:\n        seed: of the rows.\n    ", 2),
        ("Draws rows.\n\n    Args:\n        seed: Seed of the rows.\n        rows: offset of the first.\n    ", 0),
    ],
)
def test_the_rules_are_seen_to_be_broken(text: str, count: int, tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(f'def draw(seed):\n    """{text}"""\n')
    assert len(list(breaches(file))) == count

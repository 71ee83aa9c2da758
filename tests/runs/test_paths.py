"""One place knows the files of a run: nothing else spells their names."""

import ast
import os
from pathlib import Path

from ssgan_tf.runs import RunPaths

NAMES = {os.path.basename(path) for path in vars(RunPaths("run")).values() if "." in os.path.basename(path)}


def test_only_runs_spells_the_names_of_a_runs_files(repository: Path) -> None:
    assert {"config.json", "factors.json", "metrics.json", "metrics.jsonl", "labeled_subset.npy"} <= NAMES
    files = [*(repository / "ssgan_tf").rglob("*.py"), *(repository / "tools").rglob("*.py")]
    spelled = [
        f"{file.relative_to(repository)}:{node.lineno}: {node.value!r}"
        for file in sorted(files)
        if file.parent != repository / "ssgan_tf/runs"
        and file.name != "keras_files.py"  # the archive of a Keras model has a config.json too
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in NAMES
    ]
    assert spelled == []

"""Imports go to lower levels only: the rule of the package's layout, checked in the syntax tree of every file.

| level | folder or file              | may import                                        |
|-------|-----------------------------|---------------------------------------------------|
| 0     | core/ utils/                | nothing of ssgan_tf outside their folder          |
| 1     | networks/ metrics/          | 0                                                 |
| 1     | visualize                   | 0                                                 |
| 2     | models/                     | 0, networks: models never see data or metrics     |
| 2     | data/                       | 0, visualize: `data.show` plots images            |
| 3     | config                      | 0-2                                               |
| 4     | runs/                       | 0-3                                               |
| 5     | evaluate/                   | 0-4                                               |
| 6     | train/ select/ export/      | 0-5, editing                                      |
| 7     | new/                        | 0-6, label                                        |
| -     | editing/                    | tensorflow, numpy, pillow                         |
| -     | serving/                    | editing, a web server                             |
| -     | page/                       | utils, editing, gradio, starlette                 |
| -     | label/                      | utils, editing, page (its web server), gradio     |

A level is a folder, so a new file needs no decision. Inside a folder modules import each other without circles. Nobody
imports a `__main__`, which is a program; `ssgan_tf/__main__.py` starts them by name.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LEVELS = [
    {"core", "utils"},
    {"networks", "metrics", "visualize"},
    {"models", "data"},
    {"config"},
    {"runs"},
    {"evaluate"},
    {"train", "select", "export"},
    {"new"},
]
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}
# Folders outside the levels, which could be copied elsewhere, and what each imports besides the standard library.
ISLANDS = {
    "editing": {"tensorflow", "numpy", "PIL", "imageio_ffmpeg"},
    "serving": {
        "tensorflow", "numpy", "PIL", "google", "fastapi", "starlette", "uvicorn", "orjson", "ssgan_tf.editing",
    },
    "page": {"tensorflow", "numpy", "PIL", "gradio", "starlette", "ssgan_tf.utils", "ssgan_tf.editing"},
    "label": {"numpy", "gradio", "starlette", "ssgan_tf.utils", "ssgan_tf.editing", "ssgan_tf.page"},
}
# Folders with a level that may use an island.
USERS = {"editing": {"train", "select", "export"}, "label": {"new"}}
FOLDERS = ["ssgan_tf", "configs", "tfds_builders", "tests", "tools"]


def module_name(file: Path, root: Path) -> list[str]:
    name = list(file.relative_to(root).with_suffix("").parts)
    return name[:-1] if name[-1] == "__init__" else name


def imports(file: Path, name: list[str]) -> Iterator[str]:
    """Yields the dotted names that `file` imports; `from a import b` gives a.b, whether b is a module or not."""
    package = name if file.name == "__init__.py" else name[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join(base + ([node.module] if node.module else []))
            yield from (f"{source}.{alias.name}" for alias in node.names)


def allowed(name: list[str], target: list[str]) -> bool:
    """Returns whether module `name` of ssgan_tf may import `target` of ssgan_tf."""
    if len(target) < 2 or target[1] == "__version__":
        return True
    part, wanted = name[1] if len(name) > 1 else "", target[1]
    if part == wanted:
        return True
    if part in ISLANDS:
        return f"ssgan_tf.{wanted}" in ISLANDS[part]
    if wanted in USERS:
        return part in USERS[wanted]
    if part not in LEVEL or wanted not in LEVEL:
        return False
    if part == "models" and LEVEL[wanted] == 1:
        return wanted == "networks"
    return LEVEL[wanted] < LEVEL[part]


def forbidden(name: list[str], imported: str) -> str:
    """Returns why module `name` may not import `imported`; an empty string if it may."""
    target = imported.split(".")
    top, standard = target[0], target[0] in sys.stdlib_module_names
    if top in {"keras", "tf_keras"} or imported.startswith("tensorflow.python."):
        return "the public tf.keras and tf API only"
    if top == "tensorflow_addons" and name[0] != "tests":
        return "TensorFlow Addons is a reference for tests only"
    if top == "ssgan_tf" and "__main__" in target and name[0] != "tests":
        return "a __main__ is a program; import the function it calls"
    options = target[:2] == ["ssgan_tf", "models"] and len(target) == 3 and target[2].endswith("Options")
    if name[0] == "configs" and not (standard or options or imported.startswith("ssgan_tf.config.")):
        return "a config imports ssgan_tf.config, and Options from ssgan_tf.models"
    if name[0] == "tfds_builders" and top in {"ssgan_tf", "configs", "tests", "tools"}:
        return "a data set knows nothing of the package"
    if name[0] == "tools" and top in {"configs", "tests"}:
        return "a tool uses the package; configs by name or path"
    if name[0] != "ssgan_tf":
        return ""
    if top in {"tfds_builders", "configs", "tests", "tools"}:
        return "the package reads data and configs by name or path"
    if name[1:2] and name[1] in ISLANDS and not (standard or top == "ssgan_tf" or top in ISLANDS[name[1]]):
        return f"{name[1]} runs where there is only {', '.join(sorted(ISLANDS[name[1]]))}"
    if top == "ssgan_tf" and not allowed(name, target):
        return "imports go to lower levels only"
    return ""


def breaches(root: Path) -> Iterator[str]:
    """Yields one line for every import under `root` that the layout forbids."""
    for file in sorted(file for folder in FOLDERS for file in (root / folder).rglob("*.py")):
        place, name = file.relative_to(root), module_name(file, root)
        if name[0] == "ssgan_tf" and len(name) > 1 and name[1] not in {*LEVEL, *ISLANDS, "__main__"}:
            yield f"{place}: {name[1]} has no level yet: decide on one, and add it to LEVELS"
        for imported in imports(file, name):
            if reason := forbidden(name, imported):
                yield f"{place}: imports {imported}: {reason}"


def circles(root: Path) -> Iterator[str]:
    """Yields one line for every circle of imports among the modules of ssgan_tf; imports for types alone count too."""
    files = {".".join(module_name(file, root)): file for file in (root / "ssgan_tf").rglob("*.py")}
    edges = {name: {t for i in imports(file, name.split(".")) for t in (i, i.rpartition(".")[0])} & set(files) - {name}
             for name, file in files.items() if file.name != "__init__.py"}  # fmt: skip
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> Iterator[str]:
        if name in path:
            yield " -> ".join([*path[path.index(name) :], name])
        elif name not in done:
            for target in sorted(edges.get(name, ())):
                yield from visit(target, (*path, name))
            done.add(name)

    for name in sorted(edges):
        yield from visit(name, ())


def test_the_repository_keeps_the_rule(repository: Path) -> None:
    assert list(breaches(repository)) == []


def test_no_module_imports_itself_through_others(repository: Path) -> None:
    assert list(circles(repository)) == []


def test_a_circle_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "ssgan_tf" / "core"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("from ssgan_tf.core import b\n")
    (folder / "b.py").write_text("from ssgan_tf.core.c import d\n")
    (folder / "c.py").write_text("def late():\n    from . import a\n")
    names = [f"ssgan_tf.core.{name}" for name in "abca"]
    assert list(circles(tmp_path)) == [" -> ".join(names)]


BAD = {
    "ssgan_tf/core/losses.py": ["from ssgan_tf import data", "import ssgan_tf.networks.layers"],
    "ssgan_tf/data/dataset.py": ["from ..config import Config", "import tfds_builders.scene3d"],
    "ssgan_tf/visualize.py": ["from ssgan_tf.data import Images"],
    "ssgan_tf/networks/conv_gan.py": ["from ..models import base", "from ssgan_tf.data import load"],
    "ssgan_tf/networks/layers.py": ["import tensorflow_addons as tfa", "from keras import layers"],
    "ssgan_tf/metrics/mig.py": ["from ssgan_tf.models import SemiStyleGAN"],
    "ssgan_tf/models/semi_stylegan/model.py": [
        "import ssgan_tf.data",
        "from ssgan_tf.metrics import METRICS",
        "from ssgan_tf import config",
        "from ...runs import Workdir",
        "from ssgan_tf import visualize",
    ],
    "ssgan_tf/runs/run.py": ["from ssgan_tf import evaluate", "from ssgan_tf.editing import Editor"],
    "ssgan_tf/train/loop.py": ["from ssgan_tf import export", "from ssgan_tf.select import run"],
    "ssgan_tf/export/saved_model.py": [
        "def late():\n    from ssgan_tf.evaluate.__main__ import main",
        "import ssgan_tf.serving.model",
    ],
    "ssgan_tf/editing/editor.py": [
        "from ssgan_tf.core.codes import CodeSpec", "import pandas", "from ..serving import app",
    ],
    "ssgan_tf/serving/app.py": ["from ssgan_tf.core.codes import CodeSpec", "import gradio", "from .. import export"],
    "ssgan_tf/page/editor_page.py": ["from ssgan_tf.runs import Run", "import fastapi"],
    "ssgan_tf/label/table.py": ["import tensorflow", "from ssgan_tf.data import load", "import tfds_builders.shared"],
    "ssgan_tf/train/summary.py": ["from ssgan_tf.new import advice", "from ssgan_tf.label.table import Table"],
    "ssgan_tf/new/report.py": ["import tfds_builders.shared", "from ssgan_tf.page import hosting"],
    "ssgan_tf/helpers.py": ["import os"],
    "ssgan_tf/__init__.py": ["from ssgan_tf import core"],
    "ssgan_tf/__main__.py": ["from ssgan_tf.train import run"],
    "configs/demo.py": ["import configs.base", "from ssgan_tf.models import make_model", "import numpy"],
    "tfds_builders/scene3d/builder.py": ["from ssgan_tf.core import codes"],
    "tests/test_keras.py": ["import keras", "from tensorflow.python.ops import math_ops"],
    "tools/figure.py": ["import tensorflow_addons", "from tests.support import fakes", "import ssgan_tf.data.__main__"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "line"), [(file, line) for file, lines in BAD.items() for line in lines]
)
def test_a_forbidden_import_is_found(file: str, line: str, tmp_path: Path) -> None:
    bad = tmp_path / file
    bad.parent.mkdir(parents=True)
    bad.write_text(line + "\n")
    assert len(list(breaches(tmp_path))) == 1


GOOD = {
    "ssgan_tf/networks/__init__.py": "from ssgan_tf.networks.discriminator import Discriminator",
    "ssgan_tf/networks/discriminator.py": "from .layers import Dense\nfrom ssgan_tf.core import codes",
    "ssgan_tf/models/vae/base.py": "from ...core import losses\nfrom ..train_step import apply_gradients",
    "ssgan_tf/train/setup.py": "from ssgan_tf import __version__, data, evaluate, models, runs",
    "ssgan_tf/export/model_card.py": "from ssgan_tf import editing\nfrom ssgan_tf.evaluate import report",
    "ssgan_tf/editing/editor.py": "import json\nimport numpy\nimport tensorflow as tf\nfrom .latents import Latents",
    "ssgan_tf/serving/app.py": "import fastapi\nfrom ..editing import to_uint8\nfrom ssgan_tf.serving import admission",
    "ssgan_tf/page/__main__.py": "import gradio\nfrom ssgan_tf.editing import Editor",
    "ssgan_tf/label/server.py": "import gradio\nfrom ssgan_tf.utils import files\nfrom ssgan_tf.page import hosting",
    "ssgan_tf/new/report.py": "from ssgan_tf.label.table import natural_key\nfrom ssgan_tf.data import build",
    "ssgan_tf/__main__.py": "import runpy\nfrom ssgan_tf import __version__",
    "configs/demo.py": "from ssgan_tf.config import Config\nfrom ssgan_tf.models import SemiStyleGANOptions",
    "tools/benchmark.py": "from ssgan_tf.train import costs\nfrom tools.comparison import jobs",
    "tests/test_codes.py": "import tensorflow_addons\nfrom ssgan_tf import core, train\nimport ssgan_tf.train.__main__",
}


def test_what_the_layout_allows_passes(tmp_path: Path) -> None:
    for file, text in GOOD.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert list(breaches(tmp_path)) == []

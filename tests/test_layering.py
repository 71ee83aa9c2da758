"""Imports point down: the rule of the package's layout, read off the syntax trees of every file.

| level | modules                                                                    | may import          |
|-------|----------------------------------------------------------------------------|---------------------|
| 0     | core/, utils/, graph_checks, workers                                       | nothing of ssgan_tf |
| 1     | data, encoding, features, pictures, progress, networks/, metrics/,         | 0                   |
|       | directions/                                                                |                     |
| 2     | models/                                                                    | 0, networks         |
| 2     | readings                                                                   | 0-1                 |
| 3     | callbacks, checkpoints, config, costs, distribution, drawing, logs,        | 0-2                 |
|       | measuring, reports, signatures                                    |                     |
| 4     | oracle, overview, runs, workdirs                                           | 0-3                 |
| 5     | loop, model_card, selection/                                               | 0-4                 |
| 6     | train, evaluate, select, discover, export                                  | 0-5, editing        |
| -     | editing/                                                                   | tensorflow, numpy   |
| -     | serving/                                                                   | editing, web server |

Nobody imports the programs of level 6; inside a folder, a module imports only its shared modules.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LEVELS = [
    {"core", "utils", "graph_checks", "workers"},
    {"data", "encoding", "features", "pictures", "progress", "networks", "metrics", "directions"},
    {"models", "readings"},
    {
        "callbacks", "checkpoints", "config", "costs", "distribution", "drawing", "logs", "measuring",
        "reports", "signatures",
    },
    {"oracle", "overview", "runs", "workdirs"},
    {"loop", "model_card", "selection"},
    {"train", "evaluate", "select", "discover", "export"},
]
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}
# The modules of a folder that its other modules build on; they import each other freely.
SHARED = {
    "core": {"codes"},
    "utils": {"files", "validation"},
    "data": {"labeled_subset", "options", "stored_images", "tfds_reader", "dataset"},
    "networks": {"layers", "normalization", "options"},
    "metrics": {"boosting", "features", "groups", "information", "settings", "table", "titles"},
    "models": {"base", "infogan_cr", "progressive", "semi_stylegan", "train_step", "vae"},
    "selection": {"centrality", "columns", "groups", "kept"},
}
# Folders beside the levels, which could be copied elsewhere: what they import besides Python's own and themselves.
ISLANDS = {
    "editing": {"tensorflow", "numpy", "PIL", "imageio_ffmpeg"},
    "serving": {
        "tensorflow", "numpy", "PIL", "google", "fastapi", "starlette", "uvicorn", "orjson", "ssgan_tf.editing",
    },
}
FOLDERS = ["ssgan_tf", "configs", "tfds_builders", "tests", "tools"]
ADDONS_HOME = "ssgan_tf.networks.addons"


def imports(file: Path, name: list[str]) -> Iterator[str]:
    """Dotted names that `file` imports; `from a import b` gives a.b, be b a module or a name."""
    package = name if file.name == "__init__.py" else name[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join(base + ([node.module] if node.module else []))
            yield from (f"{source}.{alias.name}" for alias in node.names)


def allowed_inside(part: str, name: list[str], target: list[str]) -> bool:
    """May module `name` import `target`, both ["ssgan_tf", part, ...] of one part?"""
    if len(name) == 2:  # the folder's own __init__ lists its modules
        return True
    return len(target) > 2 and target[2] in SHARED.get(part, set())


def allowed(name: list[str], target: list[str]) -> bool:
    """May module `name` of ssgan_tf import `target` of ssgan_tf?"""
    if len(target) < 2 or target[1] == "__version__":
        return True
    part, wanted = name[1] if len(name) > 1 else "", target[1]
    if part in ISLANDS:
        return part == wanted or f"ssgan_tf.{wanted}" in ISLANDS[part]
    if part == wanted:
        return allowed_inside(part, name, target)
    if part not in LEVEL or wanted not in LEVEL | {"editing": 0}:
        return False
    if wanted == "editing":
        return LEVEL[part] == len(LEVELS) - 1
    if part == "models" and LEVEL[wanted] == 1:
        return wanted == "networks"
    return LEVEL[wanted] < LEVEL[part]


def breaches(root: Path) -> Iterator[str]:
    """One line for every import under `root` that the layout forbids."""
    for file in sorted(file for folder in FOLDERS for file in (root / folder).rglob("*.py")):
        place = file.relative_to(root)
        name = list(place.with_suffix("").parts)
        if name[-1] == "__init__":
            name.pop()
        if name[0] == "ssgan_tf" and len(name) > 1 and name[1] not in {*LEVEL, *ISLANDS}:
            yield f"{place}: {name[1]} has no level yet: decide on one, and add it to LEVELS"
        for imported in imports(file, name):
            if reason := forbidden(name, imported):
                yield f"{place}: imports {imported}: {reason}"


def forbidden(name: list[str], imported: str) -> str:
    """Why module `name` may not import `imported`; empty where it may."""
    target = imported.split(".")
    top, standard = target[0], target[0] in sys.stdlib_module_names
    if top in {"keras", "tf_keras"} or imported.startswith("tensorflow.python."):
        return "the public tf.keras and tf API only"
    if top == "tensorflow_addons" and name[0] != "tests" and ".".join(name) != ADDONS_HOME:
        return f"TensorFlow Addons is met in {ADDONS_HOME} only"
    options = target[:2] == ["ssgan_tf", "models"] and len(target) == 3 and target[2].endswith("Options")
    if name[0] == "configs" and not (standard or options or imported.startswith("ssgan_tf.config.")):
        return "a config imports ssgan_tf.config, and Options from ssgan_tf.models"
    if name[0] == "tfds_builders" and top in {"ssgan_tf", "configs", "tests"}:
        return "a data set knows nothing of the package"
    if name[0] != "ssgan_tf":
        return ""
    if top in {"tfds_builders", "configs", "tests", "tools"}:
        return "the package reads data and configs by name or path"
    if name[1:2] and name[1] in ISLANDS and not (standard or top == "ssgan_tf" or top in ISLANDS[name[1]]):
        return f"{name[1]} runs where there is only {', '.join(sorted(ISLANDS[name[1]]))}"
    if top == "ssgan_tf" and not allowed(name, target):
        return "imports point down, and siblings do not import each other"
    return ""


def test_the_repository_keeps_the_rule(repository: Path) -> None:
    assert list(breaches(repository)) == []


BAD = {
    "ssgan_tf/core/losses.py": ["from ssgan_tf.data import load", "import ssgan_tf.networks.layers"],
    "ssgan_tf/data.py": ["from .config import Config", "import tfds_builders.scene3d"],
    "ssgan_tf/networks/conv_gan.py": ["from .conv_vae import Encoder", "from ..models import step"],
    "ssgan_tf/networks/layers.py": ["import tensorflow_addons as tfa", "from keras import layers"],
    "ssgan_tf/metrics/mig.py": ["from ssgan_tf.models import SemiStyleGAN", "from .l2 import l2"],
    "ssgan_tf/models/semi_stylegan.py": [
        "import ssgan_tf.data",
        "from ssgan_tf.metrics import METRICS",
        "from ssgan_tf import config",
        "from ..distribution import strategy",
        "from .beta_vae import BetaVAE",
    ],
    "ssgan_tf/callbacks.py": ["from ssgan_tf import train", "from ssgan_tf.editing import Editor"],
    "ssgan_tf/export.py": ["def late():\n    from ssgan_tf.evaluate import main", "import ssgan_tf.serving.model"],
    "ssgan_tf/editing/editor.py": ["from ssgan_tf import core", "import pandas", "from ..serving import app"],
    "ssgan_tf/serving/app.py": ["from ssgan_tf import core", "import gradio", "from .. import signatures"],
    "ssgan_tf/helpers.py": ["import os"],
    "ssgan_tf/__init__.py": ["from ssgan_tf import core"],
    "configs/demo.py": ["import configs.base", "from ssgan_tf.models import make_model", "import numpy"],
    "tfds_builders/scene3d/builder.py": ["from ssgan_tf import core"],
    "tests/test_keras.py": ["import keras", "from tensorflow.python.ops import math_ops"],
    "tools/figure.py": ["import tensorflow_addons"],
}


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
    "ssgan_tf/networks/discriminator.py": "from .layers import Dense\nfrom ssgan_tf import core",
    "ssgan_tf/networks/addons.py": "import tensorflow_addons as tfa",
    "ssgan_tf/models/vae.py": "from ..core import losses\nfrom .train_step import descend",
    "ssgan_tf/train.py": "from ssgan_tf import __version__, callbacks, core, data, models",
    "ssgan_tf/editing/editor.py": "import json\nimport numpy as np\nimport tensorflow as tf\nfrom .files import read",
    "ssgan_tf/serving/app.py": "import fastapi\nfrom ..editing import to_uint8\nfrom ssgan_tf.serving import admission",
    "configs/demo.py": "from ssgan_tf.config import Config\nfrom ssgan_tf.models import SemiStyleGANOptions",
    "tests/test_codes.py": "import tensorflow_addons\nfrom ssgan_tf import core, train",
}


def test_what_the_layout_allows_passes(tmp_path: Path) -> None:
    for file, text in GOOD.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert list(breaches(tmp_path)) == []

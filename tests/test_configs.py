"""Every file in configs/ can be trained: it loads, says how to run it, and fits the data set that it names."""

import importlib
import json
import re
import shlex
from pathlib import Path

import pytest

from ssgan_tf import config as configs
from ssgan_tf import data

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(params=sorted((ROOT / "configs").glob("*.py")), ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


def commands(path: Path) -> list[list[str]]:
    """The commands that open the file, split as a shell would."""
    head = path.read_text(encoding="utf-8").split('"""')[1].replace("\\\n", " ")
    return [shlex.split(line) for line in head.splitlines() if re.match(r"\s*(tfds|python) ", line)]


def option(words: list[str], name: str) -> str:
    (value,) = [word.partition("=")[2] for word in words if word.startswith(f"--{name}=")]
    return value


def builder_of(words: list[str], data_dir: Path):
    """What `tfds build` would build with this command."""
    folder = Path(words[2])
    (file,) = (ROOT / folder).glob("*_dataset_builder.py")
    make = importlib.import_module(".".join([*folder.parts, file.stem])).Builder
    config = option(words, "config")
    if config.startswith("{"):  # as `tfds build` does with JSON
        config = type(make.BUILDER_CONFIGS[0])(**json.loads(config))
        if not (ROOT / config.folder).is_dir():
            pytest.skip(f"there is no {config.folder} here")
    return make(config=config, data_dir=data_dir)


def test_it_loads_and_survives_json(path):
    config = configs.load_config(str(path))
    assert configs.Config.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_the_commands_that_open_it_prepare_its_data_and_train_it(path, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    build, train = commands(path)
    config = configs.load_config(str(path))

    assert train[:3] == ["python", "-m", "ssgan_tf.train"]
    assert option(train, "config") == f"configs/{path.name}"
    assert option(train, "data_dir") == option(build, "data_dir")

    builder = builder_of(build, tmp_path)
    network = config.model.network
    assert config.data.dataset == f"{builder.name}/{builder.builder_config.name}"
    assert builder.info.features["image"].shape == (network.resolution, network.resolution, network.channels)
    assert data.code_spec(builder, config.data.factors).size > 0  # raises for an unknown factor

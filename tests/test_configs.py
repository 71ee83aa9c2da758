"""Every file in configs/ can be trained: it loads, says how to run it, and fits the data set that it names."""

import importlib
import json
import re
import shlex
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from ssgan_tf import config as configs
from ssgan_tf import data
from tests.support import fakes

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(params=sorted((ROOT / "configs").rglob("*.py")), ids=lambda path: path.stem)
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
    if len(folder.parts) == 1:  # one of TFDS's own, which needs neither network nor files to say what it holds
        return tfds.builder(words[2], data_dir=data_dir)
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
    assert option(train, "config") == str(path.relative_to(ROOT))
    assert option(train, "data_dir") == option(build, "data_dir")

    builder = builder_of(build, tmp_path)
    name = f"{builder.name}/{builder.builder_config.name}" if builder.builder_config else builder.name
    assert config.data.dataset == name
    height, width, channels = builder.info.features["image"].shape
    edge = config.data.resolution or height  # of square images, which are reduced if asked for
    assert height == width >= edge
    assert (edge, channels) == (config.model.resolution, config.model.channels)
    assert data.code_spec(builder, config.data.factors).size > 0  # raises for an unknown factor


@pytest.mark.parametrize(
    ("name", "family", "image", "sizes", "weights", "batch", "steps", "event", "rates"),
    [
        ("dsprites", "dsprites", (64, 1), (5, 5), (0.05, 2.0), 64, 322_560, 288_000, (1e-3, 2e-3, 2e-3)),
        ("celeba32", "celeba", (32, 3), (5, 100), (2.0, 1.0), 128, 90_174, 80_000, (2e-3, 2e-4, 2e-4)),
    ],
)
def test_infogan_cr_is_as_published(name, family, image, sizes, weights, batch, steps, event, rates):
    """Spec of InfoGAN-CR 1.3: sizes, lambda and alpha, events in steps, rates of G, of D with Q, and of H."""
    config = configs.load_config(f"{ROOT}/configs/{name}_infogan_cr.py")
    o, (phase,) = config.model, config.phases
    assert (o.family, (o.resolution, o.channels), (o.codes, o.noise_size)) == (family, image, sizes)
    assert (o.lambda_g, o.lambda_d, o.cr_alpha) == (weights[0], *weights)
    assert (phase.batch, config.train.images, phase.decay_images) == (batch, steps * batch, 0)
    assert o.cr_after_images == event * batch
    assert (o.gap, o.gap_after_images) == (0, 0)
    assert [phase.learning_rate * r for r in (1, o.discriminator_rate, o.cr_rate)] == pytest.approx(rates)
    assert (o.beta_1, o.beta_2, o.generator_updates) == (0.5, 0.999, 2)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        # Spec of Semi-StyleGAN 1.6: the published counts; 2.3: the phases.
        (
            "isaac3d_128",
            [
                r"parameters   49,051,676 \(generator 26,105,746, discriminator/encoder 22,945,930\)",
                r"length       29,600,000 images, 846,953 steps",
                r" +8x8 +740,096 +0 +256 +256 +0.001 +[\d,]+ MiB",
                r" +128x128 +24,420,032 +740,000 +32 +32 +0.0015 +[\d,]+ MiB",
            ],
        ),
        ("dsprites", [r"parameters   47,889,419 ", r" +64x64 +38,849,920 +1,110,000 +32 "]),
        (
            "dsprites_infogan_cr",
            [
                r"parameters   763,020 \(generator 251,393, discriminator/encoder 263,878, contrastive 247,749\)",
                r"length       20,643,840 images, 322,560 steps",
            ],
        ),
        ("celeba_256", [r"parameters   49,436,734 ", r" +256x256 +19,\d+,\d+ +600,000 +32 +32 +0.002 "]),
    ],
)
def test_a_dry_run_needs_no_data(name, lines, tmp_path):
    """Parameters, phases, images per phase and memory, from the config alone."""
    flags = [f"--config={ROOT}/configs/{name}.py", f"--workdir={tmp_path}/run", f"--data_dir={tmp_path}/none"]
    result = fakes.run("ssgan_tf.train", *flags, "--dry_run")
    assert (result.code, result.err) == (0, "")
    for line in lines:
        assert re.search("^" + line, result.out, re.MULTILINE), line
    assert "not looked at" in result.out and list(tmp_path.iterdir()) == []
    refused = fakes.run("ssgan_tf.train", *flags)
    assert refused.code == 2 and "is not prepared in" in refused.err

"""Every config in configs/ can be trained: it loads, states its commands, and fits its data set."""

import ast
import dataclasses
import importlib
import inspect
import json
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds

from ssgan_tf import config as configs
from ssgan_tf import data
from ssgan_tf.data.build import CATALOGUE, shipped_builders
from tests.support import programs

ROOT = Path(__file__).resolve().parents[1]
NAMES = sorted(configs.shipped_configs())


def variants(name: str) -> list[str]:
    """Returns the variants of a config, or [""] if it has none."""
    return list(runpy.run_path(configs.find_config(name)[0]).get("VARIANTS", [""]))


def full_name(name: str, variant: str) -> str:
    return f"{name}:{variant}" if variant else name


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


def head(name: str) -> str:
    """Returns the docstring of a config."""
    text = ast.get_docstring(ast.parse(Path(configs.find_config(name)[0]).read_text(encoding="utf-8")))
    assert text
    return text


def commands(name: str) -> list[list[str]]:
    """Returns the commands in a config's docstring, split as by a shell."""
    lines = head(name).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if re.match(r"\s*ssgan ", line)]


def option(words: list[str], name: str) -> str:
    (value,) = [word.partition("=")[2] for word in words if word.startswith(f"--{name}=")]
    return value


def builder_of(words: list[str], data_dir: Path):
    """Returns the builder of an `ssgan data build` command; None if its folder of images is missing."""
    assert words[:3] == ["ssgan", "data", "build"]
    name = words[3]
    if name in CATALOGUE:  # a data set of TFDS itself, described without network or files
        return tfds.builder(name, data_dir=data_dir)
    assert name in shipped_builders()
    make = importlib.import_module(f"tfds_builders.{name}.{name}_dataset_builder").Builder
    config = option(words, "config")
    if config.startswith("{"):  # as `tfds build` does with JSON
        config = type(make.BUILDER_CONFIGS[0])(**json.loads(config))
        if not (ROOT / config.folder).is_dir():
            return None
    return make(config=config, data_dir=data_dir)


def test_it_loads_and_is_the_same_after_json(name):
    for variant in variants(name):
        config = configs.load_config(full_name(name, variant))
        assert configs.Config.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_without_a_variant_it_is_one_of_its_variants(name):
    default = configs.load_config(name)
    assert default in [configs.load_config(full_name(name, variant)) for variant in variants(name)]


def test_it_opens_with_a_sentence_its_commands_and_what_to_expect(name):
    opening, _, rest = head(name).partition("\n\n")
    assert re.fullmatch(r"[^\n]+\.", opening)
    assert re.search(r"^(Not run yet\b|Expected: )", rest, re.MULTILINE)
    assert rest.index("ssgan train") < re.search("Not run yet|Expected", rest).start()


def test_its_commands_prepare_its_data_and_train_it(name, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = commands(name)
    assert len(words) == 2 * len(variants(name))
    for variant, build, train in zip(variants(name), words[::2], words[1::2], strict=True):
        config = configs.load_config(full_name(name, variant))
        assert train[:2] == ["ssgan", "train"]
        assert option(train, "config") == full_name(name, variant)
        assert configs.load_config(option(train, "config")) == config
        assert option(train, "data_dir") == option(build, "data_dir")

        builder = builder_of(build, tmp_path)
        if builder is None:
            pytest.skip(f"the folder of images for {name} is missing")
        dataset = f"{builder.name}/{builder.builder_config.name}" if builder.builder_config else builder.name
        assert config.data.dataset == dataset
        height, width, channels = builder.info.features["image"].shape
        edge = config.data.resolution or height  # images are square, and are reduced to data.resolution if it is set
        assert height == width >= edge
        assert (edge, channels) == (config.model.resolution, config.model.channels)
        assert data.code_spec(builder, config.data.factors).size > 0  # raises for an unknown factor


def repeated_defaults(source: str, names: dict[str, Any]) -> Iterator[str]:
    """Yields "Phase.batch" for every argument in `source` that equals the default of its field."""
    for call in ast.walk(ast.parse(source)):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        kind = names.get(call.func.id)
        if not (inspect.isclass(kind) and dataclasses.is_dataclass(kind)):
            continue
        fields = {field.name: field.default for field in dataclasses.fields(kind)}
        given = [*zip(fields, call.args, strict=False), *((word.arg, word.value) for word in call.keywords)]
        for name, value in given:
            try:
                if ast.literal_eval(value) == fields.get(name or ""):
                    yield f"{kind.__name__}.{name}"
            except ValueError:  # not a literal
                pass


def test_it_states_only_what_differs_from_the_defaults(name):
    """Except for the data set, which is always stated."""
    path = configs.find_config(name)[0]
    found = repeated_defaults(Path(path).read_text(encoding="utf-8"), runpy.run_path(path))
    assert set(found) <= {"DataOptions.dataset"}


def test_repeated_defaults_are_found():
    source = "Config(phases=(Phase(64, batch=32), Phase(0, 3, batch=n)), train=TrainOptions(seed=0, images=5))"
    assert sorted(repeated_defaults(source, vars(configs))) == ["Phase.batch", "Phase.resolution", "TrainOptions.seed"]


@pytest.mark.parametrize(
    ("name", "family", "image", "sizes", "weights", "batch", "steps", "event", "rates"),
    [
        ("dsprites", "dsprites", (64, 1), (5, 5), (0.05, 2.0), 64, 322_560, 288_000, (1e-3, 2e-3, 2e-3)),
        ("celeba32", "celeba", (32, 3), (5, 100), (2.0, 1.0), 128, 90_174, 80_000, (2e-3, 2e-4, 2e-4)),
    ],
)
def test_infogan_cr_is_as_published(name, family, image, sizes, weights, batch, steps, event, rates):
    """Settings of the authors' code: sizes, lambda and alpha, event in steps, learning rates of G, D with Q, and H."""
    config = configs.load_config(f"{name}_infogan_cr")
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
        # Published parameter counts; phases of the authors' earlier code.
        (
            "isaac3d:128",
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
    """It prints parameters, phases, images per phase and memory from the config alone."""
    flags = [f"--config={name}", f"--workdir={tmp_path}/run", f"--data_dir={tmp_path}/none"]
    result = programs.run("ssgan_tf.train", *flags, "--dry_run")
    assert (result.code, result.err) == (0, "")
    for line in lines:
        assert re.search("^" + line, result.out, re.MULTILINE), line
    assert "not prepared" in result.out and list(tmp_path.iterdir()) == []
    refused = programs.run("ssgan_tf.train", *flags)
    assert refused.code == 2 and "is not prepared in" in refused.err

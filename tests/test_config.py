"""Configs: --set of every type, error messages, config.json there and back, files, names and variants."""

import contextlib
import dataclasses
import json

import pytest

from ssgan_tf import config as configs
from ssgan_tf.config import AugmentOptions, Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.runs import Workdir

# --- --set.


@pytest.mark.parametrize(
    ("setting", "read", "value"),
    [
        ("train.images=2000", lambda c: c.train.images, 2000),
        ("train.images=2e6", lambda c: c.train.images, 2_000_000),
        ("train.images=500_000", lambda c: c.train.images, 500_000),
        ("data.labeled_fraction=0.005", lambda c: c.data.labeled_fraction, 0.005),
        ("data.labeled_fraction=1", lambda c: c.data.labeled_fraction, 1.0),
        ("model.gamma_g=3", lambda c: c.model.gamma_g, 3.0),
        ("phases.learning_rate=3e-4", lambda c: c.phases[0].learning_rate, 3e-4),
        ("train.deterministic=false", lambda c: c.train.deterministic, False),
        ("train.deterministic=False", lambda c: c.train.deterministic, False),
        ("model.network.tanh=true", lambda c: c.model.network.tanh, True),
        ("model.network.resolution=128", lambda c: c.model.network.resolution, 128),
        ("data.dataset=shapes3d/a=b", lambda c: c.data.dataset, "shapes3d/a=b"),
        ("data.dataset=1234", lambda c: c.data.dataset, "1234"),
        ("data.factors=shape", lambda c: c.data.factors, ("shape",)),
        ("data.factors=shape, scale", lambda c: c.data.factors, ("shape", "scale")),
        ("data.factors=", lambda c: c.data.factors, ()),
    ],
)
def test_set_parses_every_type(setting, read, value):
    start = Config(data=DataOptions(factors=("a", "b")))
    changed = configs.override(start, [setting])
    assert read(changed) == value
    assert type(read(changed)) is type(value)
    assert len(list(configs.differences(start, changed))) == 1  # and nothing else


def test_several_settings_are_applied_at_once_and_the_last_one_wins():
    settings = ["phases.labeled_batch=64", "phases.0.batch=128", "model.network.fmap_max=8", "model.xi=1", "model.xi=2"]
    changed = configs.override(Config(), settings)  # the first alone would be refused
    assert (changed.phases[0].labeled_batch, changed.phases[0].batch) == (64, 128)
    assert (changed.model.network.fmap_max, changed.model.xi) == (8, 2.0)
    assert Config().phases[0].batch == 32  # the original is unchanged


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.gama_g=3", r"^set: expected one of \['network', .*Received: 'model.gama_g'. Did you mean 'gamma_g'"),
        ("modle.gamma_g=3", r"^set: expected one of \['data', 'model', 'phases', 'train'\].*Did you mean 'model'\?"),
        ("model.network.resolutoin=64", r"Received: 'model.network.resolutoin'. Did you mean 'resolution'\?"),
        ("zzz=1", r"Received: 'zzz'\.$"),
        ("train.images", r"^set: expected name=value, e.g. .* Received: 'train.images'"),
        ("model.network=3", r"^set: model.network is a group; set one of its fields: \['resolution'"),
        ("model=3", r"^set: model is a group; set one of its fields: \['network', 'gamma_g'"),
        ("train.images.x=3", r"^set: train.images.x: 'images' has no fields of its own"),
        ("train.images=1.5", r"^set: train.images: expected int. Received: 1.5"),
        ("train.images=many", r"^set: train.images: expected int. Received: 'many'"),
        ("train.images=", r"^set: train.images: expected int. Received: ''"),
        ("train.images=True", r"^set: train.images: expected int. Received: True"),
        ("train.images=1e999", r"^set: train.images: expected int. Received: inf"),
        ("train.images=1" + 400 * "0", r"^set: train.images: expected int. Received: 1000"),
        ("model.xi=1" + 400 * "0", r"^set: model.xi: expected float. Received: 1000"),
        ("train.images={[]: 1}", r"^set: train.images: expected int. Received: '{\[\]: 1}'"),
        ("train.images=" + 5000 * "(", r"^set: train.images: expected int. Received: '\(\(\("),
        ("model.network.noise_size=1000000", r"^noise_size: expected 16384 or less. Received: 1000000"),
        ("model.xi=[1]", r"^set: model.xi: expected float. Received: \[1\]"),
        ("model.xi=nan", r"^set: model.xi: expected float. Received: 'nan'"),
        ("train.deterministic=1", r"^set: train.deterministic: expected bool. Received: 1"),
        ("train.deterministic=yes", r"^set: train.deterministic: expected bool. Received: 'yes'"),
        ("data.labeled_fraction=1.5", r"^labeled_fraction: expected a number in \[0, 1\]. Received: 1.5"),
        ("data.labeled_fraction=-0.1", r"^labeled_fraction: expected a number in \[0, 1\]. Received: -0.1"),
        ("data.labeled_fraction=0", r"^data.labeled_fraction: 0 is Info-StyleGAN, .*Received: beta=10.0, alpha=1.0"),
        ("model.network.resolution=48", r"^resolution: expected a power of two from 8 to 1024. Received: 48"),
        ("model.network.resolution=2048", r"^resolution: expected a power of two"),
        ("phases.1.batch=8", r"^set: phases.1.batch: expected a number from 0 to 0. Received: 1"),
        ("phases.bacth=8", r"Received: 'phases.bacth'. Did you mean 'batch'"),
        ("phases.0=8", r"^set: phases.0 is a group; set one of its fields: \['resolution'"),
        ("phases=8", r"^set: phases is a group; set one of its fields: \['resolution'"),
        ("phases.resolution=12", r"^phases.0.resolution: expected 0 or 64, the networks' own, in the last phase"),
        ("phases.labeled_batch=33", r"^labeled_batch: expected 1 to batch=32 images .* Received: 33"),
        ("train.seed=-1", r"^seed: expected a number from 0 to 2\*\*31 - 1. Received: -1"),
        ("train.seed=2147483648", r"^seed: expected"),
        ("train.keep_checkpoints=0", r"^keep_checkpoints: expected 1 or more. Received: 0"),
    ],
)
def test_invalid_settings_are_refused_in_one_line(setting, message):
    with pytest.raises(ValueError, match=message) as error:
        configs.override(Config(), [setting])
    assert "\n" not in str(error.value)


def test_without_labels_losses_of_labels_are_refused():
    no_labels = ["data.labeled_fraction=0", "model.beta=0", "model.alpha=0"]
    assert configs.override(Config(), [*no_labels, "model.gamma_e=1"]).data.labeled_fraction == 0
    with pytest.raises(ValueError, match="model.gamma_e above 0"):
        configs.override(Config(), no_labels)


def test_labels_that_no_loss_uses_are_refused():
    with pytest.raises(ValueError, match="^data.labeled_fraction: 0.025 asks for labels that no loss uses"):
        configs.override(Config(), ["model.beta=0", "model.alpha=0", "model.gamma_e=1"])


@pytest.mark.parametrize("field", ["images", "log_every", "sample_every", "checkpoint_every", "keep_checkpoints"])
def test_lengths_are_positive(field):
    with pytest.raises(ValueError, match=f"^{field}: expected 1 or more. Received: 0"):
        TrainOptions(**{field: 0})


@pytest.mark.parametrize(("part", "value"), [("data", TrainOptions()), ("model", NetworkOptions()), ("train", None)])
def test_parts_of_the_wrong_type_are_refused(part, value):
    with pytest.raises(ValueError, match=f"^{part}: expected "):
        Config(**{part: value})


# --- config.json.


def leaves(options, path=""):
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}", value


def make_unusual() -> Config:
    """Returns a config whose fields all differ from their defaults, so that a lost one shows."""
    result = Config()
    for name, value in leaves(result):
        if name == "phases":
            continue  # below
        tries = {
            bool: lambda v: [not v],
            int: lambda v: [2 * v, v + 1, 8, 1],
            float: lambda v: [v / 2, 0.5, 1.0],
            str: lambda v: ["mixed_bfloat16", "modulated", "labeled", f"other/{v}"],
            tuple: lambda v: ["b,a", "translation"],
        }[type(value)](value)
        for other in tries:
            with contextlib.suppress(ValueError):
                result = configs.override(result, [f"{name}={other}"])
            if dict(leaves(result))[name] != value:
                break
        else:
            raise AssertionError(f"{name}: add a value to `tries` that is valid and not its default")
    phases = (Phase(64, 90, 0, 9, 8, 0.5, 7, True), Phase(128, 0, 3, 5, 4, 0.25, 6, True))
    return dataclasses.replace(result, phases=phases)


UNUSUAL = make_unusual()


def test_config_json_is_read_back_as_it_was_written(tmp_path):
    Workdir(str(tmp_path)).write_config(UNUSUAL)
    back = Workdir(str(tmp_path)).read_config()
    assert back == UNUSUAL
    assert [type(value) for _, value in leaves(back)] == [type(value) for _, value in leaves(UNUSUAL)]
    assert list(configs.differences(UNUSUAL, back)) == []
    assert [p.name for p in tmp_path.iterdir()] == ["config.json"]  # no temporary file is left
    assert json.loads((tmp_path / "config.json").read_text())["model"]["kind"] == "semi_stylegan"


def test_differences_name_the_field_and_both_values():
    settings = ["model.network.channels=3", "data.factors=a,b", "train.seed=9", "phases.1.batch=6"]
    other = configs.override(UNUSUAL, settings)
    assert set(configs.differences(UNUSUAL, other)) == {
        ("model.network.channels", 1, 3),
        ("data.factors", ("b", "a"), ("a", "b")),
        ("train.seed", UNUSUAL.train.seed, 9),
        ("phases.1.batch", 5, 6),
    }


def test_a_workdir_without_a_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="^workdir: .* does not contain a run"):
        Workdir(str(tmp_path)).read_config()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["model"].update(gama_g=1), "model.gama_g.*Did you mean 'gamma_g'"),
        (lambda c: c["model"].update(kind="vea"), "^workdir.* model.kind: expected one of .*'vea'"),
        (lambda c: c["model"].update(kind=None), "^workdir"),
        (lambda c: c["model"].pop("kind"), "^workdir.*'kind'"),
        (lambda c: c.pop("train"), "^workdir.*'train'"),
        (lambda c: c.update(data=3), "data: expected a dict of fields. Received: 3"),
        (lambda c: c.update(model=3), "^workdir"),
        (lambda c: c["model"].update(network=[1]), r"model.network: expected a dict of fields. Received: \[1\]"),
        (lambda c: c["phases"][0].update(batch="8"), "phases.0.batch: expected int. Received: '8'"),
        (lambda c: c.update(phases={}), r"phases: expected .* Received: \{\}"),
        (lambda c: c["data"].update(factors=[1]), "data.factors.0: expected str. Received: 1"),
        (
            lambda c: c["train"].update(images=10**400),
            "expected integers of at most 64 bits. Received: one of 401 digits",
        ),
        (lambda c: c["data"].update(labeled_fraction=float("inf")), "labeled_fraction: expected float. Received: inf"),
        (lambda c: c["data"].update(labeled_fraction=7), r"labeled_fraction: expected a number in \[0, 1\]"),
    ],
)
def test_an_invalid_edit_of_config_json_is_named(change, message, tmp_path):
    value = UNUSUAL.to_json()
    change(value)
    (tmp_path / "config.json").write_text(json.dumps(value))
    with pytest.raises(ValueError, match=message):
        Workdir(str(tmp_path)).read_config()


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff", "3", "[" * 100_000, '{"data": ' + "[" * 50 + "]" * 50 + "}"])
def test_a_config_json_that_is_not_a_config(text, tmp_path):
    (tmp_path / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match="^workdir: .*config.json is not a config of this version"):
        Workdir(str(tmp_path)).read_config()


# --- Config files.


def returns(value: str) -> str:
    return f"from ssgan_tf.config import *\n\ndef get_config():\n    return {value}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"must define get_config\(\) -> ssgan_tf.config.Config. Received: None"),
        ("get_config = 3", r"must define get_config\(\)"),
        ("def get_config():\n    return {'batch': 3}", r"Received: \{'batch': 3\}"),
        ("def get_config(:\n", r"FILE: SyntaxError: invalid syntax \(config.py, line 1\)"),
        ("import no_such_module", "FILE, line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        (returns("Config(phases=(Phase(bacth=3),))"), "FILE, line 4: TypeError: .*'bacth'"),
        (returns("Config(phases=(Phase(batch=0),))"), "FILE, line 4: batch: expected 1"),
        (returns("Config(phases=(Phase(batch=64.5),))"), "FILE: phases.0.batch: expected int. Received: 64.5"),
        (returns("Config(data=DataOptions(factors='a'))"), "FILE: data.factors: expected tuple. Received: 'a'"),
        (returns("Config(model=NetworkOptions())"), "FILE, line 4: model: expected .*EncoderOnlyOptions or .*Semi"),
    ],
)
def test_invalid_config_files_are_refused_in_one_line(text, message, tmp_path):
    path = tmp_path / "config.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=message.replace("FILE", str(path))) as error:
        configs.load_config(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["missing.py", ".", "missing.py:512"])
def test_a_missing_config_file(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"^config: expected a Python file such as .* Received: '.*{name}'"):
        configs.load_config(str(tmp_path / name))


def test_a_config_file_is_loaded(tmp_path):
    path = tmp_path / "config.py"
    path.write_text(returns("Config(DataOptions(factors=['a']), phases=(Phase(batch=64.0),))"))
    assert configs.load_config(str(path)) == Config(DataOptions(factors=("a",)), phases=(Phase(batch=64),))
    assert isinstance(configs.load_config(str(path)).phases[0].batch, int)


# --- Names and variants.

VARIANTS = """
VARIANTS = {"small": 64, "large": 128}

def get_config(variant="small"):
    return Config(phases=(Phase(batch=VARIANTS[variant]),))
"""


def test_shipped_configs_are_found_by_name(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("demo", "compare/beta_vae"):
        assert configs.load_config(name) == configs.load_config(f"{repository}/configs/{name}.py")
    assert configs.find_config("isaac3d:512") == (f"{repository}/configs/isaac3d.py", "512")


def test_a_local_file_with_the_name_of_a_shipped_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.py").write_text(returns("Config(phases=(Phase(batch=64),))"))
    assert configs.load_config("demo.py").phases[0].batch == 64
    assert configs.load_config("demo").data.dataset == "scene3d/demo"


@pytest.mark.parametrize(("end", "batch"), [("", 64), (":", 64), (":small", 64), (":large", 128)])
def test_a_variant_follows_a_colon(end, batch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "with:colon"
    folder.mkdir()
    (folder / "own.py").write_text("from ssgan_tf.config import *\n" + VARIANTS)
    for path in ("with:colon/own.py", f"{folder}/own.py"):
        assert configs.load_config(path + end).phases[0].batch == batch


@pytest.mark.parametrize(
    ("text", "variant", "message"),
    [
        (VARIANTS, "larg", r"variant: expected one of \['small', 'large'\]. Received: 'larg'. Did you mean 'large'\?"),
        (VARIANTS.replace("VARIANTS = ", "SIZES = "), "tiny", "line 6: NameError: name 'VARIANTS'"),
        ("def get_config():\n    return Config()", "large", "expected no variant, since get_config.* none.*'large'"),
        ("", "large", r"must define get_config\(\)"),
    ],
)
def test_unknown_variants_are_refused(text, variant, message, tmp_path):
    path = tmp_path / "config.py"
    path.write_text(f"from ssgan_tf.config import *\n{text}\n")
    with pytest.raises(ValueError, match=f"^config: {path}.*{message}"):
        configs.load_config(f"{path}:{variant}")


@pytest.mark.parametrize(
    ("name", "near"),
    [("dmeo", "'demo'"), ("compare/beta_va", "'compare/beta_vae'"), ("configs/isaac3d_512.py", "'isaac3d'.*"),
     ("isac3d:512", "'isaac3d'.*")],
)  # fmt: skip
def test_an_unknown_name_is_answered_with_the_closest_one(name, near, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=rf"Received: '{name}'. Did you mean {near}\?$"):
        configs.load_config(name)


def test_without_shipped_configs_paths_still_work(tmp_path, monkeypatch):
    def nowhere(name):
        raise FileNotFoundError(name)

    monkeypatch.setattr(configs, "shipped_folder", nowhere)
    (tmp_path / "own.py").write_text(returns("Config()"))
    assert configs.load_config(f"{tmp_path}/own.py") == Config()
    with pytest.raises(FileNotFoundError, match="Received: 'demo'\\.$"):
        configs.load_config("demo")


# --- repr.


@pytest.mark.parametrize("config", [Config(), UNUSUAL])
def test_repr_is_the_call_that_makes_the_config(config):
    kinds = (AugmentOptions, Config, DataOptions, NetworkOptions, Phase, TrainOptions, type(config.model))
    assert eval(repr(config), {kind.__name__: kind for kind in kinds}) == config


def test_repr_states_what_differs_from_the_defaults():
    config = Config(DataOptions(labeled_fraction=0.1), phases=(Phase(32, images=80), Phase(64)))
    assert repr(config).splitlines() == [
        "Config(",
        "    data=DataOptions(labeled_fraction=0.1),",
        "    model=SemiStyleGANOptions(),",
        "    phases=(",
        "        Phase(resolution=32, images=80),",
        "        Phase(resolution=64),",
        "    ),",
        "    train=TrainOptions(),",
        ")",
    ]

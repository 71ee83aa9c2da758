"""`train.start_from`: a run starts from the networks of another run, with codes matched by name."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import config as configs
from ssgan_tf import models, runs, train
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.runs import Workdir
from ssgan_tf.train import start_from
from tests.support import tiny_run

# One factor that the other run has, at another place, and one that it does not have.
SPEC = CodeSpec((FactorSpec("angle", 5), FactorSpec("hue", 3), FactorSpec("size", 4)))

NETWORK = dataclasses.replace(tiny_run.NETWORK, code_features=1)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return tiny_run.write_run(tmp_path_factory.mktemp("source") / "run", network=NETWORK)


def config(source: Path | str, **network) -> configs.Config:
    options = dataclasses.replace(tiny_run.OPTIONS, network=dataclasses.replace(NETWORK, **network))
    options_of_train = dataclasses.replace(tiny_run.CONFIG.train, start_from=str(source))
    return dataclasses.replace(tiny_run.CONFIG, model=options, train=options_of_train)


def test_all_weights_are_taken_but_those_of_codes_by_name(source, tmp_path):
    there = runs.load_run(str(source)).model
    here = models.make_model(there.options, SPEC, seed=3)
    before = here.generator.mapping.embedding.kernel.numpy(), here.discriminator.code_head.kernel.numpy()
    start = start_from.take(here, config(source), Workdir("new"))
    assert str(start) == (
        f"starts from  {source}, step 7 (70 images): generator, discriminator/encoder; codes of hue; fresh: angle, size"
    )
    for name in ("generator", "ema_generator", "discriminator"):
        for own, other in zip(getattr(here, name).variables, getattr(there, name).variables, strict=True):
            if start_from.code_axis(own) is None:
                np.testing.assert_array_equal(own, other, err_msg=f"{name}/{own.name}")
    # Rows of the embedding are c, then sin and cos of every octave: each has one row for every code.
    for name in ("generator", "ema_generator"):
        own, other = (getattr(model, name).mapping.embedding.kernel.numpy() for model in (here, there))
        np.testing.assert_array_equal(own[[1, 4, 7]], other[[0, 2, 4]])
        np.testing.assert_array_equal(np.delete(own, [1, 4, 7], 0), np.delete(before[0], [1, 4, 7], 0))
    own, other = (model.discriminator.code_head for model in (here, there))
    np.testing.assert_array_equal(own.kernel.numpy()[:, 1], other.kernel.numpy()[:, 0])
    np.testing.assert_array_equal(own.kernel.numpy()[:, [0, 2]], before[1][:, [0, 2]])
    np.testing.assert_array_equal(own.bias, [0, other.bias.numpy()[0], 0])
    assert here.step.numpy() == 0
    assert all(not np.any(v) for o in here.optimizers for v in o.variables if v.name != "learning_rate:0")


def test_a_dry_run_says_what_a_run_will_take(source, tmp_path):
    start = start_from.preview(config(source, tanh=True, fmap_base=1_000), SPEC, Workdir(f"{tmp_path}/new"))
    assert str(start) == f"starts from  {source}: generator, discriminator/encoder; codes of hue; fresh: angle, size"


def test_codes_without_names_in_common_all_start_fresh(source):
    there, spec = runs.load_run(str(source)).model, CodeSpec((FactorSpec("angle", 5),))
    here = models.make_model(there.options, spec, seed=3)
    before = here.generator.mapping.embedding.kernel.numpy()
    start = start_from.take(here, config(source), Workdir("new"))
    assert (start.codes, start.fresh_codes) == ((), ("angle",))
    assert "no code, since none has the same name; fresh: angle" in str(start)
    np.testing.assert_array_equal(here.generator.mapping.embedding.kernel, before)
    np.testing.assert_array_equal(here.generator.mapping.hidden[0].kernel, there.generator.mapping.hidden[0].kernel)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"fmap_max": 4}, r"model.network.fmap_max=8 there, 4 here"),
        ({"code_features": 2, "channels": 1}, r"model.network.channels=3 there, 1 here; model.network.code_features=1"),
    ],
)
def test_networks_of_other_sizes_are_refused(network, message, source):
    new = config(source, **network)
    model = models.make_model(new.model, SPEC, seed=0)
    before = model.get_weights()
    with pytest.raises(ValueError, match=rf"^train.start_from: .* sizes of this config. Received: .*/run' \({message}"):
        start_from.take(model, new, Workdir("new"))
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("kind", ["missing", "other model", "growing", "no checkpoint", "damaged"])
def test_a_run_that_cannot_be_used_is_refused(kind, source, tmp_path):
    place, spec = tmp_path / "run", tiny_run.SPEC
    message = "does not contain a run"
    if kind != "missing":
        shutil.copytree(source, place)
    new = config(place)
    if kind == "other model":
        new = dataclasses.replace(new, model=models.EncoderOnlyOptions(network=tiny_run.NETWORK))
        message = "expected the folder of a encoder_only run. Received: .*, semi_stylegan"
    if kind == "growing":
        shutil.rmtree(place)
        new = config(place, resolution=16)
        phases = (configs.Phase(8, images=1_000, batch=10, labeled_batch=2), configs.Phase(16))
        tiny_run.write_run(place, phases, network=new.model.network)
        message = "still growing"
    if kind == "no checkpoint":
        shutil.rmtree(place / "checkpoints")
        message = "does not contain a checkpoint yet"
    if kind == "damaged":
        (place / "config.json").write_text("{")
        message = "is not a config of this version"
    with pytest.raises((ValueError, FileNotFoundError), match=f"^train.start_from: .*{message}"):
        start_from.take(models.make_model(new.model, spec, 0), new, Workdir(f"{tmp_path}/new"))


def test_a_run_does_not_start_from_itself(tmp_path):
    with pytest.raises(ValueError, match="^train.start_from: expected the folder of another run.*its own folder"):
        start_from.preview(config(tmp_path / "x" / ".." / "new"), SPEC, Workdir(f"{tmp_path}/new"))


def test_a_run_reads_the_other_run_at_its_first_start_alone(inputs, tmp_path, capsys):
    def run(workdir: str, **changes):
        new = configs.load_config(f"{inputs}/tiny.py")
        assert isinstance(new.model, models.SemiStyleGANOptions)
        encoder = models.EncoderOnlyOptions(network=new.model.network)
        new = dataclasses.replace(new, model=encoder, train=dataclasses.replace(new.train, **changes))
        train.run(new, f"{tmp_path}/{workdir}", f"{inputs}/data")
        return capsys.readouterr().out

    run("other", images=8)
    begun = run("new", images=8, start_from=f"{tmp_path}/other")
    assert f"starts from  {tmp_path}/other, step 1 (8 images): encoder; codes of angle, hue, shape\n" in begun
    record = json.loads((tmp_path / "new/started_from.json").read_text())
    assert (record["step"], record["codes"]) == (1, ["angle", "hue", "shape"])
    first, taken = (
        tf.train.load_variable(f"{tmp_path}/{place}/ckpt", "encoder/code_head/kernel/.ATTRIBUTES/VARIABLE_VALUE")
        for place in ("other/checkpoints/step-000000001", "new/checkpoints/step-000000000")
    )
    np.testing.assert_array_equal(first, taken)

    shutil.rmtree(tmp_path / "other")
    resumed = run("new", images=16, start_from=f"{tmp_path}/other")
    assert "starts from" not in resumed and "Resuming from step 1 (8 images)" in resumed
    with pytest.raises(FileNotFoundError, match=f"^train.start_from: '{tmp_path}/other' does not contain a run"):
        run("late", start_from=f"{tmp_path}/other")
    assert not (tmp_path / "late").exists()

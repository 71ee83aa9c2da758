"""Untrained run, small and quick to load: random weights, checkpoint, config, factors."""

import dataclasses
from pathlib import Path

import tensorflow as tf

from ssgan_tf import models
from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.models import SemiStyleGANOptions
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.checkpoints import Checkpoints

# All sizes differ, so that no axis can be mistaken for another.
NETWORK = NetworkOptions(8, 3, fmap_base=32, fmap_max=8, noise_size=6, style_size=5, mapping_layers=2)
SPEC = CodeSpec((FactorSpec("hue", 3), FactorSpec("shape", 2)))
OPTIONS = SemiStyleGANOptions(network=NETWORK)
CONFIG = Config(DataOptions(dataset="fake/tiny"), OPTIONS, (Phase(batch=10, labeled_batch=2),))
STEP = 7


def make_model(options: SemiStyleGANOptions = OPTIONS, spec: CodeSpec = SPEC) -> tf.keras.Model:
    """Returns a model whose three networks have different random weights, the same at every call."""
    tf.keras.utils.set_random_seed(1)
    model = models.make_model(options, spec, seed=0)
    for variable in [*model.ema_generator.variables, *model.discriminator.variables]:
        variable.assign_add(0.1 * tf.random.stateless_normal(variable.shape, [variable.shape.num_elements(), 0]))
    model.step.assign(STEP)
    return model


def write_run(workdir: Path, phases: tuple[Phase, ...] = CONFIG.phases, **changes) -> Path:
    """Writes a run to `workdir`, which must not exist; `changes` replace fields of the model's options."""
    config = dataclasses.replace(CONFIG, model=dataclasses.replace(OPTIONS, **changes), phases=phases)
    model = make_model(dataclasses.replace(OPTIONS, **changes), SPEC)
    workdir.mkdir()
    Workdir(str(workdir)).write_config(config)
    Workdir(str(workdir)).write_factors(SPEC)
    Checkpoints(str(workdir / "checkpoints"), model.checkpoint_items()).save(STEP)
    return workdir

"""Runs that nobody trained, with several checkpoints each, to select from."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from ssgan_tf import models
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.checkpoints import Checkpoints
from tests.support import tiny_run

THREE_FACTORS = CodeSpec((*tiny_run.SPEC.factors, FactorSpec("angle", 5)))


def write_run(
    workdir: Path,
    seed: int,
    steps: Sequence[int] = (tiny_run.STEP,),
    spec: CodeSpec = tiny_run.SPEC,
    options: Any = tiny_run.OPTIONS,
    **config: Any,
) -> None:
    """Writes a run with different random weights at each of `steps`.

    Args:
        workdir: Folder of the run, which must not exist.
        seed: Seed of the weights.
        steps: Steps of the checkpoints.
        spec: Factors.
        options: Options of the model.
        **config: Other fields of the config.
    """
    tf.keras.utils.set_random_seed(seed)
    model = models.make_model(options, spec, seed)
    workdir.mkdir(parents=True)
    Workdir(str(workdir)).write_config(dataclasses.replace(tiny_run.CONFIG, model=options, **config))
    Workdir(str(workdir)).write_factors(spec)
    checkpoints = Checkpoints(Workdir(str(workdir)).checkpoints, model.checkpoint_items())
    for step in steps:
        for variable in model.trainable_variables:
            variable.assign_add(0.1 * tf.random.normal(variable.shape))
        model.step.assign(step)
        checkpoints.save(step)

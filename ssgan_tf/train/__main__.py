"""Trains the model of a config. The same command again resumes where the last one stopped.

ssgan train --config=demo --workdir=runs/demo --data_dir=data
ssgan train --config=cups/config.py             written by `ssgan new`: run and data are beside it
"""

import json

from absl import flags

from ssgan_tf import config as configs
from ssgan_tf import data
from ssgan_tf.evaluate.oracle import OracleOptions
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.checkpoints import Checkpoints
from ssgan_tf.train import callbacks, loop, memory, setup, start_from, summary, training
from ssgan_tf.train.distribution.cluster import WorkerMissing
from ssgan_tf.train.distribution.strategy import STRATEGIES, make_strategy
from ssgan_tf.utils import program
from ssgan_tf.utils.project import Places, find_places

_CONFIG = flags.DEFINE_string(
    "config",
    None,
    "Python file with get_config(), or the name of a shipped config: configs/demo.py, demo, isaac3d:512.",
    required=True,
)
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of the run: config, checkpoints, logs, image grids. Default: `run` beside a config of `ssgan new`.",
)
_SET = flags.DEFINE_multi_string("set", [], "Changes a field of the config, e.g. model.gamma_g=3. Repeatable.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir", "data", "Folder of the prepared data sets. For a config of `ssgan new`: `data` beside it."
)
_STRATEGY = flags.DEFINE_enum("strategy", "default", STRATEGIES, "Devices to train on.")
_ORACLE_IMAGES = flags.DEFINE_integer(
    "oracle_images",
    OracleOptions.images,
    "Length of the oracle's training in images, if train.metrics_every needs an oracle and none is cached.",
    1,
)
_MINUTES = flags.DEFINE_float("minutes", None, "Stop after this many minutes even if training is not complete.", 0.0)
_JIT = flags.DEFINE_enum(
    "jit_compile", "auto", ("auto", "on", "off"), "Compile with XLA; auto: on GPUs only, as it is slower on CPUs."
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print config, data and sizes; train and write nothing.")


def main() -> int:
    """Trains; returns the exit code."""
    try:
        config = configs.override(configs.load_config(_CONFIG.value), _SET.value)
        places = find_places(_CONFIG.value, _WORKDIR.value, _DATA_DIR.value if _DATA_DIR.present else None)
        if _DRY_RUN.value:
            return dry_run(config, places)
        session = setup.prepare(
            config,
            places.workdir,
            places.data_dir,
            strategy=_STRATEGY.value,
            jit_compile=jit_compile(),
            minutes=_MINUTES.value,
            oracle_images=_ORACLE_IMAGES.value,
            callbacks=(),
            quiet=False,
        )
    except WorkerMissing as error:
        return program.fail(error, program.RESUMABLE)
    except (ValueError, OSError, MemoryError) as error:
        return program.fail(error)
    return train(session)


def train(session: loop.Session) -> int:
    """Trains a prepared session; returns the exit code."""
    try:
        training.execute(session)
    except training.Stopped as stopped:
        return 128 + stopped.signal_number
    except KeyboardInterrupt:
        last = loop.last_checkpoint(Checkpoints(session.workdir.checkpoints, {}))
        return program.fail(f"interrupted. The same command resumes from {last}.", program.INTERRUPTED)
    except callbacks.NonFinite as error:
        return program.fail(error, 1)
    except WorkerMissing as error:
        return program.fail(error, program.RESUMABLE)
    except (OSError, MemoryError) as error:
        return program.fail(error)
    return 0


def jit_compile() -> bool | None:
    return None if _JIT.value == "auto" else _JIT.value == "on"


def dry_run(config: configs.Config, places: Places) -> int:
    """Checks everything and prints what would be trained; works without the data if the config names its factors."""
    workdir = Workdir(places.workdir)
    workdir.check_config(config)
    memory.check(memory.needed(config))
    strategy = make_strategy(_STRATEGY.value)
    info: data.DatasetInfo | None = None
    try:
        info = setup.check_input(config, workdir, places.data_dir, strategy)
    except FileNotFoundError:
        if not config.data.factors:
            raise
    xla = jit_compile()
    print(json.dumps(config.to_json(), indent=2))
    replicas = strategy.num_replicas_in_sync
    print(summary.describe(config, info, replicas, setup.on_gpu() if xla is None else xla), flush=True)
    if labels := info and setup.preview_labels(config, places.data_dir, info):
        print(labels)
    if start := info and start_from.preview(config, info.spec, workdir):
        print(start)
    return 0


if __name__ == "__main__":
    program.start(main)

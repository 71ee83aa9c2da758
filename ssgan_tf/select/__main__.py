"""Selects one model among many without labels: the one that agrees most with the others, or the best by UDR.

  ssgan select --workdirs='runs/*' --out=selection
  ssgan select --checkpoints_of=runs/one --out=selection --data_dir=data

Prints the ranking, and writes selection.json and matrix.png into --out. Scores of pairs of models are cached there, so
the same command continues where it was stopped, and computes only what is new if there are more models. See
docs/select.md.
"""

import tensorflow as tf
from absl import flags

from ssgan_tf.select import ranking, report
from ssgan_tf.select.pairs import Settings
from ssgan_tf.utils import program

_WORKDIRS = flags.DEFINE_string("workdirs", None, "Folders of runs: comma-separated patterns such as 'runs/*'.")
_CHECKPOINTS_OF = flags.DEFINE_string(
    "checkpoints_of", None, "Workdir whose checkpoints are compared, instead of --workdirs."
)
_OUT = flags.DEFINE_string("out", "selection", "Folder for the results and the cache of pair scores.")
_METHOD = flags.DEFINE_enum("method", "centrality", list(report.METHODS), "Score to rank by.")
_GROUPS = flags.DEFINE_integer(
    "groups", Settings.groups, "Number of groups of images that share a code, per generator.", 1
)
_GROUP = flags.DEFINE_integer("group", Settings.size, "Number of images in a group.", 2)
_DEVIATION_IMAGES = flags.DEFINE_integer(
    "deviation_images",
    Settings.deviation_images,
    "Additional images per generator for the codes' standard deviations; 0 to take them over the groups.",
    0,
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the prepared data sets, for UDR; without it, UDR is left out."
)
_UDR_IMAGES = flags.DEFINE_integer("udr_images", 1_000, "Number of real images for UDR.", 10)
_MIXED_CODES = flags.DEFINE_bool("mixed_codes", False, "Also compare models with different numbers of codes.")
_PROCESSES = flags.DEFINE_integer(
    "processes", None, "Number of processes; by default one per core, or a single one on a machine with a GPU.", 1
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of noise, codes and the choice of real images.", 0)


def main() -> int:
    """Ranks the models; returns the exit code."""
    tf.config.set_visible_devices([], "GPU")  # leaves all of its memory to the processes that encode
    try:
        result = ranking.run(
            _WORKDIRS.value,
            _CHECKPOINTS_OF.value,
            _OUT.value,
            method=_METHOD.value,
            groups=_GROUPS.value,
            group=_GROUP.value,
            deviation_images=_DEVIATION_IMAGES.value,
            data_dir=_DATA_DIR.value,
            udr_images=_UDR_IMAGES.value,
            mixed_codes=_MIXED_CODES.value,
            processes=_PROCESSES.value,
            seed=_SEED.value,
        )
    except (ValueError, OSError, MemoryError) as error:
        return program.fail(error)
    print("\n".join(["", str(result), *result.paths]))
    return 0


if __name__ == "__main__":
    program.start(main)

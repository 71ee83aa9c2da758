"""Scores a trained run: its encoder on real images, its generator through the oracle, its images against real ones.

  ssgan evaluate --workdir=runs/demo --data_dir=data
  ssgan evaluate --workdir=runs/demo --data_dir=data --metrics=mig,dci --bootstrap=200
  ssgan evaluate --config=cups/config.py          written by `ssgan new`: run and data are beside it

Writes metrics.json (all numbers), metrics.txt (the table that is printed) and traversal.png into the workdir. Earlier
scores of other metrics are kept if they belong to the same checkpoint, images and settings. The two oracles that the
generator's scores need are trained once for each data set (all labels, 10 % held out) and cached in data_dir/oracles.
"""

from absl import flags

from ssgan_tf.evaluate import evaluation, feature_network, oracle, scoring
from ssgan_tf.utils import program
from ssgan_tf.utils.project import find_places

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run. Default: `run` beside a config of `ssgan new`.")
_CONFIG = flags.DEFINE_string("config", None, "Config that `ssgan new` wrote; stands for --workdir and --data_dir.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the prepared data sets.")
_METRICS = flags.DEFINE_string(
    "metrics", "fast", f"'fast' (all that take seconds), 'all', or comma-separated names: {', '.join(scoring.NAMES)}."
)
_SAMPLES = flags.DEFINE_integer("samples", 10_000, "Number of real images, and of generated ones, per score.", 100)
_BOOTSTRAP = flags.DEFINE_integer("bootstrap", 0, "Number of replicates for 95 % intervals; 0 for none.", 0)
_BINS = flags.DEFINE_integer("bins", 20, "Number of bins for MIG, modularity, mutual information and IRS.", 2)
_GROUP = flags.DEFINE_integer("group", 64, "Images per group of FactorVAE, and image pairs per group of BetaVAE.", 2)
_FEATURES = flags.DEFINE_string(
    "features", None, "Network for FID, KID, precision and recall: a SavedModel folder or a .keras or .h5 file."
)
_FEATURES_RANGE = flags.DEFINE_enum(
    "features_range", "-1,1", list(feature_network.RANGES), "Values that this network expects for black and white."
)
_ORACLE_IMAGES = flags.DEFINE_integer(
    "oracle_images", oracle.OracleOptions.images, "Images to train the oracle with, if it is not cached yet.", 1
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the choice of images, of noise and codes, and of the metrics.", 0)


def main() -> int:
    """Evaluates a run; returns the exit code, PARTLY if a metric that was asked for by name has no score."""
    try:
        places = find_places(_CONFIG.value, _WORKDIR.value, _DATA_DIR.value if _DATA_DIR.present else None)
        scores = evaluation.run(
            places.workdir,
            places.data_dir,
            metrics=_METRICS.value,
            samples=_SAMPLES.value,
            bootstrap=_BOOTSTRAP.value,
            bins=_BINS.value,
            group=_GROUP.value,
            features=_FEATURES.value,
            features_range=_FEATURES_RANGE.value,
            oracle_images=_ORACLE_IMAGES.value,
            seed=_SEED.value,
        )
    except (ValueError, OSError, MemoryError) as error:
        return program.fail(error)
    grids = [f"Image grid: {path}" for path in scores.paths[2:]]
    print("\n".join([str(scores), "", f"Scores: {scores.paths[0]}", *grids]))
    for sentence in scores.missing:
        program.fail(sentence)
    return program.PARTLY if scores.missing else 0


if __name__ == "__main__":
    program.start(main)

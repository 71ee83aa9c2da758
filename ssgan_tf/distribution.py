"""Where the training runs: one device, all local devices, or several workers."""

import tensorflow as tf

from ssgan_tf import data, streams
from ssgan_tf.schedule import Segment

STRATEGIES = ("default", "mirrored", "multiworker")


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Makes the strategy called `name`, one of STRATEGIES.

    default: one device. mirrored: all GPUs of this machine (all logical devices where there is no GPU).
    multiworker: the workers that the environment variable TF_CONFIG lists.

    Raises:
        ValueError: for another name.
    """
    if name == "default":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        return tf.distribute.MirroredStrategy([d.name for d in tf.config.list_logical_devices(kind)])
    if name == "multiworker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    raise ValueError(f"--strategy: expected one of {', '.join(STRATEGIES)}. Received: {name!r}.")


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Does this process write what the run leaves behind? All do but the second and later workers."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return resolver.task_type == "chief" or (resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs)


def distribute_batches(
    strategy: tf.distribute.Strategy,
    table: data.ImageTable,
    labeled_rows,
    segment: Segment,
    seed: int,
    first_step: int,
):
    """`streams.batches` as `strategy` wants it: every replica gets its own rows of each global batch."""
    if strategy.num_replicas_in_sync == 1:
        return streams.batches(table, labeled_rows, segment, seed, first_step)

    def pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
        local = context.num_replicas_in_sync // context.num_input_pipelines
        first = context.input_pipeline_id * local
        return streams.batches(
            table,
            labeled_rows,
            segment,
            seed,
            first_step,
            replicas=range(first, first + local),
            replica_count=context.num_replicas_in_sync,
        )

    return strategy.distribute_datasets_from_function(pipeline)

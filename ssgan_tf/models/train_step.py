"""Building blocks of every model's `train_step`: seeds, sampling, reduction, gradient steps and moving averages.

All work for any number of replicas: random numbers are those of the global batch, losses are averaged over it, and
variables receive the same update on every replica.
"""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from ssgan_tf.core.schedule import Segment
from ssgan_tf.models.base import TrainableModel

LABELED = ("labeled_image", "labeled_codes", "labeled_mask")  # entries of a batch that losses with labels need


def compiled(function: Callable, jit_compile: bool) -> Callable:
    """Returns the function, compiled by XLA if `jit_compile`."""
    return tf.function(function, autograph=False, jit_compile=True) if jit_compile else function


def check_batch(batch: Mapping[str, tf.Tensor], names: Sequence[str]) -> None:
    """Checks the named entries of a batch, once, when the step is traced.

    Raises:
        ValueError: If an entry is missing, is not float32, or has no static number of rows.
    """
    for name in names:
        if name not in batch:
            raise ValueError(f"{name}: expected a batch with {', '.join(names)}. Received: {', '.join(sorted(batch))}.")
        if batch[name].dtype != tf.float32:
            raise ValueError(f"{name}: expected float32, images in [-1, 1]. Received: {batch[name].dtype.name}.")
        if batch[name].shape.rank is None or batch[name].shape[0] is None:
            raise ValueError(
                f"{name}: expected batches of one size, as from Dataset.batch(size, drop_remainder=True). "
                f"Received: shape {batch[name].shape}."
            )


def replica_count() -> int:
    """Returns the number of replicas of the current strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def step_seeds(run_seed: int, step: tf.Tensor, count: int) -> list[tf.Tensor]:
    """Returns `count` seeds ([2] int32) that depend only on run seed and step, so there is no random state to save."""
    seed = tf.random.experimental.stateless_fold_in(tf.constant([run_seed, 0], tf.int32), step)
    return tf.unstack(tf.random.experimental.stateless_split(seed, count))


def sample_for_replica(sample: Callable[[int], tf.Tensor], batch: int) -> tf.Tensor:
    """Samples the global batch and returns this replica's rows, so that the samples do not depend on the replica count.

    Args:
        sample: Function from a number of rows to a tensor with that many rows.
        batch: Number of rows per replica.
    """
    replicas = replica_count()
    if replicas == 1:
        return sample(batch)
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    return sample(batch * replicas)[replica * batch : (replica + 1) * batch]


def seed_for_replica(seed: tf.Tensor) -> tf.Tensor:
    """Returns a different seed on each replica, for samples that cannot be split into rows; `seed` on a single one."""
    if replica_count() == 1:
        return seed
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.random.experimental.stateless_fold_in(seed, replica)


def total_loss(losses: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Sums the losses, each averaged over the GLOBAL batch. {name: [B]} -> scalar."""
    # Keras sums gradients over replicas, so each replica divides by the global batch size.
    return tf.add_n([tf.nn.compute_average_loss(v) for v in losses.values()])


def global_mean(value: tf.Tensor) -> tf.Tensor:
    """Averages a value over replicas; all of them receive the result."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, value)


def loss_scale(optimizer: tf.keras.optimizers.Optimizer) -> tf.Tensor | None:
    """Returns the factor to multiply a loss by before its gradients go to `apply_gradients`; None without scaling."""
    if isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer):
        return optimizer.get_scaled_loss(tf.ones([]))
    return None


def apply_gradients(
    gradients: Sequence[tf.Tensor | None],
    variables: Sequence[tf.Variable],
    optimizer: tf.keras.optimizers.Optimizer,
) -> tf.Tensor:
    """Takes one optimizer step on the variables that have a gradient. Others, e.g. unused RGB heads, stay unchanged.

    Args:
        gradients: This replica's gradients, multiplied by `loss_scale(optimizer)`. With a loss scale, a gradient that
            is not finite on any replica makes all replicas skip the step and halve the scale.
        variables: One variable per gradient.
        optimizer: Optimizer of `variables`.

    Returns:
        The global norm of the gradients, summed over replicas.
    """
    pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
    # Divide by the loss scale first, so that the norm is the true one.
    plain = optimizer
    if isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer):
        plain = optimizer.inner_optimizer
        pairs = list(zip(optimizer.get_unscaled_gradients([g for g, _ in pairs]), [v for _, v in pairs], strict=True))
    # Sum over replicas once, for the norm and for the step.
    pairs = plain.aggregate_gradients(pairs)
    optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)
    return tf.linalg.global_norm([g for g, _ in pairs])


def update_moving_average(
    averages: Sequence[tf.Variable], variables: Sequence[tf.Variable], decay: tf.Tensor | float
) -> None:
    """Updates averages <- decay * averages + (1 - decay) * variables, once, for any number of replicas."""
    update_each(averages, variables, lambda average, variable: average.assign_sub((1.0 - decay) * (average - variable)))


def update_each(
    variables: Sequence[tf.Variable], values: Sequence[tf.Tensor], update: Callable[[tf.Variable, tf.Tensor], object]
) -> None:
    """Calls update(variable, value) within a step, once for each copy of a variable, whatever its aggregation.

    Args:
        variables: Variables to update.
        values: One value per variable, the same on all replicas.
        update: Function that assigns to the variable.
    """

    # In replica context the variable's `aggregation` would aggregate an assignment over replicas, or refuse it.
    def merge(strategy, *both):
        half = len(both) // 2
        for variable, value in zip(both[:half], both[half:], strict=True):
            strategy.extended.update(variable, update, args=(value,), group=False)

    tf.distribute.get_replica_context().merge_call(merge, args=(*variables, *values))


class PhaseRate(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate of the model's current phase.

    Args:
        model: Model with `segment`, and with `step` counted from the start of the run. The optimizer's own count is
            not used, since it restarts with fresh optimizers.
        factor: Factor for the phase's rate.
    """

    def __init__(self, model: tf.keras.Model, factor: float = 1.0):
        self._model = model
        self._factor = factor

    def __call__(self, iterations: tf.Tensor) -> tf.Tensor:
        segment: Segment = self._model.segment
        phase = segment.phase
        rate = self._factor * phase.learning_rate
        if not phase.decay_images:
            return tf.constant(rate)
        # Cosine from the phase's rate to 1 % of it.
        steps = max(1, phase.decay_images // phase.batch)
        decay = tf.keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.01)
        return decay(self._model.step - segment.phase_start)


def make_adam(
    model: TrainableModel, variables: Sequence[tf.Variable], beta_1: float, beta_2: float, factor: float = 1.0
) -> tf.keras.optimizers.Adam:
    """Makes Adam with all its slots, at `factor` times the learning rate of the model's current phase."""
    # By default Keras compiles each variable's update with XLA on GPUs, whatever the model's jit_compile.
    optimizer = tf.keras.optimizers.Adam(PhaseRate(model, factor), beta_1, beta_2, epsilon=1e-8, jit_compile=False)
    # Build the slots now, so that a checkpoint can be restored before the first step.
    optimizer.build(variables)
    return optimizer

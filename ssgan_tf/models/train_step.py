"""What every model's train_step does alike: random draws, the one reduction, the update, the moving average."""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from ssgan_tf.core.schedule import Segment
from ssgan_tf.models.base import TrainableModel


def replica_count() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync


def step_seeds(run_seed: int, step: tf.Tensor, count: int) -> list[tf.Tensor]:
    """Returns `count` seeds ([2] int32), a function of run seed and step alone: no random state to save."""
    seed = tf.random.experimental.stateless_fold_in(tf.constant([run_seed, 0], tf.int32), step)
    return tf.unstack(tf.random.experimental.stateless_split(seed, count))


def draw_for_replica(draw: Callable[[int], tf.Tensor], batch: int) -> tf.Tensor:
    """Draws for the global batch and keeps this replica's rows, so that any number of replicas sees the same.

    Args:
        draw: number of rows -> tensor with that many rows.
        batch: rows on one replica.
    """
    replicas = replica_count()
    if replicas == 1:
        return draw(batch)
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    return draw(batch * replicas)[replica * batch : (replica + 1) * batch]


def seed_for_replica(seed: tf.Tensor) -> tf.Tensor:
    """A seed of each replica's own, for draws that cannot be cut into rows; `seed` itself on a single replica."""
    if replica_count() == 1:
        return seed
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.random.experimental.stateless_fold_in(seed, replica)


def total_loss(losses: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Sum over terms of the mean over the GLOBAL batch. {name: [B]} -> scalar.

    Keras sums gradients over replicas, so each replica divides by the global batch size.
    """
    return tf.add_n([tf.nn.compute_average_loss(v) for v in losses.values()])


def global_mean(value: tf.Tensor) -> tf.Tensor:
    """Mean over all replicas of a value of each: the same everywhere."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, value)


def loss_scale(optimizer: tf.keras.optimizers.Optimizer) -> tf.Tensor | None:
    """What a loss is to be multiplied by before `descend` gets its gradients; None without loss scaling."""
    if isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer):
        return optimizer.get_scaled_loss(tf.ones([]))
    return None


def descend(
    gradients: Sequence[tf.Tensor | None],
    variables: Sequence[tf.Variable],
    optimizer: tf.keras.optimizers.Optimizer,
) -> tf.Tensor:
    """One optimizer step on those of `variables` that have a gradient (an unused RGB head stays as it is).

    Args:
        gradients: of this replica, times `loss_scale(optimizer)`. With a loss scale, no replica takes the step where
            one of them has a gradient that is not finite, and the scale is halved.
        variables: as many.
        optimizer: of them.

    Returns:
        The norm of the gradients, summed over replicas.
    """
    pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
    plain = optimizer
    if isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer):
        plain = optimizer.inner_optimizer
        pairs = list(zip(optimizer.get_unscaled_gradients([g for g, _ in pairs]), [v for _, v in pairs], strict=True))
    pairs = plain.aggregate_gradients(pairs)
    optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)
    return tf.linalg.global_norm([g for g, _ in pairs])


def update_average(averages: Sequence[tf.Variable], variables: Sequence[tf.Variable], decay: tf.Tensor | float) -> None:
    """averages <- decay * averages + (1 - decay) * variables, once however many replicas there are."""
    update_each(averages, variables, lambda average, variable: average.assign_sub((1.0 - decay) * (average - variable)))


def update_each(
    variables: Sequence[tf.Variable], values: Sequence[tf.Tensor], update: Callable[[tf.Variable, tf.Tensor], object]
) -> None:
    """Calls update(variable, value) in a step, once for each copy of a variable, whatever its aggregation.

    Args:
        variables: to be changed.
        values: as many, the same on all replicas.
        update: assigns to the variable.
    """

    def merge(strategy, *both):
        half = len(both) // 2
        for variable, value in zip(both[:half], both[half:], strict=True):
            strategy.extended.update(variable, update, args=(value,), group=False)

    tf.distribute.get_replica_context().merge_call(merge, args=(*variables, *values))


class PhaseRate(tf.keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of the phase that a model is in.

    Args:
        model: has `segment`, and `step` that counts from the start of the run. The optimizer's own count, which
            begins anew with fresh optimizers, has no say.
        factor: what the phase's rate is multiplied by.
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
        steps = max(1, phase.decay_images // phase.batch)
        decay = tf.keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.01)
        return decay(self._model.step - segment.phase_start)


def make_adam(
    model: TrainableModel, variables: Sequence[tf.Variable], beta_1: float, beta_2: float, factor: float = 1.0
) -> tf.keras.optimizers.Adam:
    """Adam with all its slots, at `factor` times the rate of the phase that the model is in."""
    optimizer = tf.keras.optimizers.Adam(PhaseRate(model, factor), beta_1, beta_2, epsilon=1e-8, jit_compile=False)
    optimizer.build(variables)
    return optimizer

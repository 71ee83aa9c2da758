"""What every model's train_step does alike: random draws, the one reduction, the update, the moving average."""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from ssgan_tf.schedule import Segment


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


def descend(
    tape: tf.GradientTape,
    loss: tf.Tensor,
    variables: Sequence[tf.Variable],
    optimizer: tf.keras.optimizers.Optimizer,
) -> None:
    """One optimizer step on those of `variables` that `loss` depends on (an unused RGB head stays as it is)."""
    pairs = zip(tape.gradient(loss, variables), variables, strict=True)
    optimizer.apply_gradients([(g, v) for g, v in pairs if g is not None])


def update_average(averages: Sequence[tf.Variable], variables: Sequence[tf.Variable], decay: tf.Tensor | float) -> None:
    """averages <- decay * averages + (1 - decay) * variables, once however many replicas there are."""

    def assign(average, variable):
        return average.assign_sub((1.0 - decay) * (average - variable))

    def merge(strategy, *values):
        half = len(values) // 2
        for average, variable in zip(values[:half], values[half:], strict=True):
            strategy.extended.update(average, assign, args=(variable,), group=False)

    tf.distribute.get_replica_context().merge_call(merge, args=(*averages, *variables))


class PhaseRate(tf.keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of the phase that a model is in.

    Args:
        model: has `segment`, and `step` that counts from the start of the run. The optimizer's own count, which
            begins anew with fresh optimizers, has no say.
    """

    def __init__(self, model: tf.keras.Model):
        self._model = model

    def __call__(self, iterations: tf.Tensor) -> tf.Tensor:
        segment: Segment = self._model.segment
        phase = segment.phase
        if not phase.decay_images:
            return tf.constant(phase.learning_rate)
        steps = max(1, phase.decay_images // phase.batch)
        decay = tf.keras.optimizers.schedules.CosineDecay(phase.learning_rate, steps, alpha=0.01)
        return decay(self._model.step - segment.phase_start)


def forget(optimizer: tf.keras.optimizers.Optimizer) -> None:
    """Makes the optimizer as it was when it was new: no moments, no steps taken."""
    for variable in optimizer.variables:
        variable.assign(tf.zeros_like(variable))


class LossTrackers:
    """Running means of every loss term since the last reset, one `tf.keras.metrics.Mean` each."""

    def __init__(self, names: Sequence[str]):
        self.means = {name: tf.keras.metrics.Mean(name) for name in names}

    def update(self, losses: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        for name, values in losses.items():
            self.means[name].update_state(values)
        return {name: mean.result() for name, mean in self.means.items()}

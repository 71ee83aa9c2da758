"""Input checks inside a graph, with which an exported model refuses bad input in terms that its user can act on.

TensorFlow does not compare inputs with the shapes that a signature promises, and lets NaN pass.
"""

from collections.abc import Sequence

import tensorflow as tf


def with_assert(value: tf.Tensor, condition: tf.Tensor, *message: str | tf.Tensor) -> tf.Tensor:
    """Returns `value`; the graph raises InvalidArgumentError with `message` if `condition` is false."""
    with tf.control_dependencies([tf.debugging.Assert(condition, list(message), summarize=8)]):
        return tf.identity(value)


def check_same_rows(**values) -> list[tf.Tensor]:
    """Returns the values; the graph refuses them if their numbers of rows differ."""
    rows = tf.stack([tf.shape(value)[0] for value in values.values()])
    first, last = ", ".join([*values][:-1]), [*values][-1]
    message = f"{first} and {last}: expected the same number of rows. Received:"
    same = tf.reduce_all(rows == rows[0])
    return [with_assert(value, same, message, rows) for value in values.values()]


def check_rows(name: str, value: tf.Tensor) -> tf.Tensor:
    """Returns `value`; the graph refuses an empty batch."""
    rows = tf.shape(value)[0]
    return with_assert(value, rows > 0, f"{name}: expected 1 row or more. Received:", rows)


def check_tensor(
    name: str, value: tf.Tensor, shape: Sequence[int], limits: tuple[float, float] | None = None, slack: float = 0.0
) -> tf.Tensor:
    """Returns `value`; the graph refuses it unless it is [B, *shape] with B >= 1, finite and within `limits`.

    Args:
        name: Name of the input, for the message.
        value: The input.
        shape: Shape of one row.
        limits: Smallest and largest number allowed; None for any finite number.
        slack: Distance by which numbers may lie outside the limits.
    """
    # ensure_shape, not an assertion on tf.shape: TensorFlow takes the promised shape for granted and would drop such an
    # assertion as always true.
    value = check_rows(name, tf.ensure_shape(value, [None, *shape]))
    valid = tf.math.is_finite(value)
    if limits:
        valid &= (value >= limits[0] - slack) & (value <= limits[1] + slack)
    expected = f"numbers in [{limits[0]:g}, {limits[1]:g}]" if limits else "finite numbers"
    message = f"{name}: expected {expected}. Received minimum and maximum:"
    return with_assert(value, tf.reduce_all(valid), message, tf.reduce_min(value), tf.reduce_max(value))

"""Checks inside a graph: an exported model refuses bad input with a message that its client can act on.

TensorFlow does not compare inputs with the shapes that a signature promises, and lets NaN pass.
"""

from collections.abc import Sequence

import tensorflow as tf


def asserted(value: tf.Tensor, condition: tf.Tensor, *message: str | tf.Tensor) -> tf.Tensor:
    """`value`, once `condition` is known to hold; otherwise an InvalidArgumentError that shows `message`."""
    with tf.control_dependencies([tf.debugging.Assert(condition, list(message), summarize=8)]):
        return tf.identity(value)


def same_rows(**values) -> list[tf.Tensor]:
    """The values, once it is known that they have the same batch size."""
    rows = tf.stack([tf.shape(value)[0] for value in values.values()])
    first, last = ", ".join([*values][:-1]), [*values][-1]
    message = f"{first} and {last}: expected as many rows in one as in the other. Received:"
    same = tf.reduce_all(rows == rows[0])
    return [asserted(value, same, message, rows) for value in values.values()]


def checked_rows(name: str, value: tf.Tensor) -> tf.Tensor:
    """Makes the graph refuse a batch of nothing."""
    rows = tf.shape(value)[0]
    return asserted(value, rows > 0, f"{name}: expected 1 row or more. Received:", rows)


def checked(
    name: str, value: tf.Tensor, shape: Sequence[int], limits: tuple[float, float] | None = None, slack: float = 0.0
) -> tf.Tensor:
    """Makes the graph refuse a value that is not [B, *shape] with B >= 1, not finite, or outside `limits`.

    Args:
        name: of the input, for the message.
        value: the input.
        shape: of one row.
        limits: least and largest number; None for any finite one.
        slack: by which a number may lie outside.

    Returns:
        `value`, once it is known to be good.
    """
    # Not an assertion on tf.shape: the promised shape is taken for granted there, and the check dropped as always true.
    value = checked_rows(name, tf.ensure_shape(value, [None, *shape]))
    good = tf.math.is_finite(value)
    if limits:
        good &= (value >= limits[0] - slack) & (value <= limits[1] + slack)
    wanted = f"numbers in [{limits[0]:g}, {limits[1]:g}]" if limits else "finite numbers"
    message = f"{name}: expected {wanted}. Received, least and largest:"
    return asserted(value, tf.reduce_all(good), message, tf.reduce_min(value), tf.reduce_max(value))

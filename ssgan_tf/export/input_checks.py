"""Input checks inside a graph, with which an exported model refuses bad input in terms that its user can act on.

TensorFlow does not compare inputs with the shapes that a signature promises, and lets NaN pass.
"""

import math
from collections.abc import Sequence

import tensorflow as tf

# Largest noise and style. Networks multiply them by weights, then normalization squares the products and sums the
# squares. The fourth root of the largest float32, rounded down to a power of ten, leaves room for both. Beyond it a sum
# may overflow, and division by infinity would silently turn the input into zero.
LARGEST = 10.0 ** math.floor(math.log10(tf.float32.max) / 4)  # 1e9

_SHOWN_TEXTS, _SHOWN_BYTES = 3, 24  # of unknown texts, in messages


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


def check_rows(name: str, value: tf.Tensor, max_rows: int | None = None) -> tf.Tensor:
    """Returns `value`; the graph refuses an empty batch, and one of more than `max_rows` rows."""
    rows = tf.shape(value)[0]
    value = with_assert(value, rows > 0, f"{name}: expected 1 row or more. Received:", rows)
    if max_rows is None:
        return value
    message = f"{name}: expected at most {max_rows} rows in one call, for lack of memory; use several calls. Received:"
    return with_assert(value, rows <= max_rows, message, rows)


def check_tensor(
    name: str,
    value: tf.Tensor,
    shape: Sequence[int],
    limits: tuple[float, float],
    slack: float = 0.0,
    max_rows: int | None = None,
) -> tf.Tensor:
    """Returns `value`; the graph refuses it unless it is [B, *shape] with 1 <= B <= `max_rows` and within `limits`.

    Args:
        name: Name of the input, for the message.
        value: The input.
        shape: Shape of one row.
        limits: Smallest and largest number allowed.
        slack: Distance by which numbers may lie outside the limits.
        max_rows: Largest number of rows; None for any number.
    """
    # ensure_shape, not an assertion on tf.shape: TensorFlow takes the promised shape for granted and would drop such an
    # assertion as always true.
    value = check_rows(name, tf.ensure_shape(value, [None, *shape]), max_rows)
    valid = (value >= limits[0] - slack) & (value <= limits[1] + slack)  # false for NaN
    message = f"{name}: expected numbers in [{limits[0]:g}, {limits[1]:g}]. Received minimum and maximum:"
    return with_assert(value, tf.reduce_all(valid), message, tf.reduce_min(value), tf.reduce_max(value))


def printable(texts: tf.Tensor) -> tf.Tensor:
    """Returns the beginnings of the first few of the byte strings [N], as valid UTF-8 without control characters."""
    starts = tf.strings.substr(texts[:_SHOWN_TEXTS], 0, _SHOWN_BYTES)
    return tf.strings.unicode_transcode(
        starts, "UTF-8", "UTF-8", errors="replace", replacement_char=ord("?"), replace_control_characters=True
    )

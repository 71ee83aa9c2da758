"""Input checks inside a graph: values that pass as they are, and the messages for those that do not."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.export.input_checks import (
    LARGEST,
    check_rows,
    check_same_rows,
    check_tensor,
    printable,
    with_assert,
)

NAN, INF = float("nan"), float("inf")


def in_graph(function, *values) -> list[np.ndarray]:
    """Calls `function` in a graph that does not know the shapes of its inputs."""
    inputs = [tf.TensorSpec(None, tf.float32)] * len(values)
    graph = tf.function(lambda *tensors: function(*tensors), input_signature=inputs)
    return [value.numpy() for value in tf.nest.flatten(graph(*(tf.constant(v, tf.float32) for v in values)))]


def refused(message: str):
    return pytest.raises(tf.errors.InvalidArgumentError, match=message)


def test_a_value_passes_if_the_condition_holds() -> None:
    def positive(value):
        return with_assert(value, tf.reduce_all(value > 0), "value: expected more. Received:", tf.reduce_min(value))

    np.testing.assert_array_equal(in_graph(positive, [1.0, 2.0]), [[1.0, 2.0]])
    with refused(r"value: expected more\. Received:\] \[-2\]"):
        in_graph(positive, [1.0, -2.0])


def test_inputs_have_the_same_number_of_rows() -> None:
    def same(a, b, c):
        return check_same_rows(noise=a, code=b, factor=c)

    two, three = np.zeros([2, 5]), np.ones([3])
    found = in_graph(same, two, two[:, :1], np.ones([2]))
    assert [value.shape for value in found] == [(2, 5), (2, 1), (2,)]
    with refused(r"noise, code and factor: expected the same number of rows\. Received:\] \[2 2 3\]"):
        in_graph(same, two, two, three)


def test_an_empty_batch_is_refused() -> None:
    np.testing.assert_array_equal(in_graph(lambda value: check_rows("image", value), [[3.0]]), [[[3.0]]])
    with refused(r"image: expected 1 row or more\. Received:\] \[0\]"):
        in_graph(lambda value: check_rows("image", value), np.zeros([0, 3]))


def test_a_batch_that_is_too_large_is_refused() -> None:
    np.testing.assert_array_equal(in_graph(lambda value: check_rows("image", value, 2), [3.0, 4.0]), [[3.0, 4.0]])
    with refused(r"image: expected at most 2 rows in one call, .*; use several calls\. Received:\] \[3\]"):
        in_graph(lambda value: check_rows("image", value, 2), [3.0, 4.0, 5.0])


@pytest.mark.parametrize("value", [[[0.0, 1.0]], [[-0.01, 0.5], [1.01, 0.5]]])
def test_numbers_within_the_limits_and_the_slack_pass(value) -> None:
    found = in_graph(lambda x: check_tensor("code", x, [2], (0.0, 1.0), slack=0.02), value)
    np.testing.assert_array_equal(found, np.asarray([value], np.float32))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[0.5, 1.03]], r"code: expected numbers in \[0, 1\]\. Received minimum and maximum:\] \[0\.5\] \[1\.03\]"),
        ([[-0.03, 0.5]], r"code: expected numbers in \[0, 1\]\. .*\[-0\.03\] \[0\.5\]"),
        ([[0.5, NAN]], r"code: expected numbers in \[0, 1\]\."),
        ([0.5, 0.5], r"Shape of tensor \S+ \[2\] is not compatible with expected shape \[\?,2\]"),
        ([[0.5]], r"Shape of tensor \S+ \[1,1\] is not compatible"),
        (np.zeros([0, 2]), r"code: expected 1 row or more"),
    ],
)
def test_other_numbers_and_shapes_are_refused(value, message: str) -> None:
    with refused(message):
        in_graph(lambda x: check_tensor("code", x, [2], (0.0, 1.0), slack=0.02), value)


@pytest.mark.parametrize("value", [INF, -INF, NAN, 1.01e9, -1e19])
def test_numbers_that_normalization_cannot_square_are_refused(value: float) -> None:
    limits = (-LARGEST, LARGEST)
    assert in_graph(lambda x: check_tensor("noise", x, [], limits), [-1e9, 1e9])[0].shape == (2,)
    with refused(r"noise: expected numbers in \[-1e\+09, 1e\+09\]\."):
        in_graph(lambda x: check_tensor("noise", x, [], limits), [0.0, value])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"size", "size"),
        (b"", ""),
        ("größe".encode(), "größe"),
        (b"\xff\xfe\x00hue", "???hue"),
        (b"a\nb\x1b[31m", "a?b?[31m"),
        (b"x" * 10**6, "x" * 24),
        ("é".encode() * 10**5, "é" * 12),
    ],
)
def test_any_bytes_are_shown_as_short_text(text: bytes, shown: str) -> None:
    (found,) = printable(tf.constant([text])).numpy()
    assert found.decode() == shown
    assert len(printable(tf.constant([text] * 10**3))) == 3

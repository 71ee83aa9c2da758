"""Pixels of files and pixels of networks."""

import numpy as np

from ssgan_tf import images


def test_the_range_of_bytes_becomes_minus_one_to_one():
    # 51 / 127.5 = 0.4
    floats = images.to_float(np.uint8([[0, 51, 255]])).numpy()
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, [[-1, -0.6, 1]], atol=1e-7)


def test_every_byte_survives_the_round_trip():
    every = np.arange(256, dtype=np.uint8)
    back = images.to_uint8(images.to_float(every))
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, every)


def test_floats_are_rounded_and_cut_off():
    # (0.1 + 1) * 127.5 = 140.25; (-0.9 + 1) * 127.5 = 12.75; outside the range nothing wraps around.
    np.testing.assert_array_equal(images.to_uint8(np.array([0.1, -0.9, 1.7, -40.0])), [140, 13, 255, 0])

"""Latents: slices, and their text."""

from typing import Any

import numpy as np
import pytest

from ssgan_tf.editing import Editor, Latents, to_image


@pytest.fixture
def fitted(codes: np.ndarray) -> Latents:
    """Latents that a fit could have found."""
    rng = np.random.default_rng(2)
    offset, psnr = rng.standard_normal([2, 2, 7]), np.array([26.04, 27.46])
    return Latents(codes, rng.standard_normal([2, 4]), np.ones(2), offset, psnr)


def test_slices_of_latents(fitted: Latents) -> None:
    second = fitted[1:]
    assert len(fitted) == 2 and len(second) == 1
    for name in ("code", "noise", "truncation", "offset", "psnr"):
        np.testing.assert_array_equal(getattr(second, name), getattr(fitted, name)[1:])
    assert fitted.with_code(fitted.code / 2).offset is fitted.offset


def test_repr_has_shapes_and_not_all_numbers(editor: Editor, codes: np.ndarray, fitted: Latents) -> None:
    assert repr(editor.latents(codes)) == "Latents(code=[2, 3], noise=[2, 4])"
    assert repr(editor.latents(codes, truncation=0.7)) == "Latents(code=[2, 3], noise=[2, 4], truncation=0.7)"
    both = "Latents(code=[2, 3], noise=[2, 4], offset=[2, 2, 7], psnr=26.0 to 27.5 dB)"
    assert repr(fitted) == both
    assert repr(fitted[0]) == "Latents(code=[1, 3], noise=[1, 4], offset=[1, 2, 7], psnr=26.0 dB)"
    assert repr(editor.latents(codes[:0])) == "Latents(code=[0, 3], noise=[0, 4])"


def test_latents_in_place_of_images_are_refused_with_a_hint(fitted: Latents) -> None:
    anything: Any = fitted
    with pytest.raises(ValueError, match=r"images: expected an array. Received: Latents; editor.edit\(latents, {}\)"):
        to_image(anything)

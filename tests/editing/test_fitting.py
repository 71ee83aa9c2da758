"""Fits on the toy model, where they can be nearly exact."""

import numpy as np
import pytest

from ssgan_tf.editing import Editor, Latents

RNG = np.random.default_rng(1)


def toy_images(codes: np.ndarray, with_offset: bool = True) -> np.ndarray:
    """Returns images [B,4,4,1] that the toy can generate; with an offset, noise alone does not suffice."""
    count = len(codes)
    images = np.zeros([count, 4, 4, 1], np.float32)
    images[:, 0, :3, 0] = codes
    images[:, 1, :, 0] = RNG.uniform(-0.5, 0.5, [count, 4])
    images[:, 2, :3, 0] = 0.25 * codes
    if with_offset:
        images[:, 3, :, 0] = RNG.uniform(-0.5, 0.5, [count, 4])
    return images


def offset_of(latents: Latents) -> np.ndarray:
    assert latents.offset is not None
    return latents.offset


@pytest.fixture(scope="module")
def images(codes: np.ndarray) -> np.ndarray:
    return toy_images(codes)


@pytest.fixture(scope="module")
def fitted(editor: Editor, images: np.ndarray) -> Latents:
    return editor.fit(images, steps=300)


def test_a_fit_finds_noise_and_offset(editor: Editor, fitted: Latents, images, codes) -> None:
    np.testing.assert_allclose(fitted.code, codes, atol=1e-6)  # predicted from the image
    assert fitted.noise.shape == (2, 4) and offset_of(fitted).shape == (2, 2, 7)
    found = editor.edit(fitted, {})
    assert np.abs(found - images).max() < 0.15
    # The fit reproduces the row that only the offset controls, although offsets are penalised.
    assert np.abs(found[:, 3] - images[:, 3]).max() < 0.15 and np.abs(images[:, 3]).max() > 0.3
    assert fitted.psnr is not None and fitted.psnr.shape == (2,)
    error = (np.rint(127.5 * found) - np.rint(127.5 * images)).clip(-255, 255)
    np.testing.assert_allclose(fitted.psnr, 10 * np.log10(255**2 / np.mean(error**2, axis=(1, 2, 3))), atol=0.5)
    assert fitted.psnr.min() > 25


def test_noise_is_preferred_to_an_offset(editor: Editor, codes) -> None:
    images = toy_images(codes, with_offset=False)
    fitted = editor.fit(images, steps=300)
    np.testing.assert_allclose(fitted.noise, images[:, 1, :, 0], atol=0.05)
    assert np.abs(offset_of(fitted)).max() < 0.05


def test_more_steps_bring_a_closer_fit(editor: Editor, images, fitted) -> None:
    few = editor.fit(images, steps=6)
    assert few.psnr is not None and (few.psnr < fitted.psnr - 1).all()


def test_a_fit_depends_on_its_seed_alone(editor: Editor, images) -> None:
    first, again, other = (editor.fit(images, steps=9, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.noise, again.noise)
    np.testing.assert_array_equal(offset_of(first), offset_of(again))
    assert np.abs(first.noise - other.noise).max() > 0.01


def test_a_fit_does_not_depend_on_the_other_images(editor: Editor, images, monkeypatch) -> None:
    together = editor.fit(images, steps=12)
    for rows in (slice(0, 1), slice(1, 2)):
        alone = editor.fit(images[rows], steps=12)
        np.testing.assert_allclose(alone.noise, together.noise[rows], atol=1e-4)
        np.testing.assert_allclose(offset_of(alone), offset_of(together)[rows], atol=1e-4)
    monkeypatch.setattr("ssgan_tf.editing.model._PIXELS_PER_CALL", 1)  # one by one
    shares: list[float] = []
    in_parts = editor.fit(images, steps=12, progress=shares.append)
    np.testing.assert_allclose(offset_of(in_parts), offset_of(together), atol=1e-4)
    np.testing.assert_allclose(shares, np.arange(1, 25) / 24)


def test_progress_is_reported_and_an_exception_in_it_ends_the_fit(editor: Editor, images) -> None:
    shares: list[float] = []
    editor.fit(images, steps=5, progress=shares.append)
    np.testing.assert_allclose(shares, [0.2, 0.4, 0.6, 0.8, 1.0])

    class Enough(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.5:
            raise Enough

    with pytest.raises(Enough):
        editor.fit(images, steps=5, progress=stop)


def test_an_edit_moves_one_factor_and_keeps_the_fit(editor: Editor, fitted: Latents) -> None:
    before, after = editor.edit(fitted, {}), editor.edit(fitted, {"scale": 0.1})
    moved = np.abs(after - before) > 1e-5
    assert moved[:, 0, 2].all() and moved[:, 2, 2].all() and moved.sum() == 4  # the pixels of code 2
    np.testing.assert_allclose(after[:, 0, 2] - before[:, 0, 2], (0.1 - fitted.code[:, 2])[:, None], atol=1e-5)
    with pytest.raises(ValueError, match="truncation: expected 1 for a fitted image"):
        editor.edit(Latents(fitted.code, fitted.noise, fitted.truncation / 2, fitted.offset), {})


def test_images_are_subjects_too(editor: Editor, images, fitted) -> None:
    edited = editor.edit(images, {"scale": 0.1})
    np.testing.assert_allclose(edited, editor.edit(fitted, {"scale": 0.1}), atol=0.15)
    mixed = editor.mix(images[:1], editor.latents([[0.7, 0.6, 0.5]]), ["azimuth"])
    assert mixed[0, 0, 0, 0] == pytest.approx(0.7, abs=0.1)
    between = editor.interpolate(images[:1], images[1:], steps=3)
    np.testing.assert_allclose(between[0, 1, 3], images[:, 3].mean(axis=0), atol=0.1)  # half of either's offset
    one_sided = editor.interpolate(images[:1], editor.latents([[0.7, 0.6, 0.5]]), steps=3)
    np.testing.assert_allclose(one_sided[0, 2, 3], 0, atol=1e-6)


def test_zero_steps_are_refused(editor: Editor, images) -> None:
    with pytest.raises(ValueError, match="steps: expected an integer of 1 or more. Received: 0"):
        editor.fit(images, steps=0)
    assert editor.fit(images, steps=1).noise.shape == (2, 4)

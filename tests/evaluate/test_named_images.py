"""Comparison with the images that codes name: full grids, and generators whose faults are known."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.priors import GridPrior
from ssgan_tf.evaluate import moves, named_images

SPEC = CodeSpec((FactorSpec("place", 4), FactorSpec("hue", 3), FactorSpec("wall", 2)))
PLACES, HUES, WALLS = (np.array(values) for values in ((0, 2, 4, 6), (80, 160, 240), (20, 60)))


def draw(labels: np.ndarray) -> np.ndarray:
    """Draws images uint8 [N,8,8,3]: a wall above, below it a square 2x2 with a hue."""
    images = np.zeros([len(labels), 8, 8, 3], np.uint8)
    for image, (place, hue, wall) in zip(images, labels, strict=True):
        image[:4] = WALLS[wall]
        image[5:7, PLACES[place] : PLACES[place] + 2, 0] = HUES[hue]
    return images


FACTORS = np.stack(np.meshgrid(*map(range, SPEC.sizes), indexing="ij"), axis=-1).reshape(-1, 3)
FACTORS = np.random.default_rng(0).permutation(FACTORS)
GRID = named_images.find_grid(draw(FACTORS), FACTORS, SPEC)


def compare(fault) -> named_images.NamedComparison:
    """Compares a generator that draws the images of the labels that `fault` returns for the true labels."""

    def generator(noise, codes):
        images = tf.numpy_function(lambda c: fault(SPEC.decode(c)).astype(np.float32), [codes], tf.float32)
        return tf.ensure_shape(images, [None, 8, 8, 3]) / 127.5 - 1.0

    assert GRID is not None
    return named_images.compare(moves.generate(generator, GridPrior(SPEC), 2, pairs=50, seed=0), GRID, SPEC.names)


def without(labels: np.ndarray, k: int) -> np.ndarray:
    labels = labels.copy()
    labels[:, k] = 0
    return labels


def test_a_perfect_generator():
    found = compare(draw)
    assert found.psnr.tolist() == [100.0] * 50
    scores = found.slider_scores()
    for name in SPEC.names:
        assert scores[f"sliders/ratio/{name}"] == pytest.approx(1)
        assert scores[f"sliders/correlation/{name}"] == pytest.approx(1)
        assert scores[f"sliders/outside/{name}"] == 0
    assert scores["sliders"] == pytest.approx(1) and scores["sliders/samples"] == 50


def test_changes_by_hand():
    """All channels of half of the pixels change by 40 levels when the wall does; 1 of 3 channels for the hue."""
    found = compare(draw)
    assert found.real[2] == pytest.approx(np.full(50, 20.0))
    assert set(np.round(found.real[1] * 3 * 64 / 4)) <= {80, 160}
    assert found.generated == pytest.approx(found.real)


def test_a_slider_without_effect():
    scores = compare(lambda labels: draw(without(labels, 1))).slider_scores()
    assert [scores[f"sliders/{part}/hue"] for part in ("ratio", "correlation", "outside")] == [0, 0, 0]
    assert scores["sliders/ratio/place"] > 0.3 and scores["sliders/ratio/wall"] == pytest.approx(1)


def test_a_slider_that_changes_what_it_should_keep():
    def fault(labels):  # the wall gets darker with the hue, by 10 levels a step
        images = draw(labels)
        images[:, :4] -= (10 * labels[:, 1]).astype(np.uint8)[:, None, None, None]
        return images

    scores = compare(fault).slider_scores()
    outside = 3 * 32 / (3 * 32 + 4 * 8)  # a step changes 3 x 32 numbers by 10 outside, and 4 by 80 inside
    assert scores["sliders/outside/hue"] == pytest.approx(outside)
    assert scores["sliders/ratio/hue"] == pytest.approx(1 / (1 - outside))
    assert scores["sliders/correlation/hue"] == pytest.approx(2133.33 / np.sqrt(3200 * 2666.67), rel=1e-4)
    assert scores["sliders/outside/place"] == scores["sliders/outside/wall"] == 0


def test_a_replicate_resamples_the_pairs():
    found = compare(lambda labels: draw(without(labels, 1)))
    replicates = [found.slider_scores(np.random.default_rng(seed))["sliders/ratio/place"] for seed in (0, 0, 1)]
    assert replicates[0] == replicates[1] != replicates[2]


def test_only_a_full_grid_names_its_images():
    images = draw(FACTORS)
    assert named_images.find_grid(images[1:], FACTORS[1:], SPEC) is None
    twice = np.concatenate([FACTORS[:-1], FACTORS[:1]])
    assert named_images.find_grid(images, twice, SPEC) is None
    unknown = FACTORS.copy()
    unknown[3, 1] = -1
    assert named_images.find_grid(images, unknown, SPEC) is None
    more = np.concatenate([FACTORS, np.full([2, 3], -1)])  # unlabelled images do not matter
    found = named_images.find_grid(np.concatenate([images, images[:2]]), more, SPEC)
    assert np.array_equal(found.find(FACTORS), images)

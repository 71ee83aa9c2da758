"""Verdict on sliders: pixels decide where codes name images, and the oracle elsewhere."""

import pytest

from ssgan_tf.evaluate import weak_sliders


@pytest.mark.parametrize(
    ("ratio", "outside", "verdict"),
    [
        (1.0, 0.1, None),
        (0.25, 0.5, None),
        (0.06, 0.9, "no visible effect; images change 6 % as much as real ones"),
        (1.4, 0.62, "62 % of the change is where real images do not change"),
    ],
)
def test_pixels_decide_where_codes_name_images(ratio, outside, verdict):
    images = {"sliders": 0.8, "sliders/ratio/hue": ratio, "sliders/outside/hue": outside}
    reading = {"read_sliders/effect/hue": 0.0, "read_sliders/others/hue": 1.0}
    found = weak_sliders.find({"images": images, "generator": reading})
    assert found == ({"hue": verdict} if verdict else {})


@pytest.mark.parametrize(
    ("effect", "others", "verdict"),
    [
        (0.9, 0.2, None),
        (-0.02, 0.2, "no visible effect; the oracle reads -2 % of the change"),
        (0.8, 0.75, "75 % of the change that the oracle reads is in other factors"),
    ],
)
def test_the_oracle_decides_elsewhere(effect, others, verdict):
    reading = {"read_sliders": 0.7, "read_sliders/effect/a/b": effect, "read_sliders/others/a/b": others}
    found = weak_sliders.find({"images": {"psnr": 20.0}, "generator": reading})
    assert found == ({"a/b": verdict} if verdict else {})


@pytest.mark.parametrize("scores", [{}, {"images": None, "generator": None}, {"images": {}, "generator": {"mig": 1.0}}])
def test_without_such_scores_there_is_no_verdict(scores):
    assert weak_sliders.find(scores) == {}

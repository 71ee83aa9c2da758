"""Semi-StyleGAN as a Keras model: the program of docs/python.md, and errors for batches that do not fit."""

import re

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope="module")
def program(repository, tmp_path_factory) -> dict:
    """Runs the Python under "The Keras way" in docs/python.md, and returns its variables."""
    section = (repository / "docs/python.md").read_text().partition("\n## The Keras way\n")[2]
    code = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    folder = tmp_path_factory.mktemp("keras")
    variables: dict = {"folder": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(code, "docs/python.md", "exec"), variables)
    return variables


def test_the_program_trains(program):
    model, history = program["model"], program["history"]
    assert int(model.step) == 10
    assert sorted(history) == sorted(metric.name for metric in model.metrics)
    assert all(len(values) == 2 and np.isfinite(values).all() for values in history.values())
    assert history["discriminator/supervised"][1] < history["discriminator/supervised"][0]


def test_the_program_encodes_and_generates(program):
    assert program["codes"].shape == (4, 2) and np.isfinite(program["codes"]).all()
    assert program["generated"].shape == (4, 32, 32, 3) and np.isfinite(program["generated"]).all()


def test_saved_weights_can_be_loaded(program):
    model = program["model"]
    other = type(model)(model.options, model.spec)
    other.load_weights(program["folder"] / "weights.h5")
    for a, b in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_summary_lists_the_networks_before_the_first_step(make, capsys):
    make().summary()
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("generator", "ema_generator", "discriminator", "Total params"))


def test_arrays_in_a_dataset_are_enough(make, batch):
    """Two tf.data streams of plain arrays are zipped, without the package's pipeline."""
    labeled = {name: batch[name] for name in ("labeled_image", "labeled_codes", "labeled_mask")}
    streams = [
        tf.data.Dataset.from_tensor_slices(arrays).repeat().batch(size, drop_remainder=True)
        for arrays, size in (({"image": batch["image"]}, 4), (labeled, 2))
    ]
    model = make()
    model.fit(tf.data.Dataset.zip(tuple(streams)).map(lambda a, b: {**a, **b}), steps_per_epoch=3, verbose=0)
    assert int(model.step) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: {"image": b["image"]}, "labeled_image: expected a batch with image, labeled_.* Received: image"),
        (lambda b: {**b, "image": tf.cast(b["image"], tf.uint8)}, "image: expected float32, .* Received: uint8"),
        (lambda b: {**b, "image": b["image"][:2]}, "labeled_image: expected at most 2 rows, .* Received: 3"),
    ],
)
def test_a_batch_that_does_not_fit_is_named(change, message, make, batch):
    with pytest.raises(ValueError, match=message):
        make().fit(tf.data.Dataset.from_tensors(change(batch)), verbose=0)


def test_batches_of_unknown_size_are_named(make, batch):
    batches = tf.data.Dataset.from_tensor_slices({"image": batch["image"]}).batch(4)
    message = r"image: expected batches of one size, .*drop_remainder=True.* Received: shape \(None, 8, 8, 3\)"
    with pytest.raises(ValueError, match=message):
        make(alpha=0.0, beta=0.0, gamma_e=1.0).fit(batches, verbose=0)

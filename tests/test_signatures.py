"""The functions that go into an export: what they give, and what they refuse."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.signatures import make_signatures
from tests.tiny_run import CONFIG, NETWORK, SPEC, make_model


@pytest.fixture(scope="module")
def model() -> tf.keras.Model:
    return make_model()


@pytest.fixture(scope="module")
def functions(model: tf.keras.Model) -> dict[str, Any]:
    return make_signatures(model, SPEC)[0]


def random(*shape: int) -> tf.Tensor:
    """float32 in [0, 1)."""
    return tf.random.stateless_uniform(shape, [len(shape), shape[0]])


def test_inputs_have_names_and_any_batch_size(functions) -> None:
    inputs = {name: function.structured_input_signature[0] for name, function in functions.items()}
    assert {n: {s.name: s.shape.as_list() for s in specs} for n, specs in inputs.items()} == {
        "mapping": {"noise": [None, 6], "code": [None, 2]},
        "synthesis": {"style": [None, 5]},
        "generate": {"noise": [None, 6], "code": [None, 2]},
        "encode": {"image": [None, 8, 8, 3]},
    }
    outputs = {name: function.structured_outputs for name, function in functions.items()}
    assert {n: {k: v.shape.as_list() for k, v in given.items()} for n, given in outputs.items()} == {
        "mapping": {"style": [None, 5]},
        "synthesis": {"image": [None, 8, 8, 3]},
        "generate": {"image": [None, 8, 8, 3]},
        "encode": {"code": [None, 2], "realness": [None]},
    }


def test_nothing_random_and_nothing_compiled_inside(functions) -> None:
    for function in functions.values():
        graph = function.graph.as_graph_def()
        nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
        assert [node.op for node in nodes if "Random" in node.op or node.op.startswith("Xla")] == []
        assert not any(f.attr["_XlaMustCompile"].b for f in graph.library.function)


@pytest.mark.parametrize("batch", [1, 3])
def test_mapping_then_synthesis_is_generate_is_the_averaged_generator(functions, model, batch: int) -> None:
    noise, code = random(batch, 6), random(batch, 2)
    expected = model.ema_generator((noise, code))
    style = functions["mapping"](noise, code)["style"]
    np.testing.assert_allclose(functions["generate"](noise, code)["image"], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(functions["synthesis"](style)["image"], expected, rtol=0, atol=1e-6)
    assert np.abs(expected - model.generator((noise, code))).max() > 0.1


def check_batch_independence(encode, images: tf.Tensor) -> dict[str, np.ndarray]:
    together = {name: value.numpy() for name, value in encode(images).items()}
    backwards = {name: value.numpy()[::-1] for name, value in encode(images[::-1]).items()}
    alone = [encode(image[None]) for image in images]
    for name, values in together.items():
        assert np.ptp(values, axis=0).min() > 1e-3  # it does look at the image
        np.testing.assert_allclose(backwards[name], values, rtol=0, atol=1e-6)
        np.testing.assert_allclose(np.concatenate([one[name] for one in alone]), values, rtol=0, atol=1e-6)
    return together


def test_code_and_realness_of_an_image_ignore_the_rest_of_the_batch(functions, model) -> None:
    images = random(8, 8, 8, 3)
    found = check_batch_independence(functions["encode"], images)
    np.testing.assert_allclose(found["code"], model.discriminator.encode(images), rtol=0, atol=1e-6)
    grouped = model.discriminator(images)[0].numpy()
    assert np.abs(grouped - found["realness"]).max() > 1e-4  # while the model looks at groups of four


def test_other_networks_work_alike() -> None:
    network = dataclasses.replace(
        NETWORK, channels=1, noise_inputs=True, tanh=True, joint_norm=True, batch_independent_codes=False
    )
    model = make_model(dataclasses.replace(CONFIG.model, network=network))
    functions = make_signatures(model, SPEC)[0]
    noise, code = random(4, 6), random(4, 2)
    image = functions["generate"](noise, code)["image"]
    assert image.shape == (4, 8, 8, 1)
    np.testing.assert_allclose(image, model.ema_generator((noise, code)), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(image, functions["generate"](noise, code)["image"])
    check_batch_independence(functions["encode"], random(4, 8, 8, 1))


def wrong_shape(name: str, received: str, expected: str) -> str:
    return rf"Shape of tensor {name} \[{received}\] is not compatible with expected shape \[\?,{expected}\]"


LATENT = "mapping", "generate"
NAN, INF = np.float32("nan"), np.float32("inf")


@pytest.mark.parametrize(
    ("names", "inputs", "message"),
    [
        (LATENT, (random(2, 7), random(2, 2)), wrong_shape("noise", "2,7", "6")),
        (LATENT, (random(6), random(1, 2)), wrong_shape("noise", "6", "6")),
        (LATENT, (random(2, 6), random(2, 3)), wrong_shape("code", "2,3", "2")),
        (LATENT, (random(3, 6), random(2, 2)), r"noise and code: expected as many rows .*\[3\] \[2\]"),
        (LATENT, (tf.zeros([0, 6]), tf.zeros([0, 2])), r"(noise|code).*: expected 1 row or more\. .*\[0\]"),
        (LATENT, (random(2, 6) * INF, random(2, 2)), r"noise: expected finite numbers\."),
        (LATENT, (random(2, 6), [[0.5, 0.5], [NAN, 0.5]]), r"code .*: expected numbers in \[0, 1\]\."),
        (
            LATENT,
            (random(2, 6), [[0.5, 0.5], [0.5, 1.01]]),
            r"code .*: expected numbers in \[0, 1\]\. .*\[0.5\] \[1.01\]",
        ),
        (
            LATENT,
            (random(2, 6), [[0.5, -0.01], [0.5, 1]]),
            r"code .*: expected numbers in \[0, 1\]\. .*\[-0.01\] \[1\]",
        ),
        (["synthesis"], (random(2, 6),), wrong_shape("style", "2,6", "5")),
        (["synthesis"], (random(2, 5) * NAN,), r"style: expected finite numbers\."),
        (["encode"], (random(2, 8, 8, 1),), wrong_shape("image", "2,8,8,1", "8,8,3")),
        (["encode"], (random(8, 8, 3),), wrong_shape("image", "8,8,3", "8,8,3")),
        (["encode"], (random(1, 8, 8, 3) * NAN,), r"image: expected numbers in \[-1, 1\]\."),
        (["encode"], (random(1, 8, 8, 3) * 255,), r"image: expected numbers in \[-1, 1\]\."),
    ],
)
def test_bad_input_is_refused_with_the_reason(functions, names, inputs, message: str) -> None:
    for name in names:
        keys = [spec.name for spec in functions[name].structured_input_signature[0]]
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            functions[name](**dict(zip(keys, map(tf.constant, inputs), strict=True)))


def test_rounding_and_a_little_overshoot_pass(functions) -> None:
    functions["generate"](random(1, 6), tf.constant([[-1e-4, 1.0001]]))
    functions["encode"](3 * random(1, 8, 8, 3) - 1.5)

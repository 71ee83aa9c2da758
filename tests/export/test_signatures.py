"""Signatures of an export: their results, and input that they refuse."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.export import signatures
from ssgan_tf.export.signatures import Signatures, make_signatures
from tests.support.tiny_run import NETWORK, OPTIONS, make_model


@pytest.fixture(scope="module")
def model() -> tf.keras.Model:
    return make_model()


@pytest.fixture(scope="module")
def functions(model: tf.keras.Model) -> dict[str, Any]:
    return make_signatures(model)[0]


def random(*shape: int) -> np.ndarray:
    """Returns float32 numbers in [0, 1), the same for the same shape."""
    return tf.random.stateless_uniform(shape, [len(shape), shape[0]]).numpy()


def call(functions, signature: str, *inputs) -> dict[str, np.ndarray]:
    """Calls a signature with its inputs in the order of the table."""
    specs = functions[signature].structured_input_signature[0]
    given = {spec.name: tf.constant(value, spec.dtype) for spec, value in zip(specs, inputs, strict=True)}
    return {name: value.numpy() for name, value in functions[signature](**given).items()}


def test_inputs_have_names_and_any_batch_size(functions) -> None:
    inputs = {name: function.structured_input_signature[0] for name, function in functions.items()}
    noise, code, image = [None, 6], [None, 2], [None, 8, 8, 3]

    def shape(spec) -> list | None:
        return spec.shape.as_list() if spec.shape.rank is not None else None

    assert {name: {spec.name: shape(spec) for spec in specs} for name, specs in inputs.items()} == {
        "mapping": {"noise": noise, "code": code},
        "synthesis": {"style": None},
        "generate": {"noise": noise, "code": code, "truncation": [None]},
        "encode": {"image": image},
        "features": {"image": image},
        "edit": {"image": image, "noise": noise, "factor": [None], "value": [None]},
        "traverse": {"noise": noise, "code": code, "factor": [None], "steps": None},
        "reconstruct": {"image": image, "noise": noise},
    }
    kinds = {spec.name: spec.dtype for specs in inputs.values() for spec in specs}
    assert kinds.pop("factor") == tf.string and kinds.pop("steps") == tf.int32 and {*kinds.values()} == {tf.float32}
    outputs = {name: function.structured_outputs for name, function in functions.items()}
    assert {n: {k: v.shape.as_list() for k, v in given.items()} for n, given in outputs.items()} == {
        "mapping": {"style": [None, 5]},
        "synthesis": {"image": image},
        "generate": {"image": image},
        "encode": {"code": code, "realness": [None]},
        "features": {"features_0": [None, 8, 8, 8], "features_1": [None, 4, 4, 8]},
        "edit": {"image": image, "code": code},
        "traverse": {"images": [None, None, 8, 8, 3]},
        "reconstruct": {"image": image, "code": code},
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
    generated = call(functions, "generate", noise, code, np.ones(batch))["image"]
    np.testing.assert_allclose(generated, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(call(functions, "synthesis", style)["image"], expected, rtol=0, atol=1e-5)
    assert np.abs(expected - model.generator((noise, code))).max() > 0.1


def test_a_truncation_of_1_is_none_bit_for_bit_and_each_row_has_its_own(functions, model) -> None:
    noise, code = random(3, 6), random(3, 2)
    generator = model.ema_generator
    assert np.abs(generator.w_average).max() > 0.01  # random, as the whole network is
    found = call(functions, "generate", noise, code, [1.0, 0.5, 0.0])["image"]
    style = functions["mapping"](noise, code)["style"]
    np.testing.assert_array_equal(found[0], call(functions, "synthesis", style)["image"][0])
    for row, psi in enumerate([1.0, 0.5, 0.0]):
        expected = generator((noise[row : row + 1], code[row : row + 1]), truncation=psi)
        np.testing.assert_allclose(found[row], expected[0], rtol=0, atol=1e-5)
    average = generator.synthesis(generator.w_average[None])
    np.testing.assert_allclose(found[2], average[0], rtol=0, atol=1e-5)


def test_styles_of_single_layers(functions, model) -> None:
    style = random(2, 4, 5)  # four layers in 8x8
    expected = model.ema_generator.synthesis(style)
    np.testing.assert_allclose(call(functions, "synthesis", style)["image"], expected, rtol=0, atol=1e-5)
    alike, one = np.repeat(style[:, :1], 4, axis=1), style[:, 0]
    same, again = (call(functions, "synthesis", value)["image"] for value in (alike, one))
    np.testing.assert_array_equal(same, again)


def test_features_are_the_levels_of_the_trunk(functions, model) -> None:
    images = random(2, 8, 8, 3)
    found = call(functions, "features", images)
    first = model.discriminator.pyramid(images)[0]
    np.testing.assert_allclose(found["features_0"], first, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["features_1"], model.discriminator.trunk(images), rtol=0, atol=1e-5)


def encode_and_clip(model, images) -> np.ndarray:
    return np.clip(model.discriminator.encode(images), 0, 1)


def test_an_edit_changes_one_code_and_nothing_else(functions, model) -> None:
    images, noise, value = random(4, 8, 8, 3), random(4, 6), [0.1, 0.9, 0.4, 1.0]
    found = call(functions, "edit", images, noise, ["hue", "shape", "0", "1"], value)
    code = encode_and_clip(model, images)
    code[np.arange(4), [0, 1, 0, 1]] = value
    np.testing.assert_allclose(found["code"], code, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["image"], model.ema_generator((noise, code)), rtol=0, atol=1e-5)
    unedited = call(functions, "reconstruct", images, noise)
    np.testing.assert_allclose(unedited["code"], encode_and_clip(model, images), rtol=0, atol=1e-5)
    np.testing.assert_allclose(unedited["image"], model.ema_generator((noise, unedited["code"])), rtol=0, atol=1e-5)
    assert np.abs(unedited["image"] - found["image"]).max(axis=(1, 2, 3)).min() > 1e-3


def test_codes_outside_the_range_are_clipped_before_use(functions, model) -> None:
    images = 3 * random(64, 8, 8, 3) - 1.5
    raw = functions["encode"](images)["code"].numpy()
    assert (raw < 0).any() or (raw > 1).any()
    found = call(functions, "reconstruct", images, random(64, 6))["code"]
    np.testing.assert_allclose(found, np.clip(raw, 0, 1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("steps", [2, 5, [5, 5, 5], 64])
def test_traverse_is_generate_row_by_row(functions, steps) -> None:
    noise, code, factor = random(3, 6), random(3, 2), ["shape", "0", "hue"]
    images = call(functions, "traverse", noise, code, factor, steps)["images"]
    values = np.linspace(0, 1, np.max(steps), dtype=np.float32)
    assert images.shape == (3, len(values), 8, 8, 3)
    for row, column in enumerate([1, 0, 0]):
        traversed = np.repeat(code[row : row + 1], len(values), axis=0)
        traversed[:, column] = values
        same = np.repeat(noise[row : row + 1], len(values), axis=0)
        expected = call(functions, "generate", same, traversed, np.ones(len(values)))["image"]
        np.testing.assert_allclose(images[row], expected, rtol=0, atol=1e-5)


def test_a_name_that_is_a_number_takes_precedence_over_the_index() -> None:
    spec = CodeSpec((FactorSpec("1", 3), FactorSpec("size", 2)))
    functions = make_signatures(make_model(spec=spec))[0]
    code = [[0.5, 0.5]] * 3
    images = call(functions, "traverse", random(3, 6), code, ["1", "0", "size"], 2)["images"]
    ends = [call(functions, "generate", random(3, 6)[i : i + 1], [c], [1.0])["image"] for i, c in
            enumerate([[1, 0.5], [1, 0.5], [0.5, 1]])]  # fmt: skip
    np.testing.assert_allclose(images[:, 1], np.concatenate(ends), rtol=0, atol=1e-5)


def check_batch_independence(encode, images: tf.Tensor) -> dict[str, np.ndarray]:
    together = {name: value.numpy() for name, value in encode(images).items()}
    backwards = {name: value.numpy()[::-1] for name, value in encode(images[::-1]).items()}
    alone = [encode(image[None]) for image in images]
    for name, values in together.items():
        assert np.ptp(values, axis=0).min() > 1e-3  # it does depend on the image
        np.testing.assert_allclose(backwards[name], values, rtol=0, atol=1e-5)
        np.testing.assert_allclose(np.concatenate([one[name] for one in alone]), values, rtol=0, atol=1e-5)
    return together


def test_code_and_realness_of_an_image_ignore_the_rest_of_the_batch(functions, model) -> None:
    images = random(8, 8, 8, 3)
    found = check_batch_independence(functions["encode"], images)
    np.testing.assert_allclose(found["code"], model.discriminator.encode(images), rtol=0, atol=1e-5)
    grouped = model.discriminator(images)[0].numpy()
    assert np.abs(grouped - found["realness"]).max() > 1e-4  # while the model looks at groups of four


@pytest.mark.parametrize("synthesis", ["adain", pytest.param("modulated", marks=pytest.mark.slow)])
def test_other_networks_work_the_same(synthesis: str) -> None:
    network = dataclasses.replace(
        NETWORK,
        synthesis=synthesis,
        channels=1,
        noise_inputs=True,
        tanh=True,
        joint_norm=True,
        batch_independent_codes=False,
    )
    model = make_model(dataclasses.replace(OPTIONS, network=network))
    functions = make_signatures(model)[0]
    noise, code = random(4, 6), random(4, 2)
    image = call(functions, "generate", noise, code, np.ones(4))["image"]
    assert image.shape == (4, 8, 8, 1)
    np.testing.assert_allclose(image, model.ema_generator((noise, code)), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(image, call(functions, "generate", noise, code, np.ones(4))["image"])
    check_batch_independence(functions["encode"], random(4, 8, 8, 1))


def length(error: tf.errors.OpError) -> int:
    """Returns the bytes of the message without the lines that TensorFlow adds while the Python code is at hand."""
    return len("\n".join(str(error).splitlines()[-2:]).encode())


def wrong_shape(name: str, received: str, expected: str) -> str:
    return rf"Shape of tensor {name} \[{received}\] is not compatible with expected shape \[\?,{expected}\]"


ONES = np.ones(2, np.float32)
NAN, INF = np.float32("nan"), np.float32("inf")
IMAGES, NOISE, CODE = random(2, 8, 8, 3), random(2, 6), random(2, 2)
NAMES = ["hue", "shape"]

BAD = [
    ("noise", random(2, 7), wrong_shape("noise", "2,7", "6")),
    ("noise", random(6), wrong_shape("noise", "6", "6")),
    ("noise", NOISE * INF, r"noise: expected numbers in \[-1e\+09, 1e\+09\]\."),
    ("noise", NOISE * NAN, r"noise: expected numbers in \[-1e\+09, 1e\+09\]\."),
    ("noise", NOISE * 0 + 1e19, r"noise: expected numbers in .*\[1e\+19\] \[1e\+19\]"),
    ("noise", random(3, 6), r"noise.*: expected the same number of rows.*3"),
    ("noise", np.zeros([0, 6]), r"noise: expected 1 row or more\. .*\[0\]"),
    ("code", random(2, 3), wrong_shape("code", "2,3", "2")),
    ("code", [[0.5, 0.5], [NAN, 0.5]], r"code \(hue, shape\): expected numbers in \[0, 1\]\."),
    ("code", [[0.5, 0.5], [0.5, 1.01]], r"code .*: expected numbers in \[0, 1\]\. .*\[0.5\] \[1.01\]"),
    ("code", [[0.5, -0.01], [0.5, 1]], r"code .*: expected numbers in \[0, 1\]\. .*\[-0.01\] \[1\]"),
    ("truncation", [0.5, 1.01], r"truncation: expected numbers in \[0, 1\]\. .*\[0.5\] \[1.01\]"),
    ("truncation", [0.5, NAN], r"truncation: expected numbers in \[0, 1\]\."),
    ("truncation", [0.5, -INF], r"truncation: expected numbers in \[0, 1\]\. .*\[-inf\] \[0.5\]"),
    ("truncation", [0.5], r"noise, code and truncation: expected the same number of rows.*\[2 2 1\]"),
    ("truncation", 0.5, r"Shape of tensor truncation \[\]"),
    ("style", random(2, 6), r"style: expected shape \[batch,5\] or \[batch,4,5\]\. Received:\] \[2 6\]"),
    ("style", random(2, 3, 5), r"style: expected shape .* \[2 3 5\]"),
    ("style", random(2, 2, 2, 5), r"style: expected shape .* \[2 2 2 5\]"),
    ("style", random(5), r"style: expected shape .* \[5\]"),
    ("style", 1.0, r"style: expected shape .* \[\]"),
    ("style", random(1, *[1] * 30), r"style: expected shape "),
    ("style", random(2, 5) * NAN, r"style: expected numbers in \[-1e\+09, 1e\+09\]\."),
    ("style", random(2, 5) * -INF, r"style: expected numbers in \[-1e\+09, 1e\+09\]\."),
    ("style", random(2, 4, 5) + 1e19, r"style: expected numbers in .*\[1e\+19\] \[1e\+19\]"),
    ("style", np.zeros([0, 4, 5]), r"style: expected 1 row or more\."),
    ("image", random(2, 8, 8, 1), wrong_shape("image", "2,8,8,1", "8,8,3")),
    ("image", random(8, 8, 3), wrong_shape("image", "8,8,3", "8,8,3")),
    ("image", IMAGES * NAN, r"image: expected numbers in \[-1, 1\]\."),
    ("image", IMAGES * INF, r"image: expected numbers in \[-1, 1\]\."),
    ("image", IMAGES - 1e30, r"image: expected numbers in \[-1, 1\]\."),
    ("image", IMAGES * 255, r"image: expected numbers in \[-1, 1\]\."),
    ("factor", ["hue", "size"], r"factor: expected one of hue, shape, or an index from 0 to 1\. .*\[size\]"),
    ("factor", ["2", "-1"], r"factor: expected one of .*\[2 -1\]"),
    ("factor", ["", "hue"], r"factor: expected one of "),
    ("factor", [b"\xff\xfe", b"hue"], r"factor: expected one of hue, shape, .*Received:\] \[\?\?\]"),
    ("factor", [b"hue\x00", b"sh\nape"], r"factor: expected one of .*Received:\] \[hue\? sh\?ape\]"),
    ("factor", [b"x" * 10**6, b"\xf0" * 10**6], r"factor: expected one of .*Received:\] \[x{24} \?+\]"),
    ("factor", ["hue"], r"expected the same number of rows"),
    ("factor", [NAMES], r"Shape of tensor factor \[1,2\]"),
    ("value", [0.5, 1.1], r"value: expected numbers in \[0, 1\]\. .*\[0.5\] \[1.1\]"),
    ("value", [NAN, 0.5], r"value: expected numbers in \[0, 1\]\."),
    ("value", [INF, 0.5], r"value: expected numbers in \[0, 1\]\."),
    ("steps", -1, r"steps: expected a number from 2 to 64.*\[-1\]"),
    ("steps", [2**31 - 1, -(2**31)], r"steps: expected a number from 2 to 64.*\[2147483647 -2147483648\]"),
    ("steps", [], r"steps: expected one number, or one per row\. .*\[0\]"),
    ("steps", 1, r"steps: expected a number from 2 to 64, the same in every row\. Received:\] \[1\]"),
    ("steps", 65, r"steps: expected a number from 2 to 64.*\[65\]"),
    ("steps", [3, 4], r"steps: expected a number from 2 to 64, the same .*\[3 4\]"),
    ("steps", [3, 3, 3], r"steps: expected one number, or one per row\. Received shape:\] \[3\]"),
    ("steps", [[3, 3]], r"steps: expected one number, or one per row\. .*\[1 2\]"),
]
GOOD = {
    "noise": NOISE, "code": CODE, "truncation": ONES, "style": random(2, 5), "image": IMAGES, "factor": NAMES,
    "value": ONES, "steps": 3,
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "message"), BAD)
def test_bad_input_is_refused_with_the_reason(functions, name: str, value, message: str) -> None:
    """Every signature that takes the input refuses it."""
    tried = 0
    for signature, function in functions.items():
        inputs = [spec.name for spec in function.structured_input_signature[0]]
        if name in inputs and not ("truncation" in message and signature != "generate"):
            if "same number of rows" in message and len(inputs) == 1:
                continue
            given = {**GOOD, name: value}
            with pytest.raises(tf.errors.InvalidArgumentError, match=message) as error:
                call(functions, signature, *(given[key] for key in inputs))
            assert length(error.value) < 700
            tried += 1
    assert tried


def test_rounding_and_a_little_overshoot_pass(functions) -> None:
    call(functions, "generate", random(1, 6), [[-1e-4, 1.0001]], [1.0])
    call(functions, "encode", 3 * random(1, 8, 8, 3) - 1.5)


def test_messages_name_many_factors_on_one_line() -> None:
    """tests/soak/test_signature_calls.py has the messages themselves."""
    few, many = (CodeSpec(tuple(FactorSpec(f"größe {k}", 2) for k in range(count))) for count in (3, 60))
    assert signatures._list_names(few) == "größe 0, größe 1, größe 2"
    shown = signatures._list_names(many)
    assert shown.startswith("größe 0, größe 1, ") and shown.endswith("...") and len(shown.encode()) <= 103


@pytest.fixture(scope="module")
def few() -> Signatures:
    """Signatures of a model on a machine with little memory, which take at most three images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "_PIXELS", 0)
        patch.setattr(signatures, "_MEMORY", 3 * 4 * 4 * 8 * 8 * 8 + 1)  # four tensors of 8 maps of 8x8, in float32
        return make_signatures(make_model())


def test_a_call_takes_as_many_images_as_fit_into_memory(few: Signatures, functions) -> None:
    assert few.max_rows == 3
    noise, code = random(3, 6), random(3, 2)
    given: dict[str, list] = {
        "generate": [noise, code, np.ones(3)],
        "synthesis": [random(3, 5)],
        "encode": [random(3, 8, 8, 3)],
        "features": [random(3, 8, 8, 3)],
        "edit": [random(3, 8, 8, 3), noise, ["0"] * 3, np.ones(3)],
        "reconstruct": [random(3, 8, 8, 3), noise],
    }
    for signature, inputs in given.items():
        found, expected = (call(traced, signature, *inputs) for traced in (few.functions, functions))
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])
        more = [np.concatenate([value, value[:1]]) for value in map(np.asarray, inputs)]
        with pytest.raises(tf.errors.InvalidArgumentError, match=r": expected at most 3 rows in one call.*\[4\]"):
            call(few.functions, signature, *more)
    assert call(few.functions, "mapping", random(1000, 6), random(1000, 2))["style"].shape == (1000, 5)


def test_traverse_takes_64_steps_or_as_many_images_as_fit(few: Signatures) -> None:
    assert call(few.functions, "traverse", NOISE[:1], CODE[:1], ["hue"], 64)["images"].shape == (1, 64, 8, 8, 3)
    message = r"steps: expected at most 64 images, rows times steps, in one call.*\[66\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call(few.functions, "traverse", NOISE, CODE, NAMES, 33)


def test_a_thousand_small_images_always_fit(monkeypatch) -> None:
    monkeypatch.setattr(signatures, "_MEMORY", 1)
    assert signatures._TracedNetworks(make_model()).max_rows == 2**20 // 8**2

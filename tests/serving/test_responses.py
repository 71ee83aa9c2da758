"""Responses to valid requests of TensorFlow Serving's clients: both forms, every type, images, metadata."""

import base64
import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from tests.support.servers import Server, send_request

PIXELS = np.random.default_rng(0).integers(0, 256, [2, 4, 6, 3], np.uint8)


def encode_file(pixels: np.ndarray, kind: str = "PNG", **options) -> dict[str, str]:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def decode_file(value: dict[str, str]) -> np.ndarray:
    assert list(value) == ["b64"]
    with Image.open(io.BytesIO(base64.b64decode(value["b64"]))) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize(
    ("signature", "body", "expected"),
    [
        # One input and one output: bare values, or the input by its name.
        ("half", {"instances": [[1, 2.5], [3, -4]]}, {"predictions": [[0.5, 1.25], [1.5, -2.0]]}),
        ("half", {"instances": [{"x": [1, 2]}]}, {"predictions": [[0.5, 1.0]]}),
        ("half", {"inputs": [[1, 2]]}, {"outputs": [[0.5, 1.0]]}),
        ("half", {"inputs": {"x": [[1, 2], [0, 1e-7]]}}, {"outputs": [[0.5, 1.0], [0.0, 5e-8]]}),
        # Several inputs or outputs: objects by name.
        (
            "sum",
            {"instances": [{"a": [1, 2], "b": 10}, {"a": [3, 4], "b": 20}]},
            {"predictions": [{"c": [11.0, 12.0], "first": 1.0}, {"c": [23.0, 24.0], "first": 3.0}]},
        ),
        # An input without rows, which only the column form allows.
        (
            "sum",
            {"inputs": {"a": [[1, 2], [3, 4]], "b": 0.5}},
            {"outputs": {"c": [[1.5, 2.5], [3.5, 4.5]], "first": [1.0, 3.0]}},
        ),
        ("mean", {"inputs": [[1, 2], [3, 4]]}, {"outputs": 2.5}),
        ("repeat", {"inputs": {"x": [[1, 2]], "steps": 2}}, {"outputs": [[[1.0, 2.0], [1.0, 2.0]]]}),
        ("repeat", {"instances": [{"x": [1, 2], "steps": 1}]}, {"predictions": [[[1.0, 2.0]]]}),
        # Strings as text, or as {"b64": ...} if the name ends in _bytes, as TensorFlow Serving writes them.
        (
            "words",
            {"instances": ["süß", {"b64": "YWI="}]},
            {
                "predictions": [
                    {"again": "süß", "raw_bytes": {"b64": "c8O8w58="}, "length": 5},
                    {"again": "ab", "raw_bytes": {"b64": "YWI="}, "length": 2},
                ]
            },
        ),
        (
            "count",
            {"inputs": {"number": [5, 2**60], "flag": [True, False]}},
            {"outputs": {"number": [5, -(2**60)], "flag": [False, True]}},
        ),
        ("double", {"inputs": [0.1, 1e300]}, {"outputs": [0.2, 2e300]}),
    ],
)
def test_predict_responds_in_the_form_of_the_request(toy_server: Server, signature, body, expected) -> None:
    answer = toy_server.predict(signature, **body)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    flat = {name: sorted(value.items()) if isinstance(value, dict) else value for name, value in answer.json.items()}
    wanted = {name: sorted(value.items()) if isinstance(value, dict) else value for name, value in expected.items()}
    assert flat == wanted


def test_floats_are_written_so_that_the_same_floats_are_read(toy_server: Server) -> None:
    x = np.random.default_rng(1).uniform(-10, 10, [8, 2]).astype(np.float32)
    (y,) = toy_server.predict("half", inputs=x.astype(float).tolist()).json.values()
    np.testing.assert_array_equal(np.asarray(y, np.float32), x / np.float32(2))


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[..., 0]], ids=["rgb", "grey"])
@pytest.mark.parametrize("row", [True, False], ids=["row", "column"])
def test_an_image_file_is_the_same_as_its_numbers(toy_server: Server, pixels: np.ndarray, row: bool) -> None:
    signature = "rgb" if pixels.ndim == 4 else "grey"
    key = "instances" if row else "inputs"
    numbers = (pixels / 127.5 - 1).reshape(2, 4, 6, -1)
    (by_file,) = toy_server.predict(signature, **{key: [encode_file(p) for p in pixels]}).json.values()
    (by_number,) = toy_server.predict(signature, **{key: numbers.tolist()}).json.values()
    np.testing.assert_allclose(by_file, by_number, rtol=0, atol=1e-6)
    (files,) = toy_server.predict(
        signature, image_format="png", **{key: [{"image": encode_file(p)} for p in pixels] if row else numbers.tolist()}
    ).json.values()
    expected = pixels if signature == "rgb" else 255 - pixels
    np.testing.assert_array_equal([decode_file(file) for file in files], expected)


def test_image_files_are_nested_like_their_numbers(toy_server: Server) -> None:
    (files,) = toy_server.predict("frames", image_format="png", inputs=[encode_file(p) for p in PIXELS]).json.values()
    np.testing.assert_array_equal([[decode_file(f) for f in row] for row in files], PIXELS[:, None].repeat(2, axis=1))


def test_jpeg_is_accepted(toy_server: Server) -> None:
    plain = np.full([4, 6, 3], (200, 40, 90), np.uint8)
    (images,) = toy_server.predict("rgb", instances=[encode_file(plain, "JPEG", quality=95)]).json.values()
    assert np.abs((np.asarray(images[0]) + 1) * 127.5 - plain).max() < 4


def test_status_metadata_and_versions(toy_server: Server) -> None:
    for path in (toy_server.base, f"{toy_server.base}/versions/7"):
        status = toy_server.request("GET", path)
        assert status.status == 200
        (version,) = status.json["model_version_status"]
        assert (version["version"], version["state"], version["status"]["error_code"]) == ("7", "AVAILABLE", "OK")
        metadata = toy_server.request("GET", f"{path}/metadata").json
        assert metadata["model_spec"] == {"name": "toy", "signature_name": "", "version": "7"}
        half = metadata["metadata"]["signature_def"]["signature_def"]["half"]
        assert half["method_name"] == "tensorflow/serving/predict" and list(half["inputs"]) == ["x"]
        body = json.dumps({"signature_name": "half", "instances": [[2, 4]]})
        assert toy_server.request("POST", f"{path}:predict", body).json == {"predictions": [[1.0, 2.0]]}


def test_health(toy_server: Server) -> None:
    answer = toy_server.request("GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "application/x-www-form-urlencoded", None])
def test_the_content_types_of_tensorflow_servings_clients_are_accepted(toy_server: Server, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    body = b'{"signature_name": "half", "instances": [[2, 4]]}'
    assert toy_server.request("POST", f"{toy_server.base}:predict", body, headers).status == 200


def test_a_connection_stays_open_for_many_requests_and_after_a_refusal(toy_server: Server) -> None:
    connection = toy_server.connect()
    try:
        for body, status in [(b"{", 400), (b'{"signature_name": "half", "inputs": [[2, 4]]}', 200)] * 3:
            assert send_request(connection, "POST", f"{toy_server.base}:predict", body).status == status
        sock = connection.sock
        assert send_request(connection, "POST", f"{toy_server.base}:predict", bytes(3 << 20)).status == 413
        assert send_request(connection, "GET", "/healthz").status == 200
        assert connection.sock is sock
    finally:
        connection.close()


def test_a_request_with_a_body_in_chunks(toy_server: Server) -> None:
    def chunks():
        for part in (b'{"signature_name": "half",', b' "inputs": [[2, ', b"4]]}"):
            yield part
            time.sleep(0.01)

    answer = toy_server.request("POST", f"{toy_server.base}:predict", chunks())
    assert answer.json == {"outputs": [[1.0, 2.0]]}

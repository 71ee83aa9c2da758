"""What a client of TensorFlow Serving gets when it asks this server: both forms, every type, pictures, metadata."""

import base64
import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from tests.support.servers import Server, ask

PIXELS = np.random.default_rng(0).integers(0, 256, [2, 4, 6, 3], np.uint8)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options) -> dict[str, str]:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def decoded(value: dict[str, str]) -> np.ndarray:
    assert list(value) == ["b64"]
    with Image.open(io.BytesIO(base64.b64decode(value["b64"]))) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize(
    ("signature", "asked", "expected"),
    [
        # One input and one output: bare values; or the input by its name.
        ("half", {"instances": [[1, 2.5], [3, -4]]}, {"predictions": [[0.5, 1.25], [1.5, -2.0]]}),
        ("half", {"instances": [{"x": [1, 2]}]}, {"predictions": [[0.5, 1.0]]}),
        ("half", {"inputs": [[1, 2]]}, {"outputs": [[0.5, 1.0]]}),
        ("half", {"inputs": {"x": [[1, 2], [0, 1e-7]]}}, {"outputs": [[0.5, 1.0], [0.0, 5e-8]]}),
        # Several: objects by name.
        (
            "sum",
            {"instances": [{"a": [1, 2], "b": 10}, {"a": [3, 4], "b": 20}]},
            {"predictions": [{"c": [11.0, 12.0], "first": 1.0}, {"c": [23.0, 24.0], "first": 3.0}]},
        ),
        # One of them without rows, which the column form alone has.
        (
            "sum",
            {"inputs": {"a": [[1, 2], [3, 4]], "b": 0.5}},
            {"outputs": {"c": [[1.5, 2.5], [3.5, 4.5]], "first": [1.0, 3.0]}},
        ),
        ("mean", {"inputs": [[1, 2], [3, 4]]}, {"outputs": 2.5}),
        ("repeat", {"inputs": {"x": [[1, 2]], "steps": 2}}, {"outputs": [[[1.0, 2.0], [1.0, 2.0]]]}),
        ("repeat", {"instances": [{"x": [1, 2], "steps": 1}]}, {"predictions": [[[1.0, 2.0]]]}),
        # Text as it is, bytes as {"b64": ...} where the name says bytes, as TensorFlow Serving writes them.
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
def test_predict_answers_in_the_form_of_the_question(toy_server: Server, signature, asked, expected) -> None:
    answer = toy_server.predict(signature, **asked)
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
def test_a_picture_is_what_its_numbers_are(toy_server: Server, pixels: np.ndarray, row: bool) -> None:
    signature = "picture" if pixels.ndim == 4 else "grey"
    key = "instances" if row else "inputs"
    numbers = (pixels / 127.5 - 1).reshape(2, 4, 6, -1)
    (by_file,) = toy_server.predict(signature, **{key: [encoded(p) for p in pixels]}).json.values()
    (by_number,) = toy_server.predict(signature, **{key: numbers.tolist()}).json.values()
    np.testing.assert_allclose(by_file, by_number, rtol=0, atol=1e-6)
    (files,) = toy_server.predict(
        signature, image_format="png", **{key: [{"image": encoded(p)} for p in pixels] if row else numbers.tolist()}
    ).json.values()
    expected = pixels if signature == "picture" else 255 - pixels
    np.testing.assert_array_equal([decoded(file) for file in files], expected)


def test_pictures_of_a_series_are_nested_as_their_numbers_are(toy_server: Server) -> None:
    (files,) = toy_server.predict("wipe", image_format="png", inputs=[encoded(p) for p in PIXELS]).json.values()
    np.testing.assert_array_equal([[decoded(f) for f in row] for row in files], PIXELS[:, None].repeat(2, axis=1))


def test_jpeg_is_taken(toy_server: Server) -> None:
    plain = np.full([4, 6, 3], (200, 40, 90), np.uint8)
    (images,) = toy_server.predict("picture", instances=[encoded(plain, "JPEG", quality=95)]).json.values()
    assert np.abs((np.asarray(images[0]) + 1) * 127.5 - plain).max() < 4


def test_status_metadata_and_versions(toy_server: Server) -> None:
    for place in (toy_server.base, f"{toy_server.base}/versions/7"):
        status = toy_server.ask("GET", place)
        assert status.status == 200
        (version,) = status.json["model_version_status"]
        assert (version["version"], version["state"], version["status"]["error_code"]) == ("7", "AVAILABLE", "OK")
        metadata = toy_server.ask("GET", f"{place}/metadata").json
        assert metadata["model_spec"] == {"name": "toy", "signature_name": "", "version": "7"}
        half = metadata["metadata"]["signature_def"]["signature_def"]["half"]
        assert half["method_name"] == "tensorflow/serving/predict" and list(half["inputs"]) == ["x"]
        body = json.dumps({"signature_name": "half", "instances": [[2, 4]]})
        assert toy_server.ask("POST", f"{place}:predict", body).json == {"predictions": [[1.0, 2.0]]}


def test_health(toy_server: Server) -> None:
    answer = toy_server.ask("GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "application/x-www-form-urlencoded", None])
def test_content_types_that_clients_of_tensorflow_serving_send(toy_server: Server, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    body = b'{"signature_name": "half", "instances": [[2, 4]]}'
    assert toy_server.ask("POST", f"{toy_server.base}:predict", body, headers).status == 200


def test_a_connection_is_kept_for_many_requests_and_after_a_refusal(toy_server: Server) -> None:
    connection = toy_server.connect()
    try:
        for body, status in [(b"{", 400), (b'{"signature_name": "half", "inputs": [[2, 4]]}', 200)] * 3:
            assert ask(connection, "POST", f"{toy_server.base}:predict", body).status == status
        place = connection.sock
        assert ask(connection, "POST", f"{toy_server.base}:predict", bytes(3 << 20)).status == 413
        assert ask(connection, "GET", "/healthz").status == 200
        assert connection.sock is place
    finally:
        connection.close()


def test_a_request_whose_body_comes_in_chunks(toy_server: Server) -> None:
    def chunks():
        for part in (b'{"signature_name": "half",', b' "inputs": [[2, ', b"4]]}"):
            yield part
            time.sleep(0.01)

    answer = toy_server.ask("POST", f"{toy_server.base}:predict", chunks())
    assert answer.json == {"outputs": [[1.0, 2.0]]}

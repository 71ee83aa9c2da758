"""Refusals: every malformed request gets a 4xx with a reason, and the server keeps running."""

import base64
import io
import json
import socket
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.serving import app
from ssgan_tf.serving.errors import RequestError
from tests.support.servers import Server

GOOD: dict[str, Any] = {"signature_name": "half", "instances": [[2, 4]]}


def image_file(mode: str, size: tuple[int, int], kind: str = "PNG", **options: Any) -> dict[str, str]:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def half(text: str) -> bytes:
    """Returns the body of a request to `half` with these rows."""
    return b'{"signature_name": "half", "instances": ' + text.encode() + b"}"


BODIES: dict[str, tuple[bytes | dict, str]] = {
    "no body": (b"", "JSON"),
    "not JSON": (b"hello", "JSON"),
    "incomplete JSON": (b'{"signature_name": "half", "instances": [[2, 4', "JSON"),
    "bad UTF-8": (b'{"signature_name": "\xff\xfe", "instances": [[2, 4]]}', "UTF-8"),
    "a lone surrogate": (rb'{"signature_name": "\ud800", "instances": [[2, 4]]}', "JSON"),
    "a list": (b"[1, 2]", "object"),
    "null": (b"null", "object"),
    "NaN": (half("[[NaN, 1]]"), "NaN nor Infinity"),
    "Infinity": (half("[[1, Infinity]]"), "NaN nor Infinity"),
    "minus Infinity": (half("[[-Infinity, 1]]"), "NaN nor Infinity"),
    "a number beyond double": (half("[[1e400, 1]]"), "JSON"),
    "a number beyond float": (half("[[1e39, 1]]"), "float32 can hold. Received: 1e+39"),
    "lists 100,000 deep": (half("[" * 100_000 + "]" * 100_000), "depth"),
    "lists 1,000 deep": (half("[" * 1_000 + "]" * 1_000), "shape [batch,2]. Received: [1,1,1,1"),
    "lists 1,000 deep for an input of any shape": (
        b'{"signature_name": "sum", "inputs": {"a": [[1, 2]], "b": ' + b"[" * 1_000 + b"1" + b"]" * 1_000 + b"}}",
        "at most 8 dimensions",
    ),
    "objects 100,000 deep": (half('{"a":' * 40_000 + "1" + "}" * 40_000), "depth"),
    "objects 500 deep": (half("[" + '{"x":' * 500 + "1" + "}" * 500 + "]"), "shape [batch,2]"),
    "an unknown key": ({**GOOD, "colour": 1}, "'colour'"),
    "both forms": ({**GOOD, "inputs": [[2, 4]]}, "both"),
    "neither form": ({"signature_name": "half"}, "neither"),
    "an unknown signature": ({**GOOD, "signature_name": "quarter"}, "'quarter'"),
    "no signature": ({"instances": [[2, 4]]}, "serving_default"),
    "a number for signature": ({**GOOD, "signature_name": 3}, "signature_name"),
    "a list for signature": ({**GOOD, "signature_name": ["half"]}, "signature_name"),
    "an empty batch": ({**GOOD, "instances": []}, "1 row or more"),
    "an empty batch in columns": ({"signature_name": "half", "inputs": []}, "shape [batch,2]"),
    "an empty batch by name": ({"signature_name": "words", "inputs": {"word": []}}, "1 row or more"),
    "an object for instances": ({**GOOD, "instances": {"x": [[2, 4]]}}, "list"),
    "a string for instances": ({**GOOD, "instances": "2, 4"}, "list"),
    "null for inputs": ({"signature_name": "half", "inputs": None}, "shape [batch,2]"),
    "too wide a row": ({**GOOD, "instances": [[2, 4, 6]]}, "shape [batch,2]. Received: [1,3]"),
    "numbers for rows": ({**GOOD, "instances": [2, 4]}, "shape [batch,2]. Received: [2]"),
    "rows of two lengths": ({**GOOD, "instances": [[2, 4], [2]]}, "lengths 1 to 2"),
    "a mix of lists and numbers": ({**GOOD, "instances": [[2, 4], 2]}, "a mix of lists and values"),
    "a row too deep": ({**GOOD, "instances": [[[2, 4]]]}, "shape [batch,2]. Received: [1,1,2]"),
    "a string for a number": ({**GOOD, "instances": [["2", 4]]}, "a string, '2'"),
    "true for a number": ({**GOOD, "instances": [[True, 4.5]]}, "true or false"),
    "null for a number": ({**GOOD, "instances": [[None, 4]]}, "null"),
    "an object for a number": ({**GOOD, "instances": [[{}, 4]]}, "an object"),
    "a file for a number": ({**GOOD, "instances": [{"b64": "YWI="}]}, "only images"),
    "beyond the model's range": ({**GOOD, "instances": [[2, 11]]}, "x: expected numbers in [-10, 10]. Received: "),
    "an unknown name of 200 kB": (
        {"signature_name": "pick", "instances": ["x" * 200_000]},
        "factor: expected hue. Received: xxx",
    ),
    "an unknown name of control characters": (
        {"signature_name": "pick", "instances": ["\1" * 30_000]},
        r"factor: expected hue. Received: \001\001",
    ),
    "bytes that are not UTF-8": (
        {"signature_name": "pick", "instances": [{"b64": "//79"}]},
        r"factor: expected text in UTF-8. Received: b'\xff\xfe\xfd'",
    ),
    "another input": ({**GOOD, "instances": [{"z": [2, 4]}]}, "no x and unknown 'z'"),
    "one input too many": ({**GOOD, "instances": [{"x": [2, 4], "z": 1}]}, "unknown 'z'"),
    "one too many in columns": ({"signature_name": "half", "inputs": {"x": [[2, 4]], "z": 1}}, "unknown 'z'"),
    "a missing input": ({"signature_name": "sum", "instances": [{"a": [2, 4]}]}, "no b"),
    "a missing input in columns": ({"signature_name": "sum", "inputs": {"a": [[2, 4]]}}, "no b"),
    "a missing input in the second row": (
        {"signature_name": "sum", "instances": [{"a": [2, 4], "b": 1}, {"a": [2, 4]}]},
        "instances[1]",
    ),
    "bare rows for two inputs": ({"signature_name": "sum", "instances": [[2, 4]]}, "object with ['a', 'b']"),
    "bare columns for two inputs": ({"signature_name": "sum", "inputs": [[2, 4]]}, "object with ['a', 'b']"),
    "an object after a bare row": ({**GOOD, "instances": [[2, 4], {"x": [2, 4]}]}, "instances[1]"),
    "inputs with different numbers of rows": (
        {"signature_name": "count", "inputs": {"number": [1, 2, 3], "flag": [True, False]}},
        "",
    ),
    "a decimal for an integer": (
        {"signature_name": "count", "inputs": {"number": [1.0], "flag": [True]}},
        "number: expected integers. Received: a decimal number, 1.0",
    ),
    "an integer beyond 64 bits": ({"signature_name": "count", "inputs": {"number": [2**63], "flag": [True]}}, "[-9223"),
    "a number for true": ({"signature_name": "count", "inputs": {"number": [1], "flag": [1]}}, "true or false"),
    "a number for a string": ({"signature_name": "words", "instances": [5]}, "strings"),
    "not base64": ({"signature_name": "words", "instances": [{"b64": "@@"}]}, "base64"),
    "incomplete base64": ({"signature_name": "words", "instances": [{"b64": "YWI"}]}, "base64"),
    "a number for base64": ({"signature_name": "words", "instances": [{"b64": 5}]}, ""),
    "rows for outputs without rows": ({"signature_name": "mean", "instances": [[2, 4]]}, 'send "inputs" instead'),
    "too many rows": ({**GOOD, "instances": [[2, 4]] * 9}, "at most 8 images at once. Received: 9 rows"),
    "2147483647 steps": (
        {"signature_name": "repeat", "inputs": {"x": [[2, 4]] * 2, "steps": 2**31 - 1}},
        "at most 8 images at once. Received: 2 rows of 2147483647 steps",
    ),
    "80,000 rows": (
        {"signature_name": "double", "inputs": [0] * 80_000},
        "at most 8 images at once. Received: 80000 rows",
    ),
    "too many rows and steps": (
        {"signature_name": "repeat", "inputs": {"x": [[2, 4]] * 2, "steps": 5}},
        "at most 8 images at once. Received: 2 rows of 5 steps",
    ),
    "not an image": ({"signature_name": "rgb", "instances": [{"b64": "YWI="}]}, "PNG or JPEG"),
    "an incomplete image": (
        {"signature_name": "rgb", "instances": [{"b64": image_file("RGB", (6, 4))["b64"][:64]}]},
        "PNG or JPEG",
    ),
    "another format": (
        {"signature_name": "rgb", "instances": [image_file("RGB", (6, 4), "GIF")]},
        "PNG or JPEG file in base64. Received: another format",
    ),
    "another size": ({"signature_name": "rgb", "instances": [image_file("RGB", (4, 6))]}, "6x4 pixels. Received: 4x6"),
    "50 megapixels": (
        {"signature_name": "rgb", "instances": [image_file("1", (10_000, 5_000))]},
        "6x4 pixels. Received: 10000x5000",
    ),
    "400 megapixels": ({"signature_name": "rgb", "instances": [image_file("1", (20_000, 20_000))]}, "image"),
    "transparency": ({"signature_name": "rgb", "instances": [image_file("RGBA", (6, 4))]}, "transparency"),
    "16 bits": ({"signature_name": "grey", "instances": [image_file("I;16", (6, 4))]}, "8 bits"),
    "an image file and numbers": (
        {"signature_name": "rgb", "instances": [image_file("RGB", (6, 4)), np.zeros([4, 6, 3]).tolist()]},
        "a mix of lists and values",
    ),
    "an image file without a list": (
        {"signature_name": "rgb", "inputs": image_file("RGB", (6, 4))},
        "one for each row",
    ),
    "another image_format": (
        {"signature_name": "rgb", "instances": [image_file("RGB", (6, 4))], "image_format": "webp"},
        "'webp'",
    ),
    "image_format without image outputs": ({**GOOD, "image_format": "png"}, "returns images"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_wrong_body_is_refused_with_the_reason(toy_server: Server, case: str) -> None:
    body, words = BODIES[case]
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = toy_server.request("POST", f"{toy_server.base}:predict", text)
    assert answer.status == 400 and words in answer.error, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.body) < 600
    assert toy_server.predict(**GOOD).json == {"predictions": [[1.0, 2.0]]}


ADDRESSES = {
    "another model": ("POST", "/v1/models/other:predict", 404, "'other'"),
    "another version": ("POST", "/v1/models/toy/versions/8:predict", 404, "'8'"),
    "a version in words": ("GET", "/v1/models/toy/versions/newest", 404, "'newest'"),
    "a label": ("POST", "/v1/models/toy/labels/stable:predict", 404, "address"),
    "status of another model": ("GET", "/v1/models/other", 404, "'other'"),
    "metadata of another model": ("GET", "/v1/models/other/metadata", 404, "'other'"),
    "no path": ("GET", "/", 404, "/v1/models/toy"),
    "another verb": ("POST", "/v1/models/toy:classify", 404, ":classify"),
    "a slash too many": ("GET", "/v1/models/toy/", 404, "/v1/models/toy"),
    "a slash after the verb": ("POST", "/v1/models/toy:predict/", 404, ":predict/"),
    "another address": ("POST", "/v2/models/toy:predict", 404, "/v1/models/toy"),
    "a path with ..": ("GET", "/v1/models/../../etc/passwd", 404, "address"),
    "predict by GET": ("GET", "/v1/models/toy:predict", 405, "POST"),
    "predict by PUT": ("PUT", "/v1/models/toy:predict", 405, "POST"),
    "predict by DELETE": ("DELETE", "/v1/models/toy/versions/7:predict", 405, "POST"),
    "status by POST": ("POST", "/v1/models/toy", 405, "GET"),
    "metadata by POST": ("POST", "/v1/models/toy/metadata", 405, "GET"),
    "health by POST": ("POST", "/healthz", 405, "GET"),
    "an unknown method": ("BREW", "/v1/models/toy:predict", 405, "POST"),
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_a_wrong_address_or_method_is_refused_with_the_valid_ones(toy_server: Server, case: str) -> None:
    method, path, status, words = ADDRESSES[case]
    answer = toy_server.request(method, path, json.dumps(GOOD) if method == "POST" else None)
    assert answer.status == status and words in answer.error, answer.body
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "image/png"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/x-protobuf"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_another_content_type_is_refused(toy_server: Server, headers: dict[str, str]) -> None:
    answer = toy_server.request("POST", f"{toy_server.base}:predict", json.dumps(GOOD), headers)
    assert answer.status == 415 and next(iter(headers)) in answer.error


def megabytes(count: int):
    for _ in range(count):
        yield b" " * 1_000_000


@pytest.mark.parametrize("has_length", [True, False], ids=["with its length", "in chunks"])
def test_a_body_of_100_megabytes_is_refused_with_the_limit(toy_server: Server, has_length: bool) -> None:
    headers = {"Content-Length": "100000000"} if has_length else {}
    answer = toy_server.request("POST", f"{toy_server.base}:predict", megabytes(100), headers)
    assert answer.status == 413 and "at most 262,144 bytes" in answer.error
    assert toy_server.predict(**GOOD).status == 200


def exchange(server: Server, data: bytes, close: bool = False) -> bytes:
    """Sends these bytes and nothing more; returns all that the server sends until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(data)
        if close:
            connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(1 << 16):
            parts.append(part)
        return b"".join(parts)


def test_a_client_that_waits_for_100_continue_gets_the_limit_at_once(toy_server: Server) -> None:
    head = f"POST {toy_server.base}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n"
    answer = exchange(toy_server, f"{head}Expect: 100-continue\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ") and b"at most 262,144 bytes" in answer


def test_a_body_that_does_not_arrive_in_time_is_refused(toy_server: Server) -> None:
    head = f"POST {toy_server.base}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n"
    answer = exchange(toy_server, head.encode() + b'{"signature_name": ')
    assert answer.startswith(b"HTTP/1.1 408 ") and b"within 2 s. Received: 19 bytes" in answer


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the start of a TLS handshake
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 70_000,
    ],
)
def test_malformed_http_is_answered_400(toy_server: Server, data: bytes) -> None:
    assert exchange(toy_server, data, close=True).startswith(b"HTTP/1.1 400 ")
    assert toy_server.predict(**GOOD).status == 200


def test_the_memory_of_a_refused_body_is_free_before_the_next_is_parsed() -> None:
    with pytest.raises(RequestError, match="JSON object") as caught:
        app._parse(bytearray(b"[[], [], []]"), {}, 8)
    assert [entry.name for entry in caught.traceback[1:]] == ["_parse"]  # no frame with what has been parsed


def test_clients_that_disconnect_do_not_block_others(toy_server: Server) -> None:
    head = f"POST {toy_server.base}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n"
    for _ in range(20):  # more than there is room for if their rows were not released
        with socket.create_connection(("127.0.0.1", toy_server.port)) as connection:
            connection.sendall(head.encode() + b"{")
    statuses = [toy_server.predict("half", instances=[[2, 4]] * 8).status]
    while statuses[-1] == 429 and len(statuses) < 100:  # until the server has noticed that they are gone
        time.sleep(0.1)
        statuses.append(toy_server.predict("half", instances=[[2, 4]] * 8).status)
    assert statuses[-1] == 200


def test_an_output_that_is_not_finite_is_a_server_error(toy_server: Server) -> None:
    answer = toy_server.predict("inverse", instances=[[0, 1]])
    assert answer.status == 500 and "y: the model's output" in answer.error
    assert toy_server.predict("inverse", instances=[[0.5, 1]]).json == {"predictions": [[2.0, 1.0]]}

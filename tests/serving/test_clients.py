"""Compares the server with TensorFlow Serving, through its own messages and the session that it runs.

TensorFlow Serving itself cannot be installed here, but what it does between client and model is known: the client's
PredictRequest has the names, types and shapes of the inputs; the server feeds them to the tensors that the SavedModel's
signature names, runs a session, and returns the outputs. These tests do the same and compare with our server.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

from tests.support.servers import Server

ROWS = 3


@pytest.fixture(scope="module")
def definitions(export_server: Server) -> dict:
    """Returns {signature: SignatureDef}, as a client parses them from /metadata."""
    answer = export_server.request("GET", f"{export_server.base}/metadata").json
    known = json_format.ParseDict(answer["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap())
    return {name: known.signature_def[name] for name in known.signature_def if not name.startswith("__")}


@pytest.fixture(scope="module")
def session(exported: Path) -> Iterator[tf.compat.v1.Session]:
    """Session with the export loaded, as in TensorFlow Serving."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.saved_model.load(session, ["serve"], str(exported / "1"))
        yield session


def make_input(name: str, definitions: dict) -> np.ndarray:
    """Returns an array that the model accepts for the input `name`."""
    rng = np.random.default_rng(len(name))
    if name == "factor":
        return np.array([b"hue", b"shape", b"0"])
    if name == "steps":
        return np.array([4] * ROWS, np.int32)
    if name == "style":
        return rng.standard_normal([ROWS, 5]).astype(np.float32)
    info = next(d.inputs[name] for d in definitions.values() if name in d.inputs)
    shape = [ROWS, *(size.size for size in info.tensor_shape.dim[1:])]
    return (rng.standard_normal(shape) if name == "noise" else rng.uniform(0, 1, shape)).astype(np.float32)


def make_request(server: Server, signature: str, definitions: dict) -> predict_pb2.PredictRequest:
    """Builds a request as a client of TensorFlow Serving does."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = server.name
    request.model_spec.signature_name = signature
    for name in definitions[signature].inputs:
        request.inputs[name].CopyFrom(tf.make_tensor_proto(make_input(name, definitions)))
    return predict_pb2.PredictRequest.FromString(request.SerializeToString())


def test_the_metadata_has_every_signature(definitions: dict) -> None:
    assert {"mapping", "synthesis", "generate", "encode"} <= set(definitions)
    assert {definition.method_name for definition in definitions.values()} == {"tensorflow/serving/predict"}


def test_a_predict_request_is_answered_as_tensorflow_serving_would(export_server, definitions, session) -> None:
    for signature, definition in definitions.items():
        # The request of a client, and TensorFlow Serving's response to it.
        request = make_request(export_server, signature, definitions)
        for name, tensor in request.inputs.items():
            info = definition.inputs[name]
            assert tensor.dtype == info.dtype, (signature, name)
            assert tf.TensorShape(info.tensor_shape).is_compatible_with(tf.TensorShape(tensor.tensor_shape))
        arrays = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        feed = {definition.inputs[name].name: array for name, array in arrays.items()}
        expected = session.run({name: info.name for name, info in definition.outputs.items()}, feed)
        response = predict_pb2.PredictResponse()
        for name, array in expected.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(array))

        # The column form.
        columns = {name: as_json(array) for name, array in arrays.items()}
        answer = export_server.predict(signature, inputs=columns)
        assert answer.status == 200, (signature, answer.body)
        outputs = answer.json["outputs"]
        named = outputs if len(expected) > 1 else {next(iter(expected)): outputs}
        assert set(named) == set(response.outputs), signature
        for name, tensor in response.outputs.items():
            wanted = tf.make_ndarray(tensor)
            found = np.asarray(named[name], wanted.dtype)
            assert found.shape == wanted.shape, (signature, name)
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6, err_msg=f"{signature}: {name}")

        # The row form.
        rows = [{name: columns[name][i] for name in columns} for i in range(ROWS)]
        predictions = export_server.predict(signature, instances=rows).json["predictions"]
        for i, row in enumerate(predictions):
            for name, value in (row if len(expected) > 1 else {next(iter(expected)): row}).items():
                np.testing.assert_allclose(value, named[name][i], rtol=1e-6, atol=1e-6)


def as_json(array: np.ndarray) -> list:
    return [value.decode() for value in array] if array.dtype == object else array.tolist()


def test_the_status_is_tensorflow_servings_message(export_server: Server) -> None:
    body = export_server.request("GET", export_server.base).body.decode()
    (version,) = json_format.Parse(body, get_model_status_pb2.GetModelStatusResponse()).model_version_status
    assert (version.version, version.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    assert version.status.error_code == 0

"""The same questions as TensorFlow Serving gets them: its own messages, and the session that it runs.

TensorFlow Serving itself cannot be installed here. What stands between a client and the model is known, though: the
client's PredictRequest names inputs, types and shapes; the server feeds them to the tensors that the SavedModel's
signature names, in a session, and sends what comes out. That is done here, and gives what our server answers.
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
    """{signature: SignatureDef}, as a client reads them from the address /metadata."""
    answer = export_server.ask("GET", f"{export_server.base}/metadata").json
    known = json_format.ParseDict(answer["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap())
    return {name: known.signature_def[name] for name in known.signature_def if not name.startswith("__")}


@pytest.fixture(scope="module")
def session(exported: Path) -> Iterator[tf.compat.v1.Session]:
    """What TensorFlow Serving does with the folder."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.saved_model.load(session, ["serve"], str(exported / "1"))
        yield session


def make_input(name: str, definitions: dict) -> np.ndarray:
    """Values that the model accepts."""
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
    """As a client of TensorFlow Serving builds it."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = server.name
    request.model_spec.signature_name = signature
    for name in definitions[signature].inputs:
        request.inputs[name].CopyFrom(tf.make_tensor_proto(make_input(name, definitions)))
    return predict_pb2.PredictRequest.FromString(request.SerializeToString())


def test_every_signature_is_there(definitions: dict) -> None:
    assert {"mapping", "synthesis", "generate", "encode"} <= set(definitions)
    assert {definition.method_name for definition in definitions.values()} == {"tensorflow/serving/predict"}


def test_a_predict_request_is_answered_as_tensorflow_serving_would(export_server, definitions, session) -> None:
    for signature, definition in definitions.items():
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

        rows = [{name: columns[name][i] for name in columns} for i in range(ROWS)]
        predictions = export_server.predict(signature, instances=rows).json["predictions"]
        for i, row in enumerate(predictions):
            for name, value in (row if len(expected) > 1 else {next(iter(expected)): row}).items():
                np.testing.assert_allclose(value, named[name][i], rtol=1e-6, atol=1e-6)


def as_json(array: np.ndarray) -> list:
    return [value.decode() for value in array] if array.dtype == object else array.tolist()


def test_the_status_is_tensorflow_servings_message(export_server: Server) -> None:
    body = export_server.ask("GET", export_server.base).body.decode()
    (version,) = json_format.Parse(body, get_model_status_pb2.GetModelStatusResponse()).model_version_status
    assert (version.version, version.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    assert version.status.error_code == 0

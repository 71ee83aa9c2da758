"""The served SavedModel: loaded once, with all of its signatures."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2

from ssgan_tf.editing import find_export, find_reason, load_saved, read_card
from ssgan_tf.serving.errors import RequestError

Arrays = dict[str, np.ndarray]


class Signature(NamedTuple):
    """Inputs of a signature, by name, and the names of its outputs."""

    inputs: dict[str, tf.TensorSpec]
    outputs: tuple[str, ...]


class ServedModel:
    """One version of an exported model.

    Args:
        path: Folder that `ssgan export` wrote. If it has several versions, the newest is loaded.
        name: Model's name in URLs; by default the name of its run.

    Raises:
        FileNotFoundError: If there is no SavedModel.
        ValueError: If the SavedModel is damaged or not an export of this package, or the name cannot be part of a URL.
    """

    def __init__(self, path: str, name: str | None = None):
        folder = find_export(path)
        card = read_card(folder)
        number = os.path.basename(os.path.abspath(folder))
        self.version = number if number.isdigit() else "1"
        self.name = name or str(card.get("run") or "model")
        if not self.name or set(self.name) & set("/:?#% "):
            raise ValueError(f"name: expected a name without / : ? # % and spaces. Received: {self.name!r}.")
        self._model = load_saved(folder)
        self.signatures = {
            str(name): Signature(dict(function.structured_input_signature[1]), tuple(function.structured_outputs))
            for name, function in self._model.signatures.items()
        }
        self.metadata = self._make_metadata(folder)

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Computes one signature.

        Args:
            signature: Name of the signature.
            inputs: All of its inputs, with the types and ranks of the signature.

        Returns:
            The outputs, by name.

        Raises:
            RequestError: 400 with the model's own reason if the model refuses the values; 503 if memory runs out.
        """
        specs = self.signatures[signature].inputs
        tensors = {name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()}
        try:
            outputs = self._model.signatures[signature](**tensors)
            return {name: value.numpy() for name, value in outputs.items()}
        except tf.errors.InvalidArgumentError as error:
            raise RequestError(400, find_reason(str(error)) or error.message.partition("\n")[0]) from None
        except tf.errors.ResourceExhaustedError:
            raise RequestError(503, "Not enough memory for this batch; send fewer rows at once.") from None

    def warm_up(self) -> None:
        """Computes a row of zeros with every signature that takes one, so that no client waits for initialization."""
        for name, signature in self.signatures.items():
            specs = signature.inputs.values()
            if all(spec.dtype.is_floating and spec.shape.rank and all(spec.shape[1:]) for spec in specs):
                zeros = {key: np.zeros([1, *spec.shape[1:]], np.float32) for key, spec in signature.inputs.items()}
                try:
                    self.run(name, zeros)
                except RequestError:
                    pass  # The model refuses zeros, so the first client of this signature has to wait.

    def _make_metadata(self, folder: str) -> dict[str, Any]:
        """Returns TensorFlow Serving's GetModelMetadataResponse, as its REST interface writes it."""
        with open(os.path.join(folder, "saved_model.pb"), "rb") as file:
            saved = saved_model_pb2.SavedModel.FromString(file.read())
        (graph,) = (graph for graph in saved.meta_graphs if "serve" in graph.meta_info_def.tags)
        return {
            "model_spec": {"name": self.name, "signature_name": "", "version": self.version},
            "metadata": {
                "signature_def": {
                    "signature_def": {
                        name: json_format.MessageToDict(
                            definition, including_default_value_fields=True, preserving_proto_field_name=True
                        )
                        for name, definition in sorted(graph.signature_def.items())
                    }
                }
            },
        }

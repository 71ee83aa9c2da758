"""The SavedModel that is served: loaded once, with whatever signatures it has."""

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
    """What one signature takes, by name, and the names of what it gives."""

    inputs: dict[str, tf.TensorSpec]
    outputs: tuple[str, ...]


class Served:
    """One version of one model.

    Args:
        path: a folder that `python -m ssgan_tf.export` wrote; of several versions, the newest is taken.
        name: what clients call the model; the name of its run, if not given.

    Raises:
        FileNotFoundError: if there is no SavedModel.
        ValueError: if it is none of ours or damaged, or the name cannot stand in an address.
    """

    def __init__(self, path: str, name: str | None = None):
        folder = find_export(path)
        card = read_card(folder)
        number = os.path.basename(os.path.abspath(folder))
        self.version = number if number.isdigit() else "1"
        self.name = name or str(card.get("run") or "model")
        if not self.name or set(self.name) & set("/:?#% "):
            raise ValueError(f"--name: expected a name without / : ? # % and spaces. Received: {self.name!r}.")
        self._model = load_saved(folder)
        self.signatures = {
            str(name): Signature(dict(function.structured_input_signature[1]), tuple(function.structured_outputs))
            for name, function in self._model.signatures.items()
        }
        self.metadata = self._describe(folder)

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Computes one signature.

        Args:
            signature: its name.
            inputs: every input, of the type and rank that the signature has.

        Raises:
            RequestError: 400 with the model's own reason if it refuses the values; 503 if they need too much memory.
        """
        specs = self.signatures[signature].inputs
        tensors = {name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()}
        try:
            outputs = self._model.signatures[signature](**tensors)
            return {name: value.numpy() for name, value in outputs.items()}
        except tf.errors.InvalidArgumentError as error:
            raise RequestError(400, find_reason(str(error)) or error.message.partition("\n")[0]) from None
        except tf.errors.ResourceExhaustedError:
            raise RequestError(503, "The memory does not suffice for this batch; send fewer rows at once.") from None

    def warm_up(self) -> None:
        """Asks every signature that takes a row of zeros for one, so that no client waits for what is done once."""
        for name, signature in self.signatures.items():
            specs = signature.inputs.values()
            if all(spec.dtype.is_floating and spec.shape.rank and all(spec.shape[1:]) for spec in specs):
                zeros = {key: np.zeros([1, *spec.shape[1:]], np.float32) for key, spec in signature.inputs.items()}
                try:
                    self.run(name, zeros)
                except RequestError:
                    pass  # it takes no zeros: its first client waits

    def _describe(self, folder: str) -> dict[str, Any]:
        """TensorFlow Serving's GetModelMetadataResponse, as its REST interface writes it."""
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

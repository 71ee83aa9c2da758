"""Keras files (.keras, .h5), loaded without running any code that they contain or name.

A Keras file is a configuration in JSON and weights. Loading one looks up, imports and calls what the configuration
names: a Lambda layer holds Python bytecode, a TFOpLambda layer calls any function of TensorFlow by name, and an entry
"module" imports any module. The `safe_mode` of `load_model` covers Lambda alone, in .keras files alone. Weights in .npz
are pickled, so they may hold code too. Hence everything is refused here but Keras's own layers and TensorFlow's
mathematical functions, with weights in HDF5.
"""

import zipfile
from collections.abc import Iterator
from typing import Any

import h5py
import tensorflow as tf

from ssgan_tf.utils.readers import parse_json

ENDINGS = (".keras", ".h5")

_HOMES = (tf.keras.layers, tf.keras.initializers, tf.keras.regularizers, tf.keras.constraints, tf.keras.mixed_precision)
# Lambda and TFSMLayer run what is in the file or in another one; the others read files whose names it gives.
_REFUSED = {"Lambda", "TFSMLayer", "StringLookup", "IntegerLookup", "TextVectorization"}
_FUNCTIONS = {"TFOpLambda", "SlicingOpLambda"}  # layers that call a function of TensorFlow: x + 1, tf.reduce_mean(x)
_MATHEMATICAL = ("math.", "nn.", "__operators__.")
_CONTAINERS = {"Functional", "Model", "Sequential", "TensorShape", "__tuple__"}
_WEIGHTS = "model.weights.h5"  # in the archive that a .keras file is


def load(path: str) -> tf.keras.Model:
    """Loads a model; nothing is run but Keras's own layers.

    Args:
        path: File whose name ends in .keras or .h5.

    Raises:
        ValueError: Loading the file, or using the model, could run other code.
        OSError and nearly anything else: The file is damaged.
    """
    config = parse_json(_read_config(path))
    if isinstance(config, dict):
        config.pop("compile_config", None)  # `load_model` drops it too
    for entry in _objects(config):
        name, module = entry.get("class_name"), entry.get("module") or "keras"
        if not _is_plain(entry, name) or not (isinstance(module, str) and f"{module}.".startswith("keras.")):
            raise ValueError(
                f"expected layers of Keras without code of their own. Received: {module}.{name}, which could run any "
                "code. If you trust its author, load it in a program of your own and save it as a SavedModel"
            )
    return tf.keras.models.load_model(path, compile=False)


def _read_config(path: str) -> str | bytes:
    """Returns the configuration in a Keras file, from where `load_model` takes it."""
    if path.endswith(".keras") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if _WEIGHTS not in archive.namelist():
                raise ValueError(f"expected weights in {_WEIGHTS}. Received: an archive of {archive.namelist()[:5]}")
            return archive.read("config.json")
    with h5py.File(path, "r") as file:
        config = file.attrs["model_config"]
    if not isinstance(config, str | bytes):
        raise ValueError(f"expected a configuration as text. Received: {type(config).__name__}")
    return config


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yields all dicts in a configuration that name a class, a function or a module."""
    if isinstance(value, dict) and ("class_name" in value or "module" in value):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(item)


def _is_plain(entry: dict[str, Any], name: Any) -> bool:
    """Returns whether an entry's class is one of Keras's own that cannot run code or read other files."""
    if not isinstance(name, str) or name in _REFUSED:
        return False
    if name in _FUNCTIONS:
        config = entry.get("config")
        return isinstance(config, dict) and str(config.get("function")).startswith(_MATHEMATICAL)
    return name in _CONTAINERS or any(isinstance(getattr(home, name, None), type) for home in _HOMES)

"""Keras files: ordinary networks are loaded, and whatever could run code is refused before it is loaded."""

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.evaluate import feature_network, keras_files

layers = tf.keras.layers
pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")


def network(*extra: tf.keras.layers.Layer) -> tf.keras.Model:
    return tf.keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(4, 3), *extra, layers.GlobalAveragePooling2D()])


def leave_trace(x):
    open("trace", "w").close()  # in the folder where the file is loaded
    return x


@pytest.fixture
def there(tmp_path, monkeypatch) -> Path:
    """Folder to work in; the test fails if code in a file leaves its trace there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_refused(path: str, received: str) -> None:
    Path("trace").unlink(missing_ok=True)  # left by Keras when the network was made
    with pytest.raises(ValueError, match=received) as caught:
        feature_network.load(path)
    assert str(caught.value).startswith(f"features: '{path}' cannot be loaded: expected ")
    assert "\n" not in str(caught.value) and not Path("trace").exists()


@pytest.mark.parametrize("name", ["network.h5", "network.keras"])
def test_a_lambda_layer_is_refused(name: str, there: Path) -> None:
    function = eval("lambda x: (open('trace', 'w').close(), x)[1]")
    network(layers.Lambda(function)).save(name)
    assert_refused(name, "Received: .*Lambda, which could run any code.*as a SavedModel")
    network(layers.TimeDistributed(layers.Lambda(leave_trace))).save(name)
    assert_refused(name, "Received: .*Lambda, which")


def test_an_archive_in_a_file_called_h5_and_the_other_way_round(there: Path) -> None:
    """Keras looks at the content of a file before it looks at its name."""
    network(layers.Lambda(leave_trace)).save("network.h5")
    Path("network.h5").rename("network.keras")
    assert_refused("network.keras", "Received: .*Lambda")
    network(layers.Lambda(leave_trace)).save("other.keras")
    Path("other.keras").rename("other.h5")
    with pytest.raises(ValueError, match="features: 'other.h5' cannot be loaded"):
        feature_network.load("other.h5")


@pytest.mark.parametrize("name", ["network.h5", "network.keras"])
def test_functions_of_tensorflow_are_refused(name: str, there: Path) -> None:
    inputs = layers.Input((8, 8, 3))
    tf.keras.Model(inputs, tf.reduce_mean(tf.nn.relu(inputs) + 1, axis=[1, 2])).save(name)
    assert feature_network.load(name).read(np.zeros([1, 8, 8, 3], np.uint8)).tolist() == [[1, 1, 1]]
    for function in ("io.write_file", "keras.utils.get_file", "py_function", ["math.add"], None):
        change_config(name, lambda config, function=function: functional(config)["config"].update(function=function))
        assert_refused(name, "Received: .*TFOpLambda")


def change_config(path: str, change) -> None:
    """Changes the configuration in a .keras file, or in a .h5 file."""
    if path.endswith(".h5"):
        with h5py.File(path, "a") as file:
            config = json.loads(file.attrs["model_config"])
            change(config)
            file.attrs["model_config"] = json.dumps(config)
        return
    with zipfile.ZipFile(path) as archive:
        contents: dict[str, Any] = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(contents["config.json"])
    change(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**contents, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)


def functional(config: dict[str, Any]) -> dict[str, Any]:
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == "TFOpLambda")


def first_convolution(config: dict[str, Any]) -> dict[str, Any]:
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Conv2D")


EVIL: dict[str, Any] = {
    "module": lambda layer: layer.update(module="trap", class_name="Conv2D", registered_name="Conv2D"),
    "function": lambda layer: layer["config"].update(
        activation={"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    ),
    "bytecode": lambda layer: layer["config"].update(
        activation={"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
    ),
    "keras module": lambda layer: layer["config"].update(
        activation={"module": "keras.src.utils.data_utils", "class_name": "get_file", "config": {}}
    ),
    "near keras": lambda layer: layer.update(module="keras_trap", class_name="Conv2D"),
    "type": lambda layer: layer.update(class_name=["Conv2D"]),
    "other file": lambda layer: layer.update(class_name="TFSMLayer", config={"filepath": "elsewhere"}),
}


@pytest.mark.parametrize("name", ["network.h5", "network.keras"])
@pytest.mark.parametrize("evil", EVIL)
def test_a_configuration_that_names_code_is_refused(evil: str, name: str, there: Path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(there))
    for module in ("trap", "keras_trap"):
        Path(f"{module}.py").write_text("open('trace', 'w').close()")
    network().save(name)
    change_config(name, lambda config: EVIL[evil](first_convolution(config)))
    assert_refused(name, "Received: ")


def test_pickled_weights_are_refused(there: Path) -> None:
    class Trap:
        def __reduce__(self):
            return (open, ("trace", "w"))

    network().save("network.keras")
    with zipfile.ZipFile("network.keras") as archive:
        config = archive.read("config.json")
    np.savez("weights.npz", np.array([Trap()], object))
    with zipfile.ZipFile("network.keras", "w") as archive:
        archive.writestr("config.json", config)
        archive.write("weights.npz", "model.weights.npz")
    assert pickle.dumps(Trap())
    assert_refused("network.keras", "expected weights in model.weights.h5. Received: an archive of")


@pytest.mark.parametrize("name", ["network.h5", "network.keras"])
def test_ordinary_networks_are_loaded(name: str, there: Path) -> None:
    extra = [
        layers.Rescaling(0.5, offset=-1.0),
        layers.ZeroPadding2D(1),
        layers.SeparableConv2D(6, 3, activation="swish", kernel_regularizer=tf.keras.regularizers.L2(0.1)),
        layers.BatchNormalization(momentum=0.9, gamma_initializer="zeros"),
        layers.Activation("relu"),
        layers.LeakyReLU(0.1),
        layers.Dropout(0.2),
        tf.keras.Sequential([layers.Input((6, 6, 6)), layers.Conv2D(5, 1, kernel_constraint="non_neg")]),
    ]
    model = network(*extra)
    model.compile("adam", "mse")
    model.save(name)
    images = np.random.default_rng(0).random([2, 8, 8, 3], np.float32)
    np.testing.assert_allclose(keras_files.load(name)(images), model(images), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["InceptionV3", "ResNet50V2", "MobileNetV3Small", "EfficientNetB0"])
@pytest.mark.parametrize("ending", keras_files.ENDINGS)
def test_published_architectures_are_loaded(name: str, ending: str, there: Path) -> None:
    make = getattr(tf.keras.applications, name)
    make(include_top=False, pooling="avg", input_shape=(96, 96, 3), weights=None).save(f"network{ending}")
    assert len(keras_files.load(f"network{ending}").inputs) == 1

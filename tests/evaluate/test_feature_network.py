"""Feature networks: every kind of file gives the features of the network itself, and wrong ones are refused."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.evaluate import feature_network

IMAGES = np.random.default_rng(0).integers(0, 256, [11, 8, 8, 3], np.uint8)


def small_network(shape=(8, 8, 3), pooled: bool = True) -> tf.keras.Model:
    inputs = tf.keras.Input(shape)
    x = tf.keras.layers.Conv2D(5, 3, activation="tanh", name="conv")(inputs)
    x = tf.keras.layers.Dropout(0.5)(x)  # inactive in inference
    outputs = tf.keras.layers.GlobalAveragePooling2D(name="pool")(x) if pooled else x
    return tf.keras.Model(inputs, outputs)


class Recorder:
    """Network that records its images and returns the means of their channels."""

    def __init__(self, shape=(None, None, None), dtype=tf.float32, **options) -> None:
        self.seen: list[np.ndarray] = []
        self.network = feature_network.FeatureNetwork(self, tf.TensorSpec([None, *shape], dtype), **options)

    def __call__(self, images):
        tf.py_function(lambda x: self.seen.append(x.numpy()), [images], [])
        return tf.reduce_mean(images, axis=[1, 2])


@pytest.fixture(scope="module")
def model() -> tf.keras.Model:
    tf.keras.utils.set_random_seed(0)
    return small_network()


@pytest.fixture(scope="module")
def expected(model) -> np.ndarray:
    return model(IMAGES / np.float32(127.5) - 1).numpy()


def save(model: tf.keras.Model, folder: Path, kind: str) -> str:
    path = str(folder / kind)
    if kind == "exported":
        model.export(path)
    elif kind == "function":  # a SavedModel without a signature
        module = tf.Module()
        module.model = model
        module.__call__ = tf.function(
            lambda images: model(images, training=False), input_signature=[tf.TensorSpec([None, 8, 8, 3])]
        )
        tf.saved_model.save(module, path, signatures={})
    else:
        model.save(path)
    return path


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("kind", ["network.keras", "network.h5", "saved_model", "exported", "function"])
def test_every_kind_of_file_gives_the_features_of_the_network(model, expected, kind: str, tmp_path: Path) -> None:
    network = feature_network.load(save(model, tmp_path, kind))
    found = network.read(IMAGES)
    assert found.shape == (11, 5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def network(model, tmp_path_factory) -> feature_network.FeatureNetwork:
    return feature_network.load(save(model, tmp_path_factory.mktemp("networks"), "network.keras"))


@pytest.mark.parametrize("batch", [1, 4, 11, 64])
def test_features_do_not_depend_on_the_batch(network, expected, batch: int) -> None:
    np.testing.assert_allclose(network.read(IMAGES, batch), expected, rtol=0, atol=1e-6)


def test_batches_of_a_generator_are_consumed_one_at_a_time() -> None:
    recorder = Recorder()
    seen_before = []

    def batches():
        for size in (3, 1, 7):
            seen_before.append(len(recorder.seen))
            yield IMAGES[:size]

    found = recorder.network.read_batches(batches())
    assert seen_before == [0, 1, 2]
    assert found.shape == (11, 3)
    means = np.concatenate([IMAGES[:3], IMAGES[:1], IMAGES[:7]]).mean(axis=(1, 2)) / 127.5 - 1
    np.testing.assert_allclose(found, means, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("pixel_range", "black", "middle", "white"), [("-1,1", -1, -0.6, 1), ("0,1", 0, 0.2, 1), ("0,255", 0, 51, 255)]
)
def test_pixels_are_scaled_to_the_range_of_the_network(pixel_range: str, black, middle, white) -> None:
    recorder = Recorder(pixel_range=pixel_range)
    recorder.network.read(np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1))
    (images,) = recorder.seen
    np.testing.assert_allclose(images[:, 0, 0, 0], [black, middle, white], rtol=0, atol=1e-6)


def test_grey_images_become_three_equal_channels() -> None:
    recorder, named = Recorder(), Recorder((None, None, 3))
    for each in (recorder, named):
        each.network.read(IMAGES[..., :1])
        (images,) = each.seen
        assert images.shape == (11, 8, 8, 3)
        for channel in range(3):
            np.testing.assert_allclose(images[..., channel], IMAGES[..., 0] / 127.5 - 1, rtol=0, atol=1e-6)


def test_a_network_for_grey_images_gets_one_channel() -> None:
    recorder = Recorder((8, 8, 1))
    assert recorder.network.read(IMAGES[..., :1]).shape == (11, 1)
    with pytest.raises(ValueError, match="accepts grey images. Received: images with 3 channels."):
        recorder.network.read(IMAGES)


def test_images_are_resized_to_the_networks_size() -> None:
    image = np.zeros([1, 2, 2, 1], np.uint8)
    image[0, :, 1] = 255
    recorder = Recorder((2, 4, 3), pixel_range="0,1")
    recorder.network.read(image)
    # The centres of the new pixels are at -1/4, 1/4, 3/4 and 5/4 of the way between the centres of the old pixels.
    np.testing.assert_allclose(recorder.seen[0][0, :, :, 0], [[0, 0.25, 0.75, 1]] * 2, atol=1e-6)


def test_smaller_sizes_are_sampled_without_antialiasing() -> None:
    line = np.array([0, 0, 0, 0, 0, 0, 255, 0], np.uint8).reshape(1, 1, 8, 1)
    recorder = Recorder((1, 2, 3), pixel_range="0,1")
    recorder.network.read(np.repeat(line, 8, axis=1))
    # The new centres are between the old pixels 1 and 2, and 5 and 6: each is a mean of two, without any others.
    np.testing.assert_allclose(recorder.seen[0][0, 0, :, 0], [0, 0.5], atol=1e-6)


def test_images_keep_their_size_if_the_network_accepts_any() -> None:
    recorder = Recorder((None, None, 3))
    recorder.network.read(IMAGES[:, :5])
    assert recorder.seen[0].shape == (11, 5, 8, 3)


def test_resizing_and_tiling_through_a_file(model, network) -> None:
    grey = np.random.default_rng(1).integers(0, 256, [3, 16, 12, 1], np.uint8)
    images = tf.image.resize(np.repeat(grey, 3, axis=-1) / np.float32(127.5) - 1, [8, 8])
    np.testing.assert_allclose(network.read(grey), model(images), rtol=0, atol=1e-6)


def test_half_precision_networks_get_half_precision_images() -> None:
    recorder = Recorder(dtype=tf.float16)
    assert recorder.network.read(IMAGES).dtype == np.float32
    assert recorder.seen[0].dtype == np.float16


def test_pool_3_is_used_among_several_outputs(tmp_path: Path) -> None:
    inputs = tf.keras.Input([8, 8, 3])
    pooled = tf.keras.layers.GlobalAveragePooling2D(name="pool_3")(inputs)
    logits = tf.keras.layers.Dense(2, name="logits")(pooled)
    both = tf.keras.Model(inputs, [logits, pooled])
    for kind in ("network.keras", "saved_model"):
        found = feature_network.load(save(both, tmp_path, kind)).read(IMAGES)
        np.testing.assert_allclose(found, (IMAGES / 127.5 - 1).mean(axis=(1, 2)), rtol=0, atol=1e-5)
    path = save(tf.keras.Model(inputs, [logits, logits + 1]), tmp_path, "other.keras")
    with pytest.raises(ValueError, match=r"one output, or one called pool_3 .*Received: \['logits', 'tf.__.*'\]"):
        feature_network.load(path)


def test_a_feature_map_is_refused_before_any_image(tmp_path: Path) -> None:
    for kind in ("network.keras", "saved_model"):
        path = save(small_network(pooled=False), tmp_path, kind)
        with pytest.raises(
            ValueError, match=r"Received: an output of shape \(None, 6, 6, 5\).*pooling='avg'"
        ) as caught:
            feature_network.load(path)
        assert str(caught.value).startswith(f"features: {path!r}")


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [
        ((8, 8), tf.float32, r"must accept floating-point images.*Received: float32 of shape \(None, 8, 8\)"),
        ((3, 8, 8), tf.float32, r"C 1 or 3. Received: float32 of shape \(None, 3, 8, 8\)"),
        ((8, 8, 3), tf.uint8, "Received: uint8 of shape"),
    ],
)
def test_other_inputs_than_images_are_refused(shape, dtype, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Recorder(shape, dtype)


def test_a_fixed_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"any B and.*Received: float32 of shape \(1, 8, 8, 3\)"):
        feature_network.FeatureNetwork(lambda images: images[:, 0, 0], tf.TensorSpec([1, 8, 8, 3]))


def test_other_outputs_than_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must return features \[B,D\]. Received: an output of shape \(None,\)\.$"):
        feature_network.FeatureNetwork(lambda images: images[:, 0, 0, 0], tf.TensorSpec([None, 8, 8, 3]))
    unknown = feature_network.FeatureNetwork(
        lambda images: tf.ensure_shape(tf.py_function(tf.identity, [images], tf.float32), None),
        tf.TensorSpec([None, 8, 8, 3]),
    )
    with pytest.raises(ValueError, match=r"an output of shape \(11, 8, 8, 3\).*pooling='avg'"):
        unknown.read(IMAGES)


def test_several_inputs_are_refused(tmp_path: Path) -> None:
    inputs = [tf.keras.Input([8, 8, 3], name=name) for name in ("left", "right")]
    both = tf.keras.Model(inputs, tf.keras.layers.GlobalAveragePooling2D()(inputs[0] + inputs[1]))
    for kind in ("network.keras", "saved_model"):
        with pytest.raises(ValueError, match=r"must have one input.*Received: 2: \['left', 'right'\]"):
            feature_network.load(save(both, tmp_path, kind))


def test_features_that_are_not_finite_name_the_image() -> None:
    def function(images):
        return tf.where(images[:, 0, 0] == 1.0, np.nan, images[:, 0, 0])

    network = feature_network.FeatureNetwork(function, tf.TensorSpec([None, 8, 8, 3]))
    images = np.zeros([9, 8, 8, 3], np.uint8)
    images[7, 0, 0, 2] = 255
    with pytest.raises(
        ValueError, match="finite features. Received: nan in column 2 of image 7. .* the pixel range -1,1"
    ):
        network.read(images, 4)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (IMAGES.astype(np.float32), "Received: float32 of shape"),
        (IMAGES[0], r"Received: uint8 of shape \(8, 8, 3\)"),
        (IMAGES[..., :2], r"Received: uint8 of shape \(11, 8, 8, 2\)"),
        (IMAGES[:0], "one image or more. Received: none"),
    ],
)
def test_other_images_are_refused(network, images: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        network.read(images)


def test_paths_without_a_network_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="features: expected a SavedModel folder .* does not exist"):
        feature_network.load(str(tmp_path / "nothing.keras"))
    (tmp_path / "notes.txt").write_text("mine")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(ValueError, match="features: expected a SavedModel folder .* which is neither"):
            feature_network.load(str(path))


@pytest.mark.parametrize("name", ["damaged.keras", "damaged.h5", "damaged/saved_model.pb"])
def test_damaged_networks_are_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / name).write_bytes(b"mine")
    path = str(tmp_path / name).removesuffix("/saved_model.pb")
    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        feature_network.load(path)
    assert str(caught.value).startswith(f"features: {path!r}")


def test_unknown_ranges_are_refused(model, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected one of \['-1,1', '0,1', '0,255'\]. Received: '0..1'"):
        feature_network.load(save(model, tmp_path, "network.keras"), "0..1")


def test_the_message_for_a_missing_network_says_how_to_get_one() -> None:
    for words in ("features:", "299,299,3", "pool_3", 'pooling="avg"', "2015", "Received: none"):
        assert words in feature_network.MISSING

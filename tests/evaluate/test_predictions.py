"""Predictions: every image is encoded once, in small batches; real and generated images are kept apart."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import data
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.priors import GridPrior, NormalPrior
from ssgan_tf.evaluate import inference
from ssgan_tf.evaluate.feature_network import FeatureNetwork
from ssgan_tf.evaluate.parts import Part, unseen
from ssgan_tf.evaluate.predictions import EvaluationTargets, Predictions, predict

SPEC = CodeSpec((FactorSpec("a", 3), FactorSpec("b", 5)))
FACTORS = np.stack([np.arange(60) % 3, np.arange(60) // 3 % 5], axis=1)


def generate(noise, codes):
    """Generator of 16x16 images whose left half shows the first code and whose right half shows the second."""
    halves = tf.repeat(2 * codes - 1, 8, axis=1)  # [B,16]
    return tf.tile(halves[:, None, :, None], [1, 16, 1, 3]) + 0 * noise[:, :1, None, None]


def encode(images):
    """Encoder that recovers the codes of those images exactly."""
    return (tf.stack([images[:, 3, 2, 0], images[:, 9, 12, 1]], axis=1) + 1) / 2


IMAGES = np.concatenate(list(inference.generate_images(generate, tf.zeros([60, 4]), tf.constant(SPEC.encode(FACTORS)))))


def targets(**changes) -> EvaluationTargets:
    def oracle(images):
        return tf.concat([encode(images), tf.reduce_mean(images, axis=[1, 2])], axis=1)

    oracles = {"oracle": oracle, **changes.pop("more_oracles", {})}
    made = {"encode": encode, "generate": generate, "prior": GridPrior(SPEC), "noise_size": 4, "oracles": oracles}
    return EvaluationTargets(**{**made, **changes})


def make_dataset(images=IMAGES, factors=FACTORS, **changes) -> data.FactorDataset:
    return data.FactorDataset("fake/halves", images, factors, SPEC, **changes)


def predict_all(targets, samples, seed, optional_inputs=(), dataset=None, unknown_to_oracles=None) -> Predictions:
    """Predicts for all images of a data set whose labels are not used in training."""
    dataset = dataset or make_dataset()
    part = unseen(dataset, np.empty(0, int))
    return predict(targets, dataset, part, samples, seed, optional_inputs, unknown_to_oracles, quiet=True)


def test_codes_match_their_factors_for_real_and_generated_images():
    found = predict_all(targets(), 50, 0)
    for table, count in ((found.encoder, 50), (found.generator.read, 50)):
        assert table.codes.shape == (count, 2)
        assert np.abs(table.codes - SPEC.encode(table.factors)).max() < 0.6 / 255
        assert table.names == ("a", "b") and table.sizes == (3, 5)
    assert found.features == {} and found.per_image == {}
    read, swapped = found.generator
    assert np.array_equal(swapped.factors, read.factors)
    assert np.array_equal(swapped.codes, SPEC.encode(read.factors))
    assert found.ceiling is None and found.agreement == {} and found.named is None


def test_latents_are_divided_into_classes_of_equal_probability():
    prior = NormalPrior(2)

    def show(noise, codes):
        return generate(noise, prior.to_unit(codes))

    found = predict_all(targets(generate=show, prior=prior, noise_size=1), 4000, 0)
    table, swapped = found.generator
    assert table.names == ("latent_0", "latent_1") and table.sizes == (20, 20)
    counts = np.stack([np.bincount(column, minlength=20) for column in table.factors.T])
    assert counts.min() > 140 and counts.max() < 260  # 200 expected in each
    assert np.abs(table.codes - (table.factors + 0.5) / 20).max() < 0.5 / 20 + 0.01
    # The other way round: latents as unit codes, and the labelled factors that the oracle reads.
    assert swapped.names == ("a", "b") and swapped.sizes == (3, 5)
    assert np.abs(swapped.codes - table.codes).max() < 0.01
    assert np.array_equal(swapped.factors, SPEC.decode(table.codes))


def test_a_model_that_generates_no_images_has_predictions_on_real_images_only():
    found = predict_all(targets(generate=None), 50, 0, {"reconstruction", "oracle"})
    assert found.generator is None and found.ceiling is None and found.features == {} and found.per_image == {}
    assert np.abs(found.encoder.codes - SPEC.encode(found.encoder.factors)).max() < 0.6 / 255


def test_only_real_images_with_labels_are_used_each_once():
    factors = FACTORS.copy()
    factors[:20] = -1
    found = predict_all(targets(), 1000, 0, dataset=make_dataset(factors=factors))
    assert len(found.encoder.codes) == 40 and len(found.generator.read.codes) == 1000
    assert np.abs(found.encoder.codes - SPEC.encode(found.encoder.factors)).max() < 0.6 / 255


def test_without_labels_there_is_nothing_to_score():
    with pytest.raises(ValueError, match="Scores need images with known labels. Received: none"):
        predict_all(targets(), 50, 0, dataset=make_dataset(factors=np.full_like(FACTORS, -1)))


def test_codes_that_are_not_finite_are_named():
    def broken(images):
        return encode(images) * [1.0, np.nan]

    with pytest.raises(ValueError, match="Received: nan in column 1"):
        predict_all(targets(encode=broken), 50, 0)


def test_optional_inputs_are_computed_on_the_same_images():
    means = FeatureNetwork(
        lambda images: tf.reduce_mean(images, axis=[1, 2]), tf.TensorSpec([None, None, None, 3]), "0,255"
    )
    inputs = {"oracle", "network", "reconstruction"}
    found = predict_all(targets(features=means), 50, 0, inputs)
    sides = zip(*found.features.values(), strict=True)
    for (ours, theirs), table in zip(sides, (found.encoder, found.generator.read), strict=True):
        expected = SPEC.encode(table.factors).mean(axis=1)  # an image's mean is that of its codes
        assert np.abs((ours + 1) / 2 - expected[:, None]).max() < 0.003
        assert np.abs(theirs / 255 - expected[:, None]).max() < 0.003
    # An exact encoder and a generator that shows only the code reconstruct the image.
    assert found.per_image["psnr"].shape == found.per_image["ssim"].shape == (50,)
    assert found.per_image["psnr"].min() > 45 and found.per_image["ssim"].min() > 0.99


def test_a_reconstruction_is_compared_with_its_own_image():
    def upside_down(images):
        return 1 - encode(images)

    good, bad = (predict_all(targets(encode=encoder), 50, 0, {"reconstruction"}) for encoder in (encode, upside_down))
    middle = np.all(bad.encoder.codes > 0.49, axis=1) & np.all(bad.encoder.codes < 0.51, axis=1)
    assert middle.any() and bad.per_image["psnr"][middle].min() > 40  # a code of 1/2 is unchanged by 1 - code
    assert bad.per_image["psnr"][~middle].max() < 25 < good.per_image["psnr"].min()


def test_every_image_is_encoded_once_in_batches_of_bounded_size(monkeypatch):
    monkeypatch.setattr(inference, "BATCH", 16)
    sizes: dict[str, list[int]] = {"encode": [], "oracle": []}

    def counting(name, function):
        def counted(images):
            tf.py_function(lambda x: sizes[name].append(len(x)), [images], [])
            return function(images)

        return counted

    plain = targets()
    counted = targets(
        encode=counting("encode", encode), oracles={"oracle": counting("oracle", plain.oracles["oracle"])}
    )
    predict_all(counted, 40, 0, {"oracle"})
    assert sizes["encode"] == [16, 16, 8]
    assert sum(sizes["oracle"]) == 80 and max(sizes["oracle"]) <= 256


def test_the_seed_chooses_images_and_latents():
    found = [predict_all(targets(), 30, seed) for seed in (1, 1, 2)]
    for side in (lambda one: one.encoder, lambda one: one.generator.read):
        one, same, other = (side(predictions).factors for predictions in found)
        assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_held_out_images_give_the_ceiling_and_two_oracles_their_agreement():
    def second(images):  # mistakes the largest value of b
        codes = encode(images)
        return tf.minimum(codes, [1.0, 0.75])

    held_out = np.arange(5, 35)
    found = predict_all(targets(more_oracles={"second oracle": second}), 50, 0, unknown_to_oracles=held_out)
    assert sorted(map(tuple, found.ceiling.read.factors)) == sorted(map(tuple, FACTORS[held_out]))
    assert np.abs(found.ceiling.read.codes - SPEC.encode(found.ceiling.read.factors)).max() < 0.6 / 255
    assert found.agreement["real"] == pytest.approx((FACTORS[held_out, 1] < 4).mean())
    assert found.agreement["generated"] == pytest.approx((found.generator.read.factors[:, 1] < 4).mean())


def test_codes_name_images_where_each_combination_has_one():
    found = predict_all(targets(), 20, 0, {"moves"}, make_dataset(IMAGES[:15], FACTORS[:15]))
    assert found.named.psnr.shape == (20,) and found.named.psnr.min() > 50
    assert found.named.slider_scores()["sliders/ratio/b"] == pytest.approx(1, abs=0.02)
    assert predict_all(targets(), 20, 0, {"moves"}).named is None  # four images of each
    prior = NormalPrior(2)
    latents = targets(generate=lambda z, c: generate(z, prior.to_unit(c)), prior=prior)
    assert predict_all(latents, 20, 0, {"moves"}, make_dataset(IMAGES[:15], FACTORS[:15])).named is None


def test_without_an_oracle_everything_else_is_predicted():
    def trunk(images):
        return tf.reduce_mean(images, axis=[1, 2])

    alone = targets(oracles={}, trunk=trunk, no_oracle="too few labels")
    found = predict_all(alone, 50, 0, {"oracle", "trunk", "reconstruction", "moves"})
    assert found.generator is found.ceiling is found.moves_read is None and found.no_oracle == "too few labels"
    assert found.encoder.codes.shape == (50, 2) and found.per_image["psnr"].min() > 50
    assert list(found.features) == ["trunk"] and [side.shape for side in found.features["trunk"]] == [(50, 3), (50, 3)]


def test_factors_that_the_oracle_cannot_read_are_left_out_of_the_generators_tables():
    found = predict_all(
        targets(unreadable=["a"]), 50, 0, {"moves"}, make_dataset(IMAGES[:15], FACTORS[:15]), np.arange(15)
    )
    for table in (found.generator.read, found.ceiling.read):
        assert table.names == ("b",) and table.codes.shape[1] == 1
        assert np.abs(table.codes[:, 0] - table.factors[:, 0] / 4).max() < 0.6 / 255
    assert found.generator.swapped.names == ("b",) and found.generator.swapped.codes.shape[1] == 2
    assert found.moves_read.names == ("b",) and found.encoder.names == ("a", "b")


def test_images_to_compare_with_need_no_labels():
    factors = np.where(np.arange(60)[:, None] < 12, FACTORS, -1)
    factors[3, 0] = -1
    found = predict_all(targets(), 50, 0, {"oracle", "reconstruction"}, make_dataset(factors=factors))
    assert len(found.encoder.codes) == 12 and sorted(found.encoder.factors[:, 0])[:2] == [-1, 0]
    assert len(found.per_image["psnr"]) == len(found.features["oracle"][0]) == 50


def test_generated_images_get_the_codes_of_a_part_that_names_them():
    held_out = np.flatnonzero((FACTORS[:15] == [2, 4]).all(axis=1))
    dataset = make_dataset(IMAGES[:15], FACTORS[:15], held_out=held_out)
    found = predict(targets(), dataset, unseen(dataset, np.arange(3)), 20, 0, {"moves"}, quiet=True)
    assert found.encoder.factors.tolist() == [[2, 4]]
    assert np.unique(found.generator.read.factors, axis=0).tolist() == [[2, 4]]
    assert found.named.psnr.min() > 50
    prior = NormalPrior(2)
    latents = targets(generate=lambda z, c: generate(z, prior.to_unit(c)), prior=prior)
    found = predict(latents, dataset, Part(held_out, held_out, "", held_out), 20, 0, quiet=True)
    assert len(np.unique(found.generator.read.factors)) > 3, "latents name no images"

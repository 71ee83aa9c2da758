"""Inputs of the metrics: encodes and generates every image once, in batches of bounded size."""

import dataclasses
from collections.abc import Callable, Collection, Iterator

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ssgan_tf.core.priors import Prior
from ssgan_tf.data import FactorDataset, Images
from ssgan_tf.evaluate import inference, moves, named_images, read_moves, references
from ssgan_tf.evaluate.feature_network import FeatureNetwork
from ssgan_tf.evaluate.parts import Part
from ssgan_tf.evaluate.tables import make_table
from ssgan_tf.metrics import Table
from ssgan_tf.utils.progress_bar import make_bar

Predictor = Callable[[np.ndarray], np.ndarray]  # uint8 images [B,R,R,C] -> numbers [B,K]

OPTIONAL_INPUTS = ("oracle", "network", "reconstruction", "moves")
"""Inputs besides codes: features of the oracle, features of a feature network, reconstructions G(z, E(x)), and images
in which one code moves."""


@dataclasses.dataclass(frozen=True)
class EvaluationTargets:
    """The networks to evaluate, and those that evaluate them.

    Args:
        encode: E, images [B,R,R,C] in [-1, 1] -> codes [B,K].
        generate: G, (z, c) -> images; None if the model generates none.
        prior: Distribution of c.
        noise_size: Width of z.
        oracle: The oracle, images -> codes [B,K] followed by its features: [B,K + D].
        features: Feature network for FID and related metrics; None if no such metric is asked for.
        second_oracle: Another oracle, images -> codes [B,K]; None to do without.
    """

    encode: inference.Encoder
    generate: inference.Generator | None
    prior: Prior
    noise_size: int
    oracle: inference.Encoder
    features: FeatureNetwork | None = None
    second_oracle: inference.Encoder | None = None


def targets_of(
    model: tf.keras.Model,
    oracle: inference.Encoder,
    features: FeatureNetwork | None = None,
    second_oracle: inference.Encoder | None = None,
) -> EvaluationTargets:
    """Returns the targets for evaluating `model` with `oracle`, images -> codes and features."""
    networks = (model.encode, model.generate, model.prior, model.noise_size, oracle)
    return EvaluationTargets(*networks, features, second_oracle)


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Predictions for N real and M generated images.

    Args:
        encoder: E's codes of the real images, with the images' factors.
        generator: Tables of the generated images; None if the model generates no images.
        features: {"oracle" or "network": (features [N,D] of real images, [M,D] of generated ones)}, if asked for.
        per_image: {"psnr" or "ssim": values [N] of real images against G(z, E(x))}, if asked for.
        ceiling: Tables of real images in place of generated ones; None if no images for it were given.
        agreement: {"real" or "generated": fraction of images in which both oracles read the same}, if there are two.
        named: Comparison with the images that codes name, if asked for and possible.
        moves_read: What the oracle reads in images in which one code moves, if asked for and codes stand for factors.
    """

    encoder: Table
    generator: references.GeneratorTables | None
    features: dict[str, tuple[np.ndarray, np.ndarray]]
    per_image: dict[str, np.ndarray]
    ceiling: references.GeneratorTables | None = None
    agreement: dict[str, float] = dataclasses.field(default_factory=dict)
    named: named_images.NamedComparison | None = None
    moves_read: read_moves.ReadMoves | None = None


def predict(
    targets: EvaluationTargets,
    dataset: FactorDataset,
    part: Part,
    samples: int,
    seed: int,
    optional_inputs: Collection[str] = (),
    unknown_to_oracles: np.ndarray | None = None,
    quiet: bool = False,
) -> Predictions:
    """Encodes real images, generates images, and encodes the generated ones with the oracle.

    Args:
        targets: Networks to evaluate.
        dataset: Images and labels.
        part: The real images. If it names codes, and these are the generator's, generated images get the codes of a
            random choice of them.
        samples: Number M of images to generate, and maximum number N of real images.
        seed: Seed of the choice of images, and of noise and codes.
        optional_inputs: Entries of OPTIONAL_INPUTS to compute as well.
        unknown_to_oracles: Rows of images with all labels known that no oracle was trained on, for the ceiling; None
            for none.
        quiet: Whether to show no progress bar.

    Raises:
        ValueError: A network returned codes or pixels that are not finite, or no image has all labels known.
    """
    images, factors, spec = dataset.images, dataset.factors, dataset.spec
    if not len(part.rows):
        raise ValueError("Scores need images with all labels known. Received: none.")
    rows = np.random.default_rng([seed, 5]).permutation(part.rows)[:samples]
    predictors: dict[str, Predictor] = {"encoder": inference.make_predictor(targets.encode)}

    # A model that generates no images: encode only.
    if targets.generate is None:
        with make_bar(len(rows), "img", "predicting", quiet=quiet) as bar:
            real = _predict_batches(predictors, _batches(images, rows), bar)
        return Predictions(make_table(real["encoder"], factors[rows], spec), None, {}, {})

    # The oracle always sees generated images, but real ones only if its features are asked for.
    noise, codes = inference.sample_latents(targets.prior, targets.noise_size, samples, seed)
    named_rows = part.rows if part.names_codes and targets.prior.spec == spec else None
    if named_rows is not None:
        chosen = np.random.default_rng([seed, 17]).choice(named_rows, samples)
        codes = targets.prior.from_unit(tf.constant(spec.encode(factors[chosen])))
    extractors: dict[str, Predictor] = {"oracle": inference.make_predictor(targets.oracle)}
    if targets.second_oracle is not None:
        extractors["second oracle"] = inference.make_predictor(targets.second_oracle)
    judges = dict(extractors)
    if "network" in optional_inputs and targets.features is not None:
        extractors["network"] = targets.features.read
    predictors |= {name: extractor for name, extractor in extractors.items() if name in optional_inputs}

    # Run all networks over real images, generated images, held-out images and reconstructions.
    reconstruct = "reconstruction" in optional_inputs
    judged_rows = np.empty(0, int) if unknown_to_oracles is None else unknown_to_oracles
    judged_rows = np.random.default_rng([seed, 6]).permutation(judged_rows)[:samples]
    total = samples + len(rows) * (2 if reconstruct else 1) + len(judged_rows)
    per_image = {}
    with make_bar(total, "img", "predicting", quiet=quiet) as bar:
        real = _predict_batches(predictors, _batches(images, rows), bar)
        generated = _predict_batches(extractors, inference.generate_images(targets.generate, noise, codes), bar)
        judged = _predict_batches(judges, _batches(images, judged_rows), bar) if len(judged_rows) else {}
        if reconstruct:
            per_image = _compare_reconstructions(targets, _batches(images, rows), real["encoder"], seed, bar)

    # Move one code at a time.
    moved = _generate_moves(targets, dataset, named_rows, samples, seed) if "moves" in optional_inputs else None
    grid = named_images.find_grid(images, factors, spec) if moved else None

    # The oracle's output is codes followed by features.
    features = {name: (real[name], generated[name]) for name in predictors if name != "encoder"}
    if "oracle" in features:
        features["oracle"] = (real["oracle"][:, spec.size :], generated["oracle"][:, spec.size :])
    prior, found = targets.prior, {"generated": generated, **({"real": judged} if judged else {})}
    read = {name: outputs["oracle"][:, : spec.size] for name, outputs in found.items()}
    return Predictions(
        make_table(real["encoder"], factors[rows], spec),
        references.generator_tables(prior.to_unit(codes).numpy(), read["generated"], prior, spec),
        features,
        per_image,
        references.ceiling(read["real"], factors[judged_rows], prior, spec, seed) if judged else None,
        {
            name: references.agreement(read[name], outputs["second oracle"], spec)
            for name, outputs in found.items()
            if "second oracle" in outputs
        },
        named_images.compare(moved, grid, spec.names) if moved and grid else None,
        read_moves.read(moved, extractors["oracle"], spec) if moved else None,
    )


def _generate_moves(
    targets: EvaluationTargets, dataset: FactorDataset, rows: np.ndarray | None, samples: int, seed: int
) -> moves.Moves | None:
    """Moves one code at a time, from the codes of `rows` if given; returns None if codes stand for no factor."""
    if targets.prior.spec != dataset.spec or targets.generate is None:
        return None
    pairs = min(samples, moves.PAIRS)
    labels = None if rows is None else dataset.factors[np.random.default_rng([seed, 18]).choice(rows, pairs)]
    return moves.generate(targets.generate, targets.prior, targets.noise_size, pairs, seed, labels)


def _batches(images: Images, rows: np.ndarray) -> Iterator[np.ndarray]:
    return (images[rows[i : i + inference.BATCH]] for i in range(0, len(rows), inference.BATCH))


def _predict_batches(
    predictors: dict[str, Predictor], batches: Iterator[np.ndarray], bar: tqdm
) -> dict[str, np.ndarray]:
    """Runs every predictor over all batches of uint8 images: {name: [N, ...]}."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in predictors}
    for images in batches:
        for name, predictor in predictors.items():
            parts[name].append(predictor(images))
        bar.update(len(images))
    return {name: np.concatenate(found) for name, found in parts.items()}


def _compare_reconstructions(
    targets: EvaluationTargets, real: Iterator[np.ndarray], codes: np.ndarray, seed: int, bar: tqdm
) -> dict[str, np.ndarray]:
    """Returns PSNR and SSIM [N] of x against G(z, E(x)), with random z and E(x) clipped to the prior's range."""
    noise = tf.random.stateless_normal([len(codes), targets.noise_size], [seed, 2])
    prior = targets.prior
    clipped = prior.from_unit(tf.clip_by_value(prior.to_unit(tf.constant(codes)), 0.0, 1.0))
    assert targets.generate is not None
    found: dict[str, list[np.ndarray]] = {"psnr": [], "ssim": []}
    generated = inference.generate_images(targets.generate, noise, clipped)
    for images, originals in zip(generated, real, strict=True):
        for name, values in zip(found, compare_images(originals, images), strict=True):
            found[name].append(values)
        bar.update(len(images))
    return {name: np.concatenate(values) for name, values in found.items()}


def compare_images(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns PSNR [B], in decibels, and SSIM [B] of uint8 images [B,R,R,C] and [B,R,R,C].

    PSNR is capped at 100 dB; it would be infinite for equal images. SSIM uses a window of 11x11 pixels and is NaN for
    smaller images.

    References: SSIM is Wang et al. 2004, as tf.image.ssim computes it.
    """
    psnr = np.minimum(tf.image.psnr(first, second, 255).numpy(), 100.0)
    if min(first.shape[1:3]) < 11:
        return psnr, np.full(len(psnr), np.nan, np.float32)
    return psnr, tf.image.ssim(tf.convert_to_tensor(first), tf.convert_to_tensor(second), 255).numpy()

"""Inputs of the metrics: encodes and generates every image once, in batches of bounded size."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import Prior
from ssgan_tf.data import FactorDataset, Images
from ssgan_tf.evaluate import inference, moves, named_images, read_moves, references
from ssgan_tf.evaluate.feature_network import FeatureNetwork
from ssgan_tf.evaluate.parts import Part
from ssgan_tf.evaluate.tables import make_table
from ssgan_tf.metrics import Table
from ssgan_tf.utils.progress_bar import make_bar

Predictor = Callable[[np.ndarray], np.ndarray]  # uint8 images [B,R,R,C] -> numbers [B,K]

OPTIONAL_INPUTS = ("oracle", "trunk", "network", "reconstruction", "moves")
"""Inputs besides codes: features of the oracle, of the run's own trunk and of a feature network, reconstructions
G(z, E(x)), and images in which one code moves."""


@dataclasses.dataclass(frozen=True)
class EvaluationTargets:
    """The networks to evaluate, and those that evaluate them.

    Args:
        encode: E, images [B,R,R,C] in [-1, 1] -> codes [B,K].
        generate: G, (z, c) -> images; None if the model generates none.
        prior: Distribution of c.
        noise_size: Width of z.
        oracles: "oracle", images -> codes [B,K] followed by its features: [B,K + D]; and, if there is another one,
            "second oracle", images -> codes [B,K]. Empty without an oracle.
        features: Feature network for FID and related metrics; None if no such metric is asked for.
        trunk: Features of the run's own trunk, images -> [B,D]; None if it has none.
        no_oracle: Reason why there is no oracle.
        unreadable: Names of factors that the oracle cannot read.
    """

    encode: inference.Encoder
    generate: inference.Generator | None
    prior: Prior
    noise_size: int
    oracles: Mapping[str, inference.Encoder] = dataclasses.field(default_factory=dict)
    features: FeatureNetwork | None = None
    trunk: inference.Encoder | None = None
    no_oracle: str = ""
    unreadable: Collection[str] = ()


def targets_of(
    model: tf.keras.Model,
    oracles: Mapping[str, inference.Encoder],
    features: FeatureNetwork | None = None,
    no_oracle: str = "",
    unreadable: Collection[str] = (),
) -> EvaluationTargets:
    """Returns the targets for evaluating `model` with oracles, or without any for the given reason."""
    trunk = getattr(model, "trunk_features", None)
    networks = (model.encode, model.generate, model.prior, model.noise_size)
    return EvaluationTargets(*networks, oracles, features, trunk, no_oracle, unreadable)


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Predictions for N real and M generated images.

    Args:
        encoder: E's codes of the real images, with the images' factors.
        generator: Tables of the generated images; None if the model generates no images or there is no oracle.
        features: {"oracle", "trunk" or "network": (features of real images, of generated ones)}, if asked for.
        per_image: {"psnr" or "ssim": values [N] of real images against G(z, E(x))}, if asked for.
        ceiling: Tables of real images in place of generated ones; None if no images for it were given.
        agreement: {"real" or "generated": fraction of images in which both oracles read the same}, if there are two.
        named: Comparison with the images that codes name, if asked for and possible.
        moves_read: What the oracle reads in images in which one code moves, if asked for and codes stand for factors.
        no_oracle: Reason why the generator has no tables although it generates images; empty if it has.
    """

    encoder: Table
    generator: references.GeneratorTables | None
    features: dict[str, tuple[np.ndarray, np.ndarray]]
    per_image: dict[str, np.ndarray]
    ceiling: references.GeneratorTables | None = None
    agreement: dict[str, float] = dataclasses.field(default_factory=dict)
    named: named_images.NamedComparison | None = None
    moves_read: read_moves.ReadMoves | None = None
    no_oracle: str = ""


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
        part: The real images. If it names images whose codes generated images get, and these are the generator's own
            codes, a random choice of them is taken; otherwise the prior samples codes.
        samples: Number M of images to generate, and maximum number N of real images.
        seed: Seed of the choice of images, and of noise and codes.
        optional_inputs: Entries of OPTIONAL_INPUTS to compute as well.
        unknown_to_oracles: Rows of images with labels that no oracle was trained on, for the ceiling; None for none.
        quiet: Whether to show no progress bar.

    Raises:
        ValueError: A network returned codes or pixels that are not finite, or no image has a label.
    """
    images, factors, spec = dataset.images, dataset.factors, dataset.spec
    if not len(part.rows):
        raise ValueError("Scores need images with known labels. Received: none.")
    rows = _choose(part.rows, samples, [seed, 5])
    encode = {"encoder": inference.make_predictor(targets.encode)}

    # A model that generates no images: encode only.
    if targets.generate is None:
        with make_bar(len(rows), "img", "predicting", quiet=quiet) as bar:
            real = _predict_batches(encode, _batches(images, rows), bar)
        return Predictions(make_table(real["encoder"], factors[rows], spec), None, {}, {})

    # Choose latents. Real images to compare generated ones with need no labels.
    noise, codes = inference.sample_latents(targets.prior, targets.noise_size, samples, seed)
    named = part.named if targets.prior.spec == spec else None
    if named is not None:
        codes = targets.prior.from_unit(tf.constant(spec.encode(_draw(dataset, named, samples, [seed, 17]))))
    compared = rows if len(part.images) == len(part.rows) else _choose(part.images, samples, [seed, 5])
    judged = np.empty(0, int) if unknown_to_oracles is None else unknown_to_oracles
    judged = _choose(judged[(factors[judged] >= 0).all(axis=1)], samples, [seed, 6])

    # Run all networks: oracles always see generated images, and real ones for the ceiling; others if asked for.
    judges = {name: inference.make_predictor(oracle) for name, oracle in targets.oracles.items()}
    extractors = _feature_extractors(targets, judges, optional_inputs)
    reconstruct = "reconstruction" in optional_inputs
    per_image = {}
    total = len(rows) + samples + len(judged) * bool(judges) + len(compared) * (bool(extractors) + 2 * reconstruct)
    with make_bar(total, "img", "predicting", quiet=quiet) as bar:
        encoded = _predict_batches(encode, _batches(images, rows), bar)["encoder"]
        batches = inference.generate_images(targets.generate, noise, codes)
        generated = _predict_batches({**judges, **extractors}, batches, bar)
        ceiling = _predict_batches(judges, _batches(images, judged), bar) if len(judged) and judges else {}
        features = _predict_batches(extractors, _batches(images, compared), bar) if extractors else {}
        if reconstruct:
            codes_of = _predict_batches(encode, _batches(images, compared), bar)["encoder"]
            per_image = _compare_reconstructions(targets, _batches(images, compared), codes_of, seed, bar)

    # Move one code at a time.
    moved = _generate_moves(targets, dataset, named, samples, seed) if "moves" in optional_inputs else None
    grid = named_images.find_grid(images, factors, spec) if moved else None
    first = {"generated": generated, "real": ceiling}
    read = {name: outputs["oracle"][:, : spec.size] for name, outputs in first.items() if "oracle" in outputs}
    unit, bad = targets.prior.to_unit(codes).numpy(), targets.unreadable
    tables = references.generator_tables(unit, read["generated"], targets.prior, spec, bad) if judges else None
    return Predictions(
        encoder=make_table(encoded, factors[rows], spec),
        generator=tables,
        features={name: (_features(features[name], name, spec), _features(generated[name], name, spec))
                  for name in extractors},
        per_image=per_image,
        ceiling=references.ceiling(read["real"], factors[judged], targets.prior, spec, seed, bad) if ceiling else None,
        agreement={
            name: references.agreement(codes_read, first[name]["second oracle"], spec, bad)
            for name, codes_read in read.items()
            if "second oracle" in first[name]
        },
        named=named_images.compare(moved, grid, spec.names) if moved and grid else None,
        moves_read=read_moves.read(moved, judges["oracle"], spec, bad) if moved and judges else None,
        no_oracle=targets.no_oracle,
    )  # fmt: skip


def _choose(rows: np.ndarray, count: int, seed: list[int]) -> np.ndarray:
    """Returns up to `count` of the rows in random order."""
    return np.random.default_rng(seed).permutation(rows)[:count].astype(int)


def _draw(dataset: FactorDataset, rows: np.ndarray, count: int, seed: list[int]) -> np.ndarray:
    """Returns the labels [count,K] of images drawn from the rows, with repetition."""
    return dataset.factors[np.random.default_rng(seed).choice(rows, count)]


def _feature_extractors(
    targets: EvaluationTargets, judges: dict[str, Predictor], optional_inputs: Collection[str]
) -> dict[str, Predictor]:
    """Returns the networks whose features are asked for."""
    found: dict[str, Predictor] = {}
    if "oracle" in optional_inputs and "oracle" in judges:
        found["oracle"] = judges["oracle"]
    if "trunk" in optional_inputs and targets.trunk is not None:
        found["trunk"] = inference.make_predictor(targets.trunk)
    if "network" in optional_inputs and targets.features is not None:
        found["network"] = targets.features.read
    return found


def _features(outputs: np.ndarray, name: str, spec: CodeSpec) -> np.ndarray:
    """Returns the features among a network's outputs; an oracle's begin with its codes."""
    return outputs[:, spec.size :] if name == "oracle" else outputs


def _generate_moves(
    targets: EvaluationTargets, dataset: FactorDataset, rows: np.ndarray | None, samples: int, seed: int
) -> moves.Moves | None:
    """Moves one code at a time, from the codes of `rows` if given; returns None if codes stand for no factor."""
    if targets.prior.spec != dataset.spec or targets.generate is None:
        return None
    pairs = min(samples, moves.PAIRS)
    labels = None if rows is None else _draw(dataset, rows, pairs, [seed, 18])
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

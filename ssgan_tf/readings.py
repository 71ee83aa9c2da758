"""Everything that metrics look at: every image made and read once, in batches of bounded size."""

import dataclasses
from collections.abc import Callable, Collection, Iterator

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ssgan_tf import encoding
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import Prior
from ssgan_tf.data import Images
from ssgan_tf.features import FeatureNetwork
from ssgan_tf.metrics import Table
from ssgan_tf.utils.progress_bar import make_bar

Reader = Callable[[np.ndarray], np.ndarray]  # uint8 images [B,R,R,C] -> numbers [B,K]

NUMBER_BINS = 20
"""Classes that a factor which is a number is put into, equal parts of its range."""

EXTRAS = ("oracle", "network", "reconstruction")
"""What is read beside codes: the oracle's features, those of a feature network, and images made from E(x)."""


@dataclasses.dataclass(frozen=True)
class Networks:
    """What is measured, and by whom.

    Args:
        encode: E, images [B,R,R,C] in [-1, 1] -> codes [B,K].
        generate: G, z, c -> images; None if there is none.
        prior: what c is drawn from.
        noise_size: width of z.
        oracle: the oracle, images -> codes [B,K] followed by its features: [B,K + D].
        features: a feature network, for FID and its like; None if no such metric is asked for.
    """

    encode: encoding.Encoder
    generate: encoding.Generator | None
    prior: Prior
    noise_size: int
    oracle: encoding.Encoder
    features: FeatureNetwork | None = None


@dataclasses.dataclass(frozen=True)
class Readings:
    """What was read of N real and M generated images.

    Args:
        encoder: codes of E beside the factors of the real images.
        generator: codes of the oracle beside those that images were generated from, in the place of factors; None if
            the model makes no images.
        features: {"oracle", "network": (features [N,D] of real images, [M,D] of generated ones)}, those asked for.
        per_image: {"psnr", "ssim": values [N] of real images against G(z, E(x))}, if asked for.
    """

    encoder: Table
    generator: Table | None
    features: dict[str, tuple[np.ndarray, np.ndarray]]
    per_image: dict[str, np.ndarray]


def read(
    networks: Networks,
    images: Images,
    factors: np.ndarray,
    spec: CodeSpec,
    samples: int,
    seed: int,
    extras: Collection[str] = (),
    quiet: bool = False,
) -> Readings:
    """Encodes real images, generates as many, and reads those back.

    Latents, which are not on a grid, stand beside the oracle's codes in classes of equal probability.

    Args:
        networks: what is measured.
        images: uint8 [.,R,R,C], in memory or on disk.
        factors: their labels int [.,K], -1 for unknown; only images with all labels are read.
        spec: names and sizes of the factors.
        samples: M, and the most that N may be.
        seed: of the choice of images, of noise and codes.
        extras: which of EXTRAS to read too.
        quiet: no progress bar.

    Raises:
        ValueError: the networks gave codes that are not finite; or none of the images has all its labels.
    """
    known = np.flatnonzero((factors >= 0).all(axis=1))
    if not len(known):
        raise ValueError("Scores need images with all labels known. Received: none.")
    rows = np.random.default_rng([seed, 5]).permutation(known)[:samples]
    if networks.generate is None:
        with make_bar(len(rows), "img", "reading", quiet=quiet) as bar:
            seen = _read({"encoder": encoding.make_reader(networks.encode)}, _in_batches(images, rows), bar)
        return Readings(make_table(seen["encoder"], factors[rows], spec), None, {}, {})
    width = spec.size
    noise, codes = encoding.draw(networks.prior, networks.noise_size, samples, seed)
    judges: dict[str, Reader] = {"oracle": encoding.make_reader(networks.oracle)}
    if "network" in extras and networks.features is not None:
        judges["network"] = networks.features.read
    readers = {"encoder": encoding.make_reader(networks.encode)}
    readers |= {name: judge for name, judge in judges.items() if name in extras}
    compare = "reconstruction" in extras
    total = samples + len(rows) * (2 if compare else 1)
    with make_bar(total, "img", "reading", quiet=quiet) as bar:
        seen = _read(readers, _in_batches(images, rows), bar)
        read_back = _read(judges, encoding.generate(networks.generate, noise, codes), bar)
        per_image = _reconstruct(networks, _in_batches(images, rows), seen["encoder"], seed, bar) if compare else {}
    features = {name: (seen[name], read_back[name]) for name in readers if name != "encoder"}
    if "oracle" in features:
        features["oracle"] = (seen["oracle"][:, width:], read_back["oracle"][:, width:])
    told = networks.prior.spec
    causes = told.decode(networks.prior.to_unit(codes).numpy())
    return Readings(
        make_table(seen["encoder"], factors[rows], spec),
        make_table(read_back["oracle"][:, :width], causes, told),
        features,
        per_image,
    )


def make_table(codes: np.ndarray, factors: np.ndarray, spec: CodeSpec) -> Table:
    """Codes [N,K] beside the labels [N,K] that they should tell, as metrics take them.

    Metrics of classes see a factor that is a number in NUMBER_BINS classes; L2 sees it as it is.
    """
    if not any(factor.range for factor in spec.factors):
        return Table(codes, factors, spec.sizes, spec.names)
    coarse, sizes = factors.copy(), list(spec.sizes)
    for k, factor in enumerate(spec.factors):
        if factor.range is not None:
            sizes[k] = NUMBER_BINS
            coarse[:, k] = np.where(factors[:, k] < 0, factors[:, k], factors[:, k] * NUMBER_BINS // factor.size)
    truth = np.where(spec.mask(factors) > 0, spec.encode(factors), np.nan)
    return Table(codes, coarse, tuple(sizes), spec.names, truth, spec.sizes)


def _in_batches(images: Images, rows: np.ndarray) -> Iterator[np.ndarray]:
    return (images[rows[i : i + encoding.BATCH]] for i in range(0, len(rows), encoding.BATCH))


def _read(readers: dict[str, Reader], batches: Iterator[np.ndarray], bar: tqdm) -> dict[str, np.ndarray]:
    """What every reader makes of all batches of uint8 images: {name: [N, ...]}."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in readers}
    for images in batches:
        for name, reader in readers.items():
            parts[name].append(reader(images))
        bar.update(len(images))
    return {name: np.concatenate(found) for name, found in parts.items()}


def _reconstruct(
    networks: Networks, real: Iterator[np.ndarray], codes: np.ndarray, seed: int, bar: tqdm
) -> dict[str, np.ndarray]:
    """PSNR and SSIM [N] of x against G(z, E(x)); E(x) is cut off at the ends of what the prior knows, and z drawn."""
    noise = tf.random.stateless_normal([len(codes), networks.noise_size], [seed, 2])
    prior = networks.prior
    inside = prior.from_unit(tf.clip_by_value(prior.to_unit(tf.constant(codes)), 0.0, 1.0))
    assert networks.generate is not None
    found: dict[str, list[np.ndarray]] = {"psnr": [], "ssim": []}
    painted = encoding.generate(networks.generate, noise, inside)
    for images, originals in zip(painted, real, strict=True):
        for name, values in zip(found, encoding.compare_images(originals, images), strict=True):
            found[name].append(values)
        bar.update(len(images))
    return {name: np.concatenate(values) for name, values in found.items()}

"""Pairs of a generator and an encoder: the encoder's codes vote on which of the generator's codes was fixed.

All pairs of one generator, a column of A, are computed together: its images are generated once and encoded by all.
"""

import dataclasses
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from ssgan_tf.core.priors import Prior
from ssgan_tf.evaluate import inference
from ssgan_tf.select import model_centrality
from ssgan_tf.utils.validation import check_least, is_integer

Predictor = Callable[[np.ndarray], np.ndarray]  # uint8 images [B,R,R,C] -> codes [B,K]
OnProgress = Callable[[int], None]  # called with the number of images encoded since the last call

_MAX_VOTES = 2**31  # of one pair of codes; sums of them fit into 64 bits


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings that the scores depend on, besides the models.

    Args:
        groups: Number of groups per generator, M. In group m, code m mod K is fixed at a value sampled from the prior.
        size: Number of images in a group, L.
        deviation_images: Number of additional images, with nothing fixed, for the standard deviations of the codes.
            0 for none: the standard deviations are then taken over the groups themselves.
        seed: Seed of noise and codes; all generators use the same.

    Raises:
        ValueError: A field is out of range; the message names it.
    """

    groups: int = 500
    size: int = 100
    deviation_images: int = 0
    seed: int = 0

    def __post_init__(self):
        check_least(self, 1, "groups")
        check_least(self, 2, "size")
        check_least(self, 0, "seed")
        if self.deviation_images < 0 or self.deviation_images == 1:
            raise ValueError(f"deviation_images: expected 0 for none, or 2 or more. Received: {self.deviation_images}.")

    @property
    def images(self) -> int:
        """Number of images that each generator generates and each encoder encodes."""
        return self.groups * self.size + self.deviation_images


class Model(Protocol):
    """Model of the pool, loaded: encoder, generator and prior."""

    prior: Prior
    noise_size: int
    encode: inference.Encoder
    generate: inference.Generator


class Member(Protocol):
    """Model of the pool, not loaded yet; it can be sent to another process."""

    @property
    def name(self) -> str:
        """Name for tables and messages."""

    @property
    def key(self) -> str:
        """Identifier of its weights and options; part of file names."""

    @property
    def codes(self) -> int:
        """Number of codes, K."""

    def load(self) -> Model:
        """Loads the model with its weights."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """Votes of encoder i on the images of generator j.

    Args:
        votes: [K_j][K_i], how often code b of the encoder varied least while code a of the generator was fixed.
        active: Number of the encoder's codes that varied at all.
        constant: Whether all images of the generator are identical.
    """

    votes: tuple[tuple[int, ...], ...]
    active: int
    constant: bool

    @property
    def score(self) -> float:
        """A[i, j]."""
        return model_centrality.majority_share(np.array(self.votes))

    def to_json(self) -> dict[str, Any]:
        return {"votes": self.votes, "live": self.active, "constant": self.constant, "score": self.score}

    @classmethod
    def from_json(cls, value: Any) -> "Pair":
        """Makes a pair from the result of `to_json`; raises ValueError if it is something else."""
        if not isinstance(value, dict):
            raise ValueError(f"expected votes, live and constant. Received: {reprlib.repr(value)}.")
        votes = np.array(value.get("votes"))  # raises ValueError if the rows have different lengths
        active, constant = value.get("live"), value.get("constant")
        counts = votes.ndim == 2 and np.issubdtype(votes.dtype, np.integer)
        if not counts or votes.min() < 0 or votes.max() > _MAX_VOTES:
            raise ValueError(f"expected a table of votes. Received: {reprlib.repr(value.get('votes'))}.")
        if not is_integer(active, 0) or not isinstance(constant, bool):
            raise ValueError(f"expected live, a count, and constant, a bool. Received: {active!r} and {constant!r}.")
        return cls(tuple(map(tuple, votes.tolist())), active, constant)


def sample_groups(prior: Prior, noise_size: int, settings: Settings) -> tuple[tf.Tensor, tf.Tensor]:
    """Samples noise [images,Z] and codes [images,K]: one group after another, then the images with nothing fixed."""
    count, grouped = settings.images, settings.groups * settings.size
    noise = tf.random.stateless_normal([count, noise_size], [settings.seed, 11])
    codes = prior.sample(count, tf.constant([settings.seed, 12])).numpy()
    values = prior.sample(settings.groups, tf.constant([settings.seed, 13])).numpy()
    group = np.arange(grouped) // settings.size
    fixed = group % codes.shape[1]
    codes[np.arange(grouped), fixed] = values[group, fixed]
    return noise, tf.constant(codes)


def compute_pairs(
    generator: Member,
    model: Model,
    encoders: Mapping[str, Predictor],
    settings: Settings,
    on_progress: OnProgress = lambda images: None,
) -> dict[str, Pair]:
    """Generates the images of one generator and encodes them with every encoder.

    Args:
        generator: Member that generates the images.
        model: The same member, loaded.
        encoders: Encoders by name.
        settings: Numbers of images, and the seed.
        on_progress: Called after each batch with the number of images that were encoded, summed over encoders.

    Returns:
        {name of the encoder: pair}.

    Raises:
        ValueError: Images or codes are not finite; the message names the model.
    """
    noise, codes = sample_groups(model.prior, model.noise_size, settings)
    encoded: dict[str, list[np.ndarray]] = {name: [] for name in encoders}
    first, constant = None, True
    for images in _generate(generator, model, noise, codes):
        first = images[:1] if first is None else first
        constant = constant and bool((images == first).all())
        for name, encoder in encoders.items():
            encoded[name].append(encode(encoder, images, name))
        on_progress(len(images) * len(encoders))
    factors = codes.shape[1]
    return {name: _make_pair(np.concatenate(parts), factors, constant, settings) for name, parts in encoded.items()}


def _generate(generator: Member, model: Model, noise: tf.Tensor, codes: tf.Tensor) -> Iterator[np.ndarray]:
    try:
        yield from inference.generate_images(model.generate, noise, codes)
    except ValueError as error:
        raise ValueError(f"{generator.name}: {error}") from error


def encode(encoder: Predictor, images: np.ndarray, name: str) -> np.ndarray:
    """Encodes uint8 images [B,R,R,C] to codes [B,K].

    Args:
        encoder: Encoder as a function of images.
        images: Images to encode.
        name: Name of the model for the message.

    Raises:
        ValueError: The codes are not finite.
    """
    codes = encoder(images)
    if not np.isfinite(codes).all():
        raise ValueError(
            f"{name}: codes must be finite. Received: NaN or infinity. Its encoder has diverged: leave it out, or use "
            "an earlier checkpoint."
        )
    return codes


def _make_pair(codes: np.ndarray, factors: int, constant: bool, settings: Settings) -> Pair:
    grouped = settings.groups * settings.size
    in_groups = codes[:grouped].reshape(settings.groups, settings.size, -1)
    over_all = codes[grouped:] if settings.deviation_images else codes
    # Codes of identical images may vary (by rounding, or if the encoder is random): such votes mean nothing.
    active = 0 if constant else int(model_centrality.active_codes(over_all).sum())
    votes = model_centrality.vote(in_groups, over_all, factors) * (not constant)
    return Pair(tuple(tuple(row) for row in votes.tolist()), active, constant)


def notes(as_encoder: Sequence[Pair], as_generator: Sequence[Pair]) -> tuple[str, ...]:
    """Describes what is wrong with a model, one short note for each problem.

    Args:
        as_encoder: Pairs of its encoder with every generator; generators whose images are identical are disregarded.
        as_generator: Pairs of every encoder with its generator.
    """
    found = []
    if as_generator[0].constant:
        found.append("its images are all identical, so every score on them is 0")
    active = [pair.active for pair in as_encoder if not pair.constant]
    if not all(active):
        count = f"{active.count(0)} of {len(active)}"
        found.append(f"all its codes are inactive on images of {count} models, so these scores are 0")
    return tuple(found)

"""A column of A: the images of one generator, each made once, read by every encoder."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import tensorflow as tf

from ssgan_tf.core.priors import Prior
from ssgan_tf.evaluate import inference
from ssgan_tf.select import groups, model_centrality

Reader = Callable[[np.ndarray], np.ndarray]  # uint8 images [B,R,R,C] -> codes [B,K]


class Model(Protocol):
    """What is asked of a model of the pool."""

    prior: Prior
    noise_size: int
    encode: inference.Encoder
    generate: inference.Generator


class Member(Protocol):
    """A model of the pool before it is loaded. It can be sent to another process."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def key(self) -> str:
        """Tells its weights from any others'; part of a file's name."""

    def load(self) -> Model:
        """The model, with its weights."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """What encoder i made of generator j's images.

    Args:
        votes: [K_j][K_i], how often code b of the encoder varied least while code a of the generator was held.
        live: how many of the encoder's codes varied at all.
        constant: all of the generator's images are alike.
    """

    votes: tuple[tuple[int, ...], ...]
    live: int
    constant: bool

    @property
    def score(self) -> float:
        return model_centrality.score(np.array(self.votes))

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"score": self.score}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Pair":
        return cls(tuple(tuple(map(int, row)) for row in value["votes"]), int(value["live"]), bool(value["constant"]))


def read_column(
    maker: Member,
    model: Model,
    readers: Mapping[str, Reader],
    settings: groups.Settings,
    tick: Callable[[int], None] = lambda images: None,
) -> dict[str, Pair]:
    """Makes the images of one generator and has them read: {name of the encoder: pair}.

    Args:
        maker: whose images.
        model: the same, loaded.
        readers: encoders by name.
        settings: how many images.
        tick: told how many readings of an image were done.

    Raises:
        ValueError: images or codes are no finite numbers; it names the model.
    """
    noise, codes = groups.draw(model.prior, model.noise_size, settings)
    seen: dict[str, list[np.ndarray]] = {name: [] for name in readers}
    first, constant = None, True
    for images in _make(maker, model, noise, codes):
        first = images[:1] if first is None else first
        constant = constant and bool((images == first).all())
        for name, reader in readers.items():
            seen[name].append(read(reader, images, name))
        tick(len(images) * len(readers))
    width = codes.shape[1]
    return {name: _pair(np.concatenate(parts), width, constant, settings) for name, parts in seen.items()}


def _make(maker: Member, model: Model, noise: tf.Tensor, codes: tf.Tensor) -> Iterator[np.ndarray]:
    try:
        yield from inference.generate_images(model.generate, noise, codes)
    except ValueError as error:
        raise ValueError(f"{maker.name}: {error}") from error


def read(reader: Reader, images: np.ndarray, name: str) -> np.ndarray:
    """Codes [B,K] of uint8 images.

    Raises:
        ValueError: they are no finite numbers.
    """
    codes = reader(images)
    if not np.isfinite(codes).all():
        raise ValueError(
            f"{name}: codes must be finite. Received: NaN or infinity. Its encoder has diverged: leave it out, or use "
            "an earlier checkpoint."
        )
    return codes


def _pair(codes: np.ndarray, factors: int, constant: bool, settings: groups.Settings) -> Pair:
    grouped = settings.groups * settings.size
    in_groups = codes[:grouped].reshape(settings.groups, settings.size, -1)
    over_all = codes[grouped:] if settings.deviation_images else codes
    live = 0 if constant else int(model_centrality.live_codes(over_all).sum())
    votes = model_centrality.vote(in_groups, over_all, factors) * (not constant)
    return Pair(tuple(tuple(row) for row in votes.tolist()), live, constant)


Kept = TypeVar("Kept")


def expect(found: Kept | None) -> Kept:
    """What was kept a moment ago.

    Raises:
        OSError: it is gone.
    """
    if found is None:
        raise OSError("--out: what was kept there is gone, or was damaged. The same command computes it again.")
    return found


def notes(reads: Sequence[Pair], made: Sequence[Pair]) -> tuple[str, ...]:
    """What is wrong with a model, a few words each.

    Args:
        reads: its encoder with every generator; those whose images are all alike do not count against it.
        made: every encoder with its generator.
    """
    found = []
    if made[0].constant:
        found.append("its images are all alike, so every score on them is 0")
    told = [pair.live for pair in reads if not pair.constant]
    if not all(told):
        blind = f"{told.count(0)} of {len(told)}"
        found.append(f"all its codes are dead on images of {blind} models, so these scores are 0")
    return tuple(found)

"""Effect of every slider as the oracle reads it: for data in which codes name no image."""

import dataclasses
from collections.abc import Callable, Collection

import numpy as np

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.evaluate.inference import BATCH
from ssgan_tf.evaluate.moves import Moves


@dataclasses.dataclass(frozen=True)
class ReadMoves:
    """Changes that the oracle reads in N moves of each of K codes.

    Args:
        names: Names of the factors that the oracle can read, those of the K moved codes.
        asked: Change [K,N] of code k.
        read: Change [K,N,K] of these codes that the oracle reads, when code k moves.
    """

    names: tuple[str, ...]
    asked: np.ndarray
    read: np.ndarray

    def slider_scores(self, rng: np.random.Generator | None = None) -> dict[str, float]:
        """Returns the effect of every slider, and how much of the change is in the factor that it should move.

        Args:
            rng: Random generator for a bootstrap replicate over the moves; None for all moves.

        Returns:
            Per factor "read_sliders/effect/<name>": slope of the change that is read over the change that was asked
            for, ideally 1; and "read_sliders/others/<name>": fraction of all change that is read in other factors,
            ideally 0. "read_sliders": mean over the factors of the fraction in the factor itself, ideally 1; 0 for a
            slider without any effect.
            "read_sliders/samples": number of moves per factor.
        """
        count = self.asked.shape[1]
        rows = np.arange(count) if rng is None else rng.integers(count, size=count)
        result: dict[str, float] = {}
        own = []
        for k, name in enumerate(self.names):
            asked, read = self.asked[k, rows], self.read[k, rows]
            result[f"read_sliders/effect/{name}"] = float(asked @ read[:, k] / (asked @ asked))
            change = np.abs(read).sum(axis=0)
            total = float(change.sum())
            own.append(float(change[k]) / total if total else 0.0)
            result[f"read_sliders/others/{name}"] = 1 - own[-1] if total else 0.0
        return {"read_sliders": float(np.mean(own)), **result, "read_sliders/samples": count}


def read(
    moves: Moves, predict: Callable[[np.ndarray], np.ndarray], spec: CodeSpec, unreadable: Collection[str] = ()
) -> ReadMoves:
    """Reads the images of the moves of all codes that the oracle can read.

    Args:
        moves: Generated images before and after the moves.
        predict: The oracle, uint8 images [B,R,R,C] -> codes [B,K], which further numbers may follow.
        spec: Names and sizes of the factors.
        unreadable: Names of factors that the oracle cannot read.
    """
    kept = [k for k, name in enumerate(spec.names) if name not in unreadable]

    def codes(images: np.ndarray) -> np.ndarray:
        parts = [predict(images[i : i + BATCH])[:, kept] for i in range(0, len(images), BATCH)]
        return np.concatenate(parts).astype(np.float64)

    before = codes(moves.images)
    asked = [(spec.encode(moves.moved_labels[k]) - spec.encode(moves.labels))[:, k] for k in kept]
    found = [codes(moves.moved_images[k]) - before for k in kept]
    return ReadMoves(tuple(spec.names[k] for k in kept), np.stack(asked), np.stack(found))

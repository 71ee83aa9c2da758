"""Helpers of the VAE tests: tiny models, images, and steps."""

import numpy as np
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.models import make_model

SPEC = CodeSpec((FactorSpec("shape", 3), FactorSpec("hue", 5)))
SIZES = {"resolution": 16, "channels": 1, "latents": 3}
BATCH = 8


def make(kind, seed: int = 5, batch: int = BATCH, rate: float = 0.001, jit_compile: bool = False, **options):
    """Makes a model of the Options `kind`, with the same weights each time."""
    tf.keras.utils.set_random_seed(1)
    model = make_model(kind(**{**SIZES, **options}), SPEC, seed, jit_compile)
    model.set_segment(Schedule((Phase(batch=batch, labeled_batch=1, learning_rate=rate),)).segments[0])
    return model


def spread(model):
    """Returns the model with its codes spread: those of a new one are all close to 0."""
    kernel = model.encoder.mean_head.kernel
    kernel.assign(20.0 * kernel)
    return model


def squares(count: int = BATCH, seed: int = 2) -> np.ndarray:
    """Returns black images [N,16,16,1] with a bright square at a random place."""
    rng = np.random.default_rng(seed)
    result = np.full([count, 16, 16, 1], -1.0, np.float32)
    for image, (y, x) in zip(result, rng.integers(0, 12, [count, 2]), strict=True):
        image[y : y + 4, x : x + 4] = rng.uniform(0.2, 1.0)
    return result


def logs_of_steps(model, images: np.ndarray, count: int) -> list[dict[str, float]]:
    """Returns the logs of each of `count` steps alone."""
    result = []
    for _ in range(count):
        model.reset_metrics()
        result.append({name: float(value) for name, value in model.train_step({"image": tf.constant(images)}).items()})
    return result


def total(logs: dict[str, float]) -> float:
    """Returns the VAE's loss."""
    return sum(value for name, value in logs.items() if name.startswith("vae/") and "norm" not in name)

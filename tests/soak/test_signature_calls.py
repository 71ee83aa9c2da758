"""Random calls of signatures, valid and invalid, each of which returns finite outputs or one short message.

Seeds are fixed, so a call that fails can be repeated; each test prints its counts (pytest --slow -s).
"""

import collections
import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import models
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.editing.model import find_reason
from ssgan_tf.export.signatures import make_signatures
from ssgan_tf.models import BetaVAEOptions
from tests.support import tiny_run

CALLS = 500
LONGEST = 700  # bytes of a message
NUMBERS = [
    0.0,
    -0.0,
    0.5,
    1.0,
    1.001,
    -1.0,
    2.0,
    255.0,
    1e-45,
    1e9,
    -1e9,
    1.1e9,
    1e19,
    -1e19,
    3e38,
    np.nan,
    np.inf,
    -np.inf,
]
TEXTS = [
    b"hue", b"shape", b"0", b"1", b"2", b"-1", b"01", b" hue", b"HUE", b"", b"hue\0", b"\0", b"\xff\xfe",
    b"\xed\xa0\x80", b"sh\xc3", "größe".encode(), b"a\nb", b"\x1b[31m", b"]] [[", b"{{node}}",
    b"x" * 10**6, b"\xf0\x9f" * 10**5,
]  # fmt: skip
STEPS = [2, 3, 7, 64, 65, 1, 0, -1, 2**31 - 1, -(2**31)]


def make_vae() -> tf.keras.Model:
    tf.keras.utils.set_random_seed(1)
    return models.make_model(BetaVAEOptions(resolution=32, channels=3, latents=4), tiny_run.SPEC, seed=0)


def make_with_many_factors() -> tf.keras.Model:
    spec = CodeSpec(tuple(FactorSpec(f"größe des {k}. Gegenstands", 2) for k in range(60)))
    network = dataclasses.replace(tiny_run.NETWORK, joint_norm=True, noise_inputs=True, channels=1)
    return tiny_run.make_model(dataclasses.replace(tiny_run.OPTIONS, network=network), spec)


def shapes_of(functions: Mapping[str, Any]) -> dict[str, list[int]]:
    """Returns the shape of a row of each input. A style's is [W] here, and steps is one number."""
    inputs = [spec for function in functions.values() for spec in function.structured_input_signature[0]]
    shapes = {spec.name: spec.shape[1:].as_list() for spec in inputs if spec.shape.rank is not None}
    return {**shapes, "style": functions["mapping"].structured_outputs["style"].shape[1:].as_list(), "steps": []}


def valid(name: str, rows: int, shape: list[int], rng: np.random.Generator) -> np.ndarray:
    """Returns an input that the signatures accept."""
    if name == "factor":
        return rng.choice([b"0", b"1"], rows).astype(object)
    if name == "steps":
        return np.full([] if rng.random() < 0.5 else [rows], rng.integers(2, 6), np.int32)
    sample = rng.standard_normal if name in ("noise", "style") else rng.random
    return sample([rows, *shape]).astype(np.float32)


def changed(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns an input with some elements, its number of rows or its shape changed; it may still be valid."""
    pool = STEPS if value.dtype == np.int32 else TEXTS if value.dtype == object else NUMBERS
    kind = rng.integers(5)
    if kind == 0:  # a few rows more or less
        return value[: rng.integers(len(value) + 1)] if value.ndim else np.repeat(value, rng.integers(4))
    if kind == 1:  # another shape
        return value.reshape([*value.shape, 1]) if rng.random() < 0.5 else value.reshape([1] * rng.integers(9) + [-1])
    value = np.array(value)
    chosen = rng.random(value.shape) < rng.choice([0.1, 1.0])
    return np.where(chosen, rng.choice(np.array(pool, value.dtype), value.shape), value)


def outcome(function: Any, tensors: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray] | str:
    """Returns the outputs, which must be finite, or the message of a refusal, which must be short."""
    try:
        outputs = {name: value.numpy() for name, value in function(**tensors).items()}
    except tf.errors.InvalidArgumentError as error:
        message = "\n".join(str(error).splitlines()[-2:])  # without the Python code of traced functions
        assert len(message.encode()) < LONGEST, message
        reason = find_reason(message)
        assert reason and reason.isprintable(), message
        return reason
    assert all(np.isfinite(value).all() for value in outputs.values())
    return outputs


@pytest.mark.slow
@pytest.mark.parametrize("make", [tiny_run.make_model, make_vae, make_with_many_factors])
def test_random_calls_return_finite_outputs_or_one_message(make, tmp_path: Path) -> None:
    """On the traced functions and on the SavedModel, with the same result."""
    functions, variables, _ = make_signatures(make())
    module = tf.Module()
    module.weights = variables
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=functions)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    shapes, rng = shapes_of(functions), np.random.default_rng(15)
    counts: collections.Counter[str] = collections.Counter()
    for _ in range(CALLS):
        signature = rng.choice(sorted(functions))
        specs = functions[signature].structured_input_signature[0]
        rows = int(rng.integers(1, 6))
        given = {spec.name: valid(spec.name, rows, shapes[spec.name], rng) for spec in specs}
        for name in rng.permutation(sorted(given))[: rng.integers(3)]:
            given[name] = changed(given[name], rng)
        tensors = {spec.name: tf.constant(given[spec.name], spec.dtype) for spec in specs}
        live, again = (outcome(found[signature], tensors) for found in (functions, loaded.signatures))
        if isinstance(live, dict):
            np.testing.assert_equal(again, live)
            counts["answered"] += 1
        else:
            assert isinstance(again, str)  # of several invalid inputs, either is named
            counts["refused: " + live.split(":")[0].split(" (")[0]] += 1
    print(f"\n{make.__name__}: {CALLS} calls, each live and reloaded: {dict(counts.most_common())}")
    assert counts["answered"] > CALLS / 5 and len(counts) > 5


# Calls `generate` of the demo's networks with a number of rows, in 9 GiB of address space.
MANY_ROWS = """
import resource, sys
import tensorflow as tf
from ssgan_tf import config as configs, models
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.export.signatures import make_signatures
options = configs.load_config(sys.argv[1]).model
spec = CodeSpec(tuple(FactorSpec(name, 5) for name in "abcdef"))
functions, _, most = make_signatures(models.make_model(options, spec, seed=0))
resource.setrlimit(resource.RLIMIT_AS, (9 * 2**30, 9 * 2**30))
for rows in (1000, most, most + 1, 100_000):
    noise, code = tf.random.normal([rows, options.network.noise_size]), tf.random.uniform([rows, spec.size])
    try:
        image = functions["generate"](noise, code, tf.ones([rows]))["image"]
        print(rows, image.shape, bool(tf.reduce_all(tf.math.is_finite(image))))
        del image
    except tf.errors.InvalidArgumentError as error:
        print(rows, "refused:", *[line for line in error.message.splitlines() if "assertion failed" in line])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**10, "MiB")
"""


@pytest.mark.slow
def test_a_call_of_many_rows_is_computed_or_refused_but_never_aborts(repository: Path) -> None:
    words = [sys.executable, "-c", MANY_ROWS, str(repository / "configs" / "demo.py")]
    process = subprocess.run(words, cwd=repository, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-2000:]
    print("\n" + process.stdout)
    thousand, most, more, many, _ = process.stdout.splitlines()
    assert thousand == "1000 (1000, 32, 32, 3) True" and most.endswith("True")
    assert "refused:" in more and "noise: expected at most" in more and many.startswith("100000 refused:")

"""XLA-compiled functions against the uncompiled ones. Under a strategy: tests/models/test_replicas.py."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.images import upsample
from ssgan_tf.core.schedule import Phase, Schedule

NETWORKS = ("generator", "ema_generator", "discriminator")


@pytest.fixture
def steps_of(make, batch, use_sgd):
    """Returns (weights, logs) after gradient descent over a schedule, with a batch at full resolution."""

    def run(schedule: Schedule, steps: int, jit_compile: bool, **options):
        model = make(jit_compile=jit_compile, **options)
        use_sgd(model, 0.01, 0.01)
        size = model.options.network.resolution
        full = {k: v if not k.endswith("image") or size == 8 else upsample(v) for k, v in batch.items()}
        for segment in schedule.segments:
            model.set_segment(segment)
            for _ in range(segment.start, segment.end or steps):
                logs = model.train_step(full)
        return {name: getattr(model, name).get_weights() for name in NETWORKS}, logs

    return run


def check(steps_of, schedule, steps, **options):
    (plain, logs), (compiled, compiled_logs) = (steps_of(schedule, steps, on, **options) for on in (False, True))
    for name in NETWORKS:
        for a, b in zip(compiled[name], plain[name], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=name)
    values, expected = ({k: float(v) for k, v in some.items()} for some in (compiled_logs, logs))
    assert values == pytest.approx(expected, rel=1e-3)


def test_xla_gives_the_same_weights(steps_of):
    """Covers every term, both branches of lazy R1, and style mixing."""
    check(steps_of, Schedule((Phase(),)), 2, gamma_e=1.0, r1_interval=2, style_mixing=0.5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_xla_compiles_the_networks_alone(jit_compile, make, batch):
    """It compiles G's forward and backward pass and both losses' gradients; no optimizer and no sampling."""
    model = make(alpha=0.0, beta=0.0, r1=0.0, jit_compile=jit_compile)
    library = tf.function(model.train_step).get_concrete_function(batch).graph.as_graph_def().library
    compiled = [f for f in library.function if f.attr["_XlaMustCompile"].b]
    wanted = {"forward_generate_batch", "backward_generate_batch", "discriminator_gradients", "generator_gradients"}
    found = {name for name in wanted if any(name in f.signature.name for f in compiled)}
    assert found == (wanted if jit_compile else set())
    operations = {node.op for f in compiled for node in f.node_def}
    assert not {op for op in operations if "Random" in op or op.startswith(("Assign", "ResourceApply"))}


@pytest.mark.slow
def test_xla_compiles_again_for_every_phase(steps_of, network):
    growing = Schedule(
        (
            Phase(resolution=8, images=6, batch=6, labeled_batch=3),
            Phase(resolution=16, fade_images=12, batch=6, labeled_batch=3),
        )
    )
    check(steps_of, growing, 4, network=dataclasses.replace(network, resolution=16))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_xla_trains_in_16_bits(precision, make, network, batch):
    """The weights are not equal: between operations XLA keeps a higher precision."""
    model = make(network=dataclasses.replace(network, precision=precision, noise_inputs=True), jit_compile=True)
    before = model.generator.get_weights(), model.discriminator.get_weights()
    history = model.fit(tf.data.Dataset.from_tensors(batch).repeat(), steps_per_epoch=12, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    for old, new in zip(before, (model.generator.get_weights(), model.discriminator.get_weights()), strict=True):
        assert all(np.isfinite(x).all() for x in new)
        assert max(np.abs(a - b).max() for a, b in zip(old, new, strict=True)) > 1e-3

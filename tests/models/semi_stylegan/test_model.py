"""The training step: samples, lazy R1, moving averages, style mixing, slots, `fit`, options."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.images import upsample
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.models.semi_stylegan.model import SemiStyleGAN, SemiStyleGANOptions


def logs_of_steps(model, batch, count: int) -> list[dict[str, float]]:
    """Returns the logs of each of `count` steps alone."""
    result = []
    for _ in range(count):
        model.reset_metrics()
        result.append({name: float(value) for name, value in model.train_step(batch).items()})
    return result


def equal(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_samples_are_a_function_of_seed_and_step(make, batch):
    """The same weights, seed and step give a bit-identical update; another step or seed gives other images."""
    first = make(seed=5)
    same, later, other = make(seed=5), make(seed=5), make(seed=6)
    later.step.assign(1)
    logs = [logs_of_steps(model, batch, 1)[0]["generator/adversarial"] for model in (first, same, later, other)]
    assert first.step.numpy() == 1
    assert equal(first.get_weights(), same.get_weights())
    assert logs[0] == logs[1] and len(set(logs)) == 3


def test_the_second_step_continues_as_if_it_were_the_first_of_a_resumed_run(make, batch):
    """Weights, averages, optimizer state and step number are the whole state."""
    model, resumed = make(), make()
    model.train_step(batch)
    resumed.set_weights(model.get_weights())
    for name in ("generator_optimizer", "discriminator_optimizer"):
        source, target = getattr(model, name).variables, getattr(resumed, name).variables
        for a, b in zip(source, target, strict=True):
            b.assign(a)
    assert resumed.step.numpy() == 1  # it is one of the model's weights
    model.train_step(batch)
    resumed.train_step(batch)
    assert equal(model.get_weights(), resumed.get_weights())


def test_lazy_r1_is_taken_every_fourth_step_four_times_as_strong(make, batch):
    every = make(r1=3.0, r1_interval=1)
    lazy = make(r1=3.0, r1_interval=4)
    first = logs_of_steps(every, batch, 1)[0]["discriminator/r1"]
    taken = [logs["discriminator/r1"] for logs in logs_of_steps(lazy, batch, 9)]
    assert [value > 0 for value in taken] == [step % 4 == 0 for step in range(9)]
    assert taken[0] == pytest.approx(4 * first, rel=1e-5)


def test_lazy_r1_logs_what_the_loss_had_without_it(make, batch):
    """On a step that skips the penalty, the other terms are those of a model without it."""
    lazy, without = make(r1=3.0, r1_interval=4), make(r1=0.0)
    for model in (lazy, without):
        model.step.assign(1)
    logs, expected = logs_of_steps(lazy, batch, 1)[0], logs_of_steps(without, batch, 1)[0]
    assert logs.pop("discriminator/r1") == 0
    assert logs == pytest.approx(expected, rel=1e-6)
    assert equal(lazy.generator.get_weights(), without.generator.get_weights())


@pytest.mark.parametrize(("half_life", "decay"), [(6.0, 0.5), (12.0, 0.5**0.5), (1.5, 1 / 16), (0.0, 0.0)])
def test_the_averaged_generator_after_one_step(half_life, decay, make, batch):
    """decay = 0.5^(B / half-life) with B = 6; with a half-life of 0 the average is a copy."""
    model = make(ema_half_life=half_life)
    before = model.ema_generator.get_weights()
    model.train_step(batch)
    now = model.generator.variables
    for average, variable, old in zip(model.ema_generator.variables, now, before, strict=True):
        expected = decay * old + (1 - decay) * variable.numpy()
        np.testing.assert_allclose(average, expected, rtol=1e-5, atol=1e-5, err_msg=average.name)
    if half_life > 0:
        assert not equal(model.generator.get_weights(), model.ema_generator.get_weights())


def test_after_one_half_life_half_of_the_initial_weight_is_left(make, batch):
    """Two steps of 6 images are one half-life of 12; the weights are set by hand from 0 to 1."""
    model = make(ema_half_life=12.0)
    bias, average = model.generator.synthesis.to_rgb[0].bias, model.ema_generator.synthesis.to_rgb[0].bias
    np.testing.assert_array_equal(average, [0, 0, 0])  # a head that training at 8x8 does not change
    bias.assign([1.0, 1.0, 1.0])
    for _ in range(2):
        model.train_step(batch)
    np.testing.assert_allclose(average, [0.5, 0.5, 0.5], rtol=1e-6)


def test_the_averaged_generator_starts_as_a_copy_and_is_not_trainable(make):
    model = make()
    assert model.ema_generator.trainable_variables == []
    np.testing.assert_equal(
        [v.numpy() for v in model.ema_generator.synthesis.to_rgb[1].variables],
        [v.numpy() for v in model.generator.synthesis.to_rgb[1].variables],
    )


def test_the_mean_style_moves_half_a_percent_towards_the_mean_of_the_batch(make, batch, samples):
    """The styles are those of G before its step; the averaged generator has an average of this mean too."""
    model = make(ema_half_life=6.0)
    expected = np.zeros(8)
    for _ in range(2):
        sampled = samples(model)
        mean = np.mean(model.generator.mapping((sampled.noise, sampled.codes)), axis=0)
        before = model.ema_generator.w_average.numpy()
        model.train_step(batch)
        expected = 0.995 * expected + 0.005 * mean
        np.testing.assert_allclose(model.generator.w_average, expected, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(model.ema_generator.w_average, (before + expected) / 2, rtol=1e-4, atol=1e-7)


def test_gradient_norms_are_those_of_the_steps_taken(make, batch, use_sgd):
    model = make()
    use_sgd(model, 0.01, 0.02)
    before = [[v.numpy() for v in n.trainable_variables] for n in (model.generator, model.discriminator)]
    logs = logs_of_steps(model, batch, 1)[0]
    for name, rate, network, start in (
        ("generator", 0.01, model.generator, before[0]),
        ("discriminator", 0.02, model.discriminator, before[1]),
    ):
        moved = [v.numpy() - old for v, old in zip(network.trainable_variables, start, strict=True)]
        norm = np.sqrt(sum(np.sum(m.astype(np.float64) ** 2) for m in moved)) / rate
        assert logs[f"{name}/gradient_norm"] == pytest.approx(norm, rel=1e-3)


def record_styles(model, batch, monkeypatch) -> tuple[list, tf.Tensor]:
    """Returns a step's inputs (noise, codes) of the mapping network, and the styles that the synthesis received."""
    calls, styles = [], []
    mapping, synthesis = model.generator.mapping.call, model.generator.synthesis.call

    def record_mapping(inputs):
        calls.append(inputs)
        return mapping(inputs)

    def record_synthesis(w, *arguments):
        styles.append(w)
        return synthesis(w, *arguments)

    monkeypatch.setattr(model.generator.mapping, "call", record_mapping)
    monkeypatch.setattr(model.generator.synthesis, "call", record_synthesis)
    model.train_step(batch)
    monkeypatch.undo()
    return calls, styles[0]


def test_mixed_styles_have_two_noises_and_one_code(make, batch, samples, monkeypatch):
    """Every image has the style of its z in the first layers and that of another z from layer 1 or later on."""
    model = make(style_mixing=1.0)
    start, sampled = make(style_mixing=1.0), samples(model)
    ((noise, codes), (second, second_codes)), styles = record_styles(model, batch, monkeypatch)
    np.testing.assert_array_equal(noise, sampled.noise)
    np.testing.assert_array_equal(codes, sampled.codes)
    np.testing.assert_array_equal(second_codes, codes)
    assert np.abs(np.corrcoef(noise.numpy().ravel(), second.numpy().ravel())[0, 1]) < 0.5
    w, w2 = (start.generator.mapping((z, codes)).numpy() for z in (noise, second))
    assert styles.shape == (6, 4, 8)
    crossovers = set()
    for i, style in enumerate(styles.numpy()):
        from_second = [np.allclose(layer, w2[i], rtol=1e-4) for layer in style]
        layer = from_second.index(True)
        np.testing.assert_allclose(style[:layer], np.tile(w[i], [layer, 1]), rtol=1e-4)
        assert layer >= 1 and all(from_second[layer:])
        crossovers.add(layer)
    assert len(crossovers) > 1


def test_without_style_mixing_there_is_one_style_and_the_samples_are_the_same(make, batch, samples, monkeypatch):
    model = make()
    sampled = samples(model)
    ((noise, codes),), styles = record_styles(model, batch, monkeypatch)
    assert styles.shape == (6, 8)
    np.testing.assert_array_equal(noise, sampled.noise)
    np.testing.assert_array_equal(codes, sampled.codes)


def test_at_a_lower_resolution_styles_are_mixed_in_the_layers_in_use(make, network, batch, monkeypatch):
    """At 8x8 of 16x16 four of six layers are used, so every crossover is 1, 2 or 3."""
    model = make(network=dataclasses.replace(network, resolution=16), style_mixing=1.0)
    model.set_segment(Schedule((Phase(resolution=8, images=600), Phase(resolution=16))).segments[0])
    full_size = {k: upsample(v) if k.endswith("image") else v for k, v in batch.items()}
    for _ in range(4):
        _, styles = record_styles(model, full_size, monkeypatch)
        assert styles.shape == (6, 6, 8)
        assert np.all(np.any(styles[:, 0] != styles[:, 3], axis=1))


def test_fit_logs_every_term_adds_no_variable_and_agrees_with_eager_steps(make, batch):
    """The graph of `fit`, with its branch for lazy R1, computes the same as eager steps."""
    eager, model = make(gamma_e=1.0, r1_interval=2), make(gamma_e=1.0, r1_interval=2)
    optimizers = model.generator_optimizer, model.discriminator_optimizer
    count = [len(o.variables) for o in optimizers]
    assert count == [1 + 2 * len(n.trainable_variables) for n in (model.generator, model.discriminator)]
    history = model.fit(tf.data.Dataset.from_tensors(batch).repeat(), steps_per_epoch=2, epochs=1, verbose=0).history
    assert sorted(history) == sorted(metric.name for metric in model.metrics)
    assert [len(o.variables) for o in optimizers] == count
    assert model.step.numpy() == 2
    logs = logs_of_steps(eager, batch, 2)
    mean = {name: [(logs[0][name] + logs[1][name]) / 2] for name in logs[0]}
    assert {k: v[0] for k, v in history.items()} == pytest.approx({k: v[0] for k, v in mean.items()}, rel=1e-3)


def test_noise_inputs_get_another_seed_at_every_step(make, batch, network, monkeypatch):
    model = make(network=dataclasses.replace(network, noise_inputs=True))
    seeds = []
    call = model.generator.synthesis.call

    def record(w, resolution, fade, noise_seed):
        seeds.append(tuple(noise_seed.numpy()))
        return call(w, resolution, fade, noise_seed)

    monkeypatch.setattr(model.generator.synthesis, "call", record)
    for _ in range(3):
        model.train_step(batch)
    assert len(set(seeds)) == 3


def test_the_learning_rate_falls_with_the_phase(make):
    """A cosine over 600 images, 100 steps of 6: (1 + 0.01) / 2 of the rate half way and 1 % at the end.

    The optimizer's own count does not matter.
    """
    phases = (Phase(images=60, batch=6, labeled_batch=3), Phase(0, 0, 0, 6, 3, learning_rate=0.2, decay_images=600))
    first, second = Schedule(phases).segments
    model = make()
    model.set_segment(first)
    assert rate_at(9, model) == [pytest.approx(0.001)] * 2
    model.set_segment(second)
    for step, expected in [(10, 0.2), (60, 0.101), (110, 0.002), (10_000, 0.002)]:
        assert rate_at(step, model) == [pytest.approx(expected, rel=1e-4)] * 2


def rate_at(step: int, model: SemiStyleGAN) -> list[float]:
    """Returns both optimizers' rates in the step that follows `step` others."""
    model.step.assign(step)
    rates = []
    for network, optimizer in (
        (model.generator, model.generator_optimizer),
        (model.discriminator, model.discriminator_optimizer),
    ):
        variable = network.trainable_variables[0]
        optimizer.apply_gradients([(tf.zeros_like(variable), variable)])
        rates.append(float(optimizer.learning_rate))
    return rates


def test_a_phase_with_fresh_optimizers_resets_the_moments_only_where_it_begins(make, batch):
    phases = (Phase(images=12, batch=6, labeled_batch=3), Phase(0, 0, 0, 6, 3, fresh_optimizers=True))
    first, second = Schedule(phases).segments
    model = make()
    model.set_segment(first)
    model.train_step(batch)
    model.train_step(batch)
    model.set_segment(second)
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert all(not np.any(v.numpy()) for v in optimizer.variables)
    model.train_step(batch)
    model.set_segment(second)  # a resumed run
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert int(optimizer.iterations) == 1 and any(np.any(v.numpy()) for v in optimizer.variables[1:])


def test_an_unknown_partner_names_the_nearest():
    expected = r"^mixup_partner: expected one of \['generated', 'labeled'\]. .* 'labeled'\?"
    with pytest.raises(ValueError, match=expected):
        SemiStyleGANOptions(mixup_partner="labelled")


def test_an_error_names_the_option():
    for field, value in [
        ("gamma_g", -1.0),
        ("gamma_e", -0.1),
        ("beta", float("nan")),
        ("alpha", -2.0),
        ("r1", -1.0),
        ("ema_half_life", -1.0),
        ("xi", 0.0),
        ("beta_1", 1.0),
        ("beta_2", -0.1),
        ("style_mixing", -0.1),
        ("style_mixing", 1.1),
        ("style_mixing", float("nan")),
        ("r1_interval", 0),
    ]:
        with pytest.raises(ValueError, match=f"^{field}: expected .* Received: {value}"):
            SemiStyleGANOptions(**{field: value})

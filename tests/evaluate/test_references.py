"""Ceiling and chance: tables of a perfect generator, and of one that ignores its codes."""

import numpy as np
import pytest

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.priors import GridPrior, NormalPrior, UniformPrior
from ssgan_tf.evaluate import references
from ssgan_tf.metrics import Settings

SPEC = CodeSpec((FactorSpec("a", 3), FactorSpec("b", 5)))
FACTORS = np.random.default_rng(0).integers(SPEC.sizes, size=(6000, 2))
PERFECT = SPEC.encode(FACTORS)
NAMES = ["mig", "mig_swapped", "l2", "exact_match", "psnr"]


def score(tables, names=NAMES) -> dict[str, float]:
    return references.score(tables, names, 0, Settings())


def test_a_perfect_oracle_gives_the_ideal_scores():
    found = score(references.ceiling(PERFECT, FACTORS, GridPrior(SPEC), SPEC, 0))
    assert found["mig"] > 0.99 and found["mig_swapped"] > 0.99 and found["l2"] == 0 and found["exact_match"] == 1
    assert "psnr" not in found


def test_an_imperfect_oracle_lowers_the_ceiling():
    codes = PERFECT + np.random.default_rng(1).normal(0, 0.15, PERFECT.shape).astype(np.float32)
    found = score(references.ceiling(codes, FACTORS, GridPrior(SPEC), SPEC, 0))
    assert 0.5 < found["mig"] < 0.95 and 0.5 < found["exact_match"] < 0.9


@pytest.mark.parametrize("prior", [UniformPrior(2), NormalPrior(2), UniformPrior(4)])
def test_latents_are_positions_within_the_values_of_the_factors(prior):
    tables = references.ceiling(PERFECT, FACTORS, prior, SPEC, 0)
    assert np.array_equal((tables.swapped.codes[:, :2] * SPEC.sizes).astype(int), FACTORS)
    found = score(tables, ["mig", "mig_swapped"])
    assert found["mig_swapped"] > 0.9 and found["mig"] < 0.7


def test_too_few_latents_have_no_ceiling():
    assert references.ceiling(PERFECT, FACTORS, UniformPrior(1), SPEC, 0) is None


def test_chance_has_nothing_to_do_with_the_codes():
    tables = references.ceiling(PERFECT, FACTORS, GridPrior(SPEC), SPEC, 0)
    found = score(references.by_chance(tables, 0))
    assert found["mig"] < 0.01 and found["mig_swapped"] < 0.01
    assert found["exact_match"] == pytest.approx(1 / 15, abs=0.02)
    assert found["l2"] == pytest.approx(found["l2/chance"], abs=0.03)


def test_a_metric_that_cannot_be_computed_is_left_out():
    tables = references.ceiling(PERFECT[:40], FACTORS[:40], GridPrior(SPEC), SPEC, 0)
    assert set(score(tables, ["mig", "factor_vae"])) >= {"mig"}
    assert "factor_vae" not in score(tables, ["mig", "factor_vae"])


def test_oracles_agree_where_they_read_the_same_values():
    other = PERFECT.copy()
    other[:1500, 1] = 1 - other[:1500, 1]  # a middle value stays the same
    changed = (FACTORS[:1500, 1] != 2).mean() / 4
    assert references.agreement(PERFECT, other, SPEC) == pytest.approx(1 - changed)
    assert references.agreement(PERFECT, PERFECT + 0.1, SPEC) == 1

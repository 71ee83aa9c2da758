"""Metrics compared with plain implementations of disentanglement_lib's definitions, on the same table and groups."""

import sys

import numpy as np
import pytest
import scipy.linalg
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

from ssgan_tf.metrics import METRICS, Settings
from tests.support import ideals

SIZES = (3, 6, 10)
GRID = np.stack([axis.ravel() for axis in np.indices(SIZES)], axis=1)  # row = the simulator's index
DSPRITES = (3, 6, 40, 32, 32)


class Simulator:
    """Samples factor vectors with the reference's order of random calls, and returns their rows of the grid."""

    def __init__(self, table, factors):
        self.state = np.random.RandomState(11)

    def sample(self, count):
        return np.stack([self.state.randint(size, size=count) for size in SIZES], axis=1)

    def sample_groups(self, groups, size, rng):
        chosen, rows = [], []
        for _ in range(groups):
            f = self.state.randint(len(SIZES))
            factors = self.sample(size)
            factors[:, f] = factors[0, f]
            chosen.append(f)
            rows.append(np.ravel_multi_index(tuple(factors.T), SIZES))
        return np.array(chosen), np.array(rows)

    def sample_pairs(self, groups, size, rng):
        chosen, first, second = [], [], []
        for _ in range(groups):
            f = self.state.randint(len(SIZES))
            one, two = self.sample(size), self.sample(size)
            two[:, f] = one[:, f]
            chosen.append(f)
            first.append(np.ravel_multi_index(tuple(one.T), SIZES))
            second.append(np.ravel_multi_index(tuple(two.T), SIZES))
        return np.array(chosen), np.array(first), np.array(second)


def module_of(name):
    return sys.modules[f"ssgan_tf.metrics.{name}"]  # the attribute of the package with this name is the function


def grid_codes(dtype=np.float64):
    """Returns mixed codes of the whole grid; the fifth hardly varies and the sixth is constant."""
    codes = ideals.mixed(GRID, SIZES, 5, noise=0.4) * [1, 1, 1, 1, 0.01]
    return np.concatenate([codes, np.full((len(GRID), 1), 0.7)], axis=1).astype(dtype)


@pytest.mark.parametrize("least", [0.0, 0.05])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_factor_vae(monkeypatch, least, dtype) -> None:
    codes = grid_codes(dtype)
    settings = Settings(group=16, train_groups=600, eval_groups=300, least_deviation=least)

    variances = np.var(codes, axis=0, ddof=1)
    active = (np.sqrt(variances) >= least) & (np.ptp(codes, axis=0) > 0)  # the reference divides 0 by 0 for constants
    simulator = Simulator(None, None)
    votes = []
    for count in (600, 300):
        table = np.zeros((len(SIZES), codes.shape[1]), int)
        for f, rows in zip(*simulator.sample_groups(count, 16, None), strict=True):
            local = np.var(codes[rows], axis=0, ddof=1)
            table[f, np.argmin(local[active] / variances[active])] += 1
        votes.append(table)
    winner = np.argmax(votes[0], axis=0)
    expected = [vote[winner, np.arange(codes.shape[1])].sum() / vote.sum() for vote in votes]

    monkeypatch.setattr(module_of("factor_vae"), "Groups", Simulator)
    found = METRICS["factor_vae"](ideals.make_table(codes, GRID, SIZES), np.random.default_rng(0), settings)
    assert 0.4 < expected[1] < 0.95, "the score must be able to differ"
    assert found["factor_vae"] == pytest.approx(expected[1], abs=1e-9)
    assert found["factor_vae/train"] == pytest.approx(expected[0], abs=1e-9)
    assert found["factor_vae/whole_grid"] == 1


def test_beta_vae(monkeypatch) -> None:
    codes = grid_codes()
    simulator = Simulator(None, None)
    points = []
    for count in (600, 300):
        chosen, first, second = simulator.sample_pairs(count, 16, None)
        means = [np.mean(np.abs(codes[a] - codes[b]), axis=0) for a, b in zip(first, second, strict=True)]
        points.append((np.array(means), chosen))
    classifier = LogisticRegression(random_state=np.random.RandomState(0)).fit(*points[0])
    expected = [np.mean(classifier.predict(x) == y) for x, y in points]

    monkeypatch.setattr(module_of("beta_vae"), "Groups", Simulator)
    settings = Settings(group=16, train_groups=600, eval_groups=300)
    found = METRICS["beta_vae"](ideals.make_table(codes, GRID, SIZES), np.random.default_rng(0), settings)
    assert 0.4 < expected[1] < 0.95, "the score must be able to differ"
    assert [found["beta_vae/train"], found["beta_vae"]] == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("name", ["factor_vae", "beta_vae"])
def test_rows_of_a_whole_grid_score_as_the_simulator_does(monkeypatch, name) -> None:
    # Different samples of the same distribution; with 4,000 votes the standard error is below 0.008.
    codes, settings = grid_codes(), Settings(group=16, train_groups=4000, eval_groups=4000)
    metric = METRICS[name]
    ours = metric(ideals.make_table(codes, GRID, SIZES), np.random.default_rng(0), settings)[name]
    monkeypatch.setattr(module_of(name), "Groups", Simulator)
    theirs = metric(ideals.make_table(codes, GRID, SIZES), np.random.default_rng(0), settings)[name]
    assert ours == pytest.approx(theirs, abs=0.03)


def dsprites_table(count=3000, dtype=np.float64):
    factors = ideals.sample_factors(DSPRITES, count)
    return ideals.make_table(ideals.mixed(factors, DSPRITES, 10).astype(dtype), factors, DSPRITES)


def both_sides(table):
    """Returns the rows that the metric itself trains and tests on."""
    return table.split(np.random.default_rng(0), Settings().train_share)


def information(table, bins=20):
    binned = [np.digitize(x, np.histogram(x, bins)[1][:-1]) for x in table.codes.T]
    return np.array([[mutual_info_score(f, b) for f in table.factors.T] for b in binned])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_modularity(dtype) -> None:
    table = dsprites_table(dtype=dtype)
    squared = information(table) ** 2
    best = squared.max(axis=1)
    expected = np.mean(1 - (squared.sum(axis=1) - best) / (best * (len(DSPRITES) - 1)))
    assert METRICS["modularity"](table, np.random.default_rng(0))["modularity"] == pytest.approx(expected, abs=1e-9)


def test_explicitness() -> None:
    table = dsprites_table()
    train, test = both_sides(table)
    mean, deviation = train.codes.mean(axis=0), train.codes.std(axis=0)
    expected = []
    for f in range(len(DSPRITES)):
        classifier = LogisticRegression().fit((train.codes - mean) / deviation, train.factors[:, f])
        for side in (train, test):
            probabilities = classifier.predict_proba((side.codes - mean) / deviation)
            expected.append(roc_auc_score(MultiLabelBinarizer().fit_transform(side.factors[:, f, None]), probabilities))
    found = METRICS["explicitness"](table, np.random.default_rng(0))
    assert found["explicitness/train"] == pytest.approx(np.mean(expected[::2]), abs=5e-3)
    assert found["explicitness"] == pytest.approx(np.mean(expected[1::2]), abs=5e-3)


def test_sap() -> None:
    table = dsprites_table()
    train, test = both_sides(table)
    matrix = np.zeros((10, 5))
    for k in range(10):
        for f in range(5):
            machine = LinearSVC(C=0.01, class_weight="balanced").fit(train.codes[:, [k]], train.factors[:, f])
            matrix[k, f] = np.mean(machine.predict(test.codes[:, [k]]) == test.factors[:, f])
    ranked = np.sort(matrix, axis=0)
    found = METRICS["sap"](table, np.random.default_rng(0))["sap"]
    assert found == pytest.approx(np.mean(ranked[-1] - ranked[-2]), abs=5e-3)


def test_sap_continuous() -> None:
    table = dsprites_table()
    codes = np.concatenate([table.codes, np.full((len(table.codes), 1), 3.0)], axis=1)
    matrix = np.zeros((11, 5))
    for k in range(10):
        for f in range(5):
            covariance = np.cov(codes[:, k], table.factors[:, f], ddof=1)
            matrix[k, f] = covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1])
    ranked = np.sort(matrix, axis=0)
    found = METRICS["sap_continuous"](ideals.make_table(codes, table.factors, DSPRITES), np.random.default_rng(0))
    assert found["sap_continuous"] == pytest.approx(np.mean(ranked[-1] - ranked[-2]), abs=1e-9)


def test_irs() -> None:
    table = dsprites_table()
    codes = table.codes
    largest = np.max(np.abs(codes - codes.mean(axis=0)), axis=0)
    deviations = np.zeros((10, 5))
    for f in range(5):
        labels = np.digitize(table.factors[:, f], np.histogram(table.factors[:, f], 20)[1][:-1])
        for label in set(labels):
            group = codes[labels == label]
            deviations[:, f] += np.quantile(np.abs(group - group.mean(axis=0)), 0.99, axis=0) / len(set(labels))
    expected = np.average((1 - deviations / largest[:, None]).max(axis=1), weights=largest)
    assert METRICS["irs"](table, np.random.default_rng(0))["irs"] == pytest.approx(expected, abs=1e-9)


def test_total_correlation() -> None:
    table = dsprites_table()
    covariance = np.cov(table.codes.T)
    variance = np.diag(covariance)
    binned = [np.digitize(x, np.histogram(x, 20)[1][:-1]) for x in table.codes.T]
    mutual = [mutual_info_score(a, b) for i, a in enumerate(binned) for j, b in enumerate(binned) if i != j]
    root = scipy.linalg.sqrtm(covariance * variance[:, None])
    expected = {
        "total_correlation": 0.5 * (np.sum(np.log(variance)) - np.linalg.slogdet(covariance)[1]),
        "total_correlation/wasserstein": 2 * np.trace(covariance) - 2 * np.trace(root).real,
        "total_correlation/mutual_information": np.mean(mutual),
    }
    expected["total_correlation/wasserstein_norm"] = expected["total_correlation/wasserstein"] / variance.sum()
    found = METRICS["total_correlation"](table, np.random.default_rng(0))
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-9), key

"""ModelCentrality's votes and score in plain Python, as the protocol describes them: slow, and easy to read."""

import math


def slow_votes(groups, over_all, factors: int) -> list[list[int]]:
    """Returns votes [factors][K] of codes [M][L][K] in groups; deviations over all images are from codes [S][K]."""

    def deviation(values):
        mean = math.fsum(values) / len(values)
        return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))

    width = len(over_all[0])
    overall = [deviation([float(row[k]) for row in over_all]) for k in range(width)]
    votes = [[0] * width for _ in range(factors)]
    for m, group in enumerate(groups):
        relative = [deviation([float(row[k]) / overall[k] for row in group]) for k in range(width)]
        votes[m % factors][relative.index(min(relative))] += 1
    return votes


def slow_score(votes) -> float:
    """Returns the share of correct votes, where each code stands for the factor that it got most votes for."""
    right = sum(max(row[k] for row in votes) for k in range(len(votes[0])))
    return right / sum(map(sum, votes))

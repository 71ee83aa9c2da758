"""Settings of the metrics, saved with every score."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of all metrics; the defaults are those of disentanglement_lib's study.

    Args:
        bins: Number of equal-width bins per code (MIG, modularity, mutual information between codes) or factor (IRS).
            The earlier code of Semi-StyleGAN's authors (AC-StyleGAN) used 10.
        train_share: Share of the rows that classifiers are trained on (SAP, DCI, explicitness); they are tested on the
            rest. 15,000 rows give the reference's 10,000 and 5,000.
        group: Number of images in a group of FactorVAE, and of image pairs in a group of BetaVAE.
        train_groups: Number of groups for training (FactorVAE, BetaVAE).
        eval_groups: Number of groups for testing (FactorVAE, BetaVAE).
        least_deviation: Standard deviation below which a code does not vote (FactorVAE).
        quantile: Quantile of the deviations in a group that represents the largest one (IRS).

    Raises:
        ValueError: If a field is out of range; the message names it.
    """

    bins: int = 20
    train_share: float = 2 / 3
    group: int = 64
    train_groups: int = 10_000
    eval_groups: int = 5_000
    least_deviation: float = 0.05
    quantile: float = 0.99

    def __post_init__(self):
        for name, least in (("bins", 2), ("group", 2), ("train_groups", 1), ("eval_groups", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"`{name}` must be {least} or more. Received: {getattr(self, name)}.")
        if not 0 < self.train_share < 1:
            raise ValueError(f"`train_share` must be between 0 and 1, exclusive. Received: {self.train_share}.")
        if not 0 <= self.least_deviation < float("inf"):
            raise ValueError(f"`least_deviation` must be 0 or more. Received: {self.least_deviation}.")
        if not 0 < self.quantile <= 1:
            raise ValueError(f"`quantile` must be greater than 0 and at most 1. Received: {self.quantile}.")


DEFAULTS = Settings()

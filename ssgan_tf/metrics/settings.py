"""What scores depend on besides the table; kept beside every score."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
    """One value of everything that any metric lets one choose; the defaults are disentanglement_lib's study.

    Args:
        bins: equal-width bins of a code: MIG, modularity and the information between codes. The code that preceded
            Semi-StyleGAN used 10.
        train_share: the part of the rows that classifiers learn from (SAP, DCI, explicitness); the rest tests them.
            15,000 rows are then the reference's 10,000 and 5,000.
        group: pictures in a group that shares a factor (FactorVAE, BetaVAE).
        train_groups: groups that those two learn from.
        eval_groups: groups that they are tested on.
        least_deviation: FactorVAE leaves out codes of a smaller standard deviation.
        quantile: IRS takes this quantile of the deviations in a group for the largest.

    Raises:
        ValueError: naming the field that is out of range.
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
            raise ValueError(f"`train_share` must lie between 0 and 1. Received: {self.train_share}.")
        if not 0 <= self.least_deviation < float("inf"):
            raise ValueError(f"`least_deviation` must be 0 or more. Received: {self.least_deviation}.")
        if not 0 < self.quantile <= 1:
            raise ValueError(f"`quantile` must lie above 0 and be at most 1. Received: {self.quantile}.")


DEFAULTS = Settings()

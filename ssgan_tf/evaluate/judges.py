"""The oracles that judge a generator, or the reason why there are none."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ssgan_tf import data
from ssgan_tf.evaluate import inference, oracle, reliability


class Judges(NamedTuple):
    """Oracles of a data set.

    Args:
        oracles: The oracle and, if asked for, the second one; empty if the data set has too few labels.
        reason: Reason why no oracle may judge a generator; empty if they may.
        unreadable: {factor: reason} for the factors that the oracle cannot read.
    """

    oracles: tuple[oracle.Oracle, ...]
    reason: str
    unreadable: dict[str, str]

    @property
    def networks(self) -> Mapping[str, inference.Encoder]:
        """The oracles' networks, as `predictions.EvaluationTargets` takes them; empty if none may judge."""
        if self.reason:
            return {}
        first, *others = self.oracles
        networks = {"oracle": first.model.encode_with_features}
        return networks | {"second oracle": others[0].model.encode} if others else networks

    @property
    def held_out(self) -> np.ndarray | None:
        """Rows of images that no oracle was trained on."""
        return self.oracles[0].held_out if self.oracles else None

    @property
    def scores(self) -> list[dict[str, float]]:
        """Scores of the oracle and of the second one; {} for one that there is not."""
        return [*(o.scores for o in self.oracles), {}, {}][:2]


def load(dataset: data.FactorDataset, data_dir: str, images: int, quiet: bool, second: bool = True) -> Judges:
    """Loads the oracles of a data set, which are trained when they are first needed and cached in data_dir/oracles.

    An oracle does not judge factors in which it is not clearly better than a constant guess, and there is no judge if
    that is all of them.

    Args:
        dataset: Images and labels.
        data_dir: Folder of the prepared data sets.
        images: Length of the training, in images.
        quiet: Whether to print nothing and show no progress bar.
        second: Whether to load the second oracle too.

    Raises:
        OSError: An oracle cannot be saved.
    """
    cache = oracle.cache_in(data_dir)
    try:
        first = oracle.train_or_load(dataset, cache, oracle.OracleOptions(images=images), quiet)
    except ValueError as error:
        return Judges((), str(error), {})
    unreadable = reliability.unreadable_factors(first.scores, dataset.spec.names)
    if len(unreadable) == dataset.spec.size:
        name, why = next(iter(unreadable.items()))
        return Judges((first,), f"the oracle can read no factor ({name}: {why}). Label more images", unreadable)
    if not second:
        return Judges((first,), "", unreadable)
    other = oracle.train_or_load(dataset, cache, oracle.second_options(images), quiet)
    return Judges((first, other), "", unreadable)

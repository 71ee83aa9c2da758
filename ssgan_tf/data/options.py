"""Options of a config's data."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class DataOptions:
    """Data set, resolution, factors, labelled fraction and held-out images.

    Args:
        dataset: "name/config" (or "name/config/version") of a prepared data set.
        split: Name of the split, or several names joined by +.
        resolution: Height and width that images are reduced to by averaging areas; 0 keeps their size.
        factors: Names of the factors that become codes, in order; empty for all, in alphabetical order.
        labeled_fraction: eta, the fraction of the training images whose labels are used, in [0, 1].
        stratified: Whether every value of every factor gets its share of the labelled images. Otherwise they are
            chosen uniformly, as in the papers.
        held_out: Fraction of the images, chosen at random, that neither training nor the oracles see; in [0, 1).
        held_out_combinations: Combinations of factors whose images are held out too, such as
            "shape=0+object_hue=0..2"; see `held_out.choose_held_out`.
        held_out_labels: Fraction of the images with labels whose labels nobody trains on, in [0, 1): scores come from
            them where few images are labelled. The images themselves stay in training.
        memory_gib: Maximum size of the decoded images in memory, in GiB. Larger data sets are read from disk.

    Raises:
        ValueError: A field is out of range; the message names it.
    """

    dataset: str = "scene3d/demo"
    split: str = "train"
    resolution: int = 0
    factors: tuple[str, ...] = ()
    labeled_fraction: float = 0.025
    stratified: bool = False
    held_out: float = 0.0
    held_out_combinations: tuple[str, ...] = ()
    held_out_labels: float = 0.0
    memory_gib: float = 16.0

    def __post_init__(self):
        if not 0 <= self.labeled_fraction <= 1:
            raise ValueError(f"labeled_fraction: expected a number in [0, 1]. Received: {self.labeled_fraction}.")
        for name in ("held_out", "held_out_labels"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a number in [0, 1). Received: {getattr(self, name)}.")
        if self.resolution < 0:
            raise ValueError(f"resolution: expected 0, or a number of pixels. Received: {self.resolution}.")

"""What a config says about its data."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class DataOptions:
    """What is trained on.

    Args:
        dataset: "name/config" (or "name/config/version") of a prepared data set.
        split: of it; several with + between.
        resolution: height and width that images are reduced to by averaging areas; 0 leaves them as they are.
        factors: names of the factors that become codes, in order; empty for all, in alphabetical order.
        labeled_fraction: eta, the share of images whose labels are used, in [0, 1].
        stratified: choose the labelled images so that every value of every factor has its share of them; otherwise
            uniformly, as the papers do.
        memory_gib: the most memory that the decoded images may take, in GiB. Larger data sets are read from disk as
            they are needed.

    Raises:
        ValueError: naming the field that is out of range.
    """

    dataset: str = "scene3d/demo"
    split: str = "train"
    resolution: int = 0
    factors: tuple[str, ...] = ()
    labeled_fraction: float = 0.025
    stratified: bool = False
    memory_gib: float = 16.0

    def __post_init__(self):
        if not 0 <= self.labeled_fraction <= 1:
            raise ValueError(f"labeled_fraction: expected a number in [0, 1]. Received: {self.labeled_fraction}.")
        if self.resolution < 0:
            raise ValueError(f"resolution: expected 0, or a number of pixels. Received: {self.resolution}.")

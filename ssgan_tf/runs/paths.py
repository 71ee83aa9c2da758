"""Names of the files of a run. This module imports no TensorFlow, so programs that only read results start at once."""

import os


class RunPaths:
    """Paths of the files in the folder of a run.

    Args:
        path: Folder; it need not exist yet.
    """

    def __init__(self, path: str):
        self.path = path
        # Written when training starts.
        self.config = os.path.join(path, "config.json")
        self.factors = os.path.join(path, "factors.json")
        self.labels = os.path.join(path, "data.json")
        self.labeled_subset = os.path.join(path, "labeled_subset.npy")
        self.started_from = os.path.join(path, "started_from.json")
        self.replicas = os.path.join(path, "replicas.json")
        self.lock_file = os.path.join(path, "lock")
        # Written during training.
        self.checkpoints = os.path.join(path, "checkpoints")
        self.skipped_steps = os.path.join(path, "skipped_steps.json")
        self.log = os.path.join(path, "metrics.jsonl")
        self.tensorboard = os.path.join(path, "tensorboard")
        self.samples = os.path.join(path, "samples")
        # Written by evaluation.
        self.scores = os.path.join(path, "metrics.json")
        self.report = os.path.join(path, "metrics.txt")
        self.traversal = os.path.join(path, "traversal.png")

    def sample(self, name: str) -> str:
        """Returns the path of an image grid among the samples."""
        return os.path.join(self.samples, f"{name}.png")

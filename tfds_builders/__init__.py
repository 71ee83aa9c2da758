"""Data-set builders, one folder each, with common code in shared/. Run `tfds build tfds_builders/<name>`."""

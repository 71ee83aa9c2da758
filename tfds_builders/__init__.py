"""Data sets, one folder each, and in shared/ what several of them need; `tfds build tfds_builders/<name>`."""

"""Data-set builders, one folder each, with common code in shared/. `ssgan data build NAME` runs one."""

"""Falcor3D: a living room under changing light, 233,280 images with seven factors."""

"""Falcor3D: a living room under changing light, 233,280 pictures with seven factors."""

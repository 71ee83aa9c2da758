"""Cars3D: 183 cars seen from 96 directions."""

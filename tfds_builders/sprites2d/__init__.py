"""sprites2d: a white square, ellipse or heart on black, with known size, orientation and position."""

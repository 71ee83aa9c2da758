"""sprites2d: a white square, ellipse or heart on black, its size, turn and place known."""

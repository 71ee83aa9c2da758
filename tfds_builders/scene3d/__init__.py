"""scene3d: a rendered room with one object in it, and every factor of the picture known."""

"""scene3d: rendered images of a room with one object, all factors of which are known."""

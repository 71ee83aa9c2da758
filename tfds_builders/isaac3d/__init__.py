"""Isaac3D: a robot arm in a kitchen, 737,280 images with nine factors."""

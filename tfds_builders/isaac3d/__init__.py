"""Isaac3D: a robot arm in a kitchen, 737,280 pictures with nine factors."""

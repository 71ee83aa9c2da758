"""dsprites_noisy: dSprites in front of uniform noise."""

"""dsprites_scream: dSprites as the negative of a random part of a painting."""

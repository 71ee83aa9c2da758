"""dsprites_scream: dSprites with every sprite as the negative of a random part of a painting."""

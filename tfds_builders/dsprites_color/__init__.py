"""dsprites_color: dSprites, every sprite in a random colour."""

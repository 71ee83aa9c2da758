"""dsprites_color: dSprites with every sprite in a random colour."""

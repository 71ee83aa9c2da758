"""What several data sets need."""

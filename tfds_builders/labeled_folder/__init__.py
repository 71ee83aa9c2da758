"""Pictures in a folder, with labels.csv beside them, as a data set."""

"""From a folder of images and some labels to a data set and a config."""

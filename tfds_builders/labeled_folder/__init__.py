"""labeled_folder: a folder of images with a labels.csv, as a data set."""

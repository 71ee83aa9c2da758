"""Prepared TFDS data sets on disk -> images and labels by row number. `pipeline` makes batches of them.

A data set is read by name from `data_dir`; the code that built it is not needed. Its features are
{"image": uint8 [R,R,C], "factors": {name: integer label, -1 = unknown, or a number with a range}}; those of TFDS's own
catalogue, with labels beside the image, are read as they are.
"""

from ssgan_tf.data.dataset import DatasetInfo, FactorDataset, Images, inspect, load
from ssgan_tf.data.options import DataOptions
from ssgan_tf.data.stored_images import StoredImages
from ssgan_tf.data.tfds_reader import code_spec, open_builder

__all__ = [
    "DataOptions",
    "DatasetInfo",
    "Images",
    "FactorDataset",
    "StoredImages",
    "code_spec",
    "inspect",
    "load",
    "open_builder",
]

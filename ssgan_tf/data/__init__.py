"""Prepared TFDS data sets on disk -> images and labels by row number. Their batches: streams.py.

A data set is read by name from `data_dir`; the code that built it is not needed. Its features are
{"image": uint8 [R,R,C], "factors": {name: integer label, -1 = unknown, or a number with a range}}; those of TFDS's own
catalogue, with labels beside the image, are read as they are.
"""

from ssgan_tf.data.images import StoredImages
from ssgan_tf.data.options import DataOptions
from ssgan_tf.data.prepared import code_spec, open_builder
from ssgan_tf.data.tables import Header, Images, ImageTable, inspect, load

__all__ = [
    "DataOptions",
    "Header",
    "Images",
    "ImageTable",
    "StoredImages",
    "code_spec",
    "inspect",
    "load",
    "open_builder",
]

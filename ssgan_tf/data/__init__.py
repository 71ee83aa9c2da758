"""Prepared TFDS data sets: images and labels by row number, and training batches of them (`pipeline`).

A data set is read by name from `data_dir`, without the code that built it. Its features are
{"image": uint8 [R,R,C], "factors": {name: label}}; a label is an integer, -1 if unknown, or a number with a range.
Data sets of TFDS's own catalogue, with labels beside the image, can be read too.
"""

from typing import TYPE_CHECKING

from ssgan_tf.utils.lazy import lazy_attributes

if TYPE_CHECKING:
    from ssgan_tf.data.dataset import DatasetInfo, FactorDataset, Images, inspect, load
    from ssgan_tf.data.options import DataOptions
    from ssgan_tf.data.stored_images import StoredImages
    from ssgan_tf.data.tfds_reader import code_spec, open_builder

__all__ = [
    "DataOptions",
    "DatasetInfo",
    "FactorDataset",
    "Images",
    "StoredImages",
    "code_spec",
    "inspect",
    "load",
    "open_builder",
]
__getattr__ = lazy_attributes(
    __name__,
    {
        "DataOptions": "options",
        "DatasetInfo": "dataset",
        "FactorDataset": "dataset",
        "Images": "dataset",
        "StoredImages": "stored_images",
        "code_spec": "tfds_reader",
        "inspect": "dataset",
        "load": "dataset",
        "open_builder": "tfds_reader",
    },
)
